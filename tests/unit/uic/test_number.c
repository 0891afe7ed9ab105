/*
 * A year or a day as people write it: the same number is the same text, whatever the script, and
 * what is no whole number is refused rather than guessed.
 */
#include "uic/uic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static void test_one_number_has_one_form(void **state)
{
    static const struct {
        const char *text;
        const char *number;
    } examples[] = {
        {"5", "5"},
        {"05", "5"},
        {"0005", "5"},
        {"50", "50"},
        {"100", "100"},
        {"0", "0"},
        {"000", "0"},
        {"1985", "1985"},
        {" 15 ", "15"},
        {"\t15\r\n", "15"},
        {"\u00a015\u202f", "15"},
        {"\u202e1953", "1953"},
        {"\u200e\u200b15\u200f\ufeff", "15"},
        {"15\ufe0f", "15"},
        {"\u060015\ufffb", "15"},
        {"15.", "15"},
        {"15,", "15"},
        {"15. ", "15"},
        {"\uff15", "5"},
        {" \uff10\uff15 ", "5"},
        {"\u0665", "5"},
        {"\u0661\u0669\u0668\u0665.", "1985"},
        {"\u06f1\u06f9\u06f8\u06f5", "1985"},
        {"\u0967\u096f\u096e\u096b", "1985"},
        {"\U0001d7ed\U0001d7f1", "15"},
        {"123456789012345678901234567890", "123456789012345678901234567890"},
    };
    char out[64];
    size_t length;
    (void)state;

    for (size_t i = 0; i < COUNT(examples); i++) {
        const char *text = examples[i].text;
        assert_int_equal(UIC_OK,
                         uic_normalize_number(text, strlen(text), out, sizeof out, &length));
        assert_string_equal(examples[i].number, out);
        assert_int_equal(strlen(out), length);
    }
}

static void test_what_is_no_whole_number_is_refused(void **state)
{
    static const char *const texts[] = {
        "",         " ",        "\u200b",        ".",       ",",      "-5",     "+5",
        "\u22125",  "1 5",      "1.5",           "1,5",     ".5",     "15..",   "15.,",
        "15 .",     "15. 5",    "le 15",         "15 mars", "0x10",   "1e3",    "quinze",
        "IV",       "\u2163",   "\u00b2",        "\u00bd",  "\u2460", "\u4e94", "15a",
        "15\u0301", "1\u200b5", "5\ufe0f\u20e3",
    };
    char out[64];
    size_t length;
    (void)state;

    for (size_t i = 0; i < COUNT(texts); i++) {
        strcpy(out, "before");
        length = 9;
        if (uic_normalize_number(texts[i], strlen(texts[i]), out, sizeof out, &length) !=
            UIC_NOT_NUMBER)
            fail_msg("\"%s\" passes as \"%s\"", texts[i], out);
        assert_string_equal("", out);
        assert_int_equal(0, length);
    }
    assert_int_equal(UIC_NOT_NUMBER, uic_normalize_number(NULL, 0, out, sizeof out, &length));
    assert_int_equal(UIC_NOT_NUMBER, uic_normalize_number("15\0", 3, out, sizeof out, &length));
    assert_int_equal(UIC_NOT_NUMBER, uic_normalize_number("1\0005", 3, out, sizeof out, &length));
}

static void test_broken_utf8_is_told_apart(void **state)
{
    static const char *const texts[] = {"\x80",         "15\xc3",       "\xc0\xb5",
                                        "\xed\xa0\x80", "15\xe2\x80",   "\xf4\x90\x80\x80",
                                        "\xff",         "\xe0\x80\xb5", " \xd9"};
    char out[8];
    size_t length;
    (void)state;

    for (size_t i = 0; i < COUNT(texts); i++) {
        assert_int_equal(UIC_BAD_UTF8, uic_normalize_number(texts[i], strlen(texts[i]), out,
                                                            sizeof out, &length));
        assert_string_equal("", out);
        assert_int_equal(0, length);
    }
}

static void test_room_is_needed_for_the_digits_that_stay(void **state)
{
    char out[8];
    size_t length;
    (void)state;

    assert_int_equal(UIC_NO_ROOM, uic_normalize_number("5", 1, out, 0, &length));
    assert_int_equal(UIC_NO_ROOM, uic_normalize_number("5", 1, out, 1, &length));
    assert_string_equal("", out);
    assert_int_equal(UIC_OK, uic_normalize_number("0000005", 7, out, 2, &length));
    assert_string_equal("5", out);
    assert_int_equal(UIC_OK, uic_normalize_number("1985", 4, out, 5, &length));
    assert_string_equal("1985", out);
    assert_int_equal(UIC_NO_ROOM, uic_normalize_number("1985", 4, out, 4, &length));
    assert_string_equal("", out);
    assert_int_equal(0, length);
}

static void test_long_answers_are_read_to_their_end(void **state)
{
    const size_t size = 100000;
    char *text = malloc(size);
    char out[8];
    size_t length;
    (void)state;

    assert_non_null(text);
    memset(text, '0', size);
    text[size - 1] = '7';
    assert_int_equal(UIC_OK, uic_normalize_number(text, size, out, sizeof out, &length));
    assert_string_equal("7", out);
    memset(text, ' ', size - 1);
    assert_int_equal(UIC_OK, uic_normalize_number(text, size, out, sizeof out, &length));
    assert_string_equal("7", out);
    memset(text, '9', size);
    assert_int_equal(UIC_NO_ROOM, uic_normalize_number(text, size, out, sizeof out, &length));
    assert_string_equal("", out);
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_number_has_one_form),
        cmocka_unit_test(test_what_is_no_whole_number_is_refused),
        cmocka_unit_test(test_broken_utf8_is_told_apart),
        cmocka_unit_test(test_room_is_needed_for_the_digits_that_stay),
        cmocka_unit_test(test_long_answers_are_read_to_their_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
