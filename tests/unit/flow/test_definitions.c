/*
 * The flow files that come with the program: they load, the codes that they promise come out to the
 * byte, the Python version's of two of them, and their French is printed as French is.
 */
#include "bench.h"

static const char *const definitions[] = {"ciu-rdc", "ciu-opaque", "ciu-province",
                                          "reference-initial", "lllfffycg"};

static void the_built_in_flow_is_ciu_rdc(void **state)
{
    size_t built_in_length, length;
    const char *built_in = flow_default_json(&built_in_length);
    char *file = read_definition("ciu-rdc", &length), *report;
    struct flow *flow = flow_load("built in", built_in, built_in_length, &report);

    (void)state;
    assert_int_equal(built_in_length, length);
    assert_memory_equal(built_in, file, length);
    assert_non_null(flow);
    assert_null(report);
    assert_string_equal("ciu-rdc", flow_id(flow));
    assert_int_equal(5, flow_step_count(flow));
    assert_string_equal("birth_year", flow_step_key(flow, 0));
    assert_string_equal("family_name", flow_step_key(flow, 4));
    assert_null(flow_step_key(flow, 5));
    assert_int_equal(4, flow_language_count(flow));
    assert_string_equal("fr", flow_language(flow, 0));
    assert_string_equal("en", flow_language(flow, 1));
    assert_string_equal("ln", flow_language(flow, 2));
    assert_string_equal("sw", flow_language(flow, 3));
    assert_null(flow_language(flow, 4));
    flow_free(flow);
    free(file);
}

static void check_vector(const struct flow *flow, bool checked, const json_t *line)
{
    const json_t *salt = json_object_get(line, "salt");
    const unsigned longer = (unsigned)json_integer_value(json_object_get(line, "longer"));
    char normalized[FLOW_STEPS_MAX][4096], error[160], code[UIC_CODE_MAX];
    struct uic_text answers[FLOW_STEPS_MAX];

    for (size_t i = 0; i < flow_step_count(flow); i++) {
        const json_t *answer = json_array_get(json_object_get(line, "answers"), i);
        const json_t *expected = json_array_get(json_object_get(line, "normalized"), i);

        answers[i].bytes = normalized[i];
        assert_int_equal(0, flow_answer(flow, i, json_string_value(answer),
                                        json_string_length(answer), checked, NOW, normalized[i],
                                        sizeof normalized[i], &answers[i].length, error));
        assert_string_equal(json_string_value(expected), normalized[i]);
    }
    assert_int_equal(UIC_OK, flow_code(flow, answers, json_string_value(salt),
                                       json_string_length(salt), longer, code));
    assert_string_equal(json_string_value(json_object_get(line, "code")), code);
}

/* checked: as people answer, so that choices are known. */
static void check_vectors(const char *definition, const char *file, bool checked, size_t count)
{
    struct flow *flow = load_flow(definition);
    char path[512], *rest;
    size_t length, lines = 0;
    char *text;

    snprintf(path, sizeof path, SOURCE_DIR "/tests/data/vectors/%s.jsonl", file);
    text = read_file(path, &length);
    assert_non_null(text);
    for (char *at = strtok_r(text, "\n", &rest); at != NULL; at = strtok_r(NULL, "\n", &rest)) {
        json_t *line = json_loads(at, JSON_ALLOW_NUL, NULL);

        assert_non_null(line);
        check_vector(flow, checked, line);
        json_decref(line);
        lines++;
    }
    assert_int_equal(count, lines);
    free(text);
    flow_free(flow);
}

static void reference_initial_gives_the_codes_of_the_first_release(void **state)
{
    (void)state;
    check_vectors("reference-initial", "reference-initial", false, 1552);
}

static void lllfffycg_gives_the_codes_of_ten_characters(void **state)
{
    (void)state;
    check_vectors("lllfffycg", "reference-lllfffycg", false, 610);
}

/* "longer": as for people whose codes would be equal. */
static void ciu_opaque_gives_its_codes(void **state)
{
    (void)state;
    check_vectors("ciu-opaque", "ciu-opaque", false, 17);
}

static void ciu_province_gives_its_codes(void **state)
{
    (void)state;
    check_vectors("ciu-province", "ciu-province", true, 10);
}

/* A definition without what it has of its own. */
static json_t *read_common(const char *name)
{
    static const char *const own[] = {"id", "version", "near", "code"};
    size_t length, index;
    char *text = read_definition(name, &length);
    json_t *flow = json_loadb(text, length, 0, NULL), *step;

    assert_non_null(flow);
    for (size_t i = 0; i < sizeof own / sizeof *own; i++)
        json_object_del(flow, own[i]);
    json_array_foreach(json_object_get(flow, "steps"), index, step)
        json_object_del(step, "normalization");
    free(text);
    return flow;
}

/* All that is asked and said is the same. */
static void ciu_opaque_is_ciu_rdc_with_another_code(void **state)
{
    json_t *readable = read_common("ciu-rdc"), *opaque = read_common("ciu-opaque");

    (void)state;
    assert_true(json_equal(readable, opaque));
    json_decref(readable);
    json_decref(opaque);
}

/* Two choices stand for the mother's birthplace; the rest is the same, in another order. It cannot
 * ask whether it is the same person: that needs five steps. */
static void ciu_province_is_ciu_opaque_with_other_questions(void **state)
{
    static const size_t same[][2] = {{0, 0}, {2, 3}, {4, 2}, {5, 4}}; /* province, opaque */
    static const char *const near[] = {"near", "near_same", "near_different"};
    const char *language;
    json_t *texts;
    json_t *opaque = read_common("ciu-opaque"), *province = read_common("ciu-province");
    json_t *here = json_object_get(opaque, "steps"), *there = json_object_get(province, "steps");

    (void)state;
    assert_int_equal(6, json_array_size(there));
    for (size_t i = 0; i < sizeof same / sizeof *same; i++)
        assert_true(
            json_equal(json_array_get(here, same[i][1]), json_array_get(there, same[i][0])));
    json_object_del(opaque, "steps");
    json_object_del(province, "steps");
    json_object_foreach(json_object_get(opaque, "messages"), language,
                        texts) for (size_t i = 0; i < sizeof near / sizeof *near; i++)
        assert_int_equal(0, json_object_del(texts, near[i]));
    assert_true(json_equal(opaque, province));
    json_decref(opaque);
    json_decref(province);
}

/* Of no answer does a letter stand in the code. */
static void new_programmes_have_codes_that_show_nothing(void **state)
{
    static const char *const names[] = {"ciu-opaque", "ciu-province"};

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        size_t length, index;
        char *text = read_definition(names[i], &length);
        json_t *json = json_loadb(text, length, 0, NULL), *piece;

        json_array_foreach(json_object_get(json, "code"), index, piece)
            assert_null(json_object_get(piece, "field"));
        assert_int_equal(4, index);
        json_decref(json);
        free(text);
    }
}

static void no_definition_is_a_draft(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof definitions / sizeof *definitions; i++) {
        struct flow *flow = load_flow(definitions[i]);

        assert_string_equal(definitions[i], flow_id(flow));
        assert_false(flow_is_draft(flow));
        flow_free(flow);
    }
}

static void it_is_known_what_tells_people_apart(void **state)
{
    static const struct {
        const char *name;
        int place, year, day;
        bool shows;
    } expected[] = {
        {"ciu-rdc", 1, 0, 3, true},
        {"ciu-opaque", 1, 0, 3, false},
        {"reference-initial", -1, 0, 3, true},
        {"lllfffycg", -1, -1, -1, false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof expected / sizeof expected[0]; i++) {
        struct flow *flow = load_flow(expected[i].name);
        assert_int_equal(flow_part_step(flow, FLOW_PART_PLACE), expected[i].place);
        assert_int_equal(flow_part_step(flow, FLOW_PART_YEAR), expected[i].year);
        assert_int_equal(flow_part_step(flow, FLOW_PART_DAY), expected[i].day);
        assert_int_equal(flow_code_shows(flow), expected[i].shows);
        flow_free(flow);
    }
}

static void the_example_of_the_contract_comes_out(void **state)
{
    static const char *const said[] = {"1985", "Kinshasa", "Jean", "15", "Kabila"};
    struct flow *flow = load_flow("ciu-rdc");
    char normalized[5][64], error[160], code[UIC_CODE_MAX];
    struct uic_text answers[5];

    (void)state;
    for (size_t i = 0; i < 5; i++) {
        answers[i].bytes = normalized[i];
        assert_int_equal(0, flow_answer(flow, i, said[i], strlen(said[i]), true, NOW, normalized[i],
                                        64, &answers[i].length, error));
    }
    assert_int_equal(UIC_OK, flow_code(flow, answers, "a salt for tests", 16, 0, code));
    assert_memory_equal("985-KINS-15-JEA-KABI-", code, 21);
    assert_int_equal(26, strlen(code));
    assert_int_equal(UIC_OK, flow_code(flow, answers, "a salt for tests", 16, 3, code));
    assert_int_equal(29, strlen(code));
    flow_free(flow);
}

static void check_typography(const char *where, const char *text)
{
    if (strpbrk(text, "'\"") != NULL)
        fail_msg("%s: expected ’ and « »: %s", where, text);
    for (const char *at = text; (at = strpbrk(at, ":;!?")) != NULL; at++)
        if (at == text || (at[-1] != '\xa0' && at[-1] != '\xaf'))
            fail_msg("%s: expected a space that does not break before %c: %s", where, *at, text);
}

static void check_french(const char *where, const json_t *json)
{
    const json_t *value;
    const char *key;
    size_t index;

    if (json_is_string(json))
        check_typography(where, json_string_value(json));
    json_object_foreach((json_t *)json, key, value) check_french(key, value);
    json_array_foreach(json, index, value) check_french(where, value);
}

/* Every text under "fr", wherever it stands, but for the English line among them. */
static void find_french(const json_t *json)
{
    const json_t *value;
    const char *key;
    size_t index;

    json_object_foreach((json_t *)json, key, value)
    {
        if (strcmp(key, "choose_language") == 0)
            continue;
        if (strcmp(key, "fr") == 0) {
            json_t *french = json_deep_copy(value);

            json_object_del(french, "choose_language");
            check_french(key, french);
            json_decref(french);
        } else
            find_french(value);
    }
    json_array_foreach(json, index, value) find_french(value);
}

static void french_is_printed_as_french(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof definitions / sizeof *definitions; i++) {
        size_t length;
        char *text = read_definition(definitions[i], &length);
        json_t *json = json_loadb(text, length, 0, NULL);

        find_french(json);
        json_decref(json);
        free(text);
    }
}

/* The next block of JSON in a Markdown text. */
static json_t *next_block(char **at)
{
    char *begin = strstr(*at, "```json\n"), *end;
    json_t *json;

    assert_non_null(begin);
    begin += strlen("```json\n");
    end = strstr(begin, "```");
    assert_non_null(end);
    json = json_loadb(begin, (size_t)(end - begin), 0, NULL);
    assert_non_null(json);
    *at = end + 3;
    return json;
}

/* Replaces the element of the list that equals the first block by the second. */
static void replace_as_told(json_t *list, char **at)
{
    json_t *old = next_block(at), *value;
    size_t index, found = json_array_size(list);

    json_array_foreach(list, index, value) if (json_equal(value, old)) found = index;
    if (found == json_array_size(list))
        fail_msg("the document speaks of a piece that ciu-rdc.json does not have");
    json_array_set_new(list, found, next_block(at));
    json_decref(old);
}

static void the_example_of_the_document_works(void **state)
{
    size_t length;
    const char *built_in = flow_default_json(&length);
    json_t *json = json_loadb(built_in, length, 0, NULL);
    char *document = read_file(SOURCE_DIR "/docs/flow-file.md", &length), *at = document;
    struct flow *flow;
    char *text, *report;

    (void)state;
    assert_non_null(document);
    replace_as_told(json_object_get(json, "steps"), &at);
    replace_as_told(json_object_get(json, "code"), &at);
    text = json_dumps(json, 0);
    flow = flow_load("flow.json", text, strlen(text), &report);
    if (flow == NULL)
        fail_msg("%s", report);
    assert_string_equal("health_zone", flow_step_key(flow, 3));
    flow_free(flow);
    free(text);
    free(document);
    json_decref(json);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_built_in_flow_is_ciu_rdc),
        cmocka_unit_test(reference_initial_gives_the_codes_of_the_first_release),
        cmocka_unit_test(lllfffycg_gives_the_codes_of_ten_characters),
        cmocka_unit_test(ciu_opaque_gives_its_codes),
        cmocka_unit_test(ciu_province_gives_its_codes),
        cmocka_unit_test(ciu_opaque_is_ciu_rdc_with_another_code),
        cmocka_unit_test(ciu_province_is_ciu_opaque_with_other_questions),
        cmocka_unit_test(new_programmes_have_codes_that_show_nothing),
        cmocka_unit_test(no_definition_is_a_draft),
        cmocka_unit_test(it_is_known_what_tells_people_apart),
        cmocka_unit_test(the_example_of_the_contract_comes_out),
        cmocka_unit_test(the_example_of_the_document_works),
        cmocka_unit_test(french_is_printed_as_french),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
