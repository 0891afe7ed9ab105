/*
 * The hash by which a person is known again: the values that any HMAC-SHA256 gives, and that no
 * two persons' answers run together.
 */
#include "uic/uic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <openssl/evp.h>

#include <cmocka.h>

#define TEXT(literal)               \
    {                               \
        literal, sizeof literal - 1 \
    }

static unsigned char key[32];

static int fill_key(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof key; i++)
        key[i] = (unsigned char)i;
    return 0;
}

static void check_hash(const char *expected, const struct uic_text *fields, size_t count)
{
    unsigned char hash[UIC_INPUT_HASH_SIZE];
    char hexadecimal[2 * sizeof hash + 1];

    assert_int_equal(UIC_OK, uic_input_hash(key, sizeof key, fields, count, hash));
    for (size_t i = 0; i < sizeof hash; i++)
        sprintf(hexadecimal + 2 * i, "%02x", hash[i]);
    assert_string_equal(expected, hexadecimal);
}

static void test_the_hash_that_python_gives(void **state)
{
    const struct uic_text fields[] = {TEXT("1985"), TEXT("KINSHASA"), TEXT("JEAN"), TEXT("15"),
                                      TEXT("KABILA")};
    (void)state;

    /* hmac.new(key, b"".join(struct.pack(">Q", len(f)) + f for f in fields), "sha256") */
    check_hash("ce2e8ba76bbf589fd4f454f1761c87a4e0806b77f99fcc321e3172cd74956625", fields, 5);
    check_hash("d38b42096d80f45f826b44a9d5607de72496a415d3f4a1a8c88e3bb9da8dc1cb", NULL, 0);
}

static bool same_hash(const struct uic_text *one, size_t one_count, const struct uic_text *other,
                      size_t other_count)
{
    unsigned char hashes[2][UIC_INPUT_HASH_SIZE];

    assert_int_equal(UIC_OK, uic_input_hash(key, sizeof key, one, one_count, hashes[0]));
    assert_int_equal(UIC_OK, uic_input_hash(key, sizeof key, other, other_count, hashes[1]));
    return memcmp(hashes[0], hashes[1], sizeof hashes[0]) == 0;
}

static void test_fields_do_not_run_together(void **state)
{
    const struct uic_text whole[] = {TEXT("AB"), TEXT("C")};
    const struct uic_text shifted[] = {TEXT("A"), TEXT("BC")};
    const struct uic_text swapped[] = {TEXT("C"), TEXT("AB")};
    const struct uic_text joined[] = {TEXT("ABC")};
    const struct uic_text with_empty[] = {TEXT("AB"), TEXT("C"), TEXT("")};
    const struct uic_text empty_first[] = {TEXT(""), TEXT("AB"), TEXT("C")};
    (void)state;

    assert_true(same_hash(whole, 2, whole, 2));
    assert_false(same_hash(whole, 2, shifted, 2));
    assert_false(same_hash(whole, 2, swapped, 2));
    assert_false(same_hash(whole, 2, joined, 1));
    assert_false(same_hash(whole, 2, with_empty, 3));
    assert_false(same_hash(with_empty, 3, empty_first, 3));
}

static void test_a_length_inside_a_field_is_no_separator(void **state)
{
    const struct uic_text two[] = {TEXT("A"), TEXT("B")};
    const struct uic_text one[] = {TEXT("A\0\0\0\0\0\0\0\001B")};
    (void)state;

    assert_false(same_hash(two, 2, one, 1));
}

static void test_an_absent_field_counts_as_empty(void **state)
{
    const struct uic_text absent[] = {{NULL, 0}};
    const struct uic_text empty[] = {TEXT("")};
    (void)state;

    assert_true(same_hash(absent, 1, empty, 1));
    assert_false(same_hash(absent, 1, NULL, 0));
}

static void test_another_key_gives_another_hash(void **state)
{
    const struct uic_text fields[] = {TEXT("JEAN")};
    unsigned char hashes[2][UIC_INPUT_HASH_SIZE];
    (void)state;

    assert_int_equal(UIC_OK, uic_input_hash(key, 32, fields, 1, hashes[0]));
    assert_int_equal(UIC_OK, uic_input_hash(key, 31, fields, 1, hashes[1]));
    assert_memory_not_equal(hashes[0], hashes[1], sizeof hashes[0]);
}

static void test_without_hmac_in_the_library_there_is_no_hash(void **state)
{
    const struct uic_text fields[] = {TEXT("JEAN")};
    unsigned char hash[UIC_INPUT_HASH_SIZE];
    (void)state;

    assert_int_equal(1, EVP_set_default_properties(NULL, "provider=none"));
    assert_int_equal(UIC_CRYPTO, uic_input_hash(key, 32, fields, 1, hash));
    assert_int_equal(1, EVP_set_default_properties(NULL, ""));
    assert_int_equal(UIC_OK, uic_input_hash(key, 32, fields, 1, hash));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_hash_that_python_gives),
        cmocka_unit_test(test_fields_do_not_run_together),
        cmocka_unit_test(test_a_length_inside_a_field_is_no_separator),
        cmocka_unit_test(test_an_absent_field_counts_as_empty),
        cmocka_unit_test(test_another_key_gives_another_hash),
        cmocka_unit_test(test_without_hmac_in_the_library_there_is_no_hash),
    };
    return cmocka_run_group_tests(tests, fill_key, NULL);
}
