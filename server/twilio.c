/* The Twilio channel: form to message, reply to TwiML. The conversation is left to the exchange. */
#include "server/twilio.h"

#include "flow/flow.h"
#include "server/twiml.h"
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define FORM_TYPE "application/x-www-form-urlencoded"
#define ADDRESS_SCHEME "whatsapp:"

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

void twilio_handle(struct exchange_service *service, struct http_request *request)
{
    struct delivery *delivery;
    const char *reason = NULL;

    if (!is_form(request)) {
        http_reply_error(request, 415, "expected a body of type " FORM_TYPE);
        return;
    }
    delivery = malloc(sizeof *delivery + request->body_length);
    if (delivery == NULL) {
        http_reply_error(request, 503, "out of memory");
        return;
    }
    delivery->request = request;
    delivery->storage_length = request->body_length;
    if (form_decode(&delivery->form, request->body, request->body_length, delivery->storage,
                    &reason) != 0 ||
        twilio_parse(&delivery->form, &delivery->message, &reason) != 0) {
        http_reply_error(request, 400, reason);
        delivery_free(delivery);
        return;
    }
    if (exchange_begin(service, &delivery->message, on_answer, delivery) != 0) {
        http_reply_error(request, 503, "too many messages at once, try again shortly");
        delivery_free(delivery);
    }
}
