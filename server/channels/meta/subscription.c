/* Meta's question whether an address is ours: it brings a token and wants its challenge back. */
#include "server/channels/meta/subscription.h"

#include "server/config/config.h"
#include "server/http/form.h"
#include "server/http/http.h"
#include "server/http/throttle.h"
#include "server/security/secret.h"
#include "server/telemetry/log.h"
#include "server/telemetry/metrics.h"
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

#define MODE "subscribe"
#define CHALLENGE_MAX 256
#define QUERY_FIELDS_MAX 16

/* What may be given back: nothing that means anything to a browser. */
static bool is_challenge(struct form_text text)
{
    for (size_t i = 0; i < text.length; i++)
        if (strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-.",
                   text.bytes[i]) == NULL ||
            text.bytes[i] == '\0')
            return false;
    return text.length > 0 && text.length <= CHALLENGE_MAX;
}

/* A subscription while its token is judged. */
struct subscription {
    char challenge[CHALLENGE_MAX];
    size_t length;
};

static struct form_text single(const struct form *form, const char *key)
{
    size_t count;
    const struct form_text value = form_value(form, key, &count);

    return count == 1 ? value : (struct form_text){NULL, 0};
}

/* Returns NULL when the form is none; *right is whether it brings the token. */
static struct subscription *subscription_read(const struct form *form, const char *token,
                                              bool *right)
{
    const struct form_text mode = single(form, "hub.mode");
    const struct form_text given = single(form, "hub.verify_token");
    const struct form_text challenge = single(form, "hub.challenge");
    struct subscription *subscription;

    if (mode.length != sizeof MODE - 1 || memcmp(mode.bytes, MODE, mode.length) != 0 ||
        given.length == 0 || !is_challenge(challenge))
        return NULL;
    subscription = malloc(sizeof *subscription);
    if (subscription == NULL)
        return NULL;
    memcpy(subscription->challenge, challenge.bytes, challenge.length);
    subscription->length = challenge.length;
    *right = secret_is(token, given.bytes, given.length);
    return subscription;
}

static void log_refused(struct http_request *request)
{
    char client[CLIENT_ADDRESS_TEXT_MAX];
    const char *who = http_client_print(request, client);

    metrics_add(METRIC_META_SUBSCRIPTIONS_REFUSED, 1);
    log_write(LOG_WARNING, "meta_subscription_refused", log_text(who, client));
}

static void respond_refused(struct http_request *request)
{
    http_respond_error(request, 403, "this is not the subscription that we wait for");
}

static void on_judged(void *arg, struct http_request *request, bool right)
{
    struct subscription *subscription = arg;

    if (right) {
        log_write(LOG_INFO, "meta_subscribed");
        http_respond(request, &(struct http_response){.status = 200,
                                                      .content_type = "text/plain; charset=utf-8",
                                                      .body = subscription->challenge,
                                                      .length = subscription->length});
    } else {
        respond_refused(request);
    }
    free(subscription);
}

void meta_subscribe(const struct config *config, struct throttle *throttle,
                    struct http_request *request)
{
    const char *query = request->query != NULL ? request->query : "";
    const size_t length = strlen(query);
    const char *reason = NULL;
    char *storage = malloc(length + 1);
    struct subscription *subscription = NULL;
    struct form form;
    bool right = false;

    if (storage != NULL &&
        form_decode(&form, query, length, QUERY_FIELDS_MAX, storage, &reason) == 0)
        subscription = subscription_read(&form, config->meta_verify_token, &right);
    if (storage != NULL)
        OPENSSL_cleanse(storage, length);
    free(storage);
    if (!right)
        log_refused(request);
    if (subscription == NULL)
        respond_refused(request);
    else
        throttle_try(throttle, request, right, on_judged, subscription);
}
