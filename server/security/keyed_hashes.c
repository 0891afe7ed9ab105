/* HMAC-SHA256 with a key for each use, of which the first eight bytes are used. */
#include "server/security/keyed_hashes.h"

#include "server/security/keys.h"
#include "store/base/keyed_hash.h"
#include <stdlib.h>

struct keyed_hashes {
    struct keyed_hash *log_tag;
    struct keyed_hash *message_id;
    struct keyed_hash *message_text;
};

struct keyed_hashes *keyed_hashes_create(const struct keys *keys)
{
    struct keyed_hashes *hashes = calloc(1, sizeof *hashes);

    if (hashes == NULL)
        return NULL;
    hashes->log_tag = keyed_hash_create(keys->log_tag);
    hashes->message_id = keyed_hash_create(keys->message_id);
    hashes->message_text = keyed_hash_create(keys->message_text);
    if (hashes->log_tag != NULL && hashes->message_id != NULL && hashes->message_text != NULL)
        return hashes;
    keyed_hashes_free(hashes);
    return NULL;
}

void keyed_hashes_free(struct keyed_hashes *hashes)
{
    if (hashes == NULL)
        return;
    keyed_hash_free(hashes->log_tag);
    keyed_hash_free(hashes->message_id);
    keyed_hash_free(hashes->message_text);
    free(hashes);
}

uint64_t keyed_hashes_address(struct keyed_hashes *hashes, const char *address, size_t length,
                              char tag[KEYED_HASHES_TAG_MAX])
{
    static const char digits[] = "0123456789abcdef";
    uint64_t number;

    keyed_hash_number(hashes->log_tag, address, length, &number);
    for (int i = 0; i < KEYED_HASHES_TAG_MAX - 1; i++)
        tag[i] = digits[number >> (60 - 4 * i) & 15];
    tag[KEYED_HASHES_TAG_MAX - 1] = '\0';
    return number;
}

uint64_t keyed_hashes_message_id(struct keyed_hashes *hashes, const char *id, size_t length)
{
    uint64_t number;

    if (keyed_hash_number(hashes->message_id, id, length, &number) != 0)
        return 0;
    return number != 0 ? number : 1;
}

uint64_t keyed_hashes_message_text(struct keyed_hashes *hashes, const char *text, size_t length)
{
    uint64_t number;

    keyed_hash_number(hashes->message_text, text, length, &number);
    return number;
}
