/*
 * Wrong flow files: each tests/cases/flows/NAME.json with a NAME.expected is reported exactly so,
 * line by line, all mistakes at once. And memory that runs out while a flow is loaded.
 */
#include "bench.h"

#include <dirent.h>

static int is_expected(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return length > 9 && strcmp(entry->d_name + length - 9, ".expected") == 0;
}

/* Returns whether the report is as expected. */
static bool check_case(const char *name)
{
    char path[512], *json, *expected, *report;
    size_t length = 0, expected_length = 0;
    struct flow *flow;
    bool good;

    snprintf(path, sizeof path, CASES "/flows/%s.json", name);
    json = read_file(path, &length);
    snprintf(path, sizeof path, CASES "/flows/%s.expected", name);
    expected = read_file(path, &expected_length);
    if (json == NULL || expected == NULL)
        fail_msg("%s: a case is a .json and an .expected file", name);
    json = apply_case(json, &length);
    flow = flow_load("flow.json", json, length, &report);
    good = flow == NULL && report != NULL && strcmp(report, expected) == 0;
    if (!good)
        fprintf(stderr, "%s: expected\n%sbut got\n%s\n", name, expected,
                report != NULL ? report : "nothing wrong");
    flow_free(flow);
    free(report);
    free(expected);
    free(json);
    return good;
}

static void every_mistake_is_told_with_its_path(void **state)
{
    struct dirent **entries;
    int count = scandir(CASES "/flows", &entries, is_expected, alphasort);
    size_t failures = 0;

    (void)state;
    assert_true(count >= 15);
    for (int i = 0; i < count; i++) {
        entries[i]->d_name[strlen(entries[i]->d_name) - 9] = '\0';
        failures += !check_case(entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    assert_int_equal(0, failures);
}

/* Cut anywhere, or with any byte changed, a file loads or is reported; nothing else happens. */
static void damaged_files_are_reported(void **state)
{
    size_t length, built_in_length;
    const char *built_in = flow_default_json(&built_in_length);
    char *json = malloc(built_in_length), *report;

    (void)state;
    for (length = 0; length + 1 < built_in_length;
         length += 13) { /* the last byte is a line feed */
        memcpy(json, built_in, length);
        assert_null(flow_load("flow.json", json, length, &report));
        assert_memory_equal("flow.json: ", report, 11);
        free(report);
    }
    for (size_t at = 0; at < built_in_length; at += 7) {
        struct flow *flow;

        memcpy(json, built_in, built_in_length);
        json[at] = "x\"{}[],:0\x80"[at % 10];
        flow = flow_load("flow.json", json, built_in_length, &report);
        assert_true((flow == NULL) == (report != NULL));
        flow_free(flow);
        free(report);
    }
    free(json);
}

static void a_huge_file_is_refused(void **state)
{
    const size_t length = ((size_t)1 << 20) + 1;
    char *json = malloc(length), *report;

    (void)state;
    memset(json, ' ', length);
    assert_null(flow_load("flow.json", json, length, &report));
    assert_string_equal("flow.json: expected at most 1048576 bytes\n", report);
    free(report);
    free(json);
}

static void a_report_has_an_end(void **state)
{
    char json[300 * 16] = "{", *report;

    (void)state;
    for (int i = 0; i < 300; i++)
        sprintf(json + strlen(json), "\"key%d\": 1%s", i, i < 299 ? ", " : "}");
    assert_null(flow_load("flow.json", json, strlen(json), &report));
    assert_string_equal("flow.json: and 107 more\n", strstr(report, "flow.json: and"));
    free(report);
}

static void the_same_content_is_the_same_flow(void **state)
{
    static const unsigned char mark[] = "";
    size_t length;
    const char *built_in = flow_default_json(&length);
    json_t *json = json_loadb(built_in, length, 0, NULL);
    char *spaced = json_dumps(json, JSON_INDENT(7) | JSON_SORT_KEYS), *report;
    struct flow *one = flow_load("one", built_in, length, &report);
    struct flow *other = flow_load("other", spaced, strlen(spaced), &report);
    struct flow_message message = {.text = "1985", .length = 4};
    struct conversation conversation;

    (void)state;
    conversation_start(&conversation, mark, 0);
    flow_step(one, &conversation, &message, NOW);
    assert_int_equal(FLOW_EVENT_ACCEPTED, flow_step(other, &conversation, &message, NOW).event);
    flow_free(one);
    flow_free(other);
    free(spaced);
    json_decref(json);
}

/* The fingerprint of ciu-rdc with this at that place. */
static uint64_t fingerprint_with(const char *path, json_t *value)
{
    size_t length;
    const char *built_in = flow_default_json(&length);
    json_t *json = json_loadb(built_in, length, 0, NULL);
    uint64_t fingerprint;
    struct flow *flow;
    char *text, *report;

    change(json, path, value);
    json_decref(value);
    text = json_dumps(json, 0);
    flow = flow_load("flow.json", text, strlen(text), &report);
    if (flow == NULL)
        fail_msg("%s", report);
    fingerprint = flow_fingerprint(flow);
    flow_free(flow);
    free(text);
    json_decref(json);
    return fingerprint;
}

static void what_is_written_as_it_is_by_default_changes_nothing(void **state)
{
    const uint64_t usual = fingerprint_with("version", json_integer(2));

    (void)state;
    assert_true(fingerprint_with("steps[0].reading", NULL) == usual);
    assert_true(fingerprint_with("steps[0].reading", json_string("careful")) == usual);
    assert_true(fingerprint_with("steps[0].reading", json_string("plain")) != usual);
    assert_true(fingerprint_with("steps[2].answer.max", NULL) ==
                fingerprint_with("steps[2].answer.max", json_integer(FLOW_ANSWER_CHARACTERS_MAX)));
    assert_true(fingerprint_with("steps[2].answer.max", json_integer(7)) != usual);
    assert_true(fingerprint_with("steps[2].normalization", json_string("extended")) == usual);
    assert_true(fingerprint_with("steps[2].normalization", json_string("spelling")) != usual);
    assert_true(fingerprint_with("steps[2].normalization", json_string("spelling")) !=
                fingerprint_with("steps[2].normalization", json_string("sound")));
    assert_true(fingerprint_with("normalization", json_string("sound")) != usual);
}

static size_t allocations, failing_allocation;

static void *allocate_or_fail(size_t size)
{
    /* Jansson asserts where its own buffer of a text cannot grow in the middle of an escape. */
    const bool grows = size >= 256 && (size & (size - 1)) == 0;

    return ++allocations == failing_allocation && !grows ? NULL : malloc(size);
}

/* Every allocation of the JSON library fails in turn; the flow is then not loaded, or whole. */
static void memory_runs_out_while_loading(void **state)
{
    size_t length;
    const char *built_in = flow_default_json(&length);
    bool done = false;

    (void)state;
    json_set_alloc_funcs(allocate_or_fail, free);
    for (failing_allocation = 1; !done; failing_allocation += 1 + failing_allocation / 40) {
        char *report;
        struct flow *flow;

        allocations = 0;
        flow = flow_load("flow.json", built_in, length, &report);
        done = allocations < failing_allocation;
        assert_true(flow != NULL || report != NULL);
        if (done)
            assert_non_null(flow);
        flow_free(flow);
        free(report);
    }
    json_set_alloc_funcs(malloc, free);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_mistake_is_told_with_its_path),
        cmocka_unit_test(damaged_files_are_reported),
        cmocka_unit_test(a_huge_file_is_refused),
        cmocka_unit_test(a_report_has_an_end),
        cmocka_unit_test(the_same_content_is_the_same_flow),
        cmocka_unit_test(what_is_written_as_it_is_by_default_changes_nothing),
        cmocka_unit_test(memory_runs_out_while_loading),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
