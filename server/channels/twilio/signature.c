/* Computes what Twilio would have signed and compares. */
#include "server/channels/twilio/signature.h"

#include "server/channels/hmac_secrets.h"
#include <openssl/crypto.h>
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
    struct hmac_secrets tokens;
};

static struct url url_cut(const char *text)
{
    struct url url = {.host = text};
    const char *scheme_end = strstr(text, "://");
    const char *authority = scheme_end == NULL ? text : scheme_end + 3;
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

struct signature *signature_create(const char *tokens, const char *public_url)
{
    struct signature *signature = calloc(1, sizeof *signature);

    if (signature == NULL)
        return NULL;
    signature->url = url_cut(public_url);
    if (hmac_secrets_init(&signature->tokens, tokens, "SHA1") == 0)
        return signature;
    signature_free(signature);
    return NULL;
}

void signature_free(struct signature *signature)
{
    if (signature == NULL)
        return;
    hmac_secrets_deinit(&signature->tokens);
    free(signature);
}

static int text_compare(const struct form_text *a, const struct form_text *b)
{
    size_t shorter = a->length < b->length ? a->length : b->length;
    int order = shorter == 0 ? 0 : memcmp(a->bytes, b->bytes, shorter);

    return order != 0 ? order : (a->length > b->length) - (a->length < b->length);
}

/* By key, then by value, so that duplicates stand side by side. */
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
    for (size_t i = 0; i < signature->tokens.count; i++) {
        EVP_MAC_CTX *context = signature->tokens.contexts[i];
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
