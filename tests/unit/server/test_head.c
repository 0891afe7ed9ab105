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
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

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
    {"white space around a value", POST "Content-Length:  3 \t\r\n\r\nabc", 0},
    {"a tab before a value that counts", POST "Content-Length: \t3\r\n\r\nabc", 400},
    {"a tab before another value", LINE HOST "X: \ta\r\n\r\n", 0},
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
    {"a body in chunks", CHUNKED "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\n" LINE HOST "\r\n", 0},
    {"chunks in capitals", POST "TRANSFER-ENCODING: Chunked\r\n\r\n0\r\n\r\n", 0},
    {"chunks of the limit", CHUNKED "ffff\r\n", 0},
    {"a chunk beyond the limit", CHUNKED "10001\r\n", 413},
    {"chunks beyond the limit", CHUNKED "1\r\na\r\n10000\r\n", 413},
    {"a chunk beyond 64 bits", CHUNKED "10000000000000000\r\n", 413},
    {"chunks with a large path",
     "POST /large HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n100000\r\n", 0},
    {"a chunk without a size", CHUNKED "\r\n", 400},
    {"a chunk's extension", CHUNKED "1;a=b\r\na\r\n", 400},
    {"a space behind a chunk's size", CHUNKED "1 \r\na\r\n", 400},
    {"a space before a chunk's size", CHUNKED " 1\r\na\r\n", 400},
    {"a signed chunk", CHUNKED "+1\r\na\r\n", 400},
    {"a chunk with 0x", CHUNKED "0x1\r\na\r\n", 400},
    {"a size that ends in LF", CHUNKED "1\na\r\n", 400},
    {"a chunk that ends in LF", CHUNKED "1\r\na\n", 400},
    {"a chunk that is longer", CHUNKED "1\r\nab\r\n", 400},
    {"a trailer", CHUNKED "0\r\nX: a\r\n\r\n", 400},
    {"chunks that end in LF", CHUNKED "0\r\n\n", 400},
    {"Transfer-Encoding twice",
     POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"two codings", POST "Transfer-Encoding: gzip, chunked\r\n\r\n", 411},
    {"a coding with a space", POST "Transfer-Encoding: chunk ed\r\n\r\n", 411},
    {"no coding", POST "Transfer-Encoding:\r\n\r\n", 411},
    {"chunks in HTTP/1.0", "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
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
     "POST /x/large HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n", 413},
    {"a large body with the path in the query",
     "POST /?/large HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n", 413},
    {"a large body behind a host",
     "POST http://h:80/large HTTP/1.1\r\n" HOST "Content-Length: 3000000\r\n\r\n", 0},
    {"a large body with the path as a host",
     "POST http://large HTTP/1.1\r\n" HOST "Content-Length: 65537\r\n\r\n", 413},
    {"a body behind GET", LINE HOST "Content-Length: 1\r\n\r\n", 400},
    {"a body of nothing behind GET", LINE HOST "Content-Length: 0\r\n\r\n", 400},
    {"a body behind HEAD", "HEAD / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n", 400},
    {"a body behind OPTIONS", "OPTIONS / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n", 400},
    {"a coding behind HEAD", "HEAD / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n", 400},
    {"a body behind PUT", "PUT / HTTP/1.1\r\n" HOST "Content-Length: 1\r\n\r\n", 405},
    {"PUT without one", "PUT / HTTP/1.1\r\n" HOST "\r\n", 0},
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
    {"a broken expectation", POST "Expect: 100 -continue\r\n\r\n", 417},
    {"another expectation", POST "Expect: miracle\r\n\r\n", 417},
    {"an unknown method", "BREW / HTTP/1.1\r\n", 405},
    {"a method in lower case", "get / HTTP/1.1\r\n", 405},
    {"TRACE", "TRACE / HTTP/1.1\r\n", 405},
    {"no method", " / HTTP/1.1\r\n", 400},
    {"an empty line first", "\r\n" LINE, 400},
    {"a whole address", "GET http://h/ HTTP/1.1\r\n" HOST "\r\n", 0},
    {"a whole address in capitals", "GET HTTPS://H.example:443 HTTP/1.1\r\n" HOST "\r\n", 0},
    {"a whole address without a path", "GET http://h?a HTTP/1.1\r\n" HOST "\r\n", 0},
    {"an address without a host", "GET http:///a HTTP/1.1\r\n", 400},
    {"an address that is not whole", "GET http:// HTTP/1.1\r\n", 400},
    {"an address with a name before the host", "GET http://a@h/ HTTP/1.1\r\n", 400},
    {"an address with a port that is none", "GET http://h:65536/ HTTP/1.1\r\n", 400},
    {"another scheme", "GET ftp://h/ HTTP/1.1\r\n", 400},
    {"half a scheme", "GET http:/h HTTP/1.1\r\n", 400},
    {"a path that looks like a host", "GET //h:x/ HTTP/1.1\r\n", 404},
    {"the asterisk of OPTIONS", "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", 0},
    {"OPTIONS as HAProxy asks", "OPTIONS / HTTP/1.0\r\n\r\n", 0},
    {"the asterisk of another method", "GET * HTTP/1.1\r\n", 400},
    {"two asterisks", "OPTIONS ** HTTP/1.1\r\n", 400},
    {"a target without a slash", "GET health HTTP/1.1\r\n", 400},
    {"a control character in the target", "GET /\x01 HTTP/1.1\r\n", 400},
    {"two spaces behind the method", "GET  / HTTP/1.1\r\n", 400},
    {"two spaces behind the target", "GET /  HTTP/1.1\r\n", 400},
    {"HTTP/0.9", "GET /\r\n", 400},
    {"HTTP/2.0", "GET / HTTP/2.0\r\n", 505},
    {"HTTP/1.2", "GET / HTTP/1.2\r\n", 505},
    {"TLS on the plain port", "\x16\x03\x01\x02", 400},
};

/* The verdict over requests that arrive in pieces of a size. */
static int scan(const char *bytes, size_t length, size_t piece)
{
    struct head_scanner scanner;
    struct http_verdict verdict;

    head_init(&scanner, &limits);
    for (size_t i = 0; i < length;) {
        i += head_scan(&scanner, bytes + i, length - i < piece ? length - i : piece, &verdict);
        if (verdict.status != 0) {
            assert_non_null(verdict.reason);
            return verdict.status;
        }
        if (head_phase(&scanner) == HEAD_PHASE_COMPLETE)
            head_next(&scanner);
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

/* Scans bytes that are good, and tells how many it took. */
static size_t take(struct head_scanner *scanner, const char *bytes)
{
    struct http_verdict verdict;
    size_t used = head_scan(scanner, bytes, strlen(bytes), &verdict);

    assert_int_equal(verdict.status, 0);
    return used;
}

static void the_phase_tells_what_the_client_owes(void **state)
{
    struct head_scanner scanner;

    (void)state;
    head_init(&scanner, &limits);
    assert_int_equal(head_phase(&scanner), HEAD_PHASE_IDLE);
    take(&scanner, "POST");
    assert_int_equal(head_phase(&scanner), HEAD_PHASE_HEAD);
    take(&scanner, " / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nab");
    assert_int_equal(head_phase(&scanner), HEAD_PHASE_BODY);
    take(&scanner, "cde");
    assert_int_equal(head_phase(&scanner), HEAD_PHASE_COMPLETE);
    head_next(&scanner);
    assert_int_equal(head_phase(&scanner), HEAD_PHASE_IDLE);
}

static void it_stands_still_at_the_end_of_a_request(void **state)
{
    static const char first[] = POST "Content-Length: 2\r\n\r\nab";
    static const char both[] = POST "Content-Length: 2\r\n\r\nab" LINE HOST "\r\n";
    struct head_scanner scanner;

    (void)state;
    head_init(&scanner, &limits);
    assert_int_equal(take(&scanner, both), sizeof first - 1);
    assert_int_equal(head_method(&scanner), HEAD_METHOD_POST);
    assert_int_equal(head_body_length(&scanner), 2);
    assert_int_equal(take(&scanner, both + sizeof first - 1), 0);
    head_next(&scanner);
    assert_int_equal(take(&scanner, both + sizeof first - 1), sizeof both - sizeof first);
    assert_int_equal(head_method(&scanner), HEAD_METHOD_GET);
    assert_int_equal(head_body_length(&scanner), 0);
}

static void chunks_are_counted_without_their_frames(void **state)
{
    static const char bytes[] = CHUNKED "3\r\nabc\r\n00B\r\n01234567890\r\n000\r\n\r\n";
    struct head_scanner scanner;

    (void)state;
    head_init(&scanner, &limits);
    assert_int_equal(take(&scanner, bytes), sizeof bytes - 1);
    assert_int_equal(head_phase(&scanner), HEAD_PHASE_COMPLETE);
    assert_int_equal(head_body_length(&scanner), 14);
    assert_false(head_body_is_large(&scanner));
}

static void a_frame_has_limits(void **state)
{
    static char bytes[2 * HEAD_FRAMES_MAX];
    size_t length = sizeof CHUNKED - 1;

    (void)state;
    memcpy(bytes, CHUNKED, length);
    memset(bytes + length, '0', HEAD_FRAMES_MAX);
    assert_int_equal(scan(bytes, length + HEAD_FRAMES_MAX, 1000), 0);
    memset(bytes + length, '0', HEAD_FRAMES_MAX + 1);
    assert_int_equal(scan(bytes, length + HEAD_FRAMES_MAX + 1, 1000), 413);
}

static void the_end_of_a_connection_is_seen(void **state)
{
    static const struct {
        const char *request;
        bool closes;
    } ends[] = {
        {LINE HOST "\r\n", false},
        {LINE HOST "Connection: close\r\n\r\n", true},
        {LINE HOST "Connection: TE , Close\r\n\r\n", true},
        {LINE HOST "Connection: keep-alive\r\nConnection: close\r\n\r\n", true},
        {LINE HOST "Connection: closed, xclose\r\n\r\n", false},
        {LINE HOST "X-Connection: close\r\n\r\n", false},
        {"GET http://h/ HTTP/1.1\r\n" HOST "\r\n", true},
        {"GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true},
    };

    (void)state;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) {
        struct head_scanner scanner;
        head_init(&scanner, &limits);
        take(&scanner, ends[i].request);
        assert_int_equal(head_phase(&scanner), HEAD_PHASE_COMPLETE);
        if (head_closes(&scanner) != ends[i].closes)
            fail_msg("%s: %d", ends[i].request, head_closes(&scanner));
    }
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
        cmocka_unit_test(it_stands_still_at_the_end_of_a_request),
        cmocka_unit_test(chunks_are_counted_without_their_frames),
        cmocka_unit_test(a_frame_has_limits),
        cmocka_unit_test(the_end_of_a_connection_is_seen),
        cmocka_unit_test(random_bytes_never_crash_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
