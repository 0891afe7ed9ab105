/*
 * The guard in front of evhttp: reads the same bytes one request after another and refuses what is
 * malformed or ambiguous (RFC 9112), which evhttp would let through. Pure: bytes in, verdict out.
 * It stands still at the end of a request until it is told to go on, so that where the request
 * ends can be compared with what evhttp made of it.
 *
 *     struct head_scanner scanner;
 *     head_init(&scanner, &limits);
 *     used = head_scan(&scanner, bytes, length, &verdict);   for every piece that arrives
 *     if (head_phase(&scanner) == HEAD_PHASE_COMPLETE)
 *         head_next(&scanner);                               once it is answered
 */
#ifndef SERVER_HTTP_HEAD_H
#define SERVER_HTTP_HEAD_H

#include "server/http/chunks.h"
#include "server/http/target.h"
#include "server/http/verdict.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Header lines of one head. */
#define HEAD_LINES_MAX 100
/* Longest method, header name and option of Connection that is told apart. */
#define HEAD_WORD_MAX 20
/* Bytes that frame the chunks of one body: some four thousand chunks, for evhttp works on each. */
#define HEAD_FRAMES_MAX 32768

/* Bytes of one request: of all its head, of the target in it, of its body. */
struct head_limits {
    size_t head_max;
    size_t target_max;
    uint64_t body_max;
    const char *large_path; /* a POST to this path may bring more; NULL: none may; borrowed */
    uint64_t large_body_max;
};

/* Between which bytes the client is; decides how long it may stay silent. COMPLETE: one request is
 * there as a whole, and nothing behind it was read. */
enum head_phase { HEAD_PHASE_IDLE, HEAD_PHASE_HEAD, HEAD_PHASE_BODY, HEAD_PHASE_COMPLETE };

/* OTHER: those that no path takes. */
enum head_method {
    HEAD_METHOD_UNKNOWN,
    HEAD_METHOD_GET,
    HEAD_METHOD_HEAD,
    HEAD_METHOD_POST,
    HEAD_METHOD_OPTIONS,
    HEAD_METHOD_OTHER
};

struct head_scanner {
    struct head_limits limits;
    int state;
    enum head_method method;
    struct target_scanner target;
    char word[HEAD_WORD_MAX + 1]; /* the method, or in lower case a header's name or an option */
    size_t word_length;
    size_t head_bytes; /* of the head, and then of what frames its body; */
    size_t bytes_max;  /* the most of them */
    size_t lines;
    size_t value_length;
    int header; /* which header the value belongs to */
    bool http_1_0;
    bool has_host;
    bool has_length;
    bool value_ended; /* white space behind the digits of Content-Length */
    bool has_encoding;
    bool chunked;
    bool continues; /* Expect: 100-continue, as far as it was compared */
    bool closes;    /* Connection: close */
    uint64_t body_length;
    uint64_t body_left; /* of the body, or of one of its chunks */
    struct chunk_scanner chunks;
};

/* limits.large_path must outlive the scanner. */
void head_init(struct head_scanner *scanner, const struct head_limits *limits);

/* Reads up to the end of the request, or until it refuses; verdict says which. Returns how many
 * bytes it read. After a refusal the scanner must not be used again but for head_method. */
size_t head_scan(struct head_scanner *scanner, const char *bytes, size_t length,
                 struct http_verdict *verdict);
/* Behind a complete request: the next one begins. */
void head_next(struct head_scanner *scanner);

enum head_phase head_phase(const struct head_scanner *scanner);
/* Of the request that is being read, as far as it was. */
enum head_method head_method(const struct head_scanner *scanner);
/* Bytes of the body, without what frames them. */
uint64_t head_body_length(const struct head_scanner *scanner);
/* Whether the body under way is one that only large_path may have. */
bool head_body_is_large(const struct head_scanner *scanner);
/* Whether the connection ends behind the response to the complete request: the client said so, or
 * it speaks HTTP/1.0, or to us as to a proxy. */
bool head_closes(const struct head_scanner *scanner);
bool head_is_1_0(const struct head_scanner *scanner);

#endif
