/* Computes what Twilio would have signed and compares. What a refusal looks like is left to
 * twilio.c. */
#include "server/channels/signature.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

#define DIGEST_SIZE 20
#define VALUE_LENGTH 28 /* base64 of a digest */

/* The public URL, cut where a port stands or would stand. */
struct url {
    const char *host; /* with the scheme in front */
    size_t host_length;
    const char *port; /* with its colon: the URL's own, or the scheme's */
    size_t port_length;
    bool has_port;
    const char *path;
};

struct signature {
    struct url url;
    EVP_MAC_CTX *tokens[SIGNATURE_TOKENS_MAX];
    size_t token_count;
};

static struct url url_cut(const char *text)
{
    struct url url = {.host = text};
    const char *mark = strstr(text, "://");
    const char *authority = mark == NULL ? text : mark + 3;
    const char *path = authority + strcspn(authority, "/");
    const char *bracket = memchr(authority, ']', (size_t)(path - authority)); /* of IPv6 */
    const char *from = bracket == NULL ? authority : bracket;
    const char *colon = memchr(from, ':', (size_t)(path - from));

    url.path = path;
    url.has_port = colon != NULL;
    url.host_length = (size_t)((colon == NULL ? path : colon) - text);
    if (url.has_port) {
        url.port = colon;
        url.port_length = (size_t)(path - colon);
    } else {
        url.port = strncmp(text, "https:", 6) == 0 ? ":443" : ":80";
        url.port_length = strlen(url.port);
    }
    return url;
}

/* A context that holds the token; each computation starts from it anew. */
static EVP_MAC_CTX *token_context(const char *token, size_t length)
{
    char digest[] = "SHA1";
    const OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *context = mac == NULL ? NULL : EVP_MAC_CTX_new(mac);

    EVP_MAC_free(mac);
    if (context != NULL &&
        EVP_MAC_init(context, (const unsigned char *)token, length, params) != 1) {
        EVP_MAC_CTX_free(context);
        return NULL;
    }
    return context;
}

struct signature *signature_create(const char *tokens, const char *public_url)
{
    struct signature *signature = calloc(1, sizeof *signature);

    if (signature == NULL)
        return NULL;
    signature->url = url_cut(public_url);
    while (*tokens != '\0' && signature->token_count < SIGNATURE_TOKENS_MAX) {
        size_t length = strcspn(tokens, ",");
        if (length > 0) {
            EVP_MAC_CTX *context = token_context(tokens, length);
            if (context == NULL)
                break;
            signature->tokens[signature->token_count++] = context;
        }
        tokens += length + (tokens[length] == ',');
    }
    if (signature->token_count == 0 || *tokens != '\0') {
        signature_free(signature);
        return NULL;
    }
    return signature;
}

void signature_free(struct signature *signature)
{
    if (signature == NULL)
        return;
    for (size_t i = 0; i < signature->token_count; i++)
        EVP_MAC_CTX_free(signature->tokens[i]);
    free(signature);
}

static int text_compare(const struct form_text *a, const struct form_text *b)
{
    size_t shorter = a->length < b->length ? a->length : b->length;
    int order = shorter == 0 ? 0 : memcmp(a->bytes, b->bytes, shorter);

    return order != 0 ? order : (a->length > b->length) - (a->length < b->length);
}

/* By key, then by value, so that what stands twice stands side by side. */
static int field_compare(const void *left, const void *right)
{
    const struct form_field *a = *(const struct form_field *const *)left;
    const struct form_field *b = *(const struct form_field *const *)right;
    int order = text_compare(&a->key, &b->key);

    return order != 0 ? order : text_compare(&a->value, &b->value);
}

/* The form's distinct fields in the order of the signature; returns how many. */
static size_t fields_sort(const struct form *form, const struct form_field **fields)
{
    size_t count = 0;

    for (size_t i = 0; i < form->count; i++)
        fields[i] = &form->fields[i];
    qsort(fields, form->count, sizeof *fields, field_compare);
    for (size_t i = 0; i < form->count; i++)
        if (count == 0 || field_compare(&fields[count - 1], &fields[i]) != 0)
            fields[count++] = fields[i];
    return count;
}

static bool add(EVP_MAC_CTX *context, const char *bytes, size_t length)
{
    return EVP_MAC_update(context, (const unsigned char *)bytes, length) == 1;
}

static bool add_text(EVP_MAC_CTX *context, const char *text)
{
    return add(context, text, strlen(text));
}

static bool add_url(EVP_MAC_CTX *context, const struct url *url, bool with_port, const char *path,
                    const char *query)
{
    return add(context, url->host, url->host_length) &&
           (!with_port || add(context, url->port, url->port_length)) &&
           add_text(context, url->path) && add_text(context, path) &&
           (query == NULL || (add(context, "?", 1) && add_text(context, query)));
}

static bool add_fields(EVP_MAC_CTX *context, const struct form_field *const *fields, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!add(context, fields[i]->key.bytes, fields[i]->key.length) ||
            !add(context, fields[i]->value.bytes, fields[i]->value.length))
            return false;
    return true;
}

/* Whether the context's digest, in base64, is value. */
static bool digest_is(EVP_MAC_CTX *context, const char *value)
{
    unsigned char digest[DIGEST_SIZE], text[VALUE_LENGTH + 1];
    size_t length;

    if (EVP_MAC_final(context, digest, &length, sizeof digest) != 1 || length != DIGEST_SIZE)
        return false;
    EVP_EncodeBlock(text, digest, DIGEST_SIZE);
    return CRYPTO_memcmp(text, value, VALUE_LENGTH) == 0;
}

bool signature_matches(struct signature *signature, const char *path, const char *query,
                       const struct form *form, const char *value)
{
    const struct form_field *fields[FORM_FIELDS_MAX];
    const size_t count = fields_sort(form, fields);

    if (strlen(value) != VALUE_LENGTH)
        return false;
    for (size_t i = 0; i < signature->token_count; i++) {
        EVP_MAC_CTX *context = signature->tokens[i];
        for (int turn = 0; turn < 2; turn++) {
            /* First the URL as it stands. */
            bool with_port = signature->url.has_port == (turn == 0);
            if (EVP_MAC_init(context, NULL, 0, NULL) == 1 &&
                add_url(context, &signature->url, with_port, path, query) &&
                add_fields(context, fields, count) && digest_is(context, value))
                return true;
        }
    }
    return false;
}
