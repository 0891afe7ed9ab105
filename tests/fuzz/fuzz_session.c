/* The bytes of a stored conversation: none of ours, or one that encodes to the same bytes and goes
 * on. The first byte of the input is no part of them: its lowest bit asks for the fingerprint of
 * our flow, without which the conversation would begin anew. */
#include "flow/conversation.h"
#include "fuzz.h"

#include <string.h>
#include <unistr.h>

#define FINGERPRINT_AT 14
#define FINGERPRINT_SIZE 8

static struct flow *flow;
static unsigned char fingerprint[FINGERPRINT_SIZE];

static void open_flow(void)
{
    unsigned char bytes[CONVERSATION_BYTES_MAX];
    const struct flow_message hello = {.text = "Bonjour", .length = 7, .id = 1};
    struct conversation conversation;
    size_t length;
    const char *json = flow_default_json(&length);
    char *report;

    flow = flow_load("ciu-rdc.json", json, length, &report);
    PROMISE(flow != NULL);
    conversation_start(&conversation, NULL, 0);
    flow_step(flow, &conversation, &hello, 1750000000);
    conversation_encode(&conversation, bytes);
    memcpy(fingerprint, bytes + FINGERPRINT_AT, FINGERPRINT_SIZE);
}

static void check_reply(const struct conversation *conversation)
{
    static char reply[FLOW_REPLY_MAX];
    size_t length = flow_reply(flow, conversation, reply);

    PROMISE(length == strlen(reply));
    PROMISE(u8_check((const uint8_t *)reply, length) == NULL);
}

static void go_on(struct conversation *conversation)
{
    static const char *const said[] = {"1985", "LANGUE", "2", "RETOUR", "Kinshasa", "AIDE", "OUI"};

    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        const struct flow_message message = {
            .text = said[i], .length = strlen(said[i]), .id = i + 1};
        struct uic_text answers[FLOW_STEPS_MAX];
        if (flow_pending(flow, conversation, &message, 1750000000) != FLOW_PENDING_NONE) {
            static char room[FLOW_NORMALIZED_MAX];
            char code[UIC_CODE_MAX] = "none";
            if (conversation_answers(flow, conversation, room, answers) == 0)
                flow_code(flow, answers, "salt", 4, 0, code);
            if (conversation->near == FLOW_NEAR_NONE)
                flow_ask_near(conversation, &message, "985-KINS-15-JEA-KABI-A3F9D",
                              (const unsigned char[FLOW_RECORD_SIZE]){1});
            else
                flow_finish(conversation, &message, code, true);
        } else {
            flow_step(flow, conversation, &message, 1750000000);
        }
        check_reply(conversation);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char again[CONVERSATION_BYTES_MAX], mark[CONVERSATION_MARK_MAX];
    struct conversation conversation;
    unsigned char *bytes;

    if (flow == NULL)
        open_flow();
    if (size == 0)
        return 0;
    bytes = malloc(size);
    memcpy(bytes, data + 1, size - 1);
    if ((data[0] & 1) != 0 && size - 1 >= FINGERPRINT_AT + FINGERPRINT_SIZE)
        memcpy(bytes + FINGERPRINT_AT, fingerprint, FINGERPRINT_SIZE);
    conversation_start(&conversation, bytes, size - 1);
    if (conversation_decode(&conversation, bytes, size - 1) == 0) {
        PROMISE(conversation_encode(&conversation, again) == size - 1);
        PROMISE(memcmp(again, bytes, size - 1) == 0);
    }
    PROMISE(conversation_mark(&conversation, mark) <= CONVERSATION_MARK_MAX);
    go_on(&conversation);
    free(bytes);
    return 0;
}
