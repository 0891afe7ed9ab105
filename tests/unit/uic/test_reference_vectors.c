/*
 * The codes that the Python version gave are given here to the byte: every line of
 * tests/data/vectors is one person's answers, their normalised form and the code.
 */
#include "uic/uic.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FIELDS 5

/* The first release: 985-KINS15-JEA-KABI-58DEE. */
static const struct uic_piece initial_pieces[] = {
    {.kind = UIC_PIECE_FIELD,
     .field = 0,
     .take = UIC_TAKE_LAST,
     .length = 3,
     .pad = '0',
     .numeric = true},
    {.kind = UIC_PIECE_LITERAL, .literal = "-"},
    {.kind = UIC_PIECE_FIELD, .field = 1, .length = 4, .pad = 'X'},
    {.kind = UIC_PIECE_FIELD, .field = 3, .length = 2, .pad = '0', .numeric = true},
    {.kind = UIC_PIECE_LITERAL, .literal = "-"},
    {.kind = UIC_PIECE_FIELD, .field = 2, .length = 3, .pad = 'X'},
    {.kind = UIC_PIECE_LITERAL, .literal = "-"},
    {.kind = UIC_PIECE_FIELD, .field = 4, .length = 4, .pad = 'X'},
    {.kind = UIC_PIECE_LITERAL, .literal = "-"},
    {.kind = UIC_PIECE_HASH, .length = 5},
};

/* The later code of ten characters, without a hash. */
static const struct uic_piece lllfffycg_pieces[] = {
    {.kind = UIC_PIECE_FIELD, .field = 0, .length = 3, .pad = 'X'},
    {.kind = UIC_PIECE_FIELD, .field = 1, .length = 3, .pad = 'X'},
    {.kind = UIC_PIECE_FIELD, .field = 2, .take = UIC_TAKE_LAST, .length = 1},
    {.kind = UIC_PIECE_FIELD, .field = 3, .length = 2, .pad = 'X'},
    {.kind = UIC_PIECE_FIELD, .field = 4, .length = 1},
};

static void check_line(const struct uic_format *format, json_t *line)
{
    char normalized[FIELDS][4096];
    struct uic_text fields[FIELDS];
    char code[UIC_CODE_MAX];

    for (size_t i = 0; i < FIELDS; i++) {
        json_t *answer = json_array_get(json_object_get(line, "answers"), i);
        json_t *expected = json_array_get(json_object_get(line, "normalized"), i);
        assert_non_null(answer);
        assert_non_null(expected);
        assert_int_equal(UIC_OK, uic_normalize(UIC_REFERENCE, json_string_value(answer),
                                               json_string_length(answer), normalized[i],
                                               sizeof normalized[i], &fields[i].length));
        assert_string_equal(json_string_value(expected), normalized[i]);
        assert_int_equal(json_string_length(expected), fields[i].length);
        fields[i].bytes = normalized[i];
    }

    json_t *salt = json_object_get(line, "salt");
    assert_int_equal(UIC_OK, uic_code(format, fields, json_string_value(salt),
                                      json_string_length(salt), 0, code));
    assert_string_equal(json_string_value(json_object_get(line, "code")), code);
}

static void check_file(const char *path, const struct uic_format *format, size_t expected_lines)
{
    FILE *file = fopen(path, "r");
    char *text = NULL;
    size_t capacity = 0;
    size_t lines = 0;
    ssize_t length;

    assert_non_null(file);
    while ((length = getline(&text, &capacity, file)) > 0) {
        json_error_t error;
        json_t *line = json_loadb(text, (size_t)length, JSON_ALLOW_NUL, &error);
        if (line == NULL)
            fail_msg("%s: line %zu: %s", path, lines + 1, error.text);
        check_line(format, line);
        json_decref(line);
        lines++;
    }
    free(text);
    fclose(file);
    assert_int_equal(expected_lines, lines);
}

static void test_first_release_gives_the_same_codes(void **state)
{
    const struct uic_format format = {initial_pieces,
                                      sizeof initial_pieces / sizeof *initial_pieces, FIELDS};
    (void)state;
    check_file(SOURCE_DIR "/tests/data/vectors/reference-initial.jsonl", &format, 1552);
}

static void test_ten_character_version_gives_the_same_codes(void **state)
{
    const struct uic_format format = {lllfffycg_pieces,
                                      sizeof lllfffycg_pieces / sizeof *lllfffycg_pieces, FIELDS};
    (void)state;
    check_file(SOURCE_DIR "/tests/data/vectors/reference-lllfffycg.jsonl", &format, 610);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_first_release_gives_the_same_codes),
        cmocka_unit_test(test_ten_character_version_gives_the_same_codes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
