/* Replies to sealed bytes and back. */
#include "store/replies/entry.h"

#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define LAYOUT_VERSION 1
#define HEAD_SIZE (1 + 8 + 1)

_Static_assert(REPLY_ADDRESS_MAX < 256, "a length fits a byte");
_Static_assert(REPLIES_KEY_SIZE == SEAL_KEY_SIZE, "one size of keys");

size_t replies_entry_seal(struct seal *seal, const struct replies_entry *entry,
                          unsigned char sealed[REPLY_SEALED_MAX])
{
    unsigned char clear[REPLY_CLEAR_MAX];
    unsigned char *at = clear;

    if (entry->address_length > REPLY_ADDRESS_MAX || entry->body_length > REPLY_BODY_MAX)
        return 0;
    *at++ = LAYOUT_VERSION;
    for (int shift = 56; shift >= 0; shift -= 8)
        *at++ = (unsigned char)((uint64_t)entry->created_ms >> shift);
    *at++ = (unsigned char)entry->address_length;
    memcpy(at, entry->address, entry->address_length);
    at += entry->address_length;
    memcpy(at, entry->body, entry->body_length);
    at += entry->body_length;

    size_t length = (size_t)(at - clear);
    int status = seal_wrap(seal, REPLIES_PREFIX, clear, length, sealed);
    OPENSSL_cleanse(clear, sizeof(clear));
    return status == 0 ? length + SEAL_OVERHEAD : 0;
}

/* One allocation holds both texts, each with a NUL. */
static int reply_read(struct reply *reply, const unsigned char *clear, size_t length)
{
    uint64_t created_ms = 0;

    if (length < HEAD_SIZE || clear[0] != LAYOUT_VERSION || clear[9] > length - HEAD_SIZE)
        return -1;
    for (int i = 1; i <= 8; i++)
        created_ms = created_ms << 8 | clear[i];
    size_t address_length = clear[9], body_length = length - HEAD_SIZE - address_length;
    char *texts = malloc(address_length + body_length + 2);
    if (texts == NULL)
        return -1;
    memcpy(texts, clear + HEAD_SIZE, address_length);
    texts[address_length] = '\0';
    char *body = texts + address_length + 1;
    memcpy(body, clear + HEAD_SIZE + address_length, body_length);
    body[body_length] = '\0';
    reply->address = texts;
    reply->address_length = address_length;
    reply->body = body;
    reply->body_length = body_length;
    reply->created_ms = (int64_t)created_ms;
    return 0;
}

int replies_entry_open(struct seal *seal, const unsigned char *sealed, size_t length,
                       struct reply *reply)
{
    unsigned char clear[REPLY_CLEAR_MAX];
    size_t clear_length;

    if (seal_unwrap(seal, REPLIES_PREFIX, sealed, length, clear, sizeof(clear), &clear_length) < 0)
        return -1;
    int status = reply_read(reply, clear, clear_length);
    OPENSSL_cleanse(clear, sizeof(clear));
    return status;
}

void replies_entry_wipe(struct reply *reply)
{
    if (reply->address == NULL)
        return;
    OPENSSL_cleanse((void *)(uintptr_t)reply->address,
                    reply->address_length + reply->body_length + 2);
    free((void *)(uintptr_t)reply->address);
    reply->address = reply->body = NULL;
    reply->address_length = reply->body_length = 0;
}
