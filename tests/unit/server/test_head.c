/* The head scanner: which requests reach evhttp, and what the others are told. */
#include "server/http/head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define HEAD_MAX 8192
#define LINE "GET / HTTP/1.1\r\n"
#define HOST "Host: h\r\n"
#define POST "POST /w HTTP/1.1\r\n" HOST

static const struct head_limits limits = {HEAD_MAX, 4096, 65536, "/large", 3000000};

struct row {
    const char *what;
    const char *bytes;
    int status;
};

static const struct row rows[] = {
    {"a plain request", LINE HOST "\r\n", 0},
    {"HTTP/1.0 needs no Host", "GET / HTTP/1.0\r\n\r\n", 0},
    {"a body of the announced length", POST "Content-Length: 3\r\n\r\nabc", 0},
    {"white space around a value", POST "Content-Length: \t3 \r\n\r\nabc", 0},
    {"two requests in one piece", LINE HOST "\r\n" LINE HOST "\r\n", 0},
    {"a header with bytes beyond ASCII", LINE HOST "X: \xc3\xa9\r\n\r\n", 0},
    {"Expect: 100-continue", POST "Expect: 100-Continue\r\nContent-Length: 1\r\n\r\nx", 0},
    {"a body of exactly the limit is announced", POST "Content-Length: 65536\r\n\r\n", 0},

    {"Content-Length twice", POST "Content-Length: 1\r\nContent-Length: 2\r\n\r\n", 400},
    {"Content-Length twice the same", POST "Content-Length: 1\r\ncontent-length: 1\r\n\r\n", 400},
    {"signed Content-Length", POST "Content-Length: +1\r\n\r\n", 400},
    {"negative Content-Length", POST "Content-Length: -1\r\n\r\n", 400},
    {"hexadecimal Content-Length", POST "Content-Length: 0x1\r\n\r\n", 400},
    {"a list in Content-Length", POST "Content-Length: 1, 1\r\n\r\n", 400},
    {"a space in Content-Length", POST "Content-Length: 1 1\r\n\r\n", 400},
    {"empty Content-Length", POST "Content-Length:\r\n\r\n", 400},
    {"Content-Length with Transfer-Encoding",
     POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"Transfer-Encoding alone", POST "Transfer-Encoding: chunked\r\n\r\n", 411},
    {"a body over the limit", POST "Content-Length: 65537\r\n\r\n", 413},
    {"a large body where it may be",
     "POST /large HTTP/1.1\r\n" HOST "Content-Length: 3000000\r\n\r\n", 0},
    {"a large body behind a query",
     "POST /large?a=/large HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n", 0},
    {"a body over the large limit",
     "POST /large HTTP/1.1\r\n" HOST "Content-Length: 3000001\r\n\r\n", 413},
    {"a large body at a longer path",
     "POST /larger HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n", 413},
    {"a large body at a shorter path",
     "POST /larg HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n", 413},
    {"a large body at a path that ends so",
     "POST //large HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n", 413},
    {"a large body with the path in the query",
     "POST /?/large HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n", 413},
    {"a large body with another method",
     "PUT /large HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n", 413},
    {"a length beyond 64 bits", POST "Content-Length: 99999999999999999999999999\r\n\r\n", 413},
    {"a folded header", LINE HOST "X: a\r\n b\r\n\r\n", 400},
    {"a space before the colon", LINE HOST "X : a\r\n\r\n", 400},
    {"an empty header name", LINE HOST ": a\r\n\r\n", 400},
    {"a header without a colon", LINE HOST "X\r\n\r\n", 400},
    {"a bare line feed behind the request line", "GET / HTTP/1.1\nHost: h\r\n\r\n", 400},
    {"a bare line feed behind a header", LINE "Host: h\n\r\n", 400},
    {"a bare line feed at the end", LINE HOST "\n", 400},
    {"a bare carriage return", LINE "Host: h\rX: y\r\n\r\n", 400},
    {"Host missing", LINE "\r\n", 400},
    {"Host twice", LINE HOST HOST "\r\n", 400},
    {"another expectation", POST "Expect: miracle\r\n\r\n", 417},
    {"an unknown method", "BREW / HTTP/1.1\r\n", 405},
    {"a method in lower case", "get / HTTP/1.1\r\n", 405},
    {"TRACE", "TRACE / HTTP/1.1\r\n", 405},
    {"no method", " / HTTP/1.1\r\n", 400},
    {"an empty line first", "\r\n" LINE, 400},
    {"a target without a slash", "GET http://h/ HTTP/1.1\r\n", 400},
    {"a control character in the target", "GET /\x01 HTTP/1.1\r\n", 400},
    {"two spaces behind the method", "GET  / HTTP/1.1\r\n", 400},
    {"two spaces behind the target", "GET /  HTTP/1.1\r\n", 400},
    {"HTTP/0.9", "GET /\r\n", 400},
    {"HTTP/2.0", "GET / HTTP/2.0\r\n", 505},
    {"HTTP/1.2", "GET / HTTP/1.2\r\n", 505},
    {"TLS on the plain port", "\x16\x03\x01\x02", 400},
};

/* The verdict over bytes that arrive in pieces of a size. */
static int scan(const char *bytes, size_t length, size_t piece)
{
    struct head_scanner scanner;

    head_init(&scanner, &limits);
    for (size_t i = 0; i < length; i += piece) {
        size_t n = length - i < piece ? length - i : piece;
        struct head_verdict verdict = head_scan(&scanner, bytes + i, n);
        if (verdict.status != 0) {
            assert_non_null(verdict.reason);
            return verdict.status;
        }
    }
    return 0;
}

static void every_head_gets_its_verdict_however_it_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        for (size_t piece = 1; piece <= 64; piece++) {
            int status = scan(rows[i].bytes, strlen(rows[i].bytes), piece);
            if (status != rows[i].status)
                fail_msg("%s, in pieces of %zu: %d, expected %d", rows[i].what, piece, status,
                         rows[i].status);
        }
    }
}

static void a_nul_in_a_head_is_refused(void **state)
{
    static const char in_value[] = LINE "Host: a\0b\r\n\r\n";
    static const char in_name[] = LINE "Ho\0st: a\r\n\r\n";
    static const char in_target[] = "GET /\0 HTTP/1.1\r\n";

    (void)state;
    assert_int_equal(scan(in_value, sizeof in_value - 1, 7), 400);
    assert_int_equal(scan(in_name, sizeof in_name - 1, 7), 400);
    assert_int_equal(scan(in_target, sizeof in_target - 1, 7), 400);
}

static void a_head_has_limits(void **state)
{
    static char bytes[3 * HEAD_MAX];
    char *at;

    (void)state;
    memset(bytes, 'a', sizeof bytes);
    memcpy(bytes, "GET /", 5);
    assert_int_equal(scan(bytes, sizeof bytes, 1000), 414);

    memset(bytes, 'a', sizeof bytes);
    memcpy(bytes, LINE HOST "X: ", sizeof(LINE HOST "X: ") - 1);
    assert_int_equal(scan(bytes, sizeof bytes, 1000), 431);

    at = bytes + sprintf(bytes, "%s", LINE HOST);
    for (int i = 0; i < HEAD_LINES_MAX; i++)
        at += sprintf(at, "X:\r\n");
    assert_int_equal(scan(bytes, (size_t)(at - bytes), 1000), 431);
}

static void the_phase_tells_what_the_client_owes(void **state)
{
    static const char rest[] = " / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nab";
    struct head_scanner scanner;

    (void)state;
    head_init(&scanner, &limits);
    assert_int_equal(head_phase(&scanner), HEAD_PHASE_IDLE);
    head_scan(&scanner, "POST", 4);
    assert_int_equal(head_phase(&scanner), HEAD_PHASE_HEAD);
    head_scan(&scanner, rest, sizeof rest - 1);
    assert_int_equal(head_phase(&scanner), HEAD_PHASE_BODY);
    head_scan(&scanner, "cde", 3);
    assert_int_equal(head_phase(&scanner), HEAD_PHASE_IDLE);
}

static void random_bytes_never_crash_it(void **state)
{
    char bytes[512];

    (void)state;
    srand(1);
    for (int round = 0; round < 20000; round++) {
        const char *seed = rows[(size_t)rand() % (sizeof rows / sizeof *rows)].bytes;
        size_t length = strlen(seed);
        memcpy(bytes, seed, length);
        for (int change = rand() % 4; change >= 0 && length > 0; change--)
            bytes[(size_t)rand() % length] = (char)rand();
        scan(bytes, length, 1 + (size_t)rand() % 40);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_head_gets_its_verdict_however_it_is_cut),
        cmocka_unit_test(a_nul_in_a_head_is_refused),
        cmocka_unit_test(a_head_has_limits),
        cmocka_unit_test(the_phase_tells_what_the_client_owes),
        cmocka_unit_test(random_bytes_never_crash_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
