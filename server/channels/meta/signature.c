/* Computes what Meta would have signed and compares. */
#include "server/channels/meta/signature.h"

#include "store/base/hex.h"
#include <openssl/crypto.h>
#include <string.h>

#define PREFIX "sha256="
#define DIGEST_SIZE 32

/* As Meta writes it, in lower case. */
bool meta_signature_matches(struct hmac_secrets *secrets, const char *body, size_t length,
                            const char *value)
{
    char text[sizeof PREFIX + 2 * (size_t)DIGEST_SIZE] = PREFIX;
    unsigned char digest[DIGEST_SIZE];
    size_t size;

    if (strlen(value) != sizeof text - 1)
        return false;
    for (size_t i = 0; i < secrets->count; i++) {
        EVP_MAC_CTX *context = secrets->contexts[i];

        if (EVP_MAC_init(context, NULL, 0, NULL) != 1 ||
            EVP_MAC_update(context, (const unsigned char *)body, length) != 1 ||
            EVP_MAC_final(context, digest, &size, sizeof digest) != 1 || size != DIGEST_SIZE)
            continue;
        hex_write(digest, size, text + sizeof PREFIX - 1);
        if (CRYPTO_memcmp(text, value, sizeof text - 1) == 0)
            return true;
    }
    return false;
}
