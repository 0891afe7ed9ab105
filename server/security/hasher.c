/* HMAC-SHA256 with a key for each use, of which the first eight bytes are used. */
#include "server/security/hasher.h"

#include "server/security/keys.h"
#include "store/base/keyed_hash.h"
#include <stdlib.h>

struct hasher {
    struct keyed_hash *log_tag;
    struct keyed_hash *message_id;
    struct keyed_hash *message_text;
};

struct hasher *hasher_create(const struct keys *keys)
{
    struct hasher *hasher = calloc(1, sizeof *hasher);

    if (hasher == NULL)
        return NULL;
    hasher->log_tag = keyed_hash_create(keys->log_tag);
    hasher->message_id = keyed_hash_create(keys->message_id);
    hasher->message_text = keyed_hash_create(keys->message_text);
    if (hasher->log_tag != NULL && hasher->message_id != NULL && hasher->message_text != NULL)
        return hasher;
    hasher_free(hasher);
    return NULL;
}

void hasher_free(struct hasher *hasher)
{
    if (hasher == NULL)
        return;
    keyed_hash_free(hasher->log_tag);
    keyed_hash_free(hasher->message_id);
    keyed_hash_free(hasher->message_text);
    free(hasher);
}

uint64_t hasher_address(struct hasher *hasher, const char *address, size_t length,
                        char tag[HASHER_TAG_MAX])
{
    static const char digits[] = "0123456789abcdef";
    uint64_t number;

    keyed_hash_number(hasher->log_tag, address, length, &number);
    for (int i = 0; i < HASHER_TAG_MAX - 1; i++)
        tag[i] = digits[number >> (60 - 4 * i) & 15];
    tag[HASHER_TAG_MAX - 1] = '\0';
    return number;
}

uint64_t hasher_message_id(struct hasher *hasher, const char *id, size_t length)
{
    uint64_t number;

    if (keyed_hash_number(hasher->message_id, id, length, &number) != 0)
        return 0;
    return number != 0 ? number : 1;
}

uint64_t hasher_message_text(struct hasher *hasher, const char *text, size_t length)
{
    uint64_t number;

    keyed_hash_number(hasher->message_text, text, length, &number);
    return number;
}
