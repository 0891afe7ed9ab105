/* Compares digests, for they have one length. */
#include "server/security/secret.h"

#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <string.h>

bool secret_is(const char *secret, const char *given, size_t length)
{
    unsigned char ours[SHA256_DIGEST_LENGTH], theirs[SHA256_DIGEST_LENGTH];

    SHA256((const unsigned char *)secret, strlen(secret), ours);
    SHA256((const unsigned char *)given, length, theirs);
    bool same = CRYPTO_memcmp(ours, theirs, sizeof ours) == 0;
    OPENSSL_cleanse(ours, sizeof ours);
    OPENSSL_cleanse(theirs, sizeof theirs);
    return same;
}
