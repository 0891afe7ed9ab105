/* Numbers and user ids as Meta writes them, and what it tells when one of them changes. Pure. */
#ifndef SERVER_CHANNELS_META_PERSON_H
#define SERVER_CHANNELS_META_PERSON_H

#include "server/exchange/message.h"
#include <jansson.h>

/* In front of addresses: a person is another one than under Twilio's "whatsapp:". What follows is a
 * user id, which begins with a letter, or for who has none "+" and a number. */
#define META_SCHEME "meta:"

/* Digits alone. */
bool meta_is_number(const char *text, size_t length);
/* The one below key, that an address has room for; or NULL. */
const char *meta_number_read(const json_t *json, const char *key, size_t *length);
const char *meta_user_id_read(const json_t *json, const char *key, size_t *length);

/* A person's number or user id before and from now on, numbers with their plus; "" is not known. */
enum meta_move_side { META_MOVE_FROM, META_MOVE_TO };
struct meta_move {
    const char *id; /* of the message that tells it, in the caller's text */
    size_t id_length;
    uint64_t key;   /* of whoever carries it out: it outlives the text */
    int64_t sent_s; /* by Meta's clock */
    char numbers[2][MESSAGE_ADDRESS_MAX + 1];
    char user_ids[2][MESSAGE_ADDRESS_MAX + 1];
};

/* Fills in whose, of a message of the system's. Returns 0, or -1 when it tells of no such change.
 */
int meta_move_read(const json_t *message, struct meta_move *move);

#endif
