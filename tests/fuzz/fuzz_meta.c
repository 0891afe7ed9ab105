/* What is posted to Meta's webhook, from the bytes to the messages in it, with what is broken
 * mended, its signature, and a reply to each that repeats what was said. */
#include "fuzz.h"
#include "server/channels/meta/message.h"
#include "server/channels/meta/reply.h"
#include "server/channels/meta/signature.h"

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
    PROMISE(message_user_id(message) != NULL ||
            strcmp(message->phone_number, message->address + message->scheme_length) == 0);
    PROMISE(message->address_length > message->scheme_length);
    reply = meta_reply_write(NULL, NULL, message, message->text, message->text_length, &length);
    PROMISE(reply != NULL && strlen(reply) == length);
    free(reply);
}

static void check_move(const struct meta_move *move, const char *text, size_t size)
{
    PROMISE(move->id >= text && move->id + move->id_length <= text + size);
    PROMISE(move->sent_s > 0);
    for (int i = 0; i < 2; i++) {
        PROMISE(move->numbers[i][0] == '\0' || move->numbers[i][0] == '+');
        PROMISE(move->user_ids[i][0] != '+');
    }
}

/* What is mended is UTF-8, fits, and is not mended again; what was JSON stays what it was. */
static void check_repair(const char *data, size_t size)
{
    char *once = malloc(REPAIR_MAX(size) + 1), *twice = malloc(3 * REPAIR_MAX(size) + 1);
    size_t length = repair_utf8(data, size, once);
    json_t *before, *after;

    PROMISE(length <= REPAIR_MAX(size));
    PROMISE(u8_check((const uint8_t *)once, length) == NULL);
    PROMISE(repair_utf8(once, length, twice) == length && memcmp(once, twice, length) == 0);
    length = repair_json(data, size, once);
    PROMISE(length <= REPAIR_MAX(size));
    PROMISE(repair_json(once, length, twice) == length && memcmp(once, twice, length) == 0);
    before = json_loadb(data, size, 0, NULL);
    after = json_loadb(once, length, 0, NULL);
    PROMISE(before == NULL || after != NULL);
    json_decref(before);
    json_decref(after);
    free(once);
    free(twice);
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
    check_repair((const char *)data, size);
    text = malloc(REPAIR_MAX(size) + 1); /* of its own, so that a byte too many is seen */
    if (meta_read((const char *)data, size, &filter, text, &batch, &reason) != 0) {
        PROMISE(reason != NULL && batch.messages == NULL);
    } else {
        PROMISE(batch.count <= size && batch.text_length <= REPAIR_MAX(size));
        for (size_t i = 1; i < batch.count; i++)
            PROMISE(batch.messages[i].sent_s == 0 ||
                    batch.messages[i].sent_s >= batch.messages[i - 1].sent_s);
        for (size_t i = 0; i < batch.count; i++)
            check_message(&batch.messages[i], text, batch.text_length);
        for (size_t i = 0; i < batch.move_count; i++)
            check_move(&batch.moves[i], text, batch.text_length);
        for (size_t i = 1; i < batch.move_count; i++)
            PROMISE(batch.moves[i].sent_s >= batch.moves[i - 1].sent_s);
    }
    free(batch.messages);
    free(batch.moves);
    free(text);
    return 0;
}
