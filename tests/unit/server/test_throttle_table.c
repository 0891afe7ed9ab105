/* Tries to give a token: each wrong one is answered later than the one before, a right one no
 * sooner than those, and always. */
#include "server/http/throttle_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const int64_t START = 1000000;

static struct throttle_table *table;

static int open_tries(void **state)
{
    (void)state;
    table = throttle_table_create();
    return table != NULL ? 0 : -1;
}

static int close_tries(void **state)
{
    (void)state;
    throttle_table_free(table);
    return 0;
}

/* 10.0.number, as an IPv4 address mapped into IPv6. */
static struct client_address ipv4(unsigned number)
{
    struct client_address address = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0}};

    address.bytes[14] = (unsigned char)(number >> 8);
    address.bytes[15] = (unsigned char)number;
    return address;
}

static struct client_address ipv6(unsigned char network, unsigned char host)
{
    return (struct client_address){{0x20, 0x01, 0x0d, 0xb8, network, [15] = host}};
}

static unsigned wait_at(struct client_address who, bool right, int64_t now_ms)
{
    return throttle_table_wait(table, &who, right, now_ms);
}

static void the_right_token_is_taken_at_once(void **state)
{
    (void)state;
    for (int i = 0; i < 1000; i++)
        assert_int_equal(wait_at(ipv4(1), true, START), 0);
}

static void each_wrong_try_waits_twice_as_long_up_to_the_longest(void **state)
{
    static const unsigned waits[] = {1000, 2000, 4000, 8000, 8000, 8000};
    int64_t now_ms = START;

    (void)state;
    for (size_t i = 0; i < sizeof waits / sizeof *waits; i++) {
        assert_int_equal(wait_at(ipv4(1), false, now_ms), waits[i]);
        now_ms += waits[i];
    }
}

/* Else whoever sends all his guesses at once would know the right one by its answer. */
static void a_right_one_waits_as_long_as_the_wrong_ones_before_it(void **state)
{
    (void)state;
    assert_int_equal(wait_at(ipv4(1), false, START), 1000);
    assert_int_equal(wait_at(ipv4(1), false, START + 1), 2000);
    assert_int_equal(wait_at(ipv4(1), true, START + 1), 2000);
    assert_int_equal(wait_at(ipv4(1), true, START + 2000), 1);
    assert_int_equal(wait_at(ipv4(1), true, START + 2001), 0);
}

static void whatever_others_try_the_right_one_waits_no_longer_than_the_longest(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 65536; i++)
        for (int again = 0; again < 4; again++)
            wait_at(ipv4(i), false, START + i);
    for (unsigned i = 0; i < 65536; i += 97)
        assert_in_range(wait_at(ipv4(i), true, START + 65535), 0, THROTTLE_LONGEST_MS);
    assert_in_range(wait_at(ipv6(1, 1), true, START + 65535), 0, THROTTLE_LONGEST_MS);
}

static void wrong_ones_of_an_address_do_not_slow_the_others(void **state)
{
    unsigned slowed = 0;

    (void)state;
    wait_at(ipv4(0), false, START);
    for (unsigned i = 1; i <= 1000; i++)
        slowed += wait_at(ipv4(i), true, START) != 0;
    assert_in_range(slowed, 0, 10); /* those that share its place */
}

static void the_right_token_does_not_make_up_for_wrong_ones_but_time_does(void **state)
{
    (void)state;
    assert_int_equal(wait_at(ipv4(1), false, START), 1000);
    assert_int_equal(wait_at(ipv4(1), true, START + 1000), 0);
    assert_int_equal(wait_at(ipv4(1), false, START + 1000), 2000);
    assert_int_equal(wait_at(ipv4(1), false, START + 1000 + THROTTLE_FORGET_MS), 1000);
}

static void an_ipv6_network_is_one_address(void **state)
{
    (void)state;
    assert_int_equal(wait_at(ipv6(1, 1), false, START), 1000);
    assert_int_equal(wait_at(ipv6(1, 2), false, START), 2000);
    assert_int_equal(wait_at(ipv6(1, 3), true, START), 2000);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, open_tries, close_tries)
    const struct CMUnitTest tests[] = {
        TEST(the_right_token_is_taken_at_once),
        TEST(each_wrong_try_waits_twice_as_long_up_to_the_longest),
        TEST(a_right_one_waits_as_long_as_the_wrong_ones_before_it),
        TEST(whatever_others_try_the_right_one_waits_no_longer_than_the_longest),
        TEST(wrong_ones_of_an_address_do_not_slow_the_others),
        TEST(the_right_token_does_not_make_up_for_wrong_ones_but_time_does),
        TEST(an_ipv6_network_is_one_address),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
