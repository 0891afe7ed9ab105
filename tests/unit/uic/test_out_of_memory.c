/*
 * When the cryptographic library gets no memory, the caller gets a status and no half code: every
 * allocation fails in turn.
 */
#include "uic/hasher.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/crypto.h>

#include <cmocka.h>

static long until_failure = -1; /* allocations that still succeed; -1: all */

static bool fails(void)
{
    if (until_failure < 0)
        return false;
    if (until_failure == 0)
        return true;
    until_failure--;
    return false;
}

static void *allocate(size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return fails() ? NULL : malloc(size);
}

static void *reallocate(void *memory, size_t size, const char *file, int line)
{
    (void)file;
    (void)line;
    return fails() ? NULL : realloc(memory, size);
}

static void release(void *memory, const char *file, int line)
{
    (void)file;
    (void)line;
    free(memory);
}

static const struct uic_text fields[] = {{"JEAN", 4}};

static const struct uic_piece pieces[] = {{.kind = UIC_PIECE_LITERAL, .literal = "J-"},
                                          {.kind = UIC_PIECE_HASH, .length = 5}};
static const struct uic_format format = {pieces, 2, 1};
static struct uic_hasher *hasher;

static int make_code(void)
{
    char code[UIC_CODE_MAX];

    int status = uic_code(&format, fields, "salt", 4, 0, code);
    assert_int_equal(status == UIC_OK ? 7 : 0, strlen(code));
    return status;
}

static int make_input_hash(void)
{
    unsigned char hash[UIC_INPUT_HASH_SIZE];

    return uic_input_hash((const unsigned char *)"key", 3, fields, 1, hash);
}

static int make_input_hash_again(void)
{
    unsigned char hash[UIC_INPUT_HASH_SIZE];

    return uic_hasher_input_hash(hasher, fields, 1, hash);
}

static void check_every_failure(int (*make)(void))
{
    long failures = 0;
    int status;

    assert_int_equal(UIC_OK, make()); /* what OpenSSL sets up once */
    do {
        until_failure = failures;
        status = make();
        until_failure = -1;
        if (status != UIC_OK) {
            assert_int_equal(UIC_CRYPTO, status);
            failures++;
        }
    } while (status != UIC_OK && failures < 1000);
    assert_in_range(failures, 1, 999);
    assert_int_equal(UIC_OK, make());
}

static void test_a_code_without_memory(void **state)
{
    (void)state;
    check_every_failure(make_code);
}

static void test_an_input_hash_without_memory(void **state)
{
    (void)state;
    check_every_failure(make_input_hash);
}

/* Who goes on has a hasher that is as good as before. */
static void test_a_hasher_that_was_without_memory(void **state)
{
    char code[UIC_CODE_MAX];
    (void)state;

    hasher = uic_hasher_create((const unsigned char *)"key", 3);
    check_every_failure(make_input_hash_again);
    assert_int_equal(UIC_OK, uic_hasher_code(hasher, &format, fields, "salt", 4, 0, code));
    assert_string_equal("J-8F992", code);
    uic_hasher_free(hasher);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_code_without_memory),
        cmocka_unit_test(test_an_input_hash_without_memory),
        cmocka_unit_test(test_a_hasher_that_was_without_memory),
    };
    if (!CRYPTO_set_mem_functions(allocate, reallocate, release))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
