/* A webhook's body from the bytes to the message in it, its signature, and an answer that repeats
 * what was said. */
#include "fuzz.h"
#include "server/channels/channel.h"
#include "server/channels/twilio/message.h"
#include "server/channels/twilio/signature.h"
#include "server/channels/twilio/twiml.h"

#include <string.h>
#include <unistr.h>

#define BODY_MAX 65536

static void check_message(const struct message *message, size_t size)
{
    static char twiml[TWIML_MAX(3 * BODY_MAX)];
    size_t length = twiml_write(twiml, message->text, message->text_length);

    PROMISE(message->text_length <= 3 * size && message->id_length <= size);
    PROMISE(u8_check((const uint8_t *)message->text, message->text_length) == NULL);
    PROMISE(strlen(message->address) == message->address_length);
    PROMISE(message->scheme_length < message->address_length);
    PROMISE(memcmp(message->address, TWILIO_SCHEME, message->scheme_length) == 0);
    PROMISE(message_user_id(message) != NULL ||
            strcmp(message->phone_number, message->address + message->scheme_length) == 0);
    PROMISE(length == strlen(twiml) && length < TWIML_MAX(message->text_length));
    PROMISE(u8_check((const uint8_t *)twiml, length) == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct signature *signature;
    static struct form form;
    struct message message;
    const char *reason = NULL;
    char *storage;

    if (signature == NULL)
        signature = signature_create("token", "https://ciu.example.org");
    if (size > BODY_MAX)
        return 0;
    storage = malloc(DELIVERY_TEXT_MAX(size) + 1); /* of its own, so that a byte too many is seen */
    if (form_decode(&form, (const char *)data, size, FORM_FIELDS_MAX, storage, &reason) != 0) {
        PROMISE(reason != NULL);
    } else {
        PROMISE(form.count <= FORM_FIELDS_MAX);
        PROMISE(!signature_matches(signature, "/", NULL, &form, "AAAAAAAAAAAAAAAAAAAAAAAAAAA="));
        PROMISE(form.rest <= storage + size);
        switch (twilio_read(&form, "whatsapp:+14155238886", &message, &reason)) {
        case TWILIO_MESSAGE:
            check_message(&message, size);
            break;
        case TWILIO_BAD:
            PROMISE(reason != NULL);
            break;
        default:
            PROMISE(reason == NULL);
        }
        PROMISE(form.rest <= storage + DELIVERY_TEXT_MAX(size));
    }
    free(storage);
    return 0;
}
