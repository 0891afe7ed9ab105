/*
 * Nurses who register many people while messages are doubled, delivered again, swapped, and mixed
 * with gestures: every code is of the answers that were meant, and every person has one.
 */
#include "bench.h"

#define REGISTRATIONS 10000
#define SENT_MAX 4096
#define TURNS_MAX 200
#define STEPS 5

struct nurse {
    bool times; /* the channel tells them */
    int64_t now_s;
    unsigned char bytes[CONVERSATION_BYTES_MAX];
    size_t length;
    unsigned char mark[CONVERSATION_MARK_MAX];
    size_t mark_length;
    const char *answers[STEPS]; /* of who stands before her */
    size_t codes;
    size_t sent_count; /* all in all; the last SENT_MAX of them are known */
    size_t sent_here;  /* since the session began */
    struct flow_message sent[SENT_MAX];
};

static struct flow *flow;
static struct conversation conversation;

static long chance(long of)
{
    return random() % of;
}

static uint64_t hash(const char *text)
{
    uint64_t number = UINT64_C(14695981039346656037);

    for (; *text != '\0'; text++)
        number = (number ^ (unsigned char)*text) * UINT64_C(1099511628211);
    return number & FLOW_ID_MAX;
}

static void load(struct nurse *nurse)
{
    if (nurse->length == 0)
        conversation_start(&conversation, nurse->mark, nurse->mark_length);
    else
        assert_int_equal(0, conversation_decode(&conversation, nurse->bytes, nurse->length));
}

static void save(struct nurse *nurse)
{
    nurse->length = conversation_encode(&conversation, nurse->bytes);
    nurse->mark_length = conversation_mark(&conversation, nurse->mark);
}

static void finish(struct nurse *nurse, const struct flow_message *message)
{
    static char room[FLOW_NORMALIZED_MAX];
    struct uic_text answers[FLOW_STEPS_MAX];

    assert_int_equal(0, conversation_answers(flow, &conversation, room, answers));
    for (size_t i = 0; i < STEPS; i++)
        if (answers[i].length != strlen(nurse->answers[i]) ||
            strncasecmp(answers[i].bytes, nurse->answers[i], answers[i].length) != 0)
            fail_msg("answer %zu is %.*s, meant was %s", i, (int)answers[i].length,
                     answers[i].bytes, nurse->answers[i]);
    flow_finish(&conversation, message, "985-KINS-15-JEA-KABI-A3F9D", false);
    nurse->codes++;
}

static enum flow_effect deliver(struct nurse *nurse, const struct flow_message *message)
{
    struct flow_outcome outcome;

    load(nurse);
    outcome = flow_step(flow, &conversation, message, nurse->now_s);
    if (outcome.effect == FLOW_CLAIM)
        finish(nurse, message);
    if (outcome.effect == FLOW_CLAIM || outcome.effect == FLOW_ANSWER)
        save(nurse);
    return outcome.effect;
}

/* Writes a message, which is delivered when it is. */
static const struct flow_message *write_message(struct nurse *nurse, enum flow_message_kind kind,
                                                const char *text, int64_t sent_s)
{
    struct flow_message *message = &nurse->sent[nurse->sent_count++ % SENT_MAX];

    nurse->sent_here++;
    *message = (struct flow_message){
        .kind = kind,
        .text = text,
        .length = strlen(text),
        .id = nurse->sent_count,
        .text_id = hash(text),
        .sent_s = nurse->times ? sent_s : 0,
    };
    return message;
}

/* One of the messages that the provider may deliver again, often a late one; it changes nothing. (A
 * correction that began nothing is not remembered, and none may be seen of it.) */
static void redeliver(struct nurse *nurse)
{
    const size_t all = nurse->times ? nurse->sent_count : nurse->sent_here;
    const size_t known = nurse->times ? SENT_MAX : FLOW_RECENT_MAX;
    const size_t some = chance(2) == 0 ? 20 : known;
    const size_t back = (size_t)chance((long)(all < some ? all : some));
    const struct flow_message *message = &nurse->sent[(nurse->sent_count - 1 - back) % SENT_MAX];
    enum flow_effect effect;

    if (message->kind == FLOW_MESSAGE_EDIT)
        return;
    effect = deliver(nurse, message);
    assert_true(effect == FLOW_REPEAT || effect == FLOW_IGNORE);
}

static void gesture(struct nurse *nurse)
{
    static const enum flow_message_kind kinds[] = {FLOW_MESSAGE_EDIT, FLOW_MESSAGE_VOICE,
                                                   FLOW_MESSAGE_MEDIA, FLOW_MESSAGE_UNREADABLE,
                                                   FLOW_MESSAGE_BUTTON};

    deliver(nurse, write_message(nurse, kinds[chance(5)], "Merci beaucoup", nurse->now_s));
}

/* Two answers written without waiting, and delivered the other way round. */
static void answer_swapped(struct nurse *nurse, size_t step)
{
    const struct flow_message *first =
        write_message(nurse, FLOW_MESSAGE_TEXT, nurse->answers[step], nurse->now_s);
    const struct flow_message *second;

    nurse->now_s += 1 + chance(3);
    second = write_message(nurse, FLOW_MESSAGE_TEXT, nurse->answers[step + 1], nurse->now_s);
    deliver(nurse, second);
    deliver(nurse, first);
}

/* Answers what is open, as she reads it. */
static void answer(struct nurse *nurse)
{
    const bool asking = nurse->length > 0 && conversation.state == CONVERSATION_ASKING;
    const size_t step = conversation.step;
    const char *text = asking ? nurse->answers[step] : "Bonjour";
    /* Without times only neighbours of different kinds can be told apart: not the two names. */
    const bool may_swap = asking && step + 1 < STEPS && (nurse->times || step != 1);

    if (may_swap && chance(10) == 0) {
        answer_swapped(nurse, step);
        return;
    }
    deliver(nurse, write_message(nurse, FLOW_MESSAGE_TEXT, text, nurse->now_s));
    if (chance(8) == 0)
        deliver(nurse, write_message(nurse, FLOW_MESSAGE_TEXT, text, nurse->now_s + chance(2)));
}

static void register_one(struct nurse *nurse, size_t number)
{
    static const char *const years[] = {"1985", "1990", "2001"};
    static const char *const places[] = {"Kinshasa", "Goma", "Maria"};
    static const char *const names[] = {"Jean", "Maria", "Goma"};
    static const char *const days[] = {"7", "15", "31"};
    static const char *const families[] = {"Kabila", "Mwamba", "Jean"};
    const size_t before = nurse->codes;

    nurse->answers[0] = years[chance(3)];
    nurse->answers[1] = places[chance(3)];
    nurse->answers[2] = names[chance(3)];
    nurse->answers[3] = days[chance(3)];
    nurse->answers[4] = families[chance(3)];
    for (size_t turn = 0; nurse->codes == before; turn++) {
        if (turn == TURNS_MAX)
            fail_msg("registration %zu comes to no end", number);
        nurse->now_s += 3 + chance(40);
        load(nurse);
        answer(nurse);
        if (chance(5) == 0)
            redeliver(nurse);
        if (chance(12) == 0)
            gesture(nurse);
    }
    assert_int_equal(before + 1, nurse->codes);
    nurse->now_s += chance(3) == 0 ? 1200 : 60;
    if (nurse->times && chance(10) == 0)
        nurse->length = 0; /* the session is gone, its mark is not */
}

static void work(bool times)
{
    struct nurse *nurse = calloc(1, sizeof *nurse);

    flow = load_flow("ciu-rdc");
    srandom(20261129);
    nurse->times = times;
    nurse->now_s = NOW;
    for (size_t i = 0; i < REGISTRATIONS; i++)
        register_one(nurse, i);
    assert_int_equal(REGISTRATIONS, nurse->codes);
    flow_free(flow);
    free(nurse);
}

static void where_times_are_told_every_code_is_meant(void **state)
{
    (void)state;
    work(true);
}

static void without_times_every_code_is_meant(void **state)
{
    (void)state;
    work(false);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(where_times_are_told_every_code_is_meant),
        cmocka_unit_test(without_times_every_code_is_meant),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
