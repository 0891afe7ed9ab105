/*
 * Every character of Unicode, alone and between letters, against Python's tables
 * (tests/data/normalization): the same code on every machine rests on this. Fails too when
 * libunistring comes with another version of Unicode that gives a character another result.
 */
#include "uic/uic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unictype.h>
#include <unistr.h>

#include <cmocka.h>

#define CODE_POINTS 0x110000u
#define RESULT_MAX 8

static char (*expected[2])[RESULT_MAX]; /* by normalisation, then code point */

static int read_expected(void **state)
{
    FILE *file = fopen(SOURCE_DIR "/tests/data/normalization/characters.tsv", "r");
    char line[64];
    (void)state;

    expected[UIC_REFERENCE] = calloc(CODE_POINTS, RESULT_MAX);
    expected[UIC_EXTENDED] = calloc(CODE_POINTS, RESULT_MAX);
    if (file == NULL || expected[UIC_REFERENCE] == NULL || expected[UIC_EXTENDED] == NULL)
        return -1;
    while (fgets(line, sizeof line, file)) {
        char *rest;
        unsigned long code_point = strtoul(line, &rest, 16);
        char *reference = rest + 1;
        char *extended = strchr(reference, '\t') + 1;
        snprintf(expected[UIC_REFERENCE][code_point], RESULT_MAX, "%.*s",
                 (int)strcspn(reference, "\t"), reference);
        snprintf(expected[UIC_EXTENDED][code_point], RESULT_MAX, "%.*s",
                 (int)strcspn(extended, "\n"), extended);
    }
    fclose(file);
    return 0;
}

static int free_expected(void **state)
{
    (void)state;
    free(expected[UIC_REFERENCE]);
    free(expected[UIC_EXTENDED]);
    return 0;
}

/* before, the character, behind. Returns the length in bytes. */
static size_t write_text(char text[16], const char *before, ucs4_t character, const char *behind)
{
    size_t length = strlen(before);

    memcpy(text, before, length);
    length += (size_t)u8_uctomb((uint8_t *)text + length, character, 4);
    memcpy(text + length, behind, strlen(behind));
    return length + strlen(behind);
}

static void check_alone(enum uic_normalization normalization)
{
    for (ucs4_t character = 0; character < CODE_POINTS; character++) {
        char text[16];
        char out[RESULT_MAX];
        size_t length;

        if (character >= 0xD800 && character < 0xE000)
            continue;
        size_t size = write_text(text, "", character, "");
        int status = uic_normalize(normalization, text, size, out, sizeof out, &length);
        if (status != UIC_OK || strcmp(out, expected[normalization][character]) != 0)
            fail_msg("U+%04X gives \"%s\" (%d), not \"%s\"", character, out, status,
                     expected[normalization][character]);
    }
}

static void test_reference_of_every_character(void **state)
{
    (void)state;
    check_alone(UIC_REFERENCE);
}

static void test_extended_of_every_character(void **state)
{
    (void)state;
    check_alone(UIC_EXTENDED);
}

static void test_a_character_changes_nothing_around_it(void **state)
{
    (void)state;
    for (ucs4_t character = 0; character < CODE_POINTS; character++) {
        char text[16], out[16], whole[16];
        size_t length;

        if (character >= 0xD800 && character < 0xE000)
            continue;
        size_t size = write_text(text, "a\u00e9", character, "\u0301z");
        assert_int_equal(UIC_OK, uic_normalize(UIC_EXTENDED, text, size, out, sizeof out, &length));
        snprintf(whole, sizeof whole, "AE%sZ", expected[UIC_EXTENDED][character]);
        assert_string_equal(whole, out);
    }
}

static void test_nothing_but_capitals_and_digits_comes_out(void **state)
{
    (void)state;
    for (int normalization = UIC_REFERENCE; normalization <= UIC_EXTENDED; normalization++) {
        for (ucs4_t character = 0; character < CODE_POINTS; character++) {
            char text[16], out[16];
            size_t length;

            if (character >= 0xD800 && character < 0xE000)
                continue;
            size_t size = write_text(text, "", character, "");
            assert_int_equal(UIC_OK, uic_normalize((enum uic_normalization)normalization, text,
                                                   size, out, sizeof out, &length));
            assert_int_equal(length, strspn(out, "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"));
        }
    }
}

static void test_extended_differs_only_where_the_reference_loses_a_letter(void **state)
{
    (void)state;
    for (ucs4_t character = 0; character < CODE_POINTS; character++) {
        char text[16], reference[16], extended[16];
        size_t length;

        if (character >= 0xD800 && character < 0xE000)
            continue;
        size_t size = write_text(text, "", character, "");
        uic_normalize(UIC_REFERENCE, text, size, reference, sizeof reference, &length);
        uic_normalize(UIC_EXTENDED, text, size, extended, sizeof extended, &length);
        bool letter = uc_is_property_alphabetic(character) ||
                      uc_is_general_category(character, UC_LETTER) ||
                      uc_is_general_category(character, UC_NUMBER);
        bool lost = letter && reference[0] == '\0';
        if (!lost && strcmp(reference, extended) != 0)
            fail_msg("U+%04X gives \"%s\", the reference \"%s\"", character, extended, reference);
    }
}

static void test_surrogates_are_no_characters(void **state)
{
    (void)state;
    for (ucs4_t surrogate = 0xD800; surrogate < 0xE000; surrogate++) {
        char text[3] = {(char)0xED, (char)(0x80 | (surrogate >> 6 & 0x3F)),
                        (char)(0x80 | (surrogate & 0x3F))};
        char out[8];
        size_t length;
        assert_int_equal(UIC_BAD_UTF8,
                         uic_normalize(UIC_EXTENDED, text, 3, out, sizeof out, &length));
        assert_int_equal(UIC_BAD_UTF8, uic_normalize_number(text, 3, out, sizeof out, &length));
    }
}

static void test_a_number_is_made_of_decimal_digits_alone(void **state)
{
    (void)state;
    for (ucs4_t character = 0; character < CODE_POINTS; character++) {
        char text[16], out[8];
        size_t length;

        if (character >= 0xD800 && character < 0xE000)
            continue;
        size_t size = write_text(text, "", character, "");
        int status = uic_normalize_number(text, size, out, sizeof out, &length);
        if (uc_is_general_category(character, UC_DECIMAL_DIGIT_NUMBER) &&
            expected[UIC_EXTENDED][character][0] != '\0') {
            assert_int_equal(UIC_OK, status);
            assert_string_equal(expected[UIC_EXTENDED][character], out);
        } else {
            assert_int_equal(UIC_NOT_NUMBER, status);
            assert_string_equal("", out);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_reference_of_every_character),
        cmocka_unit_test(test_extended_of_every_character),
        cmocka_unit_test(test_a_character_changes_nothing_around_it),
        cmocka_unit_test(test_nothing_but_capitals_and_digits_comes_out),
        cmocka_unit_test(test_extended_differs_only_where_the_reference_loses_a_letter),
        cmocka_unit_test(test_surrogates_are_no_characters),
        cmocka_unit_test(test_a_number_is_made_of_decimal_digits_alone),
    };
    return cmocka_run_group_tests(tests, read_expected, free_expected);
}
