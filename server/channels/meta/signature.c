/* Computes what Meta would have signed and compares. */
#include "server/channels/meta/signature.h"

#include <openssl/crypto.h>
#include <string.h>

#define PREFIX "sha256="
#define DIGEST_SIZE 32

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* As Meta writes it, in lower case. */
static bool read_digest(const char *value, unsigned char digest[DIGEST_SIZE])
{
    if (strncmp(value, PREFIX, sizeof PREFIX - 1) != 0 ||
        strlen(value) != sizeof PREFIX - 1 + 2 * DIGEST_SIZE)
        return false;
    value += sizeof PREFIX - 1;
    for (size_t i = 0; i < DIGEST_SIZE; i++) {
        int high = hex_digit(value[2 * i]), low = hex_digit(value[2 * i + 1]);

        if (high < 0 || low < 0)
            return false;
        digest[i] = (unsigned char)(high * 16 + low);
    }
    return true;
}

bool meta_signature_matches(struct hmac_secrets *secrets, const char *body, size_t length,
                            const char *value)
{
    unsigned char said[DIGEST_SIZE], computed[DIGEST_SIZE];
    size_t size;

    if (!read_digest(value, said))
        return false;
    for (size_t i = 0; i < secrets->count; i++) {
        EVP_MAC_CTX *context = secrets->contexts[i];

        if (EVP_MAC_init(context, NULL, 0, NULL) == 1 &&
            EVP_MAC_update(context, (const unsigned char *)body, length) == 1 &&
            EVP_MAC_final(context, computed, &size, sizeof computed) == 1 && size == DIGEST_SIZE &&
            CRYPTO_memcmp(computed, said, DIGEST_SIZE) == 0)
            return true;
    }
    return false;
}
