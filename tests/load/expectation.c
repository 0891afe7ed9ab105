/* The few replies of a conversation are rendered once, through the flow itself; only what is of one
 * person is put in each time: the answer that is told back, and the code. */
#include "tests/load/expectation.h"

#include "flow/conversation.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* How many digits longer a code may be because another person holds the short one. */
#define LONGER_MAX 8
#define CODE_MARK "CODE-COMES-HERE"
#define ANSWER_MARK "ANSWER-COMES-HERE"

struct reply {
    size_t length;
    char text[FLOW_REPLY_MAX];
};

struct expectation {
    struct flow *flow;
    char *salt;
    int64_t now_s;
    struct reply asking[LINE_RESTART + 1][CROWD_ANSWERS + 1];
    struct reply code[2]; /* new, existing; with CODE_MARK for the code */
    char got[FLOW_REPLY_MAX];
};

static void render(struct expectation *expectation, struct reply *reply, enum flow_reply_kind kind,
                   unsigned step)
{
    struct conversation conversation = {.state = CONVERSATION_ASKING, .reply = kind};

    conversation.step = (uint8_t)step;
    strcpy(conversation.code, CODE_MARK);
    conversation.answer_count = 1;
    conversation.answer_end[0] = (uint16_t)strlen(ANSWER_MARK);
    memcpy(conversation.answers, ANSWER_MARK, strlen(ANSWER_MARK));
    reply->length = flow_reply(expectation->flow, &conversation, reply->text);
}

static void render_all(struct expectation *expectation)
{
    static const struct {
        enum line_kind said;
        enum flow_reply_kind reply;
        unsigned ahead; /* the question in the reply, from the one that was open */
    } replies[] = {
        {LINE_ANSWER, FLOW_REPLY_ACCEPTED, 1},
        {LINE_WRONG, FLOW_REPLY_INVALID, 0},
        {LINE_HELP, FLOW_REPLY_HELP, 0},
    };

    for (unsigned step = 0; step < CROWD_ANSWERS; step++) {
        for (size_t i = 0; i < sizeof replies / sizeof *replies; i++)
            if (step + replies[i].ahead < CROWD_ANSWERS)
                render(expectation, &expectation->asking[replies[i].said][step], replies[i].reply,
                       step + replies[i].ahead);
        render(expectation, &expectation->asking[LINE_RESTART][step], FLOW_REPLY_RESTARTED, 0);
    }
    render(expectation, &expectation->asking[LINE_GREETING][0], FLOW_REPLY_WELCOME, 0);
    render(expectation, &expectation->code[false], FLOW_REPLY_NEW_CODE, 0);
    render(expectation, &expectation->code[true], FLOW_REPLY_EXISTING_CODE, 0);
}

struct expectation *expectation_create(const char *salt, const char **error)
{
    struct expectation *expectation = calloc(1, sizeof *expectation);
    size_t length;
    const char *json = flow_default_json(&length);
    char *report = NULL;

    *error = "out of memory";
    if (expectation == NULL)
        return NULL;
    expectation->now_s = time(NULL);
    expectation->salt = strdup(salt);
    expectation->flow = flow_load("ciu-rdc.json", json, length, &report);
    free(report);
    if (expectation->salt == NULL || expectation->flow == NULL ||
        flow_step_count(expectation->flow) != CROWD_ANSWERS) {
        *error = "the built-in flow is not the one that these people know";
        expectation_free(expectation);
        return NULL;
    }
    render_all(expectation);
    return expectation;
}

void expectation_free(struct expectation *expectation)
{
    if (expectation == NULL)
        return;
    flow_free(expectation->flow);
    free(expectation->salt);
    free(expectation);
}

/* The text of the only Body, into expectation->got. Returns its length, -1 when there is none. */
static long body_text(struct expectation *expectation, const char *twiml, size_t length)
{
    static const struct {
        const char *entity;
        char character;
    } entities[] = {
        {"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
    const char *at = memmem(twiml, length, "<Body>", 6);
    const char *end = memmem(twiml, length, "</Body>", 7);
    char *out = expectation->got;

    if (at == NULL || end == NULL || end < at || (size_t)(end - at) > sizeof expectation->got)
        return -1;
    for (at += 6; at < end;) {
        const char *stop = memchr(at, '&', (size_t)(end - at));
        size_t plain = (size_t)((stop != NULL ? stop : end) - at);

        memcpy(out, at, plain);
        out += plain;
        at += plain;
        for (size_t i = 0; at < end && i < sizeof entities / sizeof *entities; i++)
            if (strncmp(at, entities[i].entity, strlen(entities[i].entity)) == 0) {
                *out++ = entities[i].character;
                at += strlen(entities[i].entity);
                break;
            } else if (i + 1 == sizeof entities / sizeof *entities) {
                return -1;
            }
    }
    return out - expectation->got;
}

static int code_of(const struct expectation *expectation, const struct crowd *crowd,
                   uint64_t serial, unsigned longer, char code[UIC_CODE_MAX])
{
    char answers[CROWD_ANSWERS][CROWD_TEXT_MAX], normal[CROWD_ANSWERS][2 * CROWD_TEXT_MAX];
    struct uic_text texts[CROWD_ANSWERS];
    char error[160];

    crowd_answers(crowd, serial, answers);
    for (size_t i = 0; i < CROWD_ANSWERS; i++) {
        texts[i].bytes = normal[i];
        if (flow_answer(expectation->flow, i, answers[i], strlen(answers[i]), true,
                        expectation->now_s, normal[i], sizeof normal[i], &texts[i].length,
                        error) != 0)
            return -1;
    }
    return flow_code(expectation->flow, texts, expectation->salt, strlen(expectation->salt), longer,
                     code);
}

/* Whether what was got is the reply with this text in the place of the mark. */
static bool tells(const struct expectation *expectation, const struct reply *reply,
                  const char *mark, const char *text, size_t got_length)
{
    const size_t before = (size_t)(strstr(reply->text, mark) - reply->text);
    const size_t after = reply->length - before - strlen(mark), length = strlen(text);

    return got_length == before + length + after &&
           memcmp(expectation->got, reply->text, before) == 0 &&
           memcmp(expectation->got + before, text, length) == 0 &&
           memcmp(expectation->got + before + length, reply->text + before + strlen(mark), after) ==
               0;
}

/* A plain answer is told back as it was written. */
static bool tells_answer(const struct expectation *expectation, const struct crowd *crowd,
                         uint64_t serial, const struct line *line, const struct reply *reply,
                         size_t got_length)
{
    char answers[CROWD_ANSWERS][CROWD_TEXT_MAX];

    crowd_answers(crowd, serial, answers);
    return tells(expectation, reply, ANSWER_MARK, answers[line->step], got_length);
}

/* got is the reply with the person's code in it, which is longer if another person has the short
 * one. */
static bool tells_code(const struct expectation *expectation, const struct crowd *crowd,
                       uint64_t serial, const struct reply *reply, size_t got_length)
{
    for (unsigned longer = 0; longer <= LONGER_MAX; longer++) {
        char code[UIC_CODE_MAX];

        if (code_of(expectation, crowd, serial, longer, code) != 0)
            return false;
        if (tells(expectation, reply, CODE_MARK, code, got_length))
            return true;
    }
    return false;
}

bool expectation_met(struct expectation *expectation, const struct crowd *crowd, uint64_t serial,
                     const struct line *line, const char *twiml, size_t length)
{
    const struct reply *reply = &expectation->asking[line->kind][line->step];
    long got = body_text(expectation, twiml, length);

    if (got < 0)
        return false;
    if (line->last)
        return tells_code(expectation, crowd, serial, &expectation->code[line->known], (size_t)got);
    if (strstr(reply->text, ANSWER_MARK) != NULL)
        return tells_answer(expectation, crowd, serial, line, reply, (size_t)got);
    return (size_t)got == reply->length && memcmp(expectation->got, reply->text, (size_t)got) == 0;
}
