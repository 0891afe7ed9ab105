/* Tokens and passes. How one logs in is left to login.c. */
#include "server/admin/access.h"

#include "server/http/bearer.h"
#include "server/security/keys.h"
#include "server/telemetry/log.h"
#include "server/telemetry/metrics.h"
#include "store/clock.h"
#include <inttypes.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DIGEST_SIZE 32

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

/* A pass is "END.PROOF": the second at which it ends, and the HMAC of that, in hexadecimal. */
static int write_pass(const struct access *access, int64_t end_s, char pass[ACCESS_PASS_MAX])
{
    unsigned char proof[DIGEST_SIZE];
    int length = snprintf(pass, ACCESS_PASS_MAX, "%" PRId64, end_s);

    if (length <= 0 || length > ACCESS_PASS_MAX - 2 * DIGEST_SIZE - 2 ||
        digest(access->pass_key, pass, (size_t)length, proof) != 0)
        return -1;
    pass[length++] = '.';
    for (size_t i = 0; i < DIGEST_SIZE; i++)
        length += snprintf(pass + length, 3, "%02x", proof[i]);
    return 0;
}

int access_make_pass(const struct access *access, int64_t now_s, char pass[ACCESS_PASS_MAX])
{
    return write_pass(access, now_s + ACCESS_PASS_SECONDS, pass);
}

/* Whether it is ours is asked of the very text that we would have written. */
static enum access_pass judge_pass(const struct access *access, const char *text, size_t length,
                                   int64_t now_s)
{
    char ours[ACCESS_PASS_MAX];
    char *stop;
    int64_t end_s = strtoll(text, &stop, 10);

    if (end_s <= 0 || write_pass(access, end_s, ours) != 0 || strlen(ours) != length ||
        CRYPTO_memcmp(ours, text, length) != 0)
        return PASS_NONE;
    return now_s < end_s ? PASS_VALID : PASS_OVER;
}

enum access_pass access_find_pass(const struct access *access, const char *cookies, int64_t now_s)
{
    const size_t name = sizeof ACCESS_COOKIE - 1;
    enum access_pass best = PASS_NONE;

    if (!access->open || cookies == NULL)
        return PASS_NONE;
    for (;;) {
        size_t length;
        cookies += strspn(cookies, "; ");
        length = strcspn(cookies, "; ");
        if (length == 0)
            return best;
        if (length > name && memcmp(cookies, ACCESS_COOKIE "=", name + 1) == 0) {
            enum access_pass found =
                judge_pass(access, cookies + name + 1, length - name - 1, now_s);
            best = found > best ? found : best;
        }
        cookies += length;
    }
}

bool access_allows(const struct access *access, const struct http_request *request)
{
    const char *token = bearer_token(request);

    if (!access->open)
        return false;
    if (token != NULL && access_takes_token(access, token, strlen(token)))
        return true;
    return access_find_pass(access, http_header(request, "Cookie"), clock_wall_s()) == PASS_VALID;
}

void access_refuse(const struct access *access, struct http_request *request)
{
    char client[PEER_TEXT_MAX];

    if (!access->open) {
        http_reply_error(request, 404, "there is nothing at this path");
        return;
    }
    http_client(request, client);
    metrics_add(METRIC_ADMIN_REFUSED, 1);
    log_write(LOG_WARNING, "admin_refused", log_text("path", request->path),
              log_text("client", client));
    bearer_refuse(request, "{\"error\":\"the token of the administration is needed\"}\n");
}
