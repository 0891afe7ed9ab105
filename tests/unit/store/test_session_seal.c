/* Sealed values open only as they were, only under their label, only with their key. */
#include "store/base/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#define LABEL "uic:s:label"
#define CLEAR "Kinshasa 1985"
#define CLEAR_LENGTH (sizeof(CLEAR) - 1)
#define SEALED_LENGTH (CLEAR_LENGTH + SEAL_OVERHEAD)

static struct seal *seal;
static unsigned char sealed[SEALED_LENGTH];

static int setup(void **state)
{
    (void)state;
    unsigned char key[SEAL_KEY_SIZE];
    memset(key, 'k', sizeof key);
    seal = seal_create(key);
    assert_non_null(seal);
    assert_int_equal(seal_wrap(seal, LABEL, (const unsigned char *)CLEAR, CLEAR_LENGTH, sealed), 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    seal_free(seal);
    return 0;
}

/* Opens a value; a refusal must leave nothing in clear. */
static int unwrap(struct seal *by, const char *label, const unsigned char *value, size_t length)
{
    unsigned char clear[64] = {0};
    size_t clear_length = 0;
    if (seal_unwrap(by, label, value, length, clear, sizeof clear, &clear_length) != 0) {
        assert_null(memmem(clear, sizeof clear, CLEAR, 4));
        return -1;
    }
    assert_int_equal(clear_length, CLEAR_LENGTH);
    assert_memory_equal(clear, CLEAR, CLEAR_LENGTH);
    return 0;
}

static void a_sealed_value_opens(void **state)
{
    (void)state;
    assert_int_equal(unwrap(seal, LABEL, sealed, SEALED_LENGTH), 0);
    assert_null(memmem(sealed, SEALED_LENGTH, CLEAR, 4));
    assert_int_equal(sealed[0], 1);
}

static void every_changed_bit_is_seen(void **state)
{
    (void)state;
    for (size_t i = 0; i < SEALED_LENGTH * 8; i++) {
        sealed[i / 8] ^= (unsigned char)(1 << i % 8);
        assert_int_equal(unwrap(seal, LABEL, sealed, SEALED_LENGTH), -1);
        sealed[i / 8] ^= (unsigned char)(1 << i % 8);
    }
    assert_int_equal(unwrap(seal, LABEL, sealed, SEALED_LENGTH), 0);
}

static void a_cut_value_does_not_open(void **state)
{
    (void)state;
    for (size_t length = 0; length < SEALED_LENGTH; length++)
        assert_int_equal(unwrap(seal, LABEL, sealed, length), -1);
}

static void it_opens_only_under_its_label(void **state)
{
    (void)state;
    assert_int_equal(unwrap(seal, "uic:s:labem", sealed, SEALED_LENGTH), -1);
    assert_int_equal(unwrap(seal, "uic:m:label", sealed, SEALED_LENGTH), -1);
    assert_int_equal(unwrap(seal, "", sealed, SEALED_LENGTH), -1);
}

static void it_opens_only_with_its_key(void **state)
{
    (void)state;
    unsigned char key[SEAL_KEY_SIZE];
    memset(key, 'k', sizeof key);
    key[31] ^= 1;
    struct seal *other = seal_create(key);
    assert_int_equal(unwrap(other, LABEL, sealed, SEALED_LENGTH), -1);
    seal_free(other);

    key[31] ^= 1;
    struct seal *same = seal_create(key);
    assert_int_equal(unwrap(same, LABEL, sealed, SEALED_LENGTH), 0);
    seal_free(same);
}

static void it_does_not_open_into_too_small_a_room(void **state)
{
    (void)state;
    unsigned char clear[CLEAR_LENGTH];
    size_t length;
    assert_int_equal(
        seal_unwrap(seal, LABEL, sealed, SEALED_LENGTH, clear, CLEAR_LENGTH - 1, &length), -1);
    assert_int_equal(seal_unwrap(seal, LABEL, sealed, SEALED_LENGTH, clear, CLEAR_LENGTH, &length),
                     0);
}

/* Also across the blocks in which random bytes are drawn. */
static void no_two_sealings_begin_alike(void **state)
{
    (void)state;
    enum { COUNT = 300 };
    unsigned char values[COUNT][SEALED_LENGTH];
    for (size_t i = 0; i < COUNT; i++) {
        seal_wrap(seal, LABEL, (const unsigned char *)CLEAR, CLEAR_LENGTH, values[i]);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(values[i], values[j], SEAL_HEAD_SIZE);
    }
}

static void a_refusal_does_not_spoil_the_next(void **state)
{
    (void)state;
    assert_int_equal(unwrap(seal, "other", sealed, SEALED_LENGTH), -1);
    assert_int_equal(unwrap(seal, LABEL, sealed, SEALED_LENGTH), 0);
}

#define CASE(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_sealed_value_opens),        CASE(every_changed_bit_is_seen),
        CASE(a_cut_value_does_not_open),   CASE(it_opens_only_under_its_label),
        CASE(it_opens_only_with_its_key),  CASE(it_does_not_open_into_too_small_a_room),
        CASE(no_two_sealings_begin_alike), CASE(a_refusal_does_not_spoil_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
