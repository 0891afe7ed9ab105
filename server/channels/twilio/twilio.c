/* The Twilio channel: whose form it is, form to message, reply to TwiML. */
#include "server/channels/twilio/twilio.h"

#include "flow/conversation.h"
#include "server/channels/twilio/message.h"
#include "server/channels/twilio/signature.h"
#include "server/channels/twilio/twiml.h"
#include "server/telemetry/log.h"
#include "server/telemetry/metrics.h"
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

_Static_assert(CONFIG_PARAMETERS_MAX <= FORM_FIELDS_MAX, "a form holds as many as it may have");

#define FORM_TYPE "application/x-www-form-urlencoded"

/* To a plain SMS, Messenger or RCS: whoever writes there has no number on WhatsApp to be known
 * by. */
#define ELSEWHERE                                                                   \
    "Ce service fonctionne seulement sur WhatsApp : écrivez-nous sur WhatsApp.\n" \
    "This service works on WhatsApp only: please write to us there."

struct twilio {
    struct channel channel;
    struct signature *signature; /* NULL: nobody signs */
    const char *account_sid;     /* NULL: any account's */
    const char *our_number;      /* NULL: not told */
    size_t parameters_max;
};

static bool is_form(const struct http_request *request)
{
    const char *type = http_header(request, "Content-Type");
    size_t length = sizeof FORM_TYPE - 1;

    return type == NULL ||
           (strncasecmp(type, FORM_TYPE, length) == 0 && strchr("; \t", type[length]) != NULL);
}

/* Whether the form comes from our account at Twilio. */
static int verify(const struct twilio *twilio, const struct http_request *request,
                  const struct form *form, struct refusal *refusal)
{
    const char *value = http_header(request, TWILIO_SIGNATURE_HEADER);
    size_t ours = twilio->account_sid == NULL ? 0 : strlen(twilio->account_sid);
    size_t count;
    struct form_text account = form_value(form, "AccountSid", &count);

    if (twilio->signature != NULL &&
        !signature_matches(twilio->signature, request->path, request->query, form, value)) {
        *refusal = (struct refusal){403, "the signature is wrong", METRIC_SIGNATURES_WRONG,
                                    REFUSAL_NOT_OURS};
        return -1;
    }
    if (ours > 0 && (count != 1 || account.length != ours ||
                     CRYPTO_memcmp(account.bytes, twilio->account_sid, ours) != 0)) {
        *refusal = (struct refusal){403, "this is another account", METRIC_ACCOUNTS_WRONG,
                                    twilio->signature == NULL ? REFUSAL_NOT_OURS : REFUSAL_OURS};
        return -1;
    }
    return 0;
}

static void answer_with(struct delivery *delivery, const char *text, size_t length)
{
    char twiml[TWIML_MAX(FLOW_REPLY_MAX)];

    length = twiml_write(twiml, text, length);
    http_respond(delivery->request,
                 &(struct http_response){.status = 200,
                                         .content_type = "text/xml; charset=utf-8",
                                         .body = twiml,
                                         .length = length});
    explicit_bzero(twiml, length); /* answers are told back */
    delivery->request = NULL;
}

/* What the form brings: a message, or something that is answered at once. */
static int take(const struct twilio *twilio, struct delivery *delivery, struct form *form,
                const char **reason)
{
    enum twilio_post post = twilio_read(form, twilio->our_number, &delivery->only, reason);

    delivery->text_length = (size_t)(form->rest - delivery->text);
    switch (post) {
    case TWILIO_BAD:
        return -1;
    case TWILIO_MESSAGE:
        delivery->only.channel = twilio->channel.class->name;
        delivery->count = 1;
        return 0;
    case TWILIO_STATUS:
        metrics_add(METRIC_TWILIO_STATUSES, 1);
        log_write(LOG_INFO, "twilio_ignored", log_text("reason", "the status of a message"));
        break;
    case TWILIO_GESTURE:
        metrics_add(METRIC_TWILIO_GESTURES, 1);
        break;
    case TWILIO_ELSEWHERE:
        metrics_add(METRIC_TWILIO_ELSEWHERE, 1);
        log_write(LOG_WARNING, "twilio_ignored", log_text("reason", "not sent on WhatsApp"));
        answer_with(delivery, ELSEWHERE, sizeof ELSEWHERE - 1);
        return 0;
    }
    answer_with(delivery, "", 0);
    return 0;
}

static int twilio_receive(struct channel *channel, struct delivery *delivery,
                          struct refusal *refusal)
{
    const struct twilio *twilio = (const struct twilio *)channel;
    const struct http_request *request = delivery->request;
    struct form form;

    if (!is_form(request)) {
        *refusal = (struct refusal){415, "expected a body of type " FORM_TYPE, METRIC_COUNT, NULL};
        return -1;
    }
    if (twilio->signature != NULL && http_header(request, TWILIO_SIGNATURE_HEADER) == NULL) {
        *refusal = (struct refusal){400, TWILIO_SIGNATURE_HEADER " is missing",
                                    METRIC_SIGNATURES_MISSING, REFUSAL_NOT_OURS};
        return -1;
    }
    *refusal = (struct refusal){400, NULL, METRIC_LIMIT_PARAMETERS, NULL};
    if (form_decode(&form, request->body, request->body_length, twilio->parameters_max,
                    delivery->text, &refusal->reason) != 0 ||
        verify(twilio, request, &form, refusal) != 0)
        return -1;
    *refusal = (struct refusal){400, NULL, METRIC_COUNT, REFUSAL_OURS};
    return take(twilio, delivery, &form, &refusal->reason);
}

/* To who opted out Twilio would send nothing more, and has said so itself. */
void twilio_answer(struct channel *channel, struct delivery *delivery,
                   const struct message *message, const struct exchange_reply *reply)
{
    (void)channel;
    answer_with(delivery, reply->text, message->kind == FLOW_MESSAGE_OPT_OUT ? 0 : reply->length);
    delivery_done(delivery, message, true);
}

static void twilio_free(struct channel *channel)
{
    struct twilio *twilio = (struct twilio *)channel;

    signature_free(twilio->signature);
    free(twilio);
}

static const struct channel_class twilio_class = {"twilio", twilio_receive, twilio_answer,
                                                  twilio_free};
struct channel *twilio_create(const struct config *config, struct exchange_service *exchanges)
{
    struct twilio *twilio = calloc(1, sizeof *twilio);

    if (twilio == NULL)
        return NULL;
    twilio->channel = (struct channel){&twilio_class, exchanges};
    twilio->account_sid = config->twilio_account_sid;
    twilio->our_number = config->twilio_whatsapp_number;
    twilio->parameters_max = config->max_parameters;
    if (config->twilio_auth_token == NULL)
        return &twilio->channel;
    twilio->signature = signature_create(config->twilio_auth_token, config->public_url);
    if (twilio->signature != NULL)
        return &twilio->channel;
    twilio_free(&twilio->channel);
    return NULL;
}
