/* The Twilio channel: form to message, reply to TwiML. The conversation is left to the exchange. */
#include "server/channels/twilio.h"

#include "flow/flow.h"
#include "server/channels/signature.h"
#include "server/channels/twiml.h"
#include "server/log.h"
#include "server/metrics.h"
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FORM_TYPE "application/x-www-form-urlencoded"
#define ADDRESS_SCHEME "whatsapp:"
#define SIGNATURE_HEADER "X-Twilio-Signature"

struct twilio {
    struct exchange_service *exchanges;
    struct signature *signature; /* NULL: nobody signs */
    const char *account_sid;     /* NULL: any account's */
    size_t parameters_max;
};

/* A webhook request while its exchange is under way. */
struct delivery {
    struct http_request *request;
    struct message message;
    struct form form;
    size_t storage_length;
    char storage[];
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
        .channel = "twilio",
        .id = id.bytes,
        .id_length = id.length,
        .text = body.length > 0 ? body.bytes : "",
        .text_length = body.length,
        .written = body.length > 0,
    };
    return *reason == NULL ? take_address(message, from, reason) : -1;
}

static void delivery_free(struct delivery *delivery)
{
    OPENSSL_cleanse(delivery->storage, delivery->storage_length);
    free(delivery);
}

static void on_answer(void *arg, const char *text, size_t length)
{
    struct delivery *delivery = arg;
    char twiml[TWIML_MAX(FLOW_REPLY_MAX)];
    size_t twiml_length = twiml_write(twiml, text, length);

    http_reply(delivery->request, &(struct http_reply){.status = 200,
                                                       .content_type = "text/xml; charset=utf-8",
                                                       .body = twiml,
                                                       .length = twiml_length});
    delivery_free(delivery);
}

static bool is_form(const struct http_request *request)
{
    const char *type = http_header(request, "Content-Type");
    size_t length = sizeof FORM_TYPE - 1;

    return type == NULL || (strncasecmp(type, FORM_TYPE, length) == 0 &&
                            (type[length] == '\0' || type[length] == ';' || type[length] == ' '));
}

/* One way to say no at the door: counted, logged, and nothing told of what was sent. */
static void refuse(struct http_request *request, int status, enum metric metric, const char *reason)
{
    char client[PEER_TEXT_MAX];

    metrics_add(metric, 1);
    http_client(request, client);
    log_write(LOG_WARNING, "request_not_ours", log_number("status", status),
              log_text("reason", reason), log_text("client", client));
    http_reply_error(request, status, reason);
}

/* Whether the form comes from our account at Twilio; if not, the request was answered. */
static bool verify(struct twilio *twilio, struct http_request *request, const struct form *form)
{
    const char *value = http_header(request, SIGNATURE_HEADER);
    size_t ours = twilio->account_sid == NULL ? 0 : strlen(twilio->account_sid);
    size_t count;
    struct form_text account = form_value(form, "AccountSid", &count);

    if (twilio->signature != NULL &&
        !signature_matches(twilio->signature, request->path, request->query, form, value)) {
        refuse(request, 403, METRIC_SIGNATURES_WRONG, "the signature is wrong");
        return false;
    }
    if (ours > 0 && (count != 1 || account.length != ours ||
                     memcmp(account.bytes, twilio->account_sid, ours) != 0)) {
        refuse(request, 403, METRIC_ACCOUNTS_WRONG, "this is another account");
        return false;
    }
    return true;
}

/* Decodes, verifies, finds the message. Returns whether there is one; if not, the request was
 * answered. */
static bool delivery_read(struct twilio *twilio, struct delivery *delivery)
{
    struct http_request *request = delivery->request;
    const char *reason = NULL;

    if (form_decode(&delivery->form, request->body, request->body_length, twilio->parameters_max,
                    delivery->storage, &reason) != 0) {
        if (delivery->form.count == twilio->parameters_max)
            metrics_add(METRIC_LIMIT_PARAMETERS, 1);
        http_reply_error(request, 400, reason);
        return false;
    }
    if (!verify(twilio, request, &delivery->form))
        return false;
    if (twilio_parse(&delivery->form, &delivery->message, &reason) != 0) {
        http_reply_error(request, 400, reason);
        return false;
    }
    return true;
}

void twilio_handle(struct twilio *twilio, struct http_request *request)
{
    struct delivery *delivery;

    if (!is_form(request)) {
        http_reply_error(request, 415, "expected a body of type " FORM_TYPE);
        return;
    }
    if (twilio->signature != NULL && http_header(request, SIGNATURE_HEADER) == NULL) {
        refuse(request, 400, METRIC_SIGNATURES_MISSING, SIGNATURE_HEADER " is missing");
        return;
    }
    delivery = malloc(sizeof *delivery + request->body_length);
    if (delivery == NULL) {
        http_reply_error(request, 503, "out of memory");
        return;
    }
    delivery->request = request;
    delivery->storage_length = request->body_length;
    if (!delivery_read(twilio, delivery)) {
        delivery_free(delivery);
        return;
    }
    if (exchange_begin(twilio->exchanges, &delivery->message, on_answer, delivery) != 0) {
        http_reply_error(request, 503, "too many messages at once, try again shortly");
        delivery_free(delivery);
    }
}

struct twilio *twilio_create(const struct config *config, struct exchange_service *exchanges)
{
    struct twilio *twilio = calloc(1, sizeof *twilio);

    if (twilio == NULL)
        return NULL;
    twilio->exchanges = exchanges;
    twilio->account_sid = config->twilio_account_sid;
    twilio->parameters_max = config->max_parameters;
    if (config->twilio_auth_token != NULL) {
        twilio->signature = signature_create(config->twilio_auth_token, config->public_url);
        if (twilio->signature == NULL) {
            twilio_free(twilio);
            return NULL;
        }
    }
    return twilio;
}

void twilio_free(struct twilio *twilio)
{
    if (twilio == NULL)
        return;
    signature_free(twilio->signature);
    free(twilio);
}
