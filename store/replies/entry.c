/* Replies to sealed bytes and back. */
#include "store/replies/entry.h"

#include <endian.h>
#include <openssl/crypto.h>
#include <string.h>

#define LAYOUT_VERSION 1
#define HEAD_SIZE (1 + 8 + 1)

_Static_assert(REPLY_ADDRESS_MAX < 256, "a length fits a byte");
_Static_assert(REPLIES_KEY_SIZE == SEAL_KEY_SIZE, "one size of keys");

size_t replies_entry_seal(struct seal *seal, const struct replies_entry *entry,
                          unsigned char kept[REPLY_KEPT_MAX])
{
    const uint64_t created_ms = htobe64((uint64_t)entry->created_ms);
    unsigned char clear[REPLY_CLEAR_MAX], *at = clear;

    if (entry->address_length > REPLY_ADDRESS_MAX || entry->body_length > REPLY_BODY_MAX)
        return 0;
    *at++ = LAYOUT_VERSION;
    at = mempcpy(at, &created_ms, sizeof created_ms);
    *at++ = (unsigned char)entry->address_length;
    at = mempcpy(at, entry->address, entry->address_length);
    at = mempcpy(at, entry->body, entry->body_length);

    const size_t length = (size_t)(at - clear);
    const struct seal_terms terms = {REPLIES_PREFIX, SEAL_ANY_SUBKEY, entry->created_ms / 1000};
    const int status = seal_wrap(seal, &terms, clear, length, kept);
    OPENSSL_cleanse(clear, sizeof clear);
    memset(kept + length + SEAL_OVERHEAD, 0, REPLY_TAIL_SIZE);
    return status == 0 ? length + SEAL_OVERHEAD + REPLY_TAIL_SIZE : 0;
}

/* The body makes room for the NUL behind the address. */
static int reply_read(struct reply *reply, unsigned char *clear, size_t length)
{
    uint64_t created_ms;

    if (length < HEAD_SIZE || clear[0] != LAYOUT_VERSION || clear[9] > length - HEAD_SIZE)
        return -1;
    memcpy(&created_ms, clear + 1, sizeof created_ms);
    char *address = (char *)clear + HEAD_SIZE;
    reply->created_ms = (int64_t)be64toh(created_ms);
    reply->address_length = clear[9];
    reply->body_length = length - HEAD_SIZE - reply->address_length;
    char *body = address + reply->address_length + 1;
    memmove(body, body - 1, reply->body_length);
    body[-1] = body[reply->body_length] = '\0';
    reply->address = address;
    reply->body = body;
    return 0;
}

int replies_entry_open(struct seal *seal, const unsigned char *kept, size_t length,
                       unsigned char *clear, struct reply *reply)
{
    struct seal_opened opened;

    if (length < REPLY_TAIL_SIZE)
        return -1;
    reply->attempts = kept[length - 2];
    reply->memo = kept[length - 1];
    const int status =
        seal_unwrap(seal, REPLIES_PREFIX, kept, length - REPLY_TAIL_SIZE, clear, length, &opened);
    return status == 0 ? reply_read(reply, clear, opened.length) : status;
}
