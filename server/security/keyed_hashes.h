/*
 * Addresses, message ids and what messages say as numbers, by keyed hashes. The contexts are armed
 * with their keys once, which saves most of the time that a single hash takes; so they are one
 * thread's.
 */
#ifndef SERVER_SECURITY_KEYED_HASHES_H
#define SERVER_SECURITY_KEYED_HASHES_H

#include <stddef.h>
#include <stdint.h>

struct keys;
struct keyed_hashes;
struct keyed_number;
struct uic_hasher;

/* Copies what it needs of the keys. NULL when the cryptographic library fails. */
struct keyed_hashes *keyed_hashes_create(const struct keys *keys);
void keyed_hashes_free(struct keyed_hashes *hashes);

/* Eight hexadecimal digits that stand in the log for who has a session (its who), others on
 * each day (UTC): who has a log follows nobody over midnight. */
#define KEYED_HASHES_TAG_MAX 9
#define KEYED_HASHES_WHO_SIZE 16
void keyed_hashes_tag(struct keyed_hashes *hashes, const unsigned char who[KEYED_HASHES_WHO_SIZE],
                      int64_t now_s, char tag[KEYED_HASHES_TAG_MAX]);
/* The same for who has an address, without a session. */
void keyed_hashes_address_tag(struct keyed_hashes *hashes, const char *address, size_t length,
                              int64_t now_s, char tag[KEYED_HASHES_TAG_MAX]);

/* A provider's message id as a number, never 0 but when the cryptographic library fails. */
uint64_t keyed_hashes_message_id(struct keyed_hashes *hashes, const char *id, size_t length);

/* A number or a user id as records remember it; the beginning of the hash is enough to know again
 * who asked. Returns 0, or -1 when the cryptographic library fails. */
#define KEYED_HASHES_PERSON_SIZE 16
int keyed_hashes_person(struct keyed_hashes *hashes, const char *who,
                        unsigned char person[KEYED_HASHES_PERSON_SIZE]);

/* Makes codes and the hashes of answers (uic/hasher.h). Lives as long as hashes. */
struct uic_hasher *keyed_hashes_answers(struct keyed_hashes *hashes);
/* Makes what is near answers (flow_near). Lives as long as hashes. */
struct keyed_number *keyed_hashes_near(struct keyed_hashes *hashes);

/* What a message says as a number; 0 when the cryptographic library fails. */
uint64_t keyed_hashes_message_text(struct keyed_hashes *hashes, const char *text, size_t length);

#endif
