/* What is derived from the salt: fixed for all time, one key for each use. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "server/security/keyed_hashes.h"
#include "server/security/keys.h"
#include "store/sessions.h"
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static const char salt[] = "Zr4u7x-A_DG9KbPeShVmYq3t6w9zCkFJNcRfUjXn2r0";

static void to_hex(const unsigned char key[KEY_SIZE], char out[2 * KEY_SIZE + 1])
{
    for (int i = 0; i < KEY_SIZE; i++)
        sprintf(out + 2 * i, "%02x", key[i]);
}

/* Expected values: Python's hmac module, by RFC 5869. */
static void keys_are_the_same_on_every_machine(void **state)
{
    (void)state;
    struct keys keys;
    char hex[2 * KEY_SIZE + 1];
    assert_int_equal(keys_derive(&keys, salt), 0);
    to_hex(keys.session_address, hex);
    assert_string_equal(hex, "f6b051e63f7eca0adc6ada10d63fb4525fad670f63776ba724dc00d5cfc6ba42");
    to_hex(keys.session_seal, hex);
    assert_string_equal(hex, "42a2962941324a53426e3fd4f3ef691b0ff2832fdca7117186a3e38b0b68a630");
    to_hex(keys.record_input, hex);
    assert_string_equal(hex, "21ae6268d2c4a86b4e6e101df7158e3e99e121c46b079638268f944fa82070a9");
    to_hex(keys.message_id, hex);
    assert_string_equal(hex, "0229b19b5217354e0cdc40df8ae261520ee60cfc17a3be18a6773e4773b82432");
    to_hex(keys.log_day, hex);
    assert_string_equal(hex, "9685ac50258943ff10f70c0930fe177b5075707770079d0c3c023045967f4cde");
}

#define ADDRESS "whatsapp:+243810000000", 22
/* 23 November 2026, UTC. */
#define NOON INT64_C(1795435200)

static void message_ids_are_the_same_on_every_machine(void **state)
{
    (void)state;
    struct keys keys;
    char tag[KEYED_HASHES_TAG_MAX];
    keys_derive(&keys, salt);
    struct keyed_hashes *hashes = keyed_hashes_create(&keys);
    for (int again = 0; again < 2; again++) {
        assert_true(keyed_hashes_message_id(hashes, "SM0123456789", 12) == 0x09f2f84e2b855218ULL);
        keyed_hashes_address_tag(hashes, ADDRESS, NOON, tag);
        assert_string_equal(tag, "8059b5a3");
    }
    keyed_hashes_free(hashes);
}

/* Whoever has the log follows nobody over midnight. */
static void a_tag_is_of_its_day(void **state)
{
    (void)state;
    struct keys keys;
    char first[KEYED_HASHES_TAG_MAX], other[KEYED_HASHES_TAG_MAX];
    keys_derive(&keys, salt);
    struct keyed_hashes *hashes = keyed_hashes_create(&keys);
    keyed_hashes_address_tag(hashes, ADDRESS, NOON, first);
    keyed_hashes_address_tag(hashes, ADDRESS, NOON + 43199, other);
    assert_string_equal(other, first);
    for (int64_t day = 1; day < 400; day++) {
        keyed_hashes_address_tag(hashes, ADDRESS, NOON + day * 86400, other);
        assert_string_not_equal(other, first);
    }
    keyed_hashes_address_tag(hashes, "whatsapp:+243810000001", 22, NOON + 399 * 86400, first);
    assert_string_not_equal(other, first);
    /* A clock that is set back finds the same ones again. */
    keyed_hashes_address_tag(hashes, ADDRESS, NOON, first);
    keyed_hashes_address_tag(hashes, ADDRESS, NOON + 86400, other);
    keyed_hashes_address_tag(hashes, ADDRESS, NOON, other);
    assert_string_equal(other, first);
    keyed_hashes_free(hashes);
}

/* Of a number that writes to two instances, or whose reply Meta refuses, the log has one tag; and
 * its name in Redis tells nothing of it. */
static void a_session_has_the_tag_of_its_address(void **state)
{
    (void)state;
    struct keys keys;
    struct session_settings settings = {.ttl_ms = 1000, .mark_ttl_ms = 1000, .memory_max = 1};
    struct session session;
    char error[ERROR_MAX], tag[KEYED_HASHES_TAG_MAX], same[KEYED_HASHES_TAG_MAX];
    keys_derive(&keys, salt);
    memcpy(settings.address_key, keys.session_address, sizeof settings.address_key);
    struct session_store *store = session_store_open(&settings, error);
    struct session_link *link = session_attach(store, NULL, NULL, error);
    struct keyed_hashes *hashes = keyed_hashes_create(&keys);

    session_init(link, &session, ADDRESS);
    assert_memory_equal(session.who, "\x82\xf8\x24\x57\xfb\x0c\x59\xab", 8);
    assert_memory_equal(session.who + 8, "\x2a\x36\xc3\x32\xa3\xcc\x6b\x01", 8);
    keyed_hashes_tag(hashes, session.who, NOON, tag);
    keyed_hashes_address_tag(hashes, ADDRESS, NOON, same);
    assert_string_equal(tag, same);
    keyed_hashes_free(hashes);
    session_detach(link);
    session_store_close(store);
}

static void another_salt_changes_everything(void **state)
{
    (void)state;
    struct keys one, other;
    keys_derive(&one, salt);
    keys_derive(&other, "Zr4u7x-A_DG9KbPeShVmYq3t6w9zCkFJNcRfUjXn2r1");
    assert_memory_not_equal(one.session_address, other.session_address, KEY_SIZE);
    assert_memory_not_equal(one.session_seal, other.session_seal, KEY_SIZE);
    assert_memory_not_equal(one.record_input, other.record_input, KEY_SIZE);
    assert_memory_not_equal(one.message_id, other.message_id, KEY_SIZE);
    assert_memory_not_equal(one.log_day, other.log_day, KEY_SIZE);
}

static void wiped_keys_hold_nothing(void **state)
{
    (void)state;
    struct keys keys, empty = {0};
    keys_derive(&keys, salt);
    keys_wipe(&keys);
    assert_memory_equal(&keys, &empty, sizeof keys);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_are_the_same_on_every_machine),
        cmocka_unit_test(message_ids_are_the_same_on_every_machine),
        cmocka_unit_test(a_tag_is_of_its_day),
        cmocka_unit_test(a_session_has_the_tag_of_its_address),
        cmocka_unit_test(another_salt_changes_everything),
        cmocka_unit_test(wiped_keys_hold_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
