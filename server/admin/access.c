/* Makes and reads passes, and knows the token by its digest. */
#include "server/admin/access.h"

#include "server/security/keys.h"
#include "store/base/hex.h"
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGEST_SIZE 32
/* So much the clocks of two instances may differ. */
#define CLOCKS_APART_S (60 * 60)

struct access {
    bool open;
    unsigned char token_key[KEY_SIZE]; /* what is compared is a digest under it */
    unsigned char token_digest[DIGEST_SIZE];
    unsigned char pass_key[KEY_SIZE];
};

static int digest(const unsigned char key[KEY_SIZE], const char *text, size_t length,
                  unsigned char out[DIGEST_SIZE])
{
    unsigned size;

    return HMAC(EVP_sha256(), key, KEY_SIZE, (const unsigned char *)text, length, out, &size) ? 0
                                                                                              : -1;
}

struct access *access_create(const char *token)
{
    struct access *access = calloc(1, sizeof *access);

    if (access == NULL || token == NULL)
        return access;
    if (key_derive(access->token_key, token, "admin token") != 0 ||
        key_derive(access->pass_key, token, "admin pass") != 0 ||
        digest(access->token_key, token, strlen(token), access->token_digest) != 0) {
        access_free(access);
        return NULL;
    }
    access->open = true;
    return access;
}

void access_free(struct access *access)
{
    if (access == NULL)
        return;
    OPENSSL_cleanse(access, sizeof *access);
    free(access);
}

bool access_is_open(const struct access *access)
{
    return access->open;
}

bool access_takes_token(const struct access *access, const char *text, size_t length)
{
    unsigned char given[DIGEST_SIZE];

    return access->open && digest(access->token_key, text, length, given) == 0 &&
           CRYPTO_memcmp(given, access->token_digest, DIGEST_SIZE) == 0;
}

/* A pass is "END.NAME.PROOF": the second at which it ends, a random name, and the HMAC of both, in
 * hexadecimal. */
static int write_pass(const struct access *access, struct access_pass *pass, uint64_t name)
{
    unsigned char proof[DIGEST_SIZE];
    int length =
        snprintf(pass->text, sizeof pass->text, "%" PRId64 ".%016" PRIx64, pass->end_s, name);

    if (digest(access->pass_key, pass->text, (size_t)length, proof) != 0)
        return -1;
    pass->text[length++] = '.';
    hex_write(proof, DIGEST_SIZE, pass->text + length);
    return 0;
}

_Static_assert(20 + 1 + 16 + 1 + 2 * DIGEST_SIZE < ACCESS_PASS_MAX, "room for a pass");

int access_make_pass(const struct access *access, int64_t now_s, struct access_pass *pass)
{
    uint64_t name;

    pass->end_s = now_s + ACCESS_PASS_SECONDS;
    if (RAND_bytes((unsigned char *)&name, sizeof name) != 1)
        return -1;
    return write_pass(access, pass, name);
}

/* Whether it is ours is asked of the very text that we would have written. */
static enum access_find judge_pass(const struct access *access, const char *text, size_t length,
                                   int64_t now_s, struct access_pass *pass)
{
    char *stop;

    pass->end_s = strtoll(text, &stop, 10);
    if (pass->end_s <= 0 || *stop != '.')
        return PASS_NONE;
    uint64_t name = strtoull(stop + 1, NULL, 16);
    if (write_pass(access, pass, name) != 0 || strlen(pass->text) != length ||
        CRYPTO_memcmp(pass->text, text, length) != 0)
        return PASS_NONE;
    /* One that lasts longer than any is of a clock that was wrong. */
    return now_s < pass->end_s && pass->end_s - now_s <= ACCESS_PASS_SECONDS + CLOCKS_APART_S
               ? PASS_VALID
               : PASS_OVER;
}

enum access_find access_find_pass(const struct access *access, const char *cookies, int64_t now_s,
                                  struct access_pass *pass)
{
    const size_t name = sizeof ACCESS_COOKIE - 1;
    enum access_find best = PASS_NONE;

    if (!access->open || cookies == NULL)
        return PASS_NONE;
    for (;;) {
        cookies += strspn(cookies, "; ");
        size_t length = strcspn(cookies, "; ");
        if (length == 0)
            return best;
        if (length > name && memcmp(cookies, ACCESS_COOKIE "=", name + 1) == 0) {
            struct access_pass found;
            enum access_find what =
                judge_pass(access, cookies + name + 1, length - name - 1, now_s, &found);
            if (what > best) {
                best = what;
                *pass = found;
            }
        }
        cookies += length;
    }
}
