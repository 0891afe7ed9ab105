/* Numbers of texts: the values of another SipHash, one after the other; and what happens when the
 * cryptographic library has none. */
#include "uic/keyed_number.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static const unsigned char key[KEYED_NUMBER_KEY_SIZE] = {0, 1, 2,  3,  4,  5,  6,  7,
                                                         8, 9, 10, 11, 12, 13, 14, 15};

#define TEXT(text)            \
    {                         \
        text, sizeof text - 1 \
    }

static void each_begins_anew_from_the_key(void **state)
{
    static const struct {
        struct uic_text texts[2];
        size_t count;
        uint64_t number;
    } rows[] = {
        {{TEXT("")}, 1, 0xa78176a01c85d339},
        {{TEXT("ab"), TEXT("c")}, 2, 0xc147bbd0afadd3f8},
        {{TEXT("a"), TEXT("bc")}, 2, 0x2f8854d059432108},
        {{TEXT("a number of texts, longer than a block")}, 1, 0x0b41764da35cb9f0},
    };
    struct keyed_number *keyed = keyed_number_create(key);
    uint64_t number;

    (void)state;
    assert_non_null(keyed);
    for (size_t i = 0; i < 2 * sizeof rows / sizeof *rows; i++) {
        const size_t row = i / 2;
        assert_int_equal(keyed_number(keyed, rows[row].texts, rows[row].count, &number), UIC_OK);
        assert_true(number == rows[row].number);
    }
    keyed_number_free(keyed);
}

static void more_texts_than_it_takes_are_none(void **state)
{
    static const struct uic_text texts[KEYED_NUMBER_TEXTS_MAX + 1];
    struct keyed_number *keyed = keyed_number_create(key);
    uint64_t number = 1;

    (void)state;
    assert_non_null(keyed);
    assert_int_equal(keyed_number(keyed, texts, KEYED_NUMBER_TEXTS_MAX, &number), UIC_OK);
    assert_true(number != 0);
    assert_int_equal(keyed_number(keyed, texts, KEYED_NUMBER_TEXTS_MAX + 1, &number), UIC_CRYPTO);
    assert_true(number == 0);
    keyed_number_free(keyed);
}

static void without_siphash_there_is_none(void **state)
{
    (void)state;
    assert_int_equal(EVP_set_default_properties(NULL, "provider=none"), 1);
    assert_null(keyed_number_create(key));
    assert_int_equal(EVP_set_default_properties(NULL, ""), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_begins_anew_from_the_key),
        cmocka_unit_test(more_texts_than_it_takes_are_none),
        cmocka_unit_test(without_siphash_there_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
