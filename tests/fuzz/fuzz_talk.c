/* A person who writes anything: one message a line, in a conversation that is stored and loaded
 * between any two. How a line begins says of what kind it is (see kinds); one with = comes twice,
 * one with < was sent some seconds before the last, with > some minutes later, # is the session's
 * end, and ~ a change of the flow file: to one with other types of answers, then to one with
 * choices in words. When the first byte's lowest bit is set, the channel tells times.
 */
#include "../unit/near_by_key.h"
#include "flow/conversation.h"
#include "fuzz.h"

#include <stdio.h>
#include <string.h>
#include <unistr.h>

static struct flow *flows[3];
static const struct flow *flow; /* one of them */
static int64_t now_s;
static bool times;

static struct flow *load(const char *json, size_t length)
{
    char *report;
    struct flow *loaded = flow_load("flow.json", json, length, &report);

    PROMISE(loaded != NULL);
    return loaded;
}

static struct flow *load_file(const char *path)
{
    static char json[1 << 16];
    FILE *file = fopen(path, "r");

    PROMISE(file != NULL);
    const size_t length = fread(json, 1, sizeof json, file);
    fclose(file);
    return load(json, length);
}

static void open_flows(void)
{
    size_t length;
    const char *built_in = flow_default_json(&length);

    flows[0] = load(built_in, length);
    flows[1] = load_file(SOURCE_DIR "/flow/definitions/lllfffycg.json");
    flows[2] = load_file(SOURCE_DIR "/flow/definitions/ciu-province.json");
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

static void finish(struct conversation *conversation, const struct flow_message *message)
{
    static char room[FLOW_NORMALIZED_MAX];
    static const unsigned char record[FLOW_RECORD_SIZE] = {1};
    struct uic_text answers[FLOW_STEPS_MAX], read[FLOW_STEPS_MAX];
    unsigned char near[FLOW_NEAR_SIZE];
    char code[UIC_CODE_MAX];

    PROMISE(conversation_answers(flow, conversation, room, answers) == 0);
    conversation_read(conversation, read);
    PROMISE(!flow_has_near(flow) || near_by_key(flow, answers, read, record, near) == 0);
    if (conversation->near == FLOW_NEAR_NONE && message->id % 3 == 0) {
        flow_ask_near(conversation, message, "985-KINS-15-JEA-KABI-A3F9D", record);
        flow_near_shown(conversation, 1700000000);
        return;
    }
    PROMISE(flow_code(flow, answers, "salt", 4, 0, code) == UIC_OK);
    flow_finish(conversation, message, code, message->id % 2 != 0);
}

static void check_reply(const struct conversation *conversation)
{
    static char reply[FLOW_REPLY_MAX];
    static uint16_t units[FLOW_REPLY_MAX];
    struct flow_option options[FLOW_OPTIONS_MAX];
    size_t count = sizeof units / sizeof *units;
    size_t length = flow_reply(flow, conversation, reply);

    PROMISE(length == strlen(reply));
    PROMISE((length == 0) ==
            (conversation->hush == FLOW_HUSH_SILENT ||
             (conversation->hush == FLOW_HUSH_NONE && conversation->reply == FLOW_REPLY_NONE)));
    PROMISE(u8_to_u16((const uint8_t *)reply, length, units, &count) != NULL);
    PROMISE(count <= FLOW_REPLY_CHARACTERS_MAX);
    PROMISE(flow_options(flow, conversation, options) <= FLOW_OPTIONS_MAX);
}

static const struct {
    char first;
    enum flow_message_kind kind;
} kinds[] = {
    {'!', FLOW_MESSAGE_OPTION},     {'@', FLOW_MESSAGE_MEDIA},  {'$', FLOW_MESSAGE_BUTTON},
    {'?', FLOW_MESSAGE_VOICE},      {'^', FLOW_MESSAGE_EDIT},   {'%', FLOW_MESSAGE_OPT_OUT},
    {'*', FLOW_MESSAGE_UNREADABLE}, {'&', FLOW_MESSAGE_OPT_IN}, {'_', FLOW_MESSAGE_OPT_HELP},
};

static void say(struct conversation *conversation, const char *text, size_t length, uint64_t id)
{
    struct flow_message message = {
        .text = text, .length = length, .id = id, .quoted_id = id / 3, .quotes_older = id % 7 == 0};

    now_s += length > 0 && text[0] == '>' ? 200 : 3;
    if (times)
        message.sent_s = now_s - (length > 0 && text[0] == '<' ? 10 : 0);
    for (size_t i = 0; i < length; i++)
        message.text_id = message.text_id * 31 + (unsigned char)text[i];
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (length > 0 && text[0] == kinds[i].first) {
            message.kind = kinds[i].kind;
            message.text++;
            message.length--;
            break;
        }
    store_and_load(conversation);
    if (flow_pending(flow, conversation, &message, now_s) != FLOW_PENDING_NONE) {
        finish(conversation, &message);
    } else {
        struct flow_outcome outcome = flow_step(flow, conversation, &message, now_s);
        if (outcome.effect == FLOW_CLAIM) {
            store_and_load(conversation);
            finish(conversation, &message);
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
    times = (data[0] & 1) != 0;
    now_s = 1750000000;
    conversation_start(&conversation, NULL, 0);
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        if (stop == NULL)
            stop = end;
        if (*at == '#')
            conversation_start(&conversation, mark, conversation_mark(&conversation, mark));
        else if (*at == '~')
            flow = flow == flows[0] ? flows[1] : flow == flows[1] ? flows[2] : flows[0];
        else if (*at == '=' && id > 1)
            say(&conversation, at, (size_t)(stop - at), id - 1); /* the last one again */
        else
            say(&conversation, at, (size_t)(stop - at), id++);
        at = stop + 1;
    }
    return 0;
}
