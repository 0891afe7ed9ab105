/* What is read in INFO and in errors. */
#include "store/redis/error.h"
#include "store/redis/survey.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define MEMORY(limit, policy) "# Memory\r\nmaxmemory:" limit "\r\nmaxmemory_policy:" policy "\r\n"
#define DISK(aof) "# Persistence\r\naof_enabled:" aof "\r\n"
#define REPLICAS(count) "# Replication\r\nrole:master\r\nconnected_slaves:" count "\r\n"

static struct redis_survey survey_of(const char *info, const char *save)
{
    struct redis_survey survey;

    memset(&survey, 0xff, sizeof survey);
    redis_survey_read(&survey, info, save);
    return survey;
}

static void what_throws_sessions_away(void **state)
{
    (void)state;
    static const struct {
        const char *info, *evicts;
    } rows[] = {
        {MEMORY("0", "noeviction"), ""},
        {MEMORY("1000000", "noeviction"), ""},
        {MEMORY("1000000", "allkeys-lru"), "allkeys-lru"},
        {MEMORY("0", "allkeys-random"), "allkeys-random"},
        {MEMORY("1000000", "volatile-ttl"), "volatile-ttl"},
        {MEMORY("0", "volatile-lru"), ""}, /* a default that does nothing */
        {"maxmemory_policy:allkeys-lfu", "allkeys-lfu"},
        {"maxmemory_policy:a-policy-whose-name-is-longer-than-any\r\n", ""},
        {"not_maxmemory_policy:allkeys-lru\r\n", ""},
        {"", ""},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_string_equal(survey_of(rows[i].info, NULL).evicts, rows[i].evicts);
}

static void what_forgets(void **state)
{
    (void)state;
    assert_true(survey_of(DISK("0"), "").forgets);
    assert_false(survey_of(DISK("1"), "").forgets);
    assert_false(survey_of(DISK("0"), "3600 1 300 100").forgets);
    assert_false(survey_of(DISK("0"), NULL).forgets); /* CONFIG may not be asked */
    assert_false(survey_of("", "").forgets);
}

static void what_time_it_is_there(void **state)
{
    (void)state;
    assert_int_equal(survey_of("# Server\r\nserver_time_usec:1795982169740094\r\n", NULL).clock_s,
                     1795982169);
    assert_int_equal(survey_of("", NULL).clock_s, 0);
}

static void replicas_are_counted(void **state)
{
    (void)state;
    struct redis_survey survey = survey_of(REPLICAS("2"), NULL);

    assert_int_equal(survey.replicas, 2);
    assert_false(survey.asks_replicas);
    assert_true(survey_of(REPLICAS("2") "min_slaves_good_slaves:2\r\n", NULL).asks_replicas);
    assert_int_equal(survey_of("", NULL).replicas, 0);
}

static void who_tells_nothing_is_not_known(void **state)
{
    (void)state;
    assert_true(survey_of(REPLICAS("0"), NULL).known);
    assert_false(survey_of(NULL, NULL).known);
    assert_false(survey_of(NULL, "").forgets);
}

static void refusals_are_told_apart(void **state)
{
    (void)state;
    static const struct {
        const char *words;
        enum redis_refusal refusal;
    } rows[] = {
        {"CROSSSLOT Keys in request don't hash to the same slot", REDIS_IS_CLUSTER},
        {"MOVED 866 10.0.0.7:6379", REDIS_IS_CLUSTER},
        {"CLUSTERDOWN Hash slot not served", REDIS_IS_CLUSTER},
        {"NOPERM User uic has no permissions to run the 'mget' command", REDIS_FORBIDS},
        {"ERR ACL failure in script: User uic has no permissions to run the 'set' command script: "
         "f,"
         " on @user_script:11.",
         REDIS_FORBIDS},
        {"ERR Error running script (call to f_1): @user_script:10: The user executing the script "
         "can't run this command or subcommand",
         REDIS_FORBIDS},
        {"OOM command not allowed when used memory > 'maxmemory'.", REDIS_IS_FULL},
        {"ERR Error running script (call to f_1): @user_script: 2: -OOM command not allowed",
         REDIS_IS_FULL},
        {"MISCONF Redis is configured to save RDB snapshots", REDIS_CANNOT_WRITE},
        {"NOREPLICAS Not enough good replicas to write.", REDIS_LACKS_REPLICAS},
        {"ERR unknown command 'MGET'", REDIS_REFUSES_OTHERWISE},
        {"ZOOM", REDIS_REFUSES_OTHERWISE},
        {"", REDIS_REFUSES_OTHERWISE},
    };

    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++)
        assert_int_equal(redis_error_refusal(rows[i].words), rows[i].refusal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_throws_sessions_away),      cmocka_unit_test(what_forgets),
        cmocka_unit_test(what_time_it_is_there),          cmocka_unit_test(replicas_are_counted),
        cmocka_unit_test(who_tells_nothing_is_not_known), cmocka_unit_test(refusals_are_told_apart),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
