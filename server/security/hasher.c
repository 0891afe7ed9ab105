/* HMAC-SHA256 with a key for each use, of which the first eight bytes are used. */
#include "server/security/hasher.h"

#include "server/channels/hmac_secrets.h"
#include "server/security/keys.h"
#include <stdlib.h>

struct hasher {
    EVP_MAC_CTX *log_tag;
    EVP_MAC_CTX *message_id;
    EVP_MAC_CTX *message_text;
};

struct hasher *hasher_create(const struct keys *keys)
{
    struct hasher *hasher = calloc(1, sizeof *hasher);

    if (hasher == NULL)
        return NULL;
    hasher->log_tag = hmac_context_create(keys->log_tag, KEY_SIZE, "SHA256");
    hasher->message_id = hmac_context_create(keys->message_id, KEY_SIZE, "SHA256");
    hasher->message_text = hmac_context_create(keys->message_text, KEY_SIZE, "SHA256");
    if (hasher->log_tag != NULL && hasher->message_id != NULL && hasher->message_text != NULL)
        return hasher;
    hasher_free(hasher);
    return NULL;
}

void hasher_free(struct hasher *hasher)
{
    if (hasher == NULL)
        return;
    EVP_MAC_CTX_free(hasher->log_tag);
    EVP_MAC_CTX_free(hasher->message_id);
    EVP_MAC_CTX_free(hasher->message_text);
    free(hasher);
}

/* The beginning of the hash, highest byte first. Returns 0, or -1 with 0 for a number. */
static int hash(EVP_MAC_CTX *mac, const char *bytes, size_t length, uint64_t *number)
{
    unsigned char digest[EVP_MAX_MD_SIZE];
    size_t size;

    *number = 0;
    if (EVP_MAC_init(mac, NULL, 0, NULL) != 1 ||
        EVP_MAC_update(mac, (const unsigned char *)bytes, length) != 1 ||
        EVP_MAC_final(mac, digest, &size, sizeof digest) != 1)
        return -1;
    for (size_t i = 0; i < sizeof *number; i++)
        *number = *number << 8 | digest[i];
    return 0;
}

uint64_t hasher_address(struct hasher *hasher, const char *address, size_t length,
                        char tag[HASHER_TAG_MAX])
{
    static const char digits[] = "0123456789abcdef";
    uint64_t number;

    hash(hasher->log_tag, address, length, &number);
    for (int i = 0; i < HASHER_TAG_MAX - 1; i++)
        tag[i] = digits[number >> (60 - 4 * i) & 15];
    tag[HASHER_TAG_MAX - 1] = '\0';
    return number;
}

uint64_t hasher_message_id(struct hasher *hasher, const char *id, size_t length)
{
    uint64_t number;

    if (hash(hasher->message_id, id, length, &number) != 0)
        return 0;
    return number != 0 ? number : 1;
}

uint64_t hasher_message_text(struct hasher *hasher, const char *text, size_t length)
{
    uint64_t number;

    hash(hasher->message_text, text, length, &number);
    return number;
}
