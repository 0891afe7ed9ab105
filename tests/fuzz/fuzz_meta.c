/* What is posted to Meta's webhook, from the bytes to the messages in it, its signature, and a
 * reply to each that repeats what was said. */
#include "fuzz.h"
#include "server/channels/meta_message.h"
#include "server/channels/meta_reply.h"
#include "server/channels/meta_signature.h"

#include <stdlib.h>
#include <string.h>
#include <unistr.h>

#define BODY_MAX 65536

static void check_message(const struct message *message, const char *text, size_t size)
{
    size_t length;
    char *reply;

    PROMISE(message->id >= text && message->id + message->id_length <= text + size);
    PROMISE(message->id_length > 0);
    PROMISE(message->text_length == 0 ||
            (message->text >= text && message->text + message->text_length <= text + size));
    PROMISE((message->kind != FLOW_MESSAGE_TEXT && message->kind != FLOW_MESSAGE_OPTION) ||
            message->text_length > 0);
    PROMISE(u8_check((const uint8_t *)message->text, message->text_length) == NULL);
    PROMISE(strlen(message->address) == message->address_length);
    PROMISE(memcmp(message->address, META_SCHEME, message->scheme_length) == 0);
    PROMISE(message->address_length > message->scheme_length);
    reply = meta_reply_write(NULL, NULL, message, message->text, message->text_length, &length);
    PROMISE(reply != NULL && strlen(reply) == length);
    free(reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct meta_filter filter = {"106540352242922", 1795434500};
    static struct hmac_secrets secrets;
    struct meta_batch batch;
    const char *reason;
    char *text, *value;

    if (secrets.count == 0)
        PROMISE(hmac_secrets_init(&secrets, "one,two", "SHA256") == 0);
    if (size > BODY_MAX)
        return 0;
    value = strndup((const char *)data, size);
    PROMISE(!meta_signature_matches(&secrets, "body", 4, value));
    free(value);
    text = malloc(size + 1); /* of its own, so that a byte too many is seen */
    if (meta_read((const char *)data, size, &filter, text, &batch, &reason) != 0) {
        PROMISE(reason != NULL && batch.messages == NULL);
    } else {
        PROMISE(batch.count <= size);
        for (size_t i = 0; i < batch.count; i++)
            check_message(&batch.messages[i], text, size);
    }
    free(batch.messages);
    free(text);
    return 0;
}
