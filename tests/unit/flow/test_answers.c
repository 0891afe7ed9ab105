/*
 * Single answers: what each type of answer takes, and what is made of it.
 */
#include "bench.h"

#define BAD NULL

struct row {
    const char *said;
    const char *normalized; /* BAD: not an answer to this question */
};

/* A step of one type in both kinds of normalisation. */
static struct flow *flow_with(const char *normalization, const char *answer)
{
    size_t length;
    const char *built_in = flow_default_json(&length);
    json_t *json = json_loadb(built_in, length, 0, NULL);
    json_t *step = json_array_get(json_object_get(json, "steps"), 0);
    struct flow *flow;
    char *text, *report;

    json_object_set_new(json, "normalization", json_string(normalization));
    json_object_set_new(step, "answer", json_loads(answer, 0, NULL));
    json_object_del(step, "invalid");
    if (strstr(answer, "\"text\"") != NULL)
        json_object_set_new(step, "holds", json_string("name"));
    text = json_dumps(json, 0);
    flow = flow_load("flow.json", text, strlen(text), &report);
    if (flow == NULL)
        fail_msg("%s", report);
    free(text);
    json_decref(json);
    return flow;
}

static void check_rows(const char *normalization, const char *answer, const struct row *rows)
{
    struct flow *flow = flow_with(normalization, answer);

    for (; rows->said != NULL; rows++) {
        char out[1024], error[160] = "";
        size_t length;
        int result = flow_answer(flow, 0, rows->said, strlen(rows->said), true, NOW, out,
                                 sizeof out, &length, error);

        if (rows->normalized == BAD && (result == 0 || strncmp(error, "expected ", 9) != 0))
            fail_msg("%s takes \"%s\" as \"%s\"", answer, rows->said, out);
        if (rows->normalized != BAD && result != 0)
            fail_msg("%s does not take \"%s\": %s", answer, rows->said, error);
        if (rows->normalized != BAD) {
            assert_string_equal(rows->normalized, out);
            assert_int_equal(strlen(rows->normalized), length);
        } else {
            assert_int_equal(0, length);
        }
    }
    flow_free(flow);
}

static void years(void **state)
{
    const char *year = "{\"type\": \"year\", \"min\": 1900, \"max\": \"now\"}";
    static const struct row extended[] = {{"1985", "1985"},
                                          {" 1985.", "1985"},
                                          {"01985", "1985"},
                                          {"１９８５", "1985"},
                                          {"١٩٨٥", "1985"},
                                          {"2026", "2026"},
                                          {"1900", "1900"},
                                          {"2027", BAD},
                                          {"1899", BAD},
                                          {"85", BAD},
                                          {"MCMLXXXV", BAD},
                                          {"1985 1986", BAD},
                                          {"en 1985", BAD},
                                          {"", BAD},
                                          {" ", BAD},
                                          {"-1985", BAD},
                                          {"19851985198519851985", BAD},
                                          {NULL, NULL}};
    static const struct row reference[] = {{"1985", "1985"},
                                           {" 19 85 ", "1985"},
                                           {"01985", "01985"},
                                           {"١٩٨٥", BAD},
                                           {"2027", BAD},
                                           {"an 1985", BAD},
                                           {"00000000000000001985", BAD},
                                           {NULL, NULL}};

    (void)state;
    check_rows("extended", year, extended);
    check_rows("reference", year, reference);
}

static void integers(void **state)
{
    const char *integer = "{\"type\": \"integer\", \"min\": 0, \"max\": 31}";
    static const struct row extended[] = {{"5", "5"},     {"05", "5"},  {"٥", "5"},   {"５", "5"},
                                          {"0", "0"},     {"000", "0"}, {"31", "31"}, {"32", BAD},
                                          {"-5", BAD},    {"1.5", BAD}, {"+5", BAD},  {"cinq", BAD},
                                          {"5 ans", BAD}, {"1 5", BAD}, {NULL, NULL}};
    static const struct row reference[] = {{"5", "5"}, {"05", "05"},   {" 5.", "5"},
                                           {"٥", BAD}, {"5 ans", BAD}, {NULL, NULL}};

    (void)state;
    check_rows("extended", integer, extended);
    check_rows("reference", integer, reference);
}

static void texts(void **state)
{
    const char *text = "{\"type\": \"text\", \"max\": 8}";
    static const struct row extended[] = {{"Kinshasa", "KINSHASA"},
                                          {"  Goma \n", "GOMA"},
                                          {"ÉÈÊËéèêë", "EEEEEEEE"},
                                          {"œœœœœœœœ", "OEOEOEOEOEOEOEOE"},
                                          {"Kinshasa2", BAD},
                                          {"N’Djili", "NDJILI"},
                                          {"Гома", BAD},
                                          {"...", BAD},
                                          {"", BAD},
                                          {"🙂", BAD},
                                          {"7", BAD},
                                          {"7e", "7E"},
                                          {NULL, NULL}};
    static const struct row reference[] = {
        {"Kinshasa", "KINSHASA"}, {"œuf", "UF"}, {"œ", BAD}, {NULL, NULL}};

    (void)state;
    check_rows("extended", text, extended);
    check_rows("reference", text, reference);
}

static void letters_and_digits(void **state)
{
    static const struct row letters[] = {{"Jo", "JO"},    {"J", BAD},   {"Marie", "MARIE"},
                                         {"Marien", BAD}, {"Jo1", BAD}, {"J.-P.", "JP"},
                                         {"é ï", "EI"},   {"", BAD},    {NULL, NULL}};
    static const struct row digits[] = {{"007", "007"}, {"7", BAD},   {"0 7", "07"}, {"１２", "12"},
                                        {"12345", BAD}, {"12a", BAD}, {"", BAD},     {NULL, NULL}};

    (void)state;
    check_rows("extended", "{\"type\": \"letters\", \"min\": 2, \"max\": 5}", letters);
    check_rows("extended", "{\"type\": \"digits\", \"min\": 2, \"max\": 4}", digits);
}

static void choices(void **state)
{
    const char *choice =
        "{\"type\": \"choice\", \"choices\": ["
        "{\"value\": \"F\", \"label\": {\"fr\": \"Femme\", \"en\": \"Woman\"}},"
        "{\"value\": \"m\", \"label\": {\"fr\": \"Homme âgé\", \"en\": \"Old man\"}}]}";
    static const struct row rows[] = {{"1", "F"},           {"f", "F"},         {"FEMME", "F"},
                                      {"woman.", "F"},      {"1. Femme", "F"},  {"2", "M"},
                                      {"M", "M"},           {"homme age", "M"}, {"oldman", "M"},
                                      {"2 = Old man", "M"}, {"2. Femme", BAD},  {"3", BAD},
                                      {"0", BAD},           {"", BAD},          {"Homme", BAD},
                                      {"femme homme", BAD}, {"12", BAD},        {NULL, NULL}};

    (void)state;
    check_rows("extended", choice, rows);
    check_rows("reference", choice, rows);
}

/* Counted is what a person wrote; the form comes behind. */
static void forms(void **state)
{
    const char *text = "{\"type\": \"text\", \"max\": 8}";
    const char *letters = "{\"type\": \"letters\", \"min\": 2, \"max\": 5}";
    const char *choice = "{\"type\": \"choice\", \"choices\": ["
                         "{\"value\": \"Chari\", \"label\": {\"fr\": \"Un\", \"en\": \"One\"}},"
                         "{\"value\": \"Shari\", \"label\": {\"fr\": \"Deux\", \"en\": \"Two\"}}]}";
    static const struct row spelling_texts[] = {
        {"Mwamba", "MUAMBA"}, {"Muamba", "MUAMBA"}, {"XXXXXXXX", "KSKSKSKSKSKSKSKS"},
        {"Jeanne", "JEANE"},  {"Tshibangu", BAD},   {"H", "H"},
        {"7", BAD},           {NULL, NULL}};
    static const struct row sound_texts[] = {
        {"Mwamba", "MUABA"}, {"Nsimba", "SIBA"}, {"Simba 2", "SIBA2"}, {NULL, NULL}};
    static const struct row sound_letters[] = {{"xx", "KSKS"}, {"Nsimba", BAD}, {"Simba", "SIBA"},
                                               {"aa", "A"},    {"Jo1", BAD},    {NULL, NULL}};
    static const struct row kept[] = {{"1", "CHARI"}, {"shari", "SHARI"}, {NULL, NULL}};
    static const struct row years[] = {{"01985", "1985"}, {"١٩٨٥", "1985"}, {NULL, NULL}};

    (void)state;
    check_rows("spelling", text, spelling_texts);
    check_rows("sound", text, sound_texts);
    check_rows("sound", letters, sound_letters);
    check_rows("sound", choice, kept);
    check_rows("spelling", "{\"type\": \"year\", \"min\": 1900, \"max\": \"now\"}", years);
}

static void overlong_answers(void **state)
{
    struct flow *flow = load_flow("ciu-rdc");
    char text[20000], out[20001], error[160];
    size_t length;

    (void)state;
    memset(text, 'a', sizeof text);
    memset(out, 'z', sizeof out);
    assert_int_equal(
        -1, flow_answer(flow, 1, text, sizeof text, true, NOW, out, sizeof out, &length, error));
    assert_string_equal("expected a text of 1 to 80 characters with a letter", error);
    assert_int_equal(0, flow_answer(flow, 1, text, 80, true, NOW, out, sizeof out, &length, error));
    assert_int_equal(-1,
                     flow_answer(flow, 1, text, 81, true, NOW, out, sizeof out, &length, error));
    /* Unchecked it is only normalised; but it must have room. */
    assert_int_equal(
        0, flow_answer(flow, 1, text, sizeof text, false, NOW, out, sizeof out, &length, error));
    assert_int_equal(sizeof text, length);
    assert_int_equal(-1,
                     flow_answer(flow, 1, text, sizeof text, false, NOW, out, 80, &length, error));
    assert_int_equal(0, length);
    flow_free(flow);
}

static void unchecked_answers(void **state)
{
    struct flow *extended = load_flow("ciu-rdc"), *reference = load_flow("reference-initial");
    char out[64], error[160];
    size_t length;

    (void)state;
    assert_int_equal(0, flow_answer(extended, 3, "05", 2, false, NOW, out, 64, &length, error));
    assert_string_equal("5", out);
    assert_int_equal(0, flow_answer(extended, 3, "le 15", 5, false, NOW, out, 64, &length, error));
    assert_string_equal("LE15", out);
    assert_int_equal(0, flow_answer(reference, 3, "05", 2, false, NOW, out, 64, &length, error));
    assert_string_equal("05", out);
    assert_int_equal(0, flow_answer(reference, 4, "", 0, false, NOW, out, 64, &length, error));
    assert_string_equal("", out);
    flow_free(extended);
    flow_free(reference);
}

static void answers_to_no_question_and_of_no_text(void **state)
{
    struct flow *flow = load_flow("ciu-rdc");
    char out[64], error[160];
    size_t length;

    (void)state;
    assert_int_equal(-1, flow_answer(flow, 5, "x", 1, true, NOW, out, 64, &length, error));
    assert_string_equal("expected an answer to one of 5 questions", error);
    for (size_t step = 0; step < 5; step++) {
        assert_int_equal(
            -1, flow_answer(flow, step, "\xff\xfe", 2, true, NOW, out, 64, &length, error));
        assert_int_equal(
            -1, flow_answer(flow, step, "\xff\xfe", 2, false, NOW, out, 64, &length, error));
    }
    flow_free(flow);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(years),
        cmocka_unit_test(integers),
        cmocka_unit_test(texts),
        cmocka_unit_test(letters_and_digits),
        cmocka_unit_test(choices),
        cmocka_unit_test(forms),
        cmocka_unit_test(overlong_answers),
        cmocka_unit_test(unchecked_answers),
        cmocka_unit_test(answers_to_no_question_and_of_no_text),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
