/* Tries to log in: each wrong one is answered later than the one before, and nobody gets around. */
#include "server/admin/tries.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const int64_t START = 1000000;

static struct tries *tries;

static int open_tries(void **state)
{
    (void)state;
    tries = tries_create();
    return tries != NULL ? 0 : -1;
}

static int close_tries(void **state)
{
    (void)state;
    tries_free(tries);
    return 0;
}

/* 10.0.number, as an IPv4 address mapped into IPv6. */
static struct peer ipv4(unsigned number)
{
    struct peer peer = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0}};

    peer.bytes[14] = (unsigned char)(number >> 8);
    peer.bytes[15] = (unsigned char)number;
    return peer;
}

static struct peer ipv6(unsigned char network, unsigned char host)
{
    return (struct peer){{0x20, 0x01, 0x0d, 0xb8, network, [15] = host}};
}

static enum tries_verdict try_at(struct peer who, bool right, int64_t now_ms, unsigned *wait_ms)
{
    return tries_judge(tries, &who, right, now_ms, wait_ms);
}

static void the_right_token_is_taken_at_once(void **state)
{
    unsigned wait_ms;

    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(try_at(ipv4(1), true, START, &wait_ms), TRY_RIGHT);
}

static void each_wrong_try_waits_twice_as_long_up_to_the_longest(void **state)
{
    static const unsigned waits[] = {1000, 2000, 4000, 8000, 8000, 8000};
    int64_t now_ms = START;
    unsigned wait_ms;

    (void)state;
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        assert_int_equal(try_at(ipv4(1), false, now_ms, &wait_ms), TRY_WRONG);
        assert_int_equal(wait_ms, waits[i]);
        now_ms += wait_ms;
    }
}

static void while_one_waits_its_address_gets_no_other_try(void **state)
{
    unsigned wait_ms;

    (void)state;
    try_at(ipv4(1), false, START, &wait_ms);
    assert_int_equal(try_at(ipv4(1), false, START + 999, &wait_ms), TRY_REFUSED);
    assert_int_equal(try_at(ipv4(1), true, START + 999, &wait_ms), TRY_REFUSED);
    assert_int_equal(try_at(ipv4(2), true, START + 999, &wait_ms), TRY_RIGHT);
    assert_int_equal(try_at(ipv4(1), true, START + 1000, &wait_ms), TRY_RIGHT);
}

static void the_right_token_and_time_make_up_for_the_wrong_ones(void **state)
{
    unsigned wait_ms;

    (void)state;
    try_at(ipv4(1), false, START, &wait_ms);
    try_at(ipv4(1), true, START + 1000, &wait_ms);
    try_at(ipv4(1), false, START + 1000, &wait_ms);
    assert_int_equal(wait_ms, TRIES_FIRST_MS);
    try_at(ipv4(1), false, START + 2000, &wait_ms);
    assert_int_equal(wait_ms, 2 * TRIES_FIRST_MS);
    try_at(ipv4(1), false, START + 2000 + TRIES_FORGET_MS, &wait_ms);
    assert_int_equal(wait_ms, TRIES_FIRST_MS);
}

static void an_ipv6_network_is_one_address(void **state)
{
    unsigned wait_ms;

    (void)state;
    try_at(ipv6(1, 1), false, START, &wait_ms);
    assert_int_equal(try_at(ipv6(1, 2), true, START, &wait_ms), TRY_REFUSED);
    assert_int_equal(try_at(ipv6(2, 1), true, START, &wait_ms), TRY_RIGHT);
}

static void when_too_many_wait_nobody_gets_a_try(void **state)
{
    unsigned wait_ms;

    (void)state;
    for (unsigned i = 0; i < TRIES_WAITING_MAX; i++)
        assert_int_equal(try_at(ipv4(i), false, START, &wait_ms), TRY_WRONG);
    assert_int_equal(try_at(ipv4(60000), true, START, &wait_ms), TRY_REFUSED);
    assert_int_equal(try_at(ipv4(60000), true, START + 1000, &wait_ms), TRY_RIGHT);
}

static void the_place_of_the_try_longest_ago_is_given_away(void **state)
{
    unsigned wait_ms;

    (void)state;
    for (unsigned i = 0; i < TRIES_WAITING_MAX; i++)
        try_at(ipv4(i), false, START + i, &wait_ms);
    try_at(ipv4(60000), false, START + 5000, &wait_ms);
    try_at(ipv4(1), false, START + 5000, &wait_ms);
    assert_int_equal(wait_ms, 2 * TRIES_FIRST_MS);
    try_at(ipv4(0), false, START + 5000, &wait_ms);
    assert_int_equal(wait_ms, TRIES_FIRST_MS);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_tries, close_tries)
    const struct CMUnitTest tests[] = {
        TEST(the_right_token_is_taken_at_once),
        TEST(each_wrong_try_waits_twice_as_long_up_to_the_longest),
        TEST(while_one_waits_its_address_gets_no_other_try),
        TEST(the_right_token_and_time_make_up_for_the_wrong_ones),
        TEST(an_ipv6_network_is_one_address),
        TEST(when_too_many_wait_nobody_gets_a_try),
        TEST(the_place_of_the_try_longest_ago_is_given_away),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
