/* Pairs of codes: which are codes, which are the same, what differs, and how sure the share is. */
#include "flow/agreement.h"
#include "flow/talk.h"

enum { YEAR, PLACE, FIRST, DAY, FAMILY, HIDDEN, SAME, NO_CODE, NOTHING };

static void count(struct agreement *agreement, const char *first, const char *second, int expected)
{
    assert_int_equal(agreement_count(agreement, flow, first, strlen(first), second, strlen(second)),
                     expected);
}

static void each_pair_is_judged(void **state)
{
    static const struct {
        const char *first, *second;
        int what[2];
    } rows[] = {
        {"985-KINS-15-JEA-KABI-91A3F", "985-KINS-15-JEA-KABI-91A3F", {SAME, NOTHING}},
        {"985-KINS-15-JEA-KABI-91A3F", "985-kins-15-jea-kabi-91a3f", {SAME, NOTHING}},
        {"985-KINS-15-JEA-KABI-91A3F", "986-KINS-15-JEA-KABI-00A3F", {YEAR, NOTHING}},
        {"985-KINS-15-JEA-KABI-91A3F", "985-GOMA-15-JEA-KABI-00A3F", {PLACE, NOTHING}},
        {"985-KINS-15-JEA-KABI-91A3F", "985-KINS-16-JEA-KABI-00A3F", {DAY, NOTHING}},
        {"985-KINS-15-JEA-KABI-91A3F", "985-KINS-15-KAB-JEAN-00A3F", {FIRST, FAMILY}},
        {"985-KINS-15-JEA-KABI-91A3F", "985-KINS-15-JEA-KABI-00A3F", {HIDDEN, NOTHING}},
        {"985-KINS-15-JEA-KABI-91A3F", "985-KINS-15-JEA-KABI-91A3F0", {HIDDEN, NOTHING}},
        {"985-KINS-15-JEA-KABI-91A3F", "985-KINS-15-JEA-KABI-91A3", {NO_CODE, NOTHING}},
        {"985-KINS-15-JEA-KABI-91A3F", "985-KINS-15-JEA-KABI-91A3G", {NO_CODE, NOTHING}},
        {"985-KINS-15-JEA-KABI-91A3F", "9B5-KINS-15-JEA-KABI-91A3F", {NO_CODE, NOTHING}},
        {"985-KINS-15-JEA-KABI-91A3F", "985-KI-S-15-JEA-KABI-91A3F", {NO_CODE, NOTHING}},
        {"985-KINS-15-JEA-KABI-91A3F", "985 KINS 15 JEA KABI 91A3F", {NO_CODE, NOTHING}},
        {"985-KINS-15-JEA-KABI-91A3F", "", {NO_CODE, NOTHING}},
        {"premier", "second", {NO_CODE, NOTHING}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct agreement agreement = {0}, expected = {0};

        for (size_t j = 0; j < 2; j++)
            if (rows[i].what[j] <= FAMILY)
                expected.by_step[rows[i].what[j]] = 1;
        expected.hidden = rows[i].what[0] == HIDDEN;
        expected.same = rows[i].what[0] == SAME;
        expected.different = rows[i].what[0] <= HIDDEN;
        count(&agreement, rows[i].first, rows[i].second, rows[i].what[0] == NO_CODE ? -1 : 0);
        if (memcmp(&agreement, &expected, sizeof agreement) != 0)
            fail_msg("row %zu: %s", i, rows[i].second);
    }
}

static void a_code_of_any_length_is_judged_without_reading_beyond_it(void **state)
{
    static const char code[] =
        "985-KINS-15-JEA-KABI-91A3FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF"
        "FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF";
    char exact[sizeof code];

    (void)state;
    for (size_t length = 0; length < sizeof code; length++) {
        memcpy(exact + sizeof exact - length, code, length);
        const bool is = agreement_is_code(flow, exact + sizeof exact - length, length);
        if (length < 26 || length > 21 + 64)
            assert_false(is);
        if (length == 26 || length == 27)
            assert_true(is);
    }
}

static void other_forms_of_codes_are_read_too(void **state)
{
    static const struct {
        const char *flow, *first, *second;
        int status;
        size_t first_step; /* pairs that differ in the first answer */
    } rows[] = {
        {"reference-initial", "985-KINS15-JEA-KABI-91A3F", "986-KINS15-JEA-KABI-91A3F", 0, 1},
        {"reference-initial", "985-KINS15-JEA-KABI-91A3F", "985-KINS-15-JEA-KABI-91A3F", -1, 0},
        {"lllfffycg", "KABJEA5KIM", "KABJEA5KIM", 0, 0},
        {"lllfffycg", "KABJEA5KIM", "KABJEA5KIM-91", 0, 0},
        {"lllfffycg", "KABJEA5KIM", "KABJEA5KIM91", -1, 0},
        {"lllfffycg", "KABJEA5KIM", "KABJEA5KIM-", -1, 0},
    };
    struct flow *ours = flow;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct agreement agreement = {0};

        flow = load_flow(rows[i].flow);
        count(&agreement, rows[i].first, rows[i].second, rows[i].status);
        assert_int_equal(agreement.by_step[0], rows[i].first_step);
        flow_free(flow);
    }
    flow = ours;
}

/* A place of at most four letters: where it ends, nobody knows. */
static void parts_of_no_fixed_length_are_not_told_apart(void **state)
{
    static const char pad[] = ", \"pad\": \"X\"";
    struct agreement agreement = {0};
    struct flow *ours = flow;
    char *json, *report = NULL;
    size_t length;

    (void)state;
    json = strdup(flow_default_json(&length));
    memset(strstr(json, pad), ' ', strlen(pad));
    flow = flow_load("flow.json", json, length, &report);
    if (flow == NULL)
        fail_msg("%s", report);
    count(&agreement, "985-GOM-15-JEA-KABI-91A3F", "985-BOMA-15-JEA-KABI-91A3F", 0);
    assert_int_equal(agreement.different, 1);
    assert_int_equal(agreement.unknown, 1);
    assert_int_equal(agreement.hidden, 0);
    flow_free(flow);
    free(json);
    flow = ours;
}

/* After Newcombe, Statistics in Medicine 17 (1998) 857, table I, method 3. */
static void the_interval_is_wilsons(void **state)
{
    static const struct {
        size_t part, whole;
        const char *interval;
    } rows[] = {
        {81, 263, "0.2553 0.3662"}, {15, 148, "0.0624 0.1605"}, {0, 20, "0.0000 0.1611"},
        {1, 29, "0.0061 0.1718"},   {20, 20, "0.8389 1.0000"},
    };
    char text[32];
    double low, high;

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        agreement_interval(rows[i].part, rows[i].whole, &low, &high);
        snprintf(text, sizeof text, "%.4f %.4f", low < 0 ? 0 : low, high);
        assert_string_equal(text, rows[i].interval);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_pair_is_judged),
        cmocka_unit_test(a_code_of_any_length_is_judged_without_reading_beyond_it),
        cmocka_unit_test(other_forms_of_codes_are_read_too),
        cmocka_unit_test(parts_of_no_fixed_length_are_not_told_apart),
        cmocka_unit_test(the_interval_is_wilsons),
    };

    return cmocka_run_group_tests(tests, load, unload);
}
