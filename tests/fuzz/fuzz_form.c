/* A webhook's body from the bytes to the message in it, its signature, and an answer that repeats
 * what was said. */
#include "fuzz.h"
#include "server/channels/signature.h"
#include "server/channels/twilio.h"
#include "server/channels/twiml.h"

#include <string.h>
#include <unistr.h>

#define BODY_MAX 65536

static void check_message(const struct message *message, size_t size)
{
    static char twiml[TWIML_MAX(BODY_MAX)];
    size_t length = twiml_write(twiml, message->text, message->text_length);

    PROMISE(message->text_length <= size && message->id_length <= size);
    PROMISE(u8_check((const uint8_t *)message->text, message->text_length) == NULL);
    PROMISE(strlen(message->address) == message->address_length);
    PROMISE(message->scheme_length <= message->address_length);
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
    storage = malloc(size + 1); /* of its own, so that a byte too many is seen */
    if (form_decode(&form, (const char *)data, size, FORM_FIELDS_MAX, storage, &reason) != 0) {
        PROMISE(reason != NULL);
    } else {
        PROMISE(form.count <= FORM_FIELDS_MAX);
        PROMISE(!signature_matches(signature, "/", NULL, &form, "AAAAAAAAAAAAAAAAAAAAAAAAAAA="));
        if (twilio_parse(&form, &message, &reason) == 0)
            check_message(&message, size);
        else
            PROMISE(reason != NULL);
    }
    free(storage);
    return 0;
}
