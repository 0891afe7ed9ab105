/*
 * The check character: the values that other users of ISO 7064 MOD 37,36 publish, and the mistakes
 * that it is there to find.
 */
#include "uic/check.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const char alphabet[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

static char check_of(const char *text)
{
    return check_character(text, strlen(text));
}

static void test_published_values(void **state)
{
    (void)state;
    assert_int_equal('M', check_of("A12425GABC1234002"));        /* GRid A1-2425G-ABC1234002-M */
    assert_int_equal('Q', check_of("00000000D07A0090"));         /* ISAN 0000-0000-D07A-0090-Q */
    assert_int_equal('X', check_of("00000000D07A009000000000")); /* … -Q-0000-0000-X */
}

static void test_only_letters_and_digits_count(void **state)
{
    (void)state;
    assert_int_equal('M', check_of("A1-2425G-ABC1234002-"));
    assert_int_equal('M', check_of("a1 2425g abc1234002"));
    assert_int_equal('M', check_character("A1\0002425G\xc3\xa9@[`{/:ABC1234002", 27));
    assert_int_equal('1', check_of(""));
    assert_int_equal('1', check_of("---"));
}

static void test_every_single_wrong_character_is_found(void **state)
{
    char code[] = "985KINS15JEAKABIA0F9D";
    char good = check_of(code);
    (void)state;

    for (size_t i = 0; i < sizeof code - 1; i++) {
        char right = code[i];
        for (size_t j = 0; j < sizeof alphabet - 1; j++) {
            code[i] = alphabet[j];
            assert_int_equal(alphabet[j] == right, check_of(code) == good);
        }
        code[i] = right;
    }
}

static void test_nearly_every_swap_of_neighbours_is_found(void **state)
{
    unsigned swaps = 0, missed = 0;
    (void)state;

    /* The first character brings the sum to each of its states once. */
    for (const char *first = alphabet; *first; first++) {
        for (const char *left = alphabet; *left; left++) {
            for (const char *right = alphabet; right < left; right++) {
                const char straight[] = {*first, *left, *right};
                const char swapped[] = {*first, *right, *left};
                swaps++;
                missed += check_character(straight, 3) == check_character(swapped, 3);
            }
        }
    }
    assert_int_equal(22680, swaps);
    assert_int_equal(swaps / 630, missed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_published_values),
        cmocka_unit_test(test_only_letters_and_digits_count),
        cmocka_unit_test(test_every_single_wrong_character_is_found),
        cmocka_unit_test(test_nearly_every_swap_of_neighbours_is_found),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
