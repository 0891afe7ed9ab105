/* The Twilio channel, and the simulator, which speaks the same language without a signature: form
 * to message, reply to TwiML. */
#include "server/channels/twilio.h"

#include "flow/flow.h"
#include "server/channels/signature.h"
#include "server/channels/twiml.h"
#include "server/telemetry/metrics.h"
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FORM_TYPE "application/x-www-form-urlencoded"
#define ADDRESS_SCHEME "whatsapp:"
#define SIGNATURE_HEADER "X-Twilio-Signature"

struct twilio {
    struct channel channel;
    struct signature *signature; /* NULL: nobody signs */
    const char *account_sid;     /* NULL: any account's */
    size_t parameters_max;
};

/* An address goes into keys and records: no control characters, no white space. A plus sign that
 * nobody encoded (curl -d 'From=whatsapp:+243…') arrives as a space, and is one again. */
static int take_address(struct message *message, struct form_text from, const char **reason)
{
    const size_t scheme = sizeof ADDRESS_SCHEME - 1;

    if (from.length == 0)
        *reason = "From is missing";
    else if (from.length > MESSAGE_ADDRESS_MAX)
        *reason = "From is longer than 128 bytes";
    if (*reason != NULL)
        return -1;
    memcpy(message->address, from.bytes, from.length);
    message->address_length = from.length;
    if (from.length > scheme && memcmp(from.bytes, ADDRESS_SCHEME, scheme) == 0) {
        message->scheme_length = scheme;
        if (message->address[scheme] == ' ')
            message->address[scheme] = '+';
    }
    for (size_t i = 0; i < from.length; i++)
        if ((unsigned char)message->address[i] <= ' ' || message->address[i] == 0x7f)
            *reason = "From holds a space or a control character";
    return *reason == NULL ? 0 : -1;
}

/* A field that decides what happens must not stand twice with different values. */
static struct form_text single(const struct form *form, const char *key, const char *twice,
                               const char **reason)
{
    size_t count;
    struct form_text value = form_value(form, key, &count);

    if (count > 1)
        *reason = twice;
    return value;
}

int twilio_parse(const struct form *form, struct message *message, const char **reason)
{
    struct form_text from, body, id;

    *reason = NULL;
    from = single(form, "From", "From stands twice", reason);
    body = single(form, "Body", "Body stands twice", reason);
    id = single(form, "MessageSid", "MessageSid stands twice", reason);
    *message = (struct message){
        .id = id.bytes,
        .id_length = id.length,
        .text = body.length > 0 ? body.bytes : "",
        .text_length = body.length,
        .kind = body.length > 0 ? FLOW_MESSAGE_TEXT : FLOW_MESSAGE_MEDIA,
    };
    return *reason == NULL ? take_address(message, from, reason) : -1;
}

static bool is_form(const struct http_request *request)
{
    const char *type = http_header(request, "Content-Type");
    size_t length = sizeof FORM_TYPE - 1;

    return type == NULL || (strncasecmp(type, FORM_TYPE, length) == 0 &&
                            (type[length] == '\0' || type[length] == ';' || type[length] == ' '));
}

/* Whether the form comes from our account at Twilio. */
static int verify(const struct twilio *twilio, const struct http_request *request,
                  const struct form *form, struct refusal *refusal)
{
    const char *value = http_header(request, SIGNATURE_HEADER);
    size_t ours = twilio->account_sid == NULL ? 0 : strlen(twilio->account_sid);
    size_t count;
    struct form_text account = form_value(form, "AccountSid", &count);

    if (twilio->signature != NULL &&
        !signature_matches(twilio->signature, request->path, request->query, form, value)) {
        *refusal = (struct refusal){403, "the signature is wrong", METRIC_SIGNATURES_WRONG, true};
        return -1;
    }
    if (ours > 0 && (count != 1 || account.length != ours ||
                     CRYPTO_memcmp(account.bytes, twilio->account_sid, ours) != 0)) {
        *refusal = (struct refusal){403, "this is another account", METRIC_ACCOUNTS_WRONG, true};
        return -1;
    }
    return 0;
}

static int twilio_receive(struct channel *channel, struct delivery *delivery,
                          struct refusal *refusal)
{
    const struct twilio *twilio = (const struct twilio *)channel;
    const struct http_request *request = delivery->request;
    struct form form;

    if (!is_form(request)) {
        *refusal = (struct refusal){415, "expected a body of type " FORM_TYPE, METRIC_COUNT, false};
        return -1;
    }
    if (twilio->signature != NULL && http_header(request, SIGNATURE_HEADER) == NULL) {
        *refusal =
            (struct refusal){400, SIGNATURE_HEADER " is missing", METRIC_SIGNATURES_MISSING, true};
        return -1;
    }
    *refusal = (struct refusal){400, NULL, METRIC_COUNT, false};
    if (form_decode(&form, request->body, request->body_length, twilio->parameters_max,
                    delivery->text, &refusal->reason) != 0) {
        if (form.count == twilio->parameters_max)
            refusal->metric = METRIC_LIMIT_PARAMETERS;
        return -1;
    }
    if (verify(twilio, request, &form, refusal) != 0)
        return -1;
    if (twilio_parse(&form, &delivery->only, &refusal->reason) != 0)
        return -1;
    delivery->only.channel = channel->class->name;
    delivery->count = 1;
    return 0;
}

void twilio_answer(struct channel *channel, struct delivery *delivery,
                   const struct message *message, const struct exchange_reply *reply)
{
    char twiml[TWIML_MAX(FLOW_REPLY_MAX)];
    size_t length = twiml_write(twiml, reply->text, reply->length);

    (void)channel;
    http_reply(delivery->request, &(struct http_reply){.status = 200,
                                                       .content_type = "text/xml; charset=utf-8",
                                                       .body = twiml,
                                                       .length = length});
    delivery->request = NULL;
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
    twilio->parameters_max = config->max_parameters;
    if (config->twilio_auth_token == NULL)
        return &twilio->channel;
    twilio->signature = signature_create(config->twilio_auth_token, config->public_url);
    if (twilio->signature != NULL)
        return &twilio->channel;
    twilio_free(&twilio->channel);
    return NULL;
}
