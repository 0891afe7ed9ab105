/*
 * The guard in front of evhttp: reads the same bytes one request head after another and refuses
 * what is malformed or ambiguous (RFC 9112), which evhttp would let through. Pure: bytes in,
 * verdict out.
 *
 *     struct head_scanner scanner;
 *     head_init(&scanner, &limits);
 *     verdict = head_scan(&scanner, bytes, length);      for every piece that arrives
 */
#ifndef SERVER_HEAD_H
#define SERVER_HEAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Header lines of one head. */
#define HEAD_LINES_MAX 100
/* Longest method and longest header name that is told apart. */
#define HEAD_WORD_MAX 20

/* Bytes of one request: of all its head, of the target in it, of its body. */
struct head_limits {
    size_t head_max;
    size_t target_max;
    uint64_t body_max;
    const char *large_path; /* a POST to this path may bring more; NULL: none may; borrowed */
    uint64_t large_body_max;
};

struct head_verdict {
    int status;         /* 0, or the HTTP status to refuse with */
    const char *reason; /* for the JSON error; static */
};

/* Between which bytes the client is; decides how long it may stay silent. */
enum head_phase { HEAD_PHASE_IDLE, HEAD_PHASE_HEAD, HEAD_PHASE_BODY };

struct head_scanner {
    struct head_limits limits;
    int state;
    char word[HEAD_WORD_MAX + 1]; /* the method, or a header's name in lower case */
    size_t word_length;
    size_t head_bytes;
    size_t target_length;
    size_t path_length;
    size_t path_same; /* first bytes that the path and large_path have in common */
    bool path_ended;
    bool is_post;
    size_t lines;
    size_t value_length;
    int header; /* which header the value belongs to */
    bool http_1_0;
    bool has_host;
    bool has_length;
    bool value_ended; /* white space behind the digits of Content-Length */
    bool has_encoding;
    bool continues; /* Expect: 100-continue, as far as it was compared */
    bool large;     /* the body is longer than body_max */
    uint64_t body_left;
};

void head_init(struct head_scanner *scanner, const struct head_limits *limits);

/* Scans bytes that follow those of the last call. After a refusal the scanner is spent. */
struct head_verdict head_scan(struct head_scanner *scanner, const char *bytes, size_t length);

enum head_phase head_phase(const struct head_scanner *scanner);

/* In HEAD_PHASE_BODY: whether the body is one that only large_path may have. */
bool head_body_is_large(const struct head_scanner *scanner);

#endif
