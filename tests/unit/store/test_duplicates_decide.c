/* What is decided of pairs, and which record counts then, on SQLite and on PostgreSQL. */
#include "duplicates_bench.h"

static struct duplicates_decided decided;
static char error[ERROR_MAX];

/* Records 1 to n with the codes c1-1, c2-1 ..., none of them near another one. */
static void people_make(int n)
{
    for (int i = 1; i <= n; i++) {
        char code[16], answers[] = "abcde";
        snprintf(code, sizeof code, "c%d-1", i);
        for (int j = 0; j < 5; j++)
            answers[j] = (char)('A' + i);
        person_insert(i, code, answers);
    }
}

static int decide(enum duplicates_verdict verdict, const char *one, const char *other)
{
    const struct duplicates_decision decision = {
        verdict, 0, {one, other}, "command line (tests)", 1767225600000000};

    return duplicates_decide(bench.url, &decision, &decided, error);
}

static int decide_pair(enum duplicates_verdict verdict, int64_t number)
{
    const struct duplicates_decision decision = {
        verdict, number, {NULL, NULL}, "command line (tests)", 1767225600000000};

    return duplicates_decide(bench.url, &decision, &decided, error);
}

static void assert_decided(int64_t changed, const char *counts)
{
    assert_int_equal(decided.changed, changed);
    assert_string_equal(decided.counts, counts);
}

static void the_older_one_counts_until_it_is_undone(void **state)
{
    (void)state;
    person_insert(1, "a-1", "ypfdn");
    person_insert(2, "b-1", "ypfDn");
    build_all();
    assert_int_equal(decide_pair(DUPLICATES_SAME, 1), 0);
    assert_decided(1, "a-1");
    assert_counting("1, 1");
    assert_int_equal(decide_pair(DUPLICATES_SAME, 1), DUPLICATES_UNCHANGED);
    assert_int_equal(decide(DUPLICATES_UNDONE, "b-1", "a-1"), 0);
    assert_decided(1, "b-1");
    assert_counting("1, 2");
    assert_int_equal(decide_pair(DUPLICATES_UNDONE, 1), DUPLICATES_UNCHANGED);
    assert_int_equal(decide_pair(DUPLICATES_DIFFERENT, 1), 0);
    assert_decided(0, "a-1");
    assert_sql(&bench, "SELECT decision FROM uic_pairs", "different");
    assert_sql(&bench, "SELECT count(*) FROM uic_audit WHERE author = 'command line (tests)'", "3");
    assert_sql(&bench, "SELECT sum(records) FROM uic_audit WHERE action = 'duplicates: same'", "1");
    assert_sql(&bench, "SELECT records FROM uic_audit WHERE action = 'duplicates: different'", "0");
    assert_sql(&bench,
               SQL("SELECT at FROM uic_audit LIMIT 1",
                   "SELECT at AT TIME ZONE 'UTC' || '.000000' FROM uic_audit LIMIT 1"),
               "2026-01-01 00:00:00.000000");
}

static void what_is_not_there_is_not_decided(void **state)
{
    (void)state;
    people_make(1);
    assert_int_equal(decide_pair(DUPLICATES_SAME, 7), DUPLICATES_ABSENT);
    assert_int_equal(decide(DUPLICATES_SAME, "c1-1", "nobody"), DUPLICATES_ABSENT);
    assert_int_equal(decide(DUPLICATES_SAME, "nobody", "c1-1"), DUPLICATES_ABSENT);
    assert_int_equal(decide(DUPLICATES_SAME, "c1-1", "c1-1"), DUPLICATES_UNCHANGED);
    assert_sql(&bench, "SELECT (SELECT count(*) FROM uic_audit) + (SELECT count(*) FROM uic_pairs)",
               "0");
}

/* Whichever way they are joined, all of a group have one root. */
static void there_is_never_a_chain(void **state)
{
    (void)state;
    people_make(6);
    assert_int_equal(decide(DUPLICATES_SAME, "c4-1", "c3-1"), 0);
    assert_counting("1, 2, 3, 3, 5, 6");
    assert_int_equal(decide(DUPLICATES_SAME, "c4-1", "c2-1"), 0);
    assert_decided(2, "c2-1");
    assert_counting("1, 2, 2, 2, 5, 6");
    assert_int_equal(decide(DUPLICATES_SAME, "c6-1", "c5-1"), 0);
    assert_int_equal(decide(DUPLICATES_SAME, "c4-1", "c6-1"), 0);
    assert_counting("1, 2, 2, 2, 2, 2");
    assert_int_equal(decide(DUPLICATES_SAME, "c6-1", "c1-1"), 0);
    assert_counting("1, 1, 1, 1, 1, 1");
    assert_sql(&bench,
               "SELECT count(*) FROM uic_records a JOIN uic_records b ON b.id = a.same_as"
               " WHERE b.same_as IS NOT NULL",
               "0");
    assert_sql(&bench, "SELECT count(*) FROM uic_pairs WHERE why = 'hand'", "5");
}

/* 3-4, 5-6 and 4-6 are one; without 4-6 they are two again, without 3-4 only 3 is alone. */
static void undoing_takes_apart_what_nothing_else_links(void **state)
{
    (void)state;
    people_make(6);
    assert_int_equal(decide(DUPLICATES_SAME, "c3-1", "c4-1"), 0);
    assert_int_equal(decide(DUPLICATES_SAME, "c5-1", "c6-1"), 0);
    assert_int_equal(decide(DUPLICATES_SAME, "c4-1", "c6-1"), 0);
    assert_counting("1, 2, 3, 3, 3, 3");
    assert_int_equal(decide(DUPLICATES_UNDONE, "c6-1", "c4-1"), 0);
    assert_decided(2, "c5-1");
    assert_counting("1, 2, 3, 3, 5, 5");
    assert_sql(&bench, "SELECT count(*) FROM uic_pairs", "2");
    assert_int_equal(decide(DUPLICATES_SAME, "c4-1", "c6-1"), 0);
    assert_int_equal(decide(DUPLICATES_UNDONE, "c3-1", "c4-1"), 0);
    assert_counting("1, 2, 3, 4, 4, 4");
    assert_int_equal(decide(DUPLICATES_SAME, "c3-1", "c5-1"), 0);
    assert_int_equal(decide(DUPLICATES_SAME, "c3-1", "c6-1"), 0);
    assert_int_equal(decide(DUPLICATES_UNDONE, "c3-1", "c5-1"), 0);
    assert_decided(0, "c3-1");
    assert_counting("1, 2, 3, 3, 3, 3");
}

static void what_contradicts_other_pairs_is_refused(void **state)
{
    (void)state;
    people_make(3);
    assert_int_equal(decide(DUPLICATES_DIFFERENT, "c1-1", "c3-1"), 0);
    assert_int_equal(decide(DUPLICATES_SAME, "c1-1", "c2-1"), 0);
    assert_int_equal(decide(DUPLICATES_SAME, "c2-1", "c3-1"), DUPLICATES_APART);
    assert_int_equal(decided.number, 1);
    assert_counting("1, 1, 3");
    assert_int_equal(decide(DUPLICATES_UNDONE, "c1-1", "c3-1"), 0);
    assert_int_equal(decide(DUPLICATES_SAME, "c2-1", "c3-1"), 0);
    assert_int_equal(decide(DUPLICATES_DIFFERENT, "c3-1", "c1-1"), DUPLICATES_TOGETHER);
    assert_counting("1, 1, 1");
    assert_int_equal(decide(DUPLICATES_DIFFERENT, "c3-1", "c2-1"), 0);
    assert_counting("1, 1, 3");
}

/* The link that went with it holds those together whom nobody took apart. */
static void after_an_erasure_the_rest_stays_together(void **state)
{
    (void)state;
    people_make(4);
    assert_int_equal(decide(DUPLICATES_SAME, "c1-1", "c2-1"), 0);
    assert_int_equal(decide(DUPLICATES_SAME, "c1-1", "c3-1"), 0);
    assert_int_equal(decide(DUPLICATES_SAME, "c3-1", "c4-1"), 0);
    assert_sql(&bench, "DELETE FROM uic_records WHERE id = 1", "");
    assert_counting("2, 2, 2");
    assert_int_equal(decide(DUPLICATES_UNDONE, "c3-1", "c4-1"), 0);
    assert_counting("2, 2, 4");
    assert_int_equal(decide(DUPLICATES_UNDONE, "c2-1", "c3-1"), 0); /* by hand, no pair is left */
    assert_counting("2, 3, 4");
    assert_int_equal(decide(DUPLICATES_UNDONE, "c2-1", "c3-1"), DUPLICATES_UNCHANGED);
}

/* She said that she has a code already, so her other answers have none; until they come again. */
static void answers_without_a_code_are_decided_again_when_they_have_one(void **state)
{
    (void)state;
    person_insert(1, "a-1", "ypfdn");
    build_all();
    assert_sql(
        &bench,
        "INSERT INTO uic_pairs (record, answers, why, said) VALUES (1, 'h2', 'said', 'same')", "");
    assert_int_equal(decide_pair(DUPLICATES_SAME, 1), 0);
    assert_decided(0, "a-1");
    person_insert(2, "b-1", "ypfdN");
    build_all();
    assert_sql(&bench, "SELECT count(*) FROM uic_pairs WHERE decision IS NULL", "1");
    assert_int_equal(decide_pair(DUPLICATES_SAME, 1), 0);
    assert_decided(1, "a-1");
    assert_sql(&bench, "DELETE FROM uic_marks", "");
    build_all();
    assert_sql(&bench, "SELECT decision FROM uic_pairs", "same");
}

/* 200, in which only the day differs. */
static void pairs_insert(void)
{
    static char sql[400 * 256] = PERSON_INTO;
    char *end = sql + strlen(PERSON_INTO);

    for (int i = 0; i < 400; i++) {
        const int pair = i / 2;
        char answers[] = "ypfdn", code[32];
        answers[0] = answers[4] = (char)('A' + pair % 20);
        answers[2] = (char)('A' + pair / 20);
        answers[3] = i % 2 == 0 ? 'd' : 'D';
        snprintf(code, sizeof code, "%d.%d-1", pair, i % 2);
        if (i > 0)
            *end++ = ',';
        end = person_write(end, i + 1, code, answers);
    }
    assert_sql(&bench, sql, "");
}

static void the_list_has_all_in_their_order(void **state)
{
    (void)state;
    int64_t records, count = 0;
    struct duplicates_pair pair;
    int found;

    pairs_insert();
    build_all();
    assert_int_equal(decide_pair(DUPLICATES_SAME, 3), 0);
    assert_int_equal(decide_pair(DUPLICATES_DIFFERENT, 4), 0);
    static const int64_t expected[] = {
        [DUPLICATES_OPEN] = 198, [DUPLICATES_DECIDED] = 2, [DUPLICATES_ALL] = 200};
    for (int filter = DUPLICATES_OPEN; filter <= DUPLICATES_ALL; filter++) {
        int64_t before = 0;
        struct duplicates_reader *reader =
            duplicates_open(bench.url, (enum duplicates_filter)filter, error);
        assert_non_null(reader);
        assert_int_equal(duplicates_records(reader, &records, error), 0);
        assert_int_equal(records, 400);
        for (count = 0; (found = duplicates_next(reader, &pair, error)) > 0; count++) {
            assert_true(pair.number > before);
            assert_string_equal(pair.why, "day");
            assert_null(pair.said);
            assert_string_equal(pair.counts, pair.codes[0]);
            assert_true(strncmp(pair.codes[0], pair.codes[1], strcspn(pair.codes[0], ".")) == 0);
            before = pair.number;
        }
        assert_int_equal(found, 0);
        assert_int_equal(count, expected[filter]);
        duplicates_close(reader);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_older_one_counts_until_it_is_undone),
        TEST(what_is_not_there_is_not_decided),
        TEST(there_is_never_a_chain),
        TEST(undoing_takes_apart_what_nothing_else_links),
        TEST(what_contradicts_other_pairs_is_refused),
        TEST(after_an_erasure_the_rest_stays_together),
        TEST(answers_without_a_code_are_decided_again_when_they_have_one),
        TEST(the_list_has_all_in_their_order),
    };
    int failed = cmocka_run_group_tests_name("SQLite", tests, NULL, NULL);

    return failed +
           cmocka_run_group_tests_name("PostgreSQL", tests, bench_server_start, bench_server_stop);
}
