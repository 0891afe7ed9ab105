/*
 * Whether answers are near each other, and the question about it as data: to bytes and back, and
 * nothing left of it.
 */
#include "near_by_key.h"
#include "talk.h"

static const unsigned char key[32] = "a key of the tests";
static const unsigned char record[FLOW_RECORD_SIZE] = "the hash of a record, it is near";

#define CODE "985-MBAN-15-MAR-TSHI-A3F9D"

static void near_of(const char *const said[5], const unsigned char *with,
                    unsigned char near[FLOW_NEAR_SIZE])
{
    static char room[5][512];
    struct uic_text answers[FLOW_STEPS_MAX], read[FLOW_STEPS_MAX];
    char error[160];

    for (size_t i = 0; i < 5; i++) {
        read[i] = (struct uic_text){said[i], strlen(said[i])};
        answers[i].bytes = room[i];
        assert_int_equal(0, flow_answer(flow, i, said[i], strlen(said[i]), true, NOW, room[i],
                                        sizeof room[i], &answers[i].length, error));
    }
    assert_int_equal(0, near_by_key(flow, answers, read, with, near));
}

/* Which of the five hashes are equal: a bit for each. */
static unsigned equal(const char *const one[5], const char *const other[5])
{
    unsigned char near[2][FLOW_NEAR_SIZE];
    unsigned bits = 0;

    near_of(one, key, near[0]);
    near_of(other, key, near[1]);
    for (unsigned i = 0; i < FLOW_NEAR_STEPS; i++)
        if (memcmp(near[0] + i * FLOW_NEAR_HASH_SIZE, near[1] + i * FLOW_NEAR_HASH_SIZE,
                   FLOW_NEAR_HASH_SIZE) == 0)
            bits |= 1u << i;
    return bits;
}

static const char *const jean[5] = {"1985", "Kinshasa", "Jean", "15", "Kabila"};

static void each_hash_leaves_one_answer_out(void **state)
{
    static const char *const others[5] = {"1990", "Goma", "Paul", "7", "Ilunga"};

    (void)state;
    assert_int_equal(31, equal(jean, jean));
    for (size_t i = 0; i < 5; i++) {
        const char *changed[5];

        memcpy(changed, jean, sizeof changed);
        changed[i] = others[i];
        assert_int_equal((int)i == flow_near_sounds_at(flow) ? 0 : 1u << i, equal(jean, changed));
        changed[(i + 1) % 5] = others[(i + 1) % 5];
        assert_int_equal(0, equal(jean, changed));
    }
}

static void how_names_and_places_sound_counts(void **state)
{
    static const char *const one[5] = {"1985", "Mwene-Ditu", "Jeanne", "15", "Ngoyi"};
    static const char *const other[5] = {"1985", "Muene Ditu", "jeanne", "15", "Ngoyi"};
    static const char *const twin[5] = {"1985", "Kinshasa", "Paul", "15", "Kabila"};

    (void)state;
    assert_int_equal(31, equal(one, other));
    assert_int_equal(0, equal(jean, twin));
}

/* They stand on the list, and are not asked about. */
static void where_only_endings_differ_the_sounds_are_equal(void **state)
{
    static const char *const near[][2] = {{"Jean", "Jeanne"}, {"Nathalie", "Nathali"}};

    (void)state;
    for (size_t i = 0; i < sizeof near / sizeof *near; i++) {
        const char *const one[5] = {"1985", "Kinshasa", near[i][0], "15", "Kabila"};
        const char *const other[5] = {"1985", "Kinshasa", near[i][1], "15", "Kabila"};
        const char *const moved[5] = {"1985", "Goma", near[i][1], "15", "Kabila"};

        assert_int_equal(1u << flow_near_sounds_at(flow), equal(one, other));
        assert_int_equal(0, equal(one, moved));
    }
}

/* Where they end alike. */
static void names_are_near_by_their_sound(void **state)
{
    static const char *const near[][2] = {{"Christelle", "Kristele"}, {"Josephine", "Zosefine"},
                                          {"Olivier", "Orivié"},      {"Nsimba", "Nzimba"},
                                          {"Héritier", "Eritié"},     {"Kabongo", "Kambongo"}};

    (void)state;
    for (size_t i = 0; i < sizeof near / sizeof *near; i++) {
        const char *const one[5] = {"1985", "Kinshasa", near[i][0], "15", near[i][0]};
        const char *const other[5] = {"1985", "Kinshasa", near[i][1], "15", near[i][1]};

        assert_int_equal(31, equal(one, other));
    }
}

static bool are_asked(const char *first_name, const char *twin)
{
    const char *const one[5] = {"1985", "Kinshasa", first_name, "15", "Kabila"};
    const char *const other[5] = {"1985", "Kinshasa", twin, "15", "Kabila"};

    return (equal(one, other) & ~(1u << flow_near_sounds_at(flow))) != 0;
}

/* Of the names of a line of the list. */
static void check_twins(char *line)
{
    char *names[8];
    size_t count = 0;

    line[strcspn(line, "\n")] = '\0';
    for (char *at = line; at != NULL && count < sizeof names / sizeof *names; count++)
        names[count] = strsep(&at, "\t");
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < i; j++)
            if (are_asked(names[i], names[j]))
                fail_msg("%s and %s are asked", names[j], names[i]);
}

/* For each flow that asks, whether it keeps a name as it is written or by its form. */
static void in_each_flow(void (*check)(void))
{
    static const char *const flows[] = {"ciu-rdc", "ciu-opaque"};
    struct flow *const before = flow;

    for (size_t i = 0; i < sizeof flows / sizeof *flows; i++) {
        flow = load_flow(flows[i]);
        check();
        flow_free(flow);
    }
    flow = before;
}

static void check_list_of_twins(void)
{
    FILE *file = fopen(SOURCE_DIR "/tests/data/identity/twins.tsv", "r");
    size_t lines = 0;
    char line[512];

    assert_non_null(file);
    for (; fgets(line, sizeof line, file) != NULL; lines++)
        if (line[0] != '#')
            check_twins(line);
    assert_true(lines > 100);
    fclose(file);
}

/* Of two people who differ in their first name alone none is asked. */
static void twins_are_not_asked(void **state)
{
    (void)state;
    in_each_flow(check_list_of_twins);
}

static void check_swapped_names(void)
{
    static const char *const names[][2] = {
        {"Jean", "Kabila"}, {"Jeanne", "Kambale"}, {"Cyrielle", "Ngoyi"}, {"Marcell", "Tshibangu"}};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *const one[5] = {"1985", "Kinshasa", names[i][0], "15", names[i][1]};
        const char *const swapped[5] = {"1985", "Kinshasa", names[i][1], "15", names[i][0]};

        assert_int_equal(1u << 0 | 1u << 1 | 1u << 2 | 1u << 3, equal(one, swapped));
    }
}

static void names_are_equal_in_either_order(void **state)
{
    (void)state;
    in_each_flow(check_swapped_names);
}

static void without_the_key_it_says_nothing(void **state)
{
    static const unsigned char other[32] = "another key of the tests";
    unsigned char near[2][FLOW_NEAR_SIZE];

    (void)state;
    near_of(jean, key, near[0]);
    near_of(jean, other, near[1]);
    for (size_t i = 0; i < FLOW_NEAR_SIZE; i += FLOW_NEAR_HASH_SIZE)
        assert_memory_not_equal(near[0] + i, near[1] + i, FLOW_NEAR_HASH_SIZE);
}

static void what_is_too_long_is_near_nothing(void **state)
{
    static char longest[FLOW_NORMALIZED_MAX];
    struct uic_text texts[5];
    unsigned char near[FLOW_NEAR_SIZE];

    (void)state;
    memset(longest, 'a', sizeof longest);
    for (size_t i = 0; i < sizeof longest; i += 2)
        longest[i] = 'b';
    for (size_t i = 0; i < 5; i++)
        texts[i] = (struct uic_text){longest, sizeof longest};
    assert_int_equal(-1, near_by_key(flow, texts, texts, key, near));
}

static void only_five_answers_have_it(void **state)
{
    struct flow *ten, *plain;

    (void)state;
    ten = load_flow("lllfffycg");
    plain = load_flow("reference-initial");
    assert_true(flow_has_near(flow) && flow_asks_near(flow));
    assert_true(flow_has_near(plain) && !flow_asks_near(plain));
    assert_true(flow_has_near(ten) == (flow_step_count(ten) == 5));
    assert_false(flow_asks_near(ten));
    flow_free(ten);
    flow_free(plain);
}

/* Whether it is asked is no other meaning of answers, nor another code. */
static void to_ask_changes_no_fingerprint(void **state)
{
    struct flow *off = load_flow("good-near-off"), *plain = load_flow("reference-initial"),
                *asks = load_flow("good-near-without-words");

    (void)state;
    assert_true(flow_fingerprint(off) == flow_fingerprint(flow));
    assert_true(flow_fingerprint(asks) == flow_fingerprint(plain));
    flow_free(off);
    flow_free(plain);
    flow_free(asks);
}

static void ask(struct conversation *conversation)
{
    talk(conversation, 5);
    flow_ask_near(conversation, NULL, CODE, record);
    assert_true(flow_near_shown(conversation, NOW - 10));
    assert_false(flow_near_shown(conversation, NOW));
    assert_int_equal(CONVERSATION_NEAR, conversation->state);
}

static void check_round_trip(const struct conversation *conversation)
{
    unsigned char bytes[CONVERSATION_BYTES_MAX], again[CONVERSATION_BYTES_MAX];
    const size_t length = conversation_encode(conversation, bytes);
    struct conversation copy;

    assert_int_equal(0, conversation_decode(&copy, bytes, length));
    assert_int_equal(conversation->near, copy.near);
    assert_memory_equal(conversation->near_record, copy.near_record, FLOW_RECORD_SIZE);
    assert_string_equal(conversation->code, copy.code);
    assert_int_equal(length, conversation_encode(&copy, again));
    assert_memory_equal(bytes, again, length);
    for (size_t cut = 0; cut < length; cut++)
        assert_int_equal(-1, conversation_decode(&copy, bytes, cut));
}

static void the_question_survives_the_bytes(void **state)
{
    static const char *const words[] = {"AIDE", "quoi", "LANGUE", "9", "2"};
    struct conversation conversation;

    (void)state;
    ask(&conversation);
    check_round_trip(&conversation);
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        say(&conversation, words[i], 77 + i);
        assert_int_equal(FLOW_NEAR_ASKED, conversation.near);
        check_round_trip(&conversation);
    }
    assert_int_equal(FLOW_CLAIM, say(&conversation, "yes", 99).effect);
    assert_int_equal(FLOW_NEAR_SAME, conversation.near);
    assert_int_equal(99, conversation_event(&conversation));
    check_round_trip(&conversation);
    ask(&conversation);
    assert_int_equal(FLOW_CLAIM, say(&conversation, "2", 99).effect);
    assert_int_equal(FLOW_NEAR_DIFFERENT, conversation.near);
    check_round_trip(&conversation);
}

static enum flow_near_said said_at(struct conversation *conversation, const char *text,
                                   int64_t now_s, int64_t sent_s)
{
    static uint64_t id = 1000;
    const struct flow_message message = {
        .text = text, .length = strlen(text), .id = id++, .sent_s = sent_s};

    flow_step(flow, conversation, &message, now_s);
    return conversation->near;
}

/* Without times: what is not shown, or was shown just now, is asked again. */
static void what_was_not_read_is_not_answered(void **state)
{
    struct conversation conversation;

    (void)state;
    talk(&conversation, 5);
    flow_ask_near(&conversation, NULL, CODE, record);
    assert_int_equal(FLOW_NEAR_ASKED, said_at(&conversation, "oui", NOW + 60, 0));
    assert_int_equal(CONVERSATION_NEAR, conversation.state);
    assert_true(flow_near_shown(&conversation, NOW + 60));
    assert_int_equal(FLOW_NEAR_ASKED, said_at(&conversation, "2", NOW + 61, 0));
    assert_int_equal(FLOW_NEAR_ASKED, said_at(&conversation, "1", NOW + 90, 0));
    assert_true(flow_near_shown(&conversation, NOW + 90));
    check_round_trip(&conversation);
    assert_int_equal(FLOW_NEAR_SAME, said_at(&conversation, "1", NOW + 92, 0));
}

/* Where times are told: what was sent before it was shown, though it comes long after. */
static void what_was_sent_before_is_not_an_answer(void **state)
{
    struct conversation conversation;

    (void)state;
    ask(&conversation);
    assert_int_equal(FLOW_NEAR_ASKED, said_at(&conversation, "oui", NOW, NOW - 60));
    assert_true(conversation.near_late);
    assert_true(flow_near_shown(&conversation, NOW));
    check_round_trip(&conversation);
    /* Sent with the one before; and then behind it, by a clock that is a minute late. */
    assert_int_equal(FLOW_NEAR_ASKED, said_at(&conversation, "non", NOW + 5, NOW - 59));
    assert_true(flow_near_shown(&conversation, NOW + 5));
    assert_int_equal(FLOW_NEAR_DIFFERENT, said_at(&conversation, "non", NOW + 15, NOW - 45));
    check_round_trip(&conversation);
}

/* What was asked about a record stands only where it can. */
static void forged_questions_are_refused(void **state)
{
    struct conversation conversation, copy;
    unsigned char bytes[CONVERSATION_BYTES_MAX];
    size_t length, near_at;

    (void)state;
    ask(&conversation);
    length = conversation_encode(&conversation, bytes);
    near_at = length - (sizeof CODE - 1) - 1 - 4 - FLOW_RECORD_SIZE - 1;
    assert_int_equal(FLOW_NEAR_ASKED, bytes[near_at]);
    for (unsigned said = 0; said < 256; said++) {
        bytes[near_at] = (unsigned char)said;
        assert_int_equal(said == FLOW_NEAR_ASKED || said == (FLOW_NEAR_ASKED | 0x10) ? 0 : -1,
                         conversation_decode(&copy, bytes, length));
    }
    bytes[near_at] = FLOW_NEAR_ASKED;
    for (unsigned head = 0; head < 256; head++) {
        bytes[1] = (unsigned char)head;
        assert_int_equal(
            head == (CONVERSATION_NEAR | 0x40) || head == (CONVERSATION_LANGUAGE | 0x40) ? 0 : -1,
            conversation_decode(&copy, bytes, length));
    }
    /* A question about which nothing is known. */
    bytes[1] = CONVERSATION_NEAR;
    assert_int_equal(-1, conversation_decode(&copy, bytes, near_at));
}

static bool is_in(const void *memory, size_t size, const void *text, size_t length)
{
    return memmem(memory, size, text, length) != NULL;
}

static void an_end_leaves_no_trace(void **state)
{
    static const char *const ends[] = {"RETOUR", "RECOMMENCER", "STOP"};
    struct conversation conversation;

    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        ask(&conversation);
        assert_true(is_in(&conversation, sizeof conversation, record, 16));
        say(&conversation, ends[i], 9);
        assert_int_equal(FLOW_NEAR_NONE, conversation.near);
        assert_false(is_in(&conversation, sizeof conversation, record, 16));
        assert_false(is_in(&conversation, sizeof conversation, CODE, 8));
    }
    ask(&conversation);
    say(&conversation, "non", 9);
    flow_finish(&conversation, NULL, "another", false);
    assert_int_equal(FLOW_NEAR_NONE, conversation.near);
    assert_false(is_in(&conversation, sizeof conversation, record, 16));
    assert_false(is_in(&conversation, sizeof conversation, CODE, 8));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_hash_leaves_one_answer_out),
        cmocka_unit_test(how_names_and_places_sound_counts),
        cmocka_unit_test(where_only_endings_differ_the_sounds_are_equal),
        cmocka_unit_test(names_are_near_by_their_sound),
        cmocka_unit_test(twins_are_not_asked),
        cmocka_unit_test(names_are_equal_in_either_order),
        cmocka_unit_test(without_the_key_it_says_nothing),
        cmocka_unit_test(what_is_too_long_is_near_nothing),
        cmocka_unit_test(only_five_answers_have_it),
        cmocka_unit_test(to_ask_changes_no_fingerprint),
        cmocka_unit_test(the_question_survives_the_bytes),
        cmocka_unit_test(what_was_not_read_is_not_answered),
        cmocka_unit_test(what_was_sent_before_is_not_an_answer),
        cmocka_unit_test(forged_questions_are_refused),
        cmocka_unit_test(an_end_leaves_no_trace),
    };

    return cmocka_run_group_tests(tests, load, unload);
}
