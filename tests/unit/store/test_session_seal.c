/* Sealed values open only as they were, only under their label, only with their key. */
#include "store/base/seal.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/evp.h>

#define LABEL "uic:s:label"
#define CLEAR "Kinshasa 1985"
#define CLEAR_LENGTH (sizeof(CLEAR) - 1)
#define SEALED_LENGTH (CLEAR_LENGTH + SEAL_OVERHEAD)

#define TIME_S 1764374913
/* Where the key stands in a sealed value, and what stands before the nonce. */
#define KEY_AT 1
#define NONCE_AT 9

static struct seal_keys *keys;
static struct seal *seal;
static unsigned char sealed[SEALED_LENGTH];

static struct seal_keys *keys_of(char first, char last)
{
    unsigned char key[SEAL_KEY_SIZE];

    memset(key, first, sizeof key);
    key[SEAL_KEY_SIZE - 1] = (unsigned char)last;
    struct seal_keys *made = seal_keys_create(key);
    assert_non_null(made);
    return made;
}

static void wrap(unsigned subkey, int64_t time_s, unsigned char value[SEALED_LENGTH])
{
    const struct seal_terms terms = {LABEL, subkey, time_s};

    assert_int_equal(seal_wrap(seal, &terms, (const unsigned char *)CLEAR, CLEAR_LENGTH, value), 0);
}

static int setup(void **state)
{
    (void)state;
    keys = keys_of('k', 'k');
    seal = seal_create(keys);
    assert_non_null(seal);
    wrap(SEAL_ANY_SUBKEY, TIME_S, sealed);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    seal_free(seal);
    seal_keys_free(keys);
    return 0;
}

static int64_t time_s; /* of the last value that opened */

/* Opens a value; a refusal must leave nothing in clear. */
static int unwrap(struct seal *by, const char *label, const unsigned char *value, size_t length)
{
    unsigned char clear[64] = {0};
    struct seal_opened opened = {0};
    const int status = seal_unwrap(by, label, value, length, clear, sizeof clear, &opened);
    if (status != 0) {
        assert_null(memmem(clear, sizeof clear, CLEAR, 4));
        return status;
    }
    assert_int_equal(opened.length, CLEAR_LENGTH);
    time_s = opened.time_s;
    assert_memory_equal(clear, CLEAR, CLEAR_LENGTH);
    return 0;
}

static void a_sealed_value_opens(void **state)
{
    (void)state;
    assert_int_equal(unwrap(seal, LABEL, sealed, SEALED_LENGTH), 0);
    assert_null(memmem(sealed, SEALED_LENGTH, CLEAR, 4));
    assert_int_equal(sealed[0], 2);
    assert_int_equal(time_s, TIME_S);
}

static void every_changed_bit_is_seen(void **state)
{
    (void)state;
    for (size_t i = 0; i < SEALED_LENGTH * 8; i++) {
        sealed[i / 8] ^= (unsigned char)(1 << i % 8);
        assert_int_not_equal(unwrap(seal, LABEL, sealed, SEALED_LENGTH), 0);
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

static void another_salts_value_is_told_from_a_damaged_one(void **state)
{
    (void)state;
    struct seal_keys *others = keys_of('k', 'l');
    struct seal *other = seal_create(others);
    assert_int_equal(unwrap(other, LABEL, sealed, SEALED_LENGTH), SEAL_OTHER_KEY);
    assert_int_not_equal(keys->id, others->id);
    seal_free(other);
    seal_keys_free(others);

    struct seal_keys *same = keys_of('k', 'k');
    other = seal_create(same);
    assert_int_equal(unwrap(other, LABEL, sealed, SEALED_LENGTH), 0);
    seal_free(other);
    seal_keys_free(same);

    sealed[SEALED_LENGTH - 1] ^= 1;
    assert_int_equal(unwrap(seal, LABEL, sealed, SEALED_LENGTH), -1);
}

static void a_later_programs_value_is_not_called_damaged(void **state)
{
    (void)state;
    sealed[0] = 3;
    assert_int_equal(unwrap(seal, LABEL, sealed, SEALED_LENGTH), SEAL_OTHER_KEY);
}

/* Version byte, nonce, ciphertext, tag, under the key itself: as the program sealed before. */
static void what_was_sealed_before_there_were_subkeys_opens(void **state)
{
    (void)state;
    static const unsigned char nonce[12] = "0123456789a";
    unsigned char old[1 + sizeof nonce + CLEAR_LENGTH + SEAL_TAG_SIZE] = {1};
    unsigned char key[SEAL_KEY_SIZE];
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int written;

    memset(key, 'k', sizeof key);
    memcpy(old + 1, nonce, sizeof nonce);
    assert_int_equal(EVP_EncryptInit_ex(context, EVP_aes_256_gcm(), NULL, key, nonce), 1);
    EVP_EncryptUpdate(context, NULL, &written, (const unsigned char *)LABEL, sizeof LABEL - 1);
    EVP_EncryptUpdate(context, old + 13, &written, (const unsigned char *)CLEAR, CLEAR_LENGTH);
    EVP_EncryptFinal_ex(context, old + 13 + CLEAR_LENGTH, &written);
    EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, SEAL_TAG_SIZE, old + 13 + CLEAR_LENGTH);
    EVP_CIPHER_CTX_free(context);
    for (int times = 0; times < 2; times++) {
        assert_int_equal(unwrap(seal, LABEL, old, sizeof old), 0);
        assert_int_equal(time_s, 0);
        assert_int_equal(unwrap(seal, LABEL, sealed, SEALED_LENGTH), 0);
    }
    for (size_t i = 1; i < sizeof old; i++) {
        old[i] ^= 1;
        assert_int_equal(unwrap(seal, LABEL, old, sizeof old), -1);
        old[i] ^= 1;
        assert_int_not_equal(unwrap(seal, LABEL, old, i), 0);
    }
}

static unsigned subkey_of(const unsigned char value[SEALED_LENGTH])
{
    return (value[KEY_AT + 2] & 0xfu) << 8 | value[KEY_AT + 3];
}

static void every_subkey_is_another_key(void **state)
{
    (void)state;
    unsigned char value[SEALED_LENGTH];

    for (unsigned subkey = 0; subkey < SEAL_SUBKEYS; subkey++) {
        wrap(subkey, TIME_S, value);
        assert_int_equal(subkey_of(value), subkey);
        assert_int_equal(unwrap(seal, LABEL, value, SEALED_LENGTH), 0);
        /* Under another subkey it does not open. */
        value[KEY_AT + 3] ^= 1;
        assert_int_equal(unwrap(seal, LABEL, value, SEALED_LENGTH), -1);
    }
}

static void subkeys_are_drawn_alike(void **state)
{
    (void)state;
    enum { COUNT = 20000 };
    static unsigned seen[SEAL_SUBKEYS];
    unsigned char value[SEALED_LENGTH];
    unsigned used = 0;

    for (int i = 0; i < COUNT; i++) {
        wrap(SEAL_ANY_SUBKEY, TIME_S, value);
        used += seen[subkey_of(value)]++ == 0;
    }
    /* Of 4,096, 20,000 draws leave out about 31. */
    assert_in_range(used, SEAL_SUBKEYS - 100, SEAL_SUBKEYS);
}

static void it_does_not_open_into_too_small_a_room(void **state)
{
    (void)state;
    unsigned char clear[CLEAR_LENGTH];
    struct seal_opened opened;
    assert_int_equal(
        seal_unwrap(seal, LABEL, sealed, SEALED_LENGTH, clear, CLEAR_LENGTH - 1, &opened), -1);
    assert_int_equal(seal_unwrap(seal, LABEL, sealed, SEALED_LENGTH, clear, CLEAR_LENGTH, &opened),
                     0);
}

/* Also across the blocks in which random bytes are drawn. */
static void no_two_sealings_begin_alike(void **state)
{
    (void)state;
    enum { COUNT = 300 };
    unsigned char values[COUNT][SEALED_LENGTH];
    for (size_t i = 0; i < COUNT; i++) {
        wrap(7, TIME_S, values[i]);
        for (size_t j = 0; j < i; j++)
            assert_memory_not_equal(values[i] + NONCE_AT, values[j] + NONCE_AT, 12);
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
        CASE(a_sealed_value_opens),
        CASE(every_changed_bit_is_seen),
        CASE(a_cut_value_does_not_open),
        CASE(it_opens_only_under_its_label),
        CASE(another_salts_value_is_told_from_a_damaged_one),
        CASE(a_later_programs_value_is_not_called_damaged),
        CASE(what_was_sealed_before_there_were_subkeys_opens),
        CASE(every_subkey_is_another_key),
        CASE(subkeys_are_drawn_alike),
        CASE(it_does_not_open_into_too_small_a_room),
        CASE(no_two_sealings_begin_alike),
        CASE(a_refusal_does_not_spoil_the_next),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
