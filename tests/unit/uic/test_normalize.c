/*
 * What becomes of a person's answer: names as they are written in the DR Congo and elsewhere, text
 * that is broken, and room that is too small. Every single character is in test_unicode.c.
 */
#include "uic/uic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

struct example {
    const char *text;
    const char *reference;
    const char *extended;
};

static void check_examples(const struct example *examples, size_t count)
{
    char out[64];
    size_t length;

    for (size_t i = 0; i < count; i++) {
        const char *text = examples[i].text;
        assert_int_equal(
            UIC_OK, uic_normalize(UIC_REFERENCE, text, strlen(text), out, sizeof out, &length));
        assert_string_equal(examples[i].reference, out);
        assert_int_equal(strlen(out), length);
        assert_int_equal(UIC_OK,
                         uic_normalize(UIC_EXTENDED, text, strlen(text), out, sizeof out, &length));
        assert_string_equal(examples[i].extended, out);
        assert_int_equal(strlen(out), length);
    }
}

static void test_plain_and_accented_names(void **state)
{
    static const struct example examples[] = {
        {"Kabila", "KABILA", "KABILA"},
        {"  jean-pierre  ", "JEANPIERRE", "JEANPIERRE"},
        {"N'Djamena", "NDJAMENA", "NDJAMENA"},
        {"N\u2019Djamena", "NDJAMENA", "NDJAMENA"},
        {"Kabas\u00e9l\u00e9 wa Mbuyi", "KABASELEWAMBUYI", "KABASELEWAMBUYI"},
        {"E\u0301lodie", "ELODIE", "ELODIE"},
        {"\u00c7elik", "CELIK", "CELIK"},
        {"Ti\u1ebfn", "TIEN", "TIEN"},
        {"\u0130stanbul", "ISTANBUL", "ISTANBUL"},
        {"\u212bngstr\u00f6m", "ANGSTROM", "ANGSTROM"},
        {"1985", "1985", "1985"},
        {"az AZ 09 @[`{/:", "AZAZ09", "AZAZ09"},
    };
    (void)state;
    check_examples(examples, COUNT(examples));
}

static void test_signs_add_nothing_to_a_name(void **state)
{
    static const struct example examples[] = {
        {"Jean\u2122", "JEAN", "JEAN"},
        {"\u2116 5", "5", "5"},
        {"Jean \U0001F600", "JEAN", "JEAN"},
        {"5\u2103", "5", "5"},
        {"\u202eJean\u200b\ufeff", "JEAN", "JEAN"},
    };
    (void)state;
    check_examples(examples, COUNT(examples));
}

static void test_letters_that_the_reference_loses_are_folded(void **state)
{
    static const struct example examples[] = {
        {"C\u0153ur \u0152uvre", "CURUVRE", "COEUROEUVRE"},
        {"\u00c6sop \u00e6", "SOP", "AESOPAE"},
        {"Stra\u00dfe \u1e9e", "STRAE", "STRASSESS"},
        {"\u00d8rsted s\u00f8n", "RSTEDSN", "ORSTEDSON"},
        {"\u0141\u00f3d\u017a \u0142", "ODZ", "LODZL"},
        {"\u0110or\u0111e", "ORE", "DORDE"},
        {"D\u0131yarbak\u0131r", "DYARBAKR", "DIYARBAKIR"},
        {"\u014aom\u014ba", "OMA", "NOMNA"},
        {"\u0190l\u025bk\u0254 \u0186", "LK", "ELEKOO"},
        {"M\u0254\u0301ng\u025b\u0302l\u025b", "MNGL", "MONGELE"},
        {"\u01fd \u01fe", "", "AEO"},
        {"\ufb01ls", "LS", "FILS"},
        {"\u017feptem \u0149kosi", "EPTEMKOSI", "SEPTEMNKOSI"},
        {"\uff2b\uff41bila", "BILA", "KABILA"},
        {"1\u00aa", "1", "1A"},
        {"\u24bfean", "EAN", "JEAN"},
    };
    (void)state;
    check_examples(examples, COUNT(examples));
}

static void test_digits_of_every_script_are_digits(void **state)
{
    static const struct example examples[] = {
        {"\u0661\u0669\u0668\u0665", "", "1985"},
        {"\uff11\uff15", "", "15"},
        {"\u0967\u096b", "", "15"},
        {"\U0001d7ed\U0001d7f1", "", "15"},
        {"\u2163", "", "IV"},
        {"\u00bd", "", "12"},
    };
    (void)state;
    check_examples(examples, COUNT(examples));
}

static void test_other_scripts_leave_nothing(void **state)
{
    static const struct example examples[] = {
        {"", "", ""},
        {"   ", "", ""},
        {"\u041a\u0430\u0431\u0438\u043b\u0430", "", ""},
        {"\uae40\uac00", "", ""},
        {"\u91d1", "", ""},
        {"\u0301\u0302", "", ""},
        {"\ufdfa", "", ""},
        {"?!", "", ""},
    };
    (void)state;
    check_examples(examples, COUNT(examples));
}

static void test_a_nul_is_a_character_like_another(void **state)
{
    char out[16];
    size_t length;
    (void)state;

    assert_int_equal(UIC_OK, uic_normalize(UIC_EXTENDED, "Je\0an\0", 6, out, sizeof out, &length));
    assert_string_equal("JEAN", out);
    assert_int_equal(4, length);
}

static void test_an_absent_text_is_an_empty_one(void **state)
{
    char out[4] = "abc";
    size_t length = 9;
    (void)state;

    assert_int_equal(UIC_OK, uic_normalize(UIC_EXTENDED, NULL, 0, out, sizeof out, &length));
    assert_string_equal("", out);
    assert_int_equal(0, length);
}

static void test_broken_utf8_is_refused(void **state)
{
    static const char *const broken[] = {
        "\x80",                     /* continuation alone */
        "\xbf",                     /* the last one */
        "\xc3",                     /* two bytes, truncated */
        "\xe2\x82",                 /* three bytes, truncated */
        "\xf0\x9f\x98",             /* four bytes, truncated */
        "\xc3(",                    /* a letter where a continuation belongs */
        "\xe2(\xa1",                /* in the second place of three */
        "\xe2\x82(",                /* in the third */
        "\xf0\x28\x8c\xbc",         /* in the second of four */
        "\xf0\x90\x28\xbc",         /* in the third */
        "\xf0\x90\x8c\x28",         /* in the fourth */
        "\xc0\x80",                 /* NUL, overlong */
        "\xc1\x81",                 /* 'A', overlong */
        "\xe0\x81\x81",             /* in three bytes */
        "\xe0\x9f\xbf",             /* U+07FF in three */
        "\xf0\x80\x81\x81",         /* in four bytes */
        "\xf0\x8f\xbf\xbf",         /* U+FFFF in four */
        "\xed\xa0\x80",             /* first surrogate */
        "\xed\xbf\xbf",             /* last surrogate */
        "\xed\xa0\xbd\xed\xb8\x80", /* a pair of them, as CESU-8 writes an emoji */
        "\xf4\x90\x80\x80",         /* U+110000 */
        "\xf5\x80\x80\x80",         /* beyond */
        "\xf8\x88\x80\x80\x80",     /* five bytes */
        "\xfc\x84\x80\x80\x80\x80", /* six */
        "\xfe",
        "\xff",
    };
    char text[32];
    char out[32];
    size_t length;
    (void)state;

    for (size_t i = 0; i < COUNT(broken); i++) {
        static const char *const shapes[] = {"%s", "Jean%s", "%sJean", "\u00e9%s\u00e9"};
        for (size_t j = 0; j < COUNT(shapes); j++) {
            int size = snprintf(text, sizeof text, shapes[j], broken[i]);
            for (int mode = UIC_REFERENCE; mode <= UIC_EXTENDED; mode++) {
                strcpy(out, "before");
                length = 9;
                if (uic_normalize((enum uic_normalization)mode, text, (size_t)size, out, sizeof out,
                                  &length) != UIC_BAD_UTF8)
                    fail_msg("broken[%zu] in shape %zu passes", i, j);
                assert_string_equal("", out);
                assert_int_equal(0, length);
            }
        }
    }
}

static void test_a_character_is_not_read_beyond_the_length(void **state)
{
    char *text = malloc(2); /* so that AddressSanitizer guards what lies behind */
    char out[8];
    size_t length;
    (void)state;

    assert_non_null(text);
    memcpy(text, "A\xc3", 2);
    assert_int_equal(UIC_BAD_UTF8, uic_normalize(UIC_EXTENDED, text, 2, out, sizeof out, &length));
    free(text);
    assert_int_equal(UIC_BAD_UTF8,
                     uic_normalize(UIC_EXTENDED, "\xe2\x82\xac", 2, out, sizeof out, &length));
}

static void check_room(const char *text, const char *expected)
{
    size_t need = strlen(expected) + 1;
    size_t length;

    for (size_t capacity = 0; capacity <= need + 1; capacity++) {
        char *out = malloc(capacity + 1);
        assert_non_null(out);
        memset(out, '#', capacity + 1);
        int status = uic_normalize(UIC_EXTENDED, text, strlen(text), out, capacity, &length);
        assert_int_equal('#', out[capacity]);
        if (capacity >= need) {
            assert_int_equal(UIC_OK, status);
            assert_string_equal(expected, out);
            assert_int_equal(need - 1, length);
        } else {
            assert_int_equal(UIC_NO_ROOM, status);
            assert_int_equal(0, length);
            if (capacity > 0)
                assert_string_equal("", out);
        }
        free(out);
    }
}

static void test_room_is_needed_to_the_byte(void **state)
{
    (void)state;
    check_room("", "");
    check_room("Jean", "JEAN");
    check_room("  J-e-a-n  ", "JEAN");
    check_room("\u00c9lodi\u00e9", "ELODIE");
    check_room("c\u0153ur", "COEUR");
    check_room("stra\u00df", "STRASS");
    check_room("\u2167", "VIII");
    check_room("\u01fd", "AE");
}

static void test_long_answers_are_taken_whole(void **state)
{
    static const char *const units[] = {"a", "\u00e9", "\u0153", "e\u0301", "\u0661", "-", "\0"};
    static const char *const kept[] = {"A", "E", "OE", "E", "1", "", ""};
    const size_t size = 100000;
    char *text = malloc(size + 8);
    char *out = malloc(size + 8);
    size_t length;
    (void)state;

    assert_non_null(text);
    assert_non_null(out);
    for (size_t i = 0; i < COUNT(units); i++) {
        size_t unit = units[i][0] == '\0' ? 1 : strlen(units[i]);
        size_t count = size / unit;
        for (size_t j = 0; j < count; j++)
            memcpy(text + j * unit, units[i], unit);
        assert_int_equal(UIC_OK,
                         uic_normalize(UIC_EXTENDED, text, count * unit, out, size + 8, &length));
        assert_int_equal(count * strlen(kept[i]), length);
        assert_int_equal(length, strlen(out));
        assert_memory_equal(out, kept[i], strlen(kept[i]));
    }
    free(text);
    free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_and_accented_names),
        cmocka_unit_test(test_signs_add_nothing_to_a_name),
        cmocka_unit_test(test_letters_that_the_reference_loses_are_folded),
        cmocka_unit_test(test_digits_of_every_script_are_digits),
        cmocka_unit_test(test_other_scripts_leave_nothing),
        cmocka_unit_test(test_a_nul_is_a_character_like_another),
        cmocka_unit_test(test_an_absent_text_is_an_empty_one),
        cmocka_unit_test(test_broken_utf8_is_refused),
        cmocka_unit_test(test_a_character_is_not_read_beyond_the_length),
        cmocka_unit_test(test_room_is_needed_to_the_byte),
        cmocka_unit_test(test_long_answers_are_taken_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
