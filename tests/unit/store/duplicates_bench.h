/* What the tests of duplicates share: records with near made of five letters, one for each answer,
 * and steps through them. */
#ifndef DUPLICATES_BENCH_H
#define DUPLICATES_BENCH_H

#include "record_bench.h"
#include "store/duplicates.h"

static struct bench bench;

static inline int setup(void **state)
{
    (void)state;
    bench_open(&bench);
    return 0;
}

static inline int teardown(void **state)
{
    (void)state;
    bench_remove(&bench);
    return 0;
}

/* The answers are of year, place, first name, day and family name; a hash is of the letters with a
 * hole, in hexadecimal digits. That of the sounds has none, and g sounds like f. */
static inline char letter_of(char answer, int step, int hole)
{
    if (hole == 2)
        return answer == 'g' ? 'f' : answer;
    return step == hole ? '_' : answer;
}

static inline void near_write(const char *answers, char near[51])
{
    for (int hole = 0; hole < 5; hole++)
        for (int i = 0; i < 5; i++)
            sprintf(near + 10 * hole + 2 * i, "%02x", letter_of(answers[i], i, hole));
}

/* A row for VALUES. Returns where it ends. */
static inline char *person_write(char *sql, int id, const char *code, const char *answers)
{
    char near[51];

    near_write(answers, near);
    return sql + sprintf(sql,
                         SQL("(%d, '%s', '+1', 'h%d', '2026-01-01', '2026-01-01', '%s')",
                             "(%d, '%s', '+1', 'h%d', '2026-01-01', '2026-01-01',"
                             " decode('%s', 'hex'))"),
                         id, code, id, near);
}

#define PERSON_INTO                                                                \
    "INSERT INTO uic_records (id, uic_code, phone_number, input_hash, created_at," \
    " last_requested_at, near) VALUES "

static inline void person_insert(int id, const char *code, const char *answers)
{
    char sql[512] = PERSON_INTO;

    person_write(sql + strlen(sql), id, code, answers);
    assert_sql(&bench, sql, "");
}

static inline void build_done(struct store_ticket *ticket)
{
    ticket->done = NULL;
}

static inline struct duplicates_build build_until(int64_t until_id)
{
    return (struct duplicates_build){
        .at = {[DUPLICATES_SOUND] = 2,
               [DUPLICATES_PLACE] = 1,
               [DUPLICATES_YEAR] = 0,
               [DUPLICATES_DAY] = 3},
        .code_shows = true,
        .until_id = until_id,
    };
}

static inline void build_step(struct duplicates_build *build)
{
    build->ticket.done = build_done;
    assert_int_equal(duplicates_build(bench.link, build), STORE_LATER);
    while (build->ticket.done != NULL)
        assert_int_equal(event_base_loop(bench.base, EVLOOP_ONCE), 0);
    if (build->ticket.status != STORE_OK)
        fail_msg("%s", build->errand.error);
}

/* All of them. Returns the steps that it took. */
static inline unsigned build_all(void)
{
    struct duplicates_build build = build_until(INT64_MAX);
    unsigned steps = 0;

    do {
        build_step(&build);
        steps++;
    } while (build.more);
    return steps;
}

/* The pairs, in the order in which they were found: "1-2 place, 1-3 day". */
#define assert_pairs(expected)                                                                     \
    assert_sql(&bench,                                                                             \
               SQL("SELECT coalesce(group_concat(pair, ', '), '') FROM (SELECT p.record || '-' ||" \
                   " r.id || ' ' || why AS pair FROM uic_pairs p JOIN uic_records r"               \
                   " ON r.input_hash = answers ORDER BY number)",                                  \
                   "SELECT coalesce(string_agg(p.record || '-' || r.id || ' ' || why, ', '"        \
                   " ORDER BY number), '') FROM uic_pairs p JOIN uic_records r ON r.input_hash = " \
                   "answers"),                                                                     \
               expected)

/* Of each record, in the order of their ids, which counts in its place: "1, 2, 1". */
#define assert_counting(expected)                                                            \
    assert_sql(                                                                              \
        &bench,                                                                              \
        SQL("SELECT group_concat(coalesce(same_as, id), ', ') FROM (SELECT id, same_as FROM" \
            " uic_records ORDER BY id)",                                                     \
            "SELECT string_agg(coalesce(same_as, id)::text, ', ' ORDER BY id) FROM "         \
            "uic_records"),                                                                  \
        expected)

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

#endif
