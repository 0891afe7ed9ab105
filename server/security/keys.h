/*
 * Every secret that is derived from the salt, by HKDF-SHA256 with a label for each use, so that
 * none tells anything about another.
 */
#ifndef SERVER_SECURITY_KEYS_H
#define SERVER_SECURITY_KEYS_H

#define KEY_SIZE 32
#define KEY_LABEL_NEAR "record near"

struct keys {
    unsigned char session_address[KEY_SIZE]; /* address -> session name */
    unsigned char session_seal[KEY_SIZE];    /* sessions at rest */
    unsigned char record_input[KEY_SIZE];    /* answers -> input_hash */
    unsigned char record_asker[KEY_SIZE];    /* number or user id -> who asked for a record */
    unsigned char record_erased[KEY_SIZE];   /* what stands for a person -> who was erased */
    unsigned char record_near[KEY_SIZE];     /* all answers but one -> what is near them */
    unsigned char outbox_seal[KEY_SIZE];     /* records on their way to the database */
    unsigned char reply_seal[KEY_SIZE];      /* replies on their way to people */
    unsigned char reply_address[KEY_SIZE];   /* address -> whose the replies are */
    unsigned char message_id[KEY_SIZE];      /* provider's message id -> a number */
    unsigned char message_text[KEY_SIZE];    /* what a message says -> a number, to know it again */
    unsigned char log_day[KEY_SIZE];         /* day -> the key of its tags of addresses */
    unsigned char phone_number[2 * KEY_SIZE]; /* numbers in records, if they are sealed */
};

/* Returns 0, or -1 when the cryptographic library fails. */
int keys_derive(struct keys *keys, const char *salt);
void keys_wipe(struct keys *keys);

/* One more key, from another secret; the same as keys_derive's for its label. Returns 0, or -1 when
 * the cryptographic library fails. */
int key_derive(unsigned char key[KEY_SIZE], const char *secret, const char *label);

#endif
