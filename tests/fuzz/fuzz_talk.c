/* A person who writes anything: one message a line, in a conversation that is stored and loaded
 * between any two. A line that begins with @ is a picture, with ! a pressed button, one with =
 * comes twice, # is the session's end, and ~ a change of the flow file to one with other types of
 * answers.
 */
#include "flow/flow.h"
#include "fuzz.h"

#include <stdio.h>
#include <string.h>
#include <unistr.h>

static struct flow *flows[2];
static const struct flow *flow; /* one of them */

static struct flow *load(const char *json, size_t length)
{
    char *report;
    struct flow *loaded = flow_load("flow.json", json, length, &report);

    PROMISE(loaded != NULL);
    return loaded;
}

static void open_flows(void)
{
    static char other[1 << 16];
    FILE *file = fopen(SOURCE_DIR "/flow/definitions/lllfffycg.json", "r");
    size_t length;
    const char *built_in = flow_default_json(&length);

    PROMISE(file != NULL);
    flows[0] = load(built_in, length);
    flows[1] = load(other, fread(other, 1, sizeof other, file));
    fclose(file);
}

static void store_and_load(struct conversation *conversation)
{
    unsigned char bytes[CONVERSATION_BYTES_MAX];
    struct conversation loaded;
    size_t length = conversation_encode(conversation, bytes);

    PROMISE(length <= CONVERSATION_BYTES_MAX);
    PROMISE(conversation_decode(&loaded, bytes, length) == 0);
    *conversation = loaded;
}

static void finish(struct conversation *conversation, uint64_t id)
{
    struct uic_text answers[FLOW_STEPS_MAX];
    char code[UIC_CODE_MAX];

    conversation_answers(conversation, answers);
    PROMISE(flow_code(flow, answers, "salt", 4, 0, code) == UIC_OK);
    flow_finish(conversation, id, code, id % 2 != 0);
}

static void check_reply(const struct conversation *conversation)
{
    static char reply[FLOW_REPLY_MAX];
    static uint16_t units[FLOW_REPLY_MAX];
    struct flow_option options[FLOW_OPTIONS_MAX];
    size_t count = sizeof units / sizeof *units;
    size_t length = flow_reply(flow, conversation, reply);

    PROMISE(length == strlen(reply) && length > 0);
    PROMISE(u8_to_u16((const uint8_t *)reply, length, units, &count) != NULL);
    PROMISE(count <= FLOW_REPLY_CHARACTERS_MAX);
    PROMISE(flow_options(flow, conversation, options) <= FLOW_OPTIONS_MAX);
}

static void say(struct conversation *conversation, const char *text, size_t length, uint64_t id)
{
    const bool pressed = length > 0 && text[0] == '!';
    const bool photo = length > 0 && text[0] == '@';
    const struct flow_message message = {.kind = pressed ? FLOW_MESSAGE_OPTION
                                                 : photo ? FLOW_MESSAGE_MEDIA
                                                         : FLOW_MESSAGE_TEXT,
                                         .text = text + pressed,
                                         .length = length - pressed,
                                         .id = id};

    store_and_load(conversation);
    if (flow_pending(flow, conversation, &message, 1750000000) != FLOW_PENDING_NONE) {
        finish(conversation, id);
    } else {
        struct flow_outcome outcome = flow_step(flow, conversation, &message, 1750000000);
        if (outcome.effect == FLOW_CLAIM) {
            store_and_load(conversation);
            finish(conversation, id);
        }
    }
    check_reply(conversation);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct conversation conversation;
    unsigned char mark[CONVERSATION_MARK_MAX];
    const char *at = (const char *)data, *end = at + size;
    uint64_t id = 1;

    if (flows[0] == NULL)
        open_flows();
    flow = flows[0];
    if (size == 0 || u8_check(data, size) != NULL)
        return 0;
    conversation_start(&conversation, NULL, 0);
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        if (stop == NULL)
            stop = end;
        if (*at == '#')
            conversation_start(&conversation, mark, conversation_mark(&conversation, mark));
        else if (*at == '~')
            flow = flow == flows[0] ? flows[1] : flows[0];
        else if (*at == '=' && id > 1)
            say(&conversation, at, (size_t)(stop - at), id - 1); /* the last one again */
        else
            say(&conversation, at, (size_t)(stop - at), id++);
        at = stop + 1;
    }
    return 0;
}
