/* Bodies: whether one may follow a head, how long it is, where it ends. */
#include "server/http/head_parts.h"

struct http_verdict head_refuse(struct head_scanner *scanner, int status, const char *reason)
{
    scanner->state = REFUSED;
    return (struct http_verdict){status, reason};
}

uint64_t head_body_max(const struct head_scanner *scanner)
{
    const struct head_limits *limits = &scanner->limits;

    return target_has_path(&scanner->target, limits->large_path) ? limits->large_body_max
                                                                 : limits->body_max;
}

/* Only POST brings a body: evhttp reads none behind some of the others. */
static struct http_verdict judge_body(struct head_scanner *scanner)
{
    const bool has_body = scanner->has_encoding || scanner->has_length;

    if (scanner->has_encoding && scanner->has_length)
        return head_refuse(scanner, 400,
                           "Content-Length and Transfer-Encoding contradict each other");
    if (has_body && scanner->method == HEAD_METHOD_OTHER)
        return head_refuse(scanner, 405, "this method is not taken here");
    if (has_body && scanner->method != HEAD_METHOD_POST)
        return head_refuse(scanner, 400, "only POST brings a body");
    if (scanner->has_encoding && scanner->http_1_0)
        return head_refuse(scanner, 400, "HTTP/1.0 knows no Transfer-Encoding");
    if (scanner->has_encoding && !scanner->chunked)
        return head_refuse(scanner, 411, "send Content-Length, or chunks and no other coding");
    if (scanner->body_length > head_body_max(scanner))
        return head_refuse(scanner, 413, "the body is too large");
    return head_good;
}

struct http_verdict head_body_begin(struct head_scanner *scanner)
{
    if (!scanner->has_host && !scanner->http_1_0)
        return head_refuse(scanner, 400, "Host is missing");
    struct http_verdict verdict = judge_body(scanner);
    if (verdict.status != 0)
        return verdict;
    scanner->head_bytes = 0;
    scanner->bytes_max = HEAD_FRAMES_MAX;
    scanner->body_left = scanner->body_length;
    scanner->state = scanner->chunked ? IN_FRAME : scanner->body_left > 0 ? IN_BODY : AT_END;
    return head_good;
}

struct http_verdict head_body_frame(struct head_scanner *scanner, unsigned char c)
{
    struct chunk_scanner *chunks = &scanner->chunks;

    switch (chunk_add(chunks, c, head_body_max(scanner) - scanner->body_length)) {
    case CHUNK_MORE:
        return head_good;
    case CHUNK_BEGINS:
        scanner->body_left = chunks->size;
        scanner->body_length += chunks->size;
        scanner->state = IN_BODY;
        return head_good;
    case CHUNK_LAST:
        scanner->state = AT_END;
        return head_good;
    case CHUNK_LARGE:
        return head_refuse(scanner, 413, "the body is too large");
    default:
        return head_refuse(scanner, 400, "the chunks of the body are malformed");
    }
}

size_t head_body_skip(struct head_scanner *scanner, size_t length)
{
    const size_t n = scanner->body_left < length ? (size_t)scanner->body_left : length;

    scanner->body_left -= n;
    if (scanner->body_left == 0)
        scanner->state = scanner->chunked ? IN_FRAME : AT_END;
    return n;
}
