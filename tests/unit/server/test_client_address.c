/* Which proxies are believed, for whom they speak, and how much one address may have open. */
#include "server/config/networks.h"
#include "server/http/client_address.h"

#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include <cmocka.h>

static struct client_address address_of(const char *text)
{
    struct sockaddr_in ipv4 = {.sin_family = AF_INET};
    struct sockaddr_in6 ipv6 = {.sin6_family = AF_INET6};
    struct client_address address;

    if (inet_pton(AF_INET, text, &ipv4.sin_addr) == 1)
        assert_int_equal(client_address_of(&address, (struct sockaddr *)&ipv4), 0);
    else {
        assert_int_equal(inet_pton(AF_INET6, text, &ipv6.sin6_addr), 1);
        assert_int_equal(client_address_of(&address, (struct sockaddr *)&ipv6), 0);
    }
    return address;
}

static void lists_of_proxies_are_addresses_and_networks(void **state)
{
    static const char *const good[] = {"none",       "127.0.0.1",       "127.0.0.1,::1",
                                       "10.0.0.0/8", "2001:db8::/32",   "0.0.0.0/0",
                                       "::/0",       "192.0.2.1/32,::1"};
    static const char *const bad[] = {"",          ",",           "localhost",   "127.0.0.1,",
                                      "10.0.0/8",  "10.0.0.0/33", "10.0.0.0/",   "::1/129",
                                      "10.0.0.1 ", "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.0/0008"};

    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        assert_true(networks_accept(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (networks_accept(bad[i]))
            fail_msg("accepted: %s", bad[i]);
}

static void a_list_can_be_too_long(void **state)
{
    char list[33 * 10 + 1] = "";

    (void)state;
    for (int i = 0; i < 32; i++)
        sprintf(list + strlen(list), "%s10.0.0.%d", i > 0 ? "," : "", i);
    assert_true(networks_accept(list));
    strcat(list, ",::1");
    assert_false(networks_accept(list));
}

static void only_the_named_are_trusted(void **state)
{
    static const struct {
        const char *text;
        bool trusted;
    } rows[] = {
        {"127.0.0.1", true},        {"127.0.0.2", false},     {"::1", true},
        {"::ffff:127.0.0.1", true}, {"10.255.255.255", true}, {"11.0.0.0", false},
        {"172.16.0.1", true},       {"172.31.255.255", true}, {"172.32.0.0", false},
        {"2001:db8:1::", true},     {"2001:db9::", false},
    };
    struct clients *clients =
        clients_create("127.0.0.1,::1,10.0.0.0/8,172.16.0.0/12,2001:db8::/32", 1);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct client_address address = address_of(rows[i].text);
        if (clients_trust(clients, &address) != rows[i].trusted)
            fail_msg("%s", rows[i].text);
    }
    clients_free(clients);
}

static void a_proxy_speaks_for_the_last_address_that_is_no_proxy(void **state)
{
    static const struct {
        const char *header, *client; /* NULL: nobody */
    } rows[] = {
        {"192.0.2.7", "192.0.2.7"},
        {"192.0.2.7, 127.0.0.1", "192.0.2.7"},
        {"198.51.100.1, 192.0.2.7", "192.0.2.7"},
        {"forged, 192.0.2.7 , 10.1.2.3,127.0.0.1", "192.0.2.7"},
        {"2001:db8::7", "2001:db8::7"},
        {"", NULL},
        {",", NULL},
        {"127.0.0.1", NULL},
        {"unknown", NULL},
        {"192.0.2.7, unknown", NULL},
        {"192.0.2.7, ", NULL},
        /* with a port, as Azure's gateways and some others write it */
        {"192.0.2.7:1234", "192.0.2.7"},
        {"192.0.2.7:0", "192.0.2.7"},
        {"192.0.2.7:65535", "192.0.2.7"},
        {"198.51.100.1:80, 192.0.2.7:1234, 10.1.2.3:443", "192.0.2.7"},
        {"[2001:db8::7]:1234", "2001:db8::7"},
        {"[2001:db8::7]", "2001:db8::7"},
        {"[::ffff:192.0.2.7]:1234", "192.0.2.7"},
        {"::ffff:192.0.2.7", "192.0.2.7"},
        {"198.51.100.1, [::ffff:10.0.0.1]:9", "198.51.100.1"},
        {"2001:db8::7:1234", "2001:db8::7:1234"}, /* no port, without brackets */
        /* what is none of these names nobody */
        {"192.0.2.7:65536", NULL},
        {"192.0.2.7:00080000", NULL},
        {"192.0.2.7:", NULL},
        {"192.0.2.7:-1", NULL},
        {"192.0.2.7:+1", NULL},
        {"192.0.2.7: 80", NULL},
        {"192.0.2.7:80:80", NULL},
        {"192.0.2.7:http", NULL},
        {"192.0.2.7:80x", NULL},
        {"192.0.2.07:80", NULL},
        {"192.0.2:80", NULL},
        {":80", NULL},
        {"localhost:80", NULL},
        {"0x7f.1:80", NULL},
        {"3221225991:80", NULL},
        {"[192.0.2.7]:80", NULL},
        {"[2001:db8::7", NULL},
        {"[2001:db8::7]80", NULL},
        {"[2001:db8::7]:", NULL},
        {"[2001:db8::7]:99999", NULL},
        {"[2001:db8::7]:80]", NULL},
        {"[[2001:db8::7]]:80", NULL},
        {"2001:db8::7]:80", NULL},
        {"[]:80", NULL},
        {"[", NULL},
        {"]", NULL},
        {"[:]", NULL},
        {"[fe80::1%eth0]:80", NULL},
        {"\"[2001:db8::7]:80\"", NULL},
        {"for=192.0.2.7", NULL},
        {"_hidden", NULL},
        {"198.51.100.1, 192.0.2.7:65536", NULL}, /* not the one before it */
        {"[0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0000:0001]:80", NULL},
    };
    struct clients *clients = clients_create("127.0.0.1,10.0.0.0/8", 1);

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct client_address client, expected;
        bool found = clients_forwarded(clients, rows[i].header, &client);
        if (found != (rows[i].client != NULL))
            fail_msg("%s", rows[i].header);
        if (!found)
            continue;
        expected = address_of(rows[i].client);
        assert_memory_equal(client.bytes, expected.bytes, sizeof client.bytes);
    }
    clients_free(clients);
}

static void an_address_has_so_much_open_and_no_more(void **state)
{
    struct clients *clients = clients_create("none", 2);
    struct client_address one = address_of("192.0.2.1"), other = address_of("192.0.2.2");

    (void)state;
    assert_true(clients_enter(clients, &one));
    assert_true(clients_enter(clients, &one));
    assert_false(clients_enter(clients, &one));
    assert_true(clients_enter(clients, &other));
    clients_leave(clients, &one);
    assert_true(clients_enter(clients, &one));
    assert_false(clients_enter(clients, &one));
    clients_free(clients);
}

static void an_ipv6_network_counts_as_one(void **state)
{
    struct clients *clients = clients_create("none", 1);
    struct client_address one = address_of("2001:db8:0:1::1"),
                          same = address_of("2001:db8:0:1:ffff::2");
    struct client_address other = address_of("2001:db8:0:2::1");

    (void)state;
    assert_true(clients_enter(clients, &one));
    assert_false(clients_enter(clients, &same));
    assert_true(clients_enter(clients, &other));
    clients_leave(clients, &same);
    assert_true(clients_enter(clients, &same));
    clients_free(clients);
}

static void zero_means_any_number(void **state)
{
    struct clients *clients = clients_create("none", 0);
    struct client_address one = address_of("192.0.2.1");

    (void)state;
    for (int i = 0; i < 10000; i++)
        assert_true(clients_enter(clients, &one));
    for (int i = 0; i < 10000; i++)
        clients_leave(clients, &one);
    clients_free(clients);
}

static void many_addresses_come_and_go(void **state)
{
    struct clients *clients = clients_create("none", 1);
    struct client_address address = address_of("0.0.0.0");

    (void)state;
    for (int round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 100000; i++) {
            memcpy(address.bytes + 12, &i, sizeof i);
            assert_true(clients_enter(clients, &address));
        }
        for (unsigned i = 0; i < 100000; i++) {
            memcpy(address.bytes + 12, &i, sizeof i);
            clients_leave(clients, &address);
        }
    }
    clients_free(clients);
}

/* Else who has many addresses makes the table slow. */
static void neighbours_are_spread_over_a_table(void **state)
{
    enum { COUNT = 4096 };
    static unsigned ipv4[COUNT], ipv6[COUNT];
    struct client_address one = address_of("10.0.0.0"), other = address_of("2001:db8::");

    (void)state;
    for (unsigned i = 0; i < COUNT; i++) {
        one.bytes[14] = other.bytes[6] = (unsigned char)(i >> 8);
        one.bytes[15] = other.bytes[7] = (unsigned char)i;
        ipv4[client_address_hash(&one, 0x0123456789abcdef) % COUNT]++;
        ipv6[client_address_hash(&other, 0x0123456789abcdef) % COUNT]++;
    }
    for (size_t i = 0; i < COUNT; i++) {
        assert_in_range(ipv4[i], 0, 12);
        assert_in_range(ipv6[i], 0, 12);
    }
}

static void the_loopback_is_this_machine(void **state)
{
    static const char *const own[] = {"127.0.0.1", "127.0.0.2", "127.255.255.255", "::1",
                                      "::ffff:127.0.0.1"};
    static const char *const others[] = {"128.0.0.1", "126.255.255.255", "10.0.0.1", "::",
                                         "::2",       "::127.0.0.1",     "fe80::1",  "0.0.0.0"};

    (void)state;
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        const struct client_address address = address_of(own[i]);
        assert_true(client_address_is_loopback(&address));
    }
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) {
        const struct client_address address = address_of(others[i]);
        assert_false(client_address_is_loopback(&address));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_of_proxies_are_addresses_and_networks),
        cmocka_unit_test(a_list_can_be_too_long),
        cmocka_unit_test(only_the_named_are_trusted),
        cmocka_unit_test(a_proxy_speaks_for_the_last_address_that_is_no_proxy),
        cmocka_unit_test(the_loopback_is_this_machine),
        cmocka_unit_test(an_address_has_so_much_open_and_no_more),
        cmocka_unit_test(an_ipv6_network_counts_as_one),
        cmocka_unit_test(zero_means_any_number),
        cmocka_unit_test(many_addresses_come_and_go),
        cmocka_unit_test(neighbours_are_spread_over_a_table),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
