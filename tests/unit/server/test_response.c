/* Responses as bytes, at the edges that no path of the server reaches; whole ones of paths are in
 * tests/e2e/test_responses.py. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "server/http/response.h"
#include <cmocka.h>
#include <event2/buffer.h>
#include <string.h>

static const struct http_response full = {
    .status = 200,
    .content_type = "text/html",
    .body = "body",
    .length = 4,
    .headers = {{"A", "1"}, {"B", "2"}, {"C", "3"}, {"D", "4"}, {"E", "5"}, {"F", "6"}},
};
static const struct response_terms closing = {.date = "today", .closes = true};

static void check(const struct http_response *response, const struct response_terms *terms,
                  const char *expected)
{
    struct evbuffer *out = evbuffer_new();

    assert_int_equal(response_print(out, response, terms), 0);
    assert_int_equal(evbuffer_get_length(out), strlen(expected));
    assert_memory_equal(evbuffer_pullup(out, -1), expected, strlen(expected));
    evbuffer_free(out);
}

static void every_header_that_there_may_be(void **state)
{
    (void)state;
    check(&full, &closing,
          "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nA: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\n"
          "F: 6\r\nX-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n"
          "Referrer-Policy: no-referrer\r\nContent-Security-Policy: default-src 'self'; "
          "frame-ancestors 'none'; base-uri 'none'; form-action 'self'\r\nDate: today\r\n"
          "Connection: close\r\nContent-Length: 4\r\n\r\nbody");
}

static void a_status_that_nobody_declared(void **state)
{
    (void)state;
    const struct http_response response = {.status = 299};
    const struct response_terms terms = {.date = "today"};

    check(&response, &terms,
          "HTTP/1.1 500 Internal Server Error\r\nX-Content-Type-Options: nosniff\r\n"
          "Cache-Control: no-store\r\nContent-Security-Policy: default-src 'none'; "
          "frame-ancestors 'none'\r\nDate: today\r\nContent-Length: 0\r\n\r\n");
}

static void without_room_nothing_is_appended(void **state)
{
    (void)state;
    struct evbuffer *out = evbuffer_new();

    evbuffer_add(out, "before", 6);
    evbuffer_freeze(out, 0);
    assert_int_equal(response_print(out, &full, &closing), -1);
    assert_int_equal(evbuffer_get_length(out), 6);
    evbuffer_free(out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_header_that_there_may_be),
        cmocka_unit_test(a_status_that_nobody_declared),
        cmocka_unit_test(without_room_nothing_is_appended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
