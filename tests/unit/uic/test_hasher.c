/*
 * One hasher for everybody: what it gives is what a new one gives, whatever it did before.
 */
#include "uic/hasher.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define PEOPLE 64

static const unsigned char key[] = "a key of some length";
static const struct uic_piece pieces[] = {
    {.kind = UIC_PIECE_FIELD, .field = 0, .length = 4, .pad = 'X'},
    {.kind = UIC_PIECE_HASH, .length = 12},
};
static const struct uic_format format = {pieces, 2, 2};

/* The first of them has no answers, others' fill several of SHA-256's blocks. */
static void person_write(size_t number, char bytes[2][PEOPLE * 4], struct uic_text fields[2])
{
    for (size_t i = 0; i < 2; i++) {
        fields[i] = (struct uic_text){bytes[i], number * (3 - i)};
        memset(bytes[i], (char)('A' + (number + i) % 26), fields[i].length);
    }
}

static void test_codes_and_hashes_in_turn_are_those_of_new_hashers(void **state)
{
    (void)state;
    struct uic_hasher *hasher = uic_hasher_create(key, sizeof key);
    assert_non_null(hasher);

    for (size_t number = 0; number < PEOPLE; number++) {
        unsigned char hash[UIC_INPUT_HASH_SIZE], wanted_hash[UIC_INPUT_HASH_SIZE];
        char code[UIC_CODE_MAX], wanted[UIC_CODE_MAX], bytes[2][PEOPLE * 4];
        struct uic_text fields[2];

        person_write(number, bytes, fields);
        assert_int_equal(UIC_OK, uic_code(&format, fields, "salt", 4, 3, wanted));
        assert_int_equal(UIC_OK, uic_input_hash(key, sizeof key, fields, 2, wanted_hash));
        assert_int_equal(UIC_OK, uic_hasher_code(hasher, &format, fields, "salt", 4, 3, code));
        assert_string_equal(wanted, code);
        for (int again = 0; again < 2; again++) {
            assert_int_equal(UIC_OK, uic_hasher_input_hash(hasher, fields, 2, hash));
            assert_memory_equal(wanted_hash, hash, sizeof hash);
        }
    }
    uic_hasher_free(hasher);
}

static void test_a_refused_code_leaves_nothing_behind(void **state)
{
    const struct uic_piece wrong[] = {{.kind = UIC_PIECE_HASH, .length = 5},
                                      {.kind = UIC_PIECE_HASH, .length = 65}};
    const struct uic_format refused = {wrong, 2, 2};
    const struct uic_text fields[] = {{"JEAN", 4}, {"KABILA", 6}};
    struct uic_hasher *hasher = uic_hasher_create(key, sizeof key);
    char code[UIC_CODE_MAX], wanted[UIC_CODE_MAX];
    (void)state;

    assert_int_equal(UIC_BAD_FORMAT, uic_hasher_code(hasher, &refused, fields, "salt", 4, 0, code));
    assert_string_equal("", code);
    assert_int_equal(UIC_OK, uic_code(&format, fields, "salt", 4, 0, wanted));
    assert_int_equal(UIC_OK, uic_hasher_code(hasher, &format, fields, "salt", 4, 0, code));
    assert_string_equal(wanted, code);
    uic_hasher_free(hasher);
}

static void test_without_a_key_there_are_codes_but_no_input_hash(void **state)
{
    const struct uic_text fields[] = {{"JEAN", 4}, {"KABILA", 6}};
    struct uic_hasher *hasher = uic_hasher_create(NULL, 0);
    unsigned char hash[UIC_INPUT_HASH_SIZE];
    char code[UIC_CODE_MAX];
    (void)state;

    assert_int_equal(UIC_OK, uic_hasher_code(hasher, &format, fields, "salt", 4, 0, code));
    assert_int_equal(UIC_CRYPTO, uic_hasher_input_hash(hasher, fields, 2, hash));
    uic_hasher_free(hasher);
    assert_int_equal(UIC_CRYPTO, uic_input_hash(NULL, 0, fields, 2, hash));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_codes_and_hashes_in_turn_are_those_of_new_hashers),
        cmocka_unit_test(test_a_refused_code_leaves_nothing_behind),
        cmocka_unit_test(test_without_a_key_there_are_codes_but_no_input_hash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
