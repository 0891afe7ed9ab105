/* A claim's way through bytes: all of it comes back, and so does what earlier releases put. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "store/outbox/claim.h"
#include <string.h>

static struct seal_keys *keys;
static struct seal *seal;

static int setup(void **state)
{
    static const unsigned char key[SEAL_KEY_SIZE] = "a key";

    (void)state;
    keys = seal_keys_create(key);
    seal = keys != NULL ? seal_create(keys) : NULL;
    return seal != NULL ? 0 : -1;
}

static int teardown(void **state)
{
    (void)state;
    seal_free(seal);
    seal_keys_free(keys);
    return 0;
}

static struct record_claim claim_of(void)
{
    struct record_claim claim = {.event_id = "SM1",
                                 .phone_number = "+243810000001",
                                 .person = {.has_user_id = true, .has_number = true},
                                 .code = "985-KINS-15-JEA-KABI-A3F9D",
                                 .now_us = 1764460800000042,
                                 .has_near = true,
                                 .said = RECORD_SAID_DIFFERENT};

    memset(claim.input_hash, 'h', sizeof claim.input_hash);
    memset(claim.person.user_id, 'u', sizeof claim.person.user_id);
    memset(claim.person.number, 'n', sizeof claim.person.number);
    memset(claim.near, 'e', sizeof claim.near);
    memset(claim.said_of, 's', sizeof claim.said_of);
    return claim;
}

/* Whoever reads it has used the claim before. */
static int opened(const unsigned char *sealed, size_t length, struct record_claim *claim)
{
    int64_t sealed_s;

    memset(claim, 1, sizeof *claim);
    return outbox_claim_open(seal, sealed, length, claim, &sealed_s);
}

static void assert_same(const struct record_claim *a, const struct record_claim *b)
{
    assert_memory_equal(a->input_hash, b->input_hash, sizeof a->input_hash);
    assert_string_equal(a->event_id, b->event_id);
    assert_string_equal(a->phone_number, b->phone_number);
    assert_string_equal(a->code, b->code);
    assert_true(a->now_us == b->now_us);
}

static void all_of_a_claim_comes_back(void **state)
{
    const struct record_claim put = claim_of();
    struct record_claim got;
    unsigned char sealed[OUTBOX_SEALED_MAX];

    (void)state;
    const size_t length = outbox_claim_seal_at(seal, &put, 1764460800, sealed);
    assert_true(length > 0);
    assert_int_equal(opened(sealed, length, &got), 0);
    assert_same(&put, &got);
    assert_true(got.person.has_user_id && got.person.has_number && !got.person.number_is_cut);
    assert_memory_equal(put.person.user_id, got.person.user_id, sizeof put.person.user_id);
    assert_memory_equal(put.person.number, got.person.number, sizeof put.person.number);
    assert_true(got.has_near && !got.asks_near);
    assert_memory_equal(put.near, got.near, sizeof put.near);
    assert_int_equal(got.said, RECORD_SAID_DIFFERENT);
    assert_memory_equal(put.said_of, got.said_of, sizeof put.said_of);
}

/* As versions 1 and 2 had it: the claim, and in 2 flags, user id and five bytes of the number. */
static size_t old_seal(unsigned char version, unsigned char sealed[OUTBOX_SEALED_MAX])
{
    static const unsigned char time[] = {0x00, 0x06, 0x44, 0xc2, 0x9c, 0xb6, 0x20, 0x2a};
    static const char texts[] = "\003SM1\015+243810000001\032985-KINS-15-JEA-KABI-A3F9D";
    static const char person[] = "\003uuuuuuuuuuuuuuuunnnnn";
    const struct seal_terms terms = {OUTBOX_STREAM, SEAL_ANY_SUBKEY, 1764460800};
    unsigned char clear[OUTBOX_CLEAR_MAX];
    unsigned char *at = clear;

    *at++ = version;
    memset(at, 'h', RECORD_HASH_SIZE);
    at = mempcpy(at + RECORD_HASH_SIZE, time, sizeof time);
    at = mempcpy(at, texts, sizeof texts - 1);
    if (version > 1)
        at = mempcpy(at, person, sizeof person - 1);
    const size_t length = (size_t)(at - clear);
    assert_int_equal(seal_wrap(seal, &terms, clear, length, sealed), 0);
    return length + SEAL_OVERHEAD;
}

static void what_earlier_releases_put_is_read(void **state)
{
    struct record_claim wanted = claim_of(), got;
    unsigned char sealed[OUTBOX_SEALED_MAX];

    (void)state;
    for (unsigned char version = 1; version <= 2; version++) {
        assert_int_equal(opened(sealed, old_seal(version, sealed), &got), 0);
        wanted.now_us = got.now_us;
        assert_same(&wanted, &got);
        assert_int_equal(got.person.has_user_id, version == 2);
        assert_int_equal(got.person.number_is_cut, version == 2);
        assert_false(got.has_near || got.asks_near);
        assert_int_equal(got.said, RECORD_SAID_NOTHING);
    }
    assert_memory_equal(got.person.user_id, "uuuuuuuuuuuuuuuu", RECORD_PERSON_HASH_SIZE);
    assert_memory_equal(got.person.number, "nnnnn", RECORD_ASKER_SIZE);
    /* What is cut stays so when it is put back. */
    assert_int_equal(opened(sealed, outbox_claim_seal_at(seal, &got, 1764460800, sealed), &got), 0);
    assert_true(got.person.number_is_cut);
}

static void what_is_no_claim_is_refused(void **state)
{
    struct record_claim got;
    unsigned char sealed[OUTBOX_SEALED_MAX];

    (void)state;
    assert_int_equal(opened(sealed, old_seal(0, sealed), &got), -1);
    assert_int_equal(opened(sealed, old_seal(3, sealed), &got), -1);             /* too short */
    assert_int_equal(opened(sealed, old_seal(4, sealed), &got), SEAL_OTHER_KEY); /* a later one */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_of_a_claim_comes_back),
        cmocka_unit_test(what_earlier_releases_put_is_read),
        cmocka_unit_test(what_is_no_claim_is_refused),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
