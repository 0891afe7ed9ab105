/* Numbers as records hold them: what is sealed is the same everywhere, opens again, and tells
 * itself from what is clear. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "server/security/keys.h"
#include "server/security/phone_numbers.h"
#include <cmocka.h>
#include <string.h>

static struct phone_numbers *numbers_of(const char *salt, bool sealed)
{
    struct keys keys;

    assert_int_equal(keys_derive(&keys, salt), 0);
    struct phone_numbers *numbers = phone_numbers_create(&keys, sealed);
    assert_non_null(numbers);
    return numbers;
}

static const char salt[] = "Zr4u7x-A_DG9KbPeShVmYq3t6w9zCkFJNcRfUjXn2r0";
static const char other_salt[] = "Zr4u7x-A_DG9KbPeShVmYq3t6w9zCkFJNcRfUjXn2r1";

/* Expected values: AESSIV of Python's cryptography, keys by RFC 5869 with Python's hmac. */
static const struct {
    const char *clear, *sealed;
} known[] = {
    {"+243812345678", "siv:tiSzcVGtmGyzaOL2OW6Lg6ahZ7ZwQOs-32ZqALs"},
    {"CD.13491208655302741918", "siv:CZgopV-l9Ex_da2Nfmeo5flWbmsBD8QuxeNr5zabItmZDzeg-1HD"},
    {"+", "siv:mqT182YCKgpL8k5FHi0ZYPI"},
    {"", ""},
};

static void sealed_numbers_are_the_same_on_every_machine(void **state)
{
    (void)state;
    struct phone_numbers *numbers = numbers_of(salt, true);
    char text[RECORD_PHONE_MAX];

    for (int again = 0; again < 2; again++) {
        for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
            assert_int_equal(phone_number_keep(numbers, known[i].clear, text), 0);
            assert_string_equal(text, known[i].sealed);
            assert_int_equal(phone_number_open(numbers, known[i].sealed, text), 0);
            assert_string_equal(text, known[i].clear);
        }
    }
    phone_numbers_free(numbers);
}

static void clear_numbers_stay_as_they_are(void **state)
{
    (void)state;
    struct phone_numbers *numbers = numbers_of(salt, false);
    char text[RECORD_PHONE_MAX], clear[RECORD_PHONE_MAX];

    assert_int_equal(phone_number_keep(numbers, known[0].clear, text), 0);
    assert_string_equal(text, known[0].clear);
    assert_false(phone_number_is_sealed(text));
    assert_int_equal(phone_number_open(numbers, text, clear), 0);
    assert_string_equal(clear, known[0].clear);
    assert_int_equal(phone_number_open(numbers, known[0].sealed, clear), 0);
    assert_string_equal(clear, known[0].clear);
    phone_numbers_free(numbers);
}

/* Or it would be taken for a sealed one. */
static void a_clear_text_that_looks_sealed_is_sealed(void **state)
{
    (void)state;
    struct phone_numbers *numbers = numbers_of(salt, false);
    char text[RECORD_PHONE_MAX], clear[RECORD_PHONE_MAX];

    assert_int_equal(phone_number_keep(numbers, "siv:of somebody", text), 0);
    assert_true(phone_number_is_sealed(text));
    assert_int_equal(phone_number_open(numbers, text, clear), 0);
    assert_string_equal(clear, "siv:of somebody");
    phone_numbers_free(numbers);
}

static void the_longest_number_fits_and_a_longer_one_is_refused(void **state)
{
    (void)state;
    struct phone_numbers *numbers = numbers_of(salt, true);
    char clear[PHONE_NUMBER_MAX + 1], text[RECORD_PHONE_MAX], back[RECORD_PHONE_MAX];

    memset(clear, '9', PHONE_NUMBER_MAX);
    clear[PHONE_NUMBER_MAX] = '\0';
    assert_int_equal(phone_number_keep(numbers, clear, text), -1);
    assert_string_equal(text, "");
    clear[PHONE_NUMBER_MAX - 1] = '\0';
    assert_int_equal(phone_number_keep(numbers, clear, text), 0);
    assert_int_equal(strlen(text), RECORD_PHONE_MAX - 1);
    assert_int_equal(phone_number_open(numbers, text, back), 0);
    assert_string_equal(back, clear);
    phone_numbers_free(numbers);
}

static void what_was_not_sealed_here_does_not_open(void **state)
{
    (void)state;
    struct phone_numbers *numbers = numbers_of(salt, true), *other = numbers_of(other_salt, true);
    static const char *const texts[] = {
        "siv:", "siv:A", "siv:AAAA", "siv:mqT182YCKgpL8k5FHi0ZYP", "siv:mqT182YCKgpL8k5FHi0ZYPI=",
        /* bits that no byte has */
        "siv:mqT182YCKgpL8k5FHi0ZYPJ", "siv:mqT182YCKgpL8k5FHi0ZYPIA"};
    char text[RECORD_PHONE_MAX], clear[RECORD_PHONE_MAX];

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        strcpy(clear, "what was there");
        assert_int_equal(phone_number_open(numbers, texts[i], clear), -1);
        assert_string_equal(clear, "");
    }
    for (size_t i = 4; known[0].sealed[i] != '\0'; i++) {
        strcpy(text, known[0].sealed);
        text[i] = text[i] == 'x' ? 'y' : 'x';
        assert_int_equal(phone_number_open(numbers, text, clear), -1);
        assert_string_equal(clear, "");
    }
    memset(text, 'A', sizeof text);
    memcpy(text, "siv:", 4);
    text[sizeof text - 1] = '\0';
    assert_int_equal(phone_number_open(numbers, text, clear), -1);
    assert_int_equal(phone_number_open(other, known[0].sealed, clear), -1);
    assert_int_equal(phone_number_keep(other, known[0].clear, text), 0);
    assert_string_not_equal(text, known[0].sealed);
    phone_numbers_free(numbers);
    phone_numbers_free(other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sealed_numbers_are_the_same_on_every_machine),
        cmocka_unit_test(clear_numbers_stay_as_they_are),
        cmocka_unit_test(a_clear_text_that_looks_sealed_is_sealed),
        cmocka_unit_test(the_longest_number_fits_and_a_longer_one_is_refused),
        cmocka_unit_test(what_was_not_sealed_here_does_not_open),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
