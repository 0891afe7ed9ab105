/* A flow file: refused with a report, or good for a conversation from the welcome to the code in
 * which no reply is too long. */
#include "../unit/near_by_key.h"
#include "flow/conversation.h"
#include "fuzz.h"

#include <string.h>
#include <unistr.h>

static const char *const said[] = {"Bonjour", "1985", "Kinshasa", "15",  "LANGUE", "2", "AIDE",
                                   "1",       "Jean", "RETOUR",   "ABC", "oui",    "x", "STOP"};

static void check_reply(const struct flow *flow, const struct conversation *conversation)
{
    static char reply[FLOW_REPLY_MAX];
    size_t length = flow_reply(flow, conversation, reply);

    PROMISE(length == strlen(reply) && length < FLOW_REPLY_MAX);
    PROMISE(u8_check((const uint8_t *)reply, length) == NULL);
    length = flow_unavailable(flow, conversation, reply);
    PROMISE(length > 0 && length == strlen(reply));
}

/* Gets the code of a complete conversation. */
static void finish(const struct flow *flow, struct conversation *conversation)
{
    static char room[FLOW_NORMALIZED_MAX];
    struct uic_text answers[FLOW_STEPS_MAX], read[FLOW_STEPS_MAX];
    unsigned char near[FLOW_NEAR_SIZE];
    char code[UIC_CODE_MAX];

    PROMISE(conversation_answers(flow, conversation, room, answers) == 0);
    conversation_read(conversation, read);
    PROMISE(!flow_has_near(flow) ||
            near_by_key(flow, answers, read, "a key of sixteen", near) == 0);
    PROMISE(flow_code(flow, answers, "salt", 4, 8, code) == UIC_OK);
    PROMISE(flow_code(flow, answers, "salt", 4, 0, code) == UIC_OK && strlen(code) > 0);
    flow_finish(conversation, 0, code, false);
}

static void talk(const struct flow *flow)
{
    struct conversation conversation;
    uint64_t id = 1;

    conversation_start(&conversation, NULL, 0);
    for (size_t round = 0; round < 3; round++)
        for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
            const char *text = said[(i + round) % 14];
            const struct flow_message message = {.text = text, .length = strlen(text), .id = id++};
            if (flow_step(flow, &conversation, &message, 1750000000).effect == FLOW_CLAIM)
                finish(flow, &conversation);
            check_reply(flow, &conversation);
        }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *report = NULL;
    char *json = malloc(size + 1);
    struct flow *flow;

    memcpy(json, data, size);
    json[size] = '\0';
    flow = flow_load("flow.json", json, size, &report);
    if (flow != NULL) {
        PROMISE(report == NULL);
        PROMISE(flow_step_count(flow) >= 1 && flow_step_count(flow) <= FLOW_STEPS_MAX);
        talk(flow);
        flow_free(flow);
    } else {
        PROMISE(report != NULL && strlen(report) > 0);
        PROMISE(u8_check((const uint8_t *)report, strlen(report)) == NULL);
    }
    free(report);
    free(json);
    return 0;
}
