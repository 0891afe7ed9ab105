/*
 * Strict reading of requests, byte by byte: one state for each part of the grammar. Bodies are
 * only counted.
 */
#include "server/http/head.h"

#include "server/http/head_parts.h"
#include <string.h>

enum header {
    HEADER_OTHER,
    HEADER_HOST,
    HEADER_LENGTH,
    HEADER_ENCODING,
    HEADER_EXPECT,
    HEADER_CONNECTION
};

static const char version_prefix[] = "HTTP/1.";
static const char expect_continue[] = "100-continue";

void head_init(struct head_scanner *scanner, const struct head_limits *limits)
{
    *scanner = (struct head_scanner){.limits = *limits, .bytes_max = limits->head_max};
    scanner->state = AT_REQUEST;
}

enum head_phase head_phase(const struct head_scanner *scanner)
{
    switch (scanner->state) {
    case AT_REQUEST:
        return HEAD_PHASE_IDLE;
    case IN_BODY:
    case IN_FRAME:
        return HEAD_PHASE_BODY;
    case AT_END:
        return HEAD_PHASE_COMPLETE;
    default:
        return HEAD_PHASE_HEAD;
    }
}

enum head_method head_method(const struct head_scanner *scanner)
{
    return scanner->method;
}

uint64_t head_body_length(const struct head_scanner *scanner)
{
    return scanner->body_length;
}

bool head_body_is_large(const struct head_scanner *scanner)
{
    return scanner->body_length > scanner->limits.body_max;
}

bool head_closes(const struct head_scanner *scanner)
{
    return scanner->closes || scanner->http_1_0 || target_is_absolute(&scanner->target);
}

bool head_is_1_0(const struct head_scanner *scanner)
{
    return scanner->http_1_0;
}

void head_next(struct head_scanner *scanner)
{
    const struct head_limits limits = scanner->limits;

    head_init(scanner, &limits);
}

/* RFC 9110, 5.6.2. */
static bool is_token(unsigned char c)
{
    if ((c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z'))
        return true;
    return c == '-' || (c != '\0' && strchr("!#$%&'*+.^_`|~", c) != NULL);
}

static void word_add(struct head_scanner *scanner, unsigned char c, bool lower)
{
    if (lower && c >= 'A' && c <= 'Z')
        c = (unsigned char)(c - 'A' + 'a');
    if (scanner->word_length < HEAD_WORD_MAX)
        scanner->word[scanner->word_length] = (char)c;
    scanner->word_length++;
}

static bool word_is(const struct head_scanner *scanner, const char *word)
{
    return scanner->word_length == strlen(word) &&
           memcmp(scanner->word, word, scanner->word_length) == 0;
}

/* evhttp answers methods that it does not know in its own way; those of HTTP reach the router. */
static enum head_method method_of(const struct head_scanner *scanner)
{
    static const struct {
        const char *word;
        enum head_method method;
    } methods[] = {
        {"POST", HEAD_METHOD_POST},       {"GET", HEAD_METHOD_GET},   {"HEAD", HEAD_METHOD_HEAD},
        {"OPTIONS", HEAD_METHOD_OPTIONS}, {"PUT", HEAD_METHOD_OTHER}, {"DELETE", HEAD_METHOD_OTHER},
        {"PATCH", HEAD_METHOD_OTHER},
    };

    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (word_is(scanner, methods[i].word))
            return methods[i].method;
    return HEAD_METHOD_UNKNOWN;
}

static struct http_verdict in_method(struct head_scanner *scanner, unsigned char c)
{
    if (c != ' ') {
        if (!is_token(c))
            return head_refuse(scanner, 400, "the request line is malformed");
        word_add(scanner, c, false);
        return head_good;
    }
    if (scanner->word_length == 0)
        return head_refuse(scanner, 400, "the request line is malformed");
    scanner->method = method_of(scanner);
    if (scanner->method == HEAD_METHOD_UNKNOWN)
        return head_refuse(scanner, 405, "this method is not known here");
    scanner->state = IN_TARGET;
    return head_good;
}

static struct http_verdict in_target(struct head_scanner *scanner, unsigned char c)
{
    if (c != ' ') {
        struct http_verdict verdict =
            target_add(&scanner->target, c, scanner->limits.target_max, scanner->limits.large_path);
        return verdict.status == 0 ? head_good
                                   : head_refuse(scanner, verdict.status, verdict.reason);
    }
    if (!target_may_end(&scanner->target, scanner->method == HEAD_METHOD_OPTIONS))
        return head_refuse(scanner, 400, "the request target is malformed");
    scanner->state = IN_VERSION;
    scanner->value_length = 0;
    return head_good;
}

static struct http_verdict in_version(struct head_scanner *scanner, unsigned char c)
{
    size_t at = scanner->value_length++;

    if (at < sizeof version_prefix - 1) {
        if (c == (unsigned char)version_prefix[at])
            return head_good;
        if (at >= 5 && at <= 6)
            return head_refuse(scanner, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
        return head_refuse(scanner, 400, "the request line is malformed");
    }
    if (at == sizeof version_prefix - 1) {
        if (c != '0' && c != '1')
            return head_refuse(scanner, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
        scanner->http_1_0 = c == '0';
        return head_good;
    }
    if (c != '\r')
        return head_refuse(scanner, 400, "the request line must end with CR LF");
    scanner->state = AT_LINE_FEED;
    return head_good;
}

static struct http_verdict header_begin(struct head_scanner *scanner)
{
    scanner->header = HEADER_OTHER;
    scanner->value_length = 0;
    scanner->value_ended = false;
    scanner->state = IN_VALUE;
    if (word_is(scanner, "host")) {
        if (scanner->has_host)
            return head_refuse(scanner, 400, "Host stands twice");
        scanner->has_host = true;
        scanner->header = HEADER_HOST;
    } else if (word_is(scanner, "content-length")) {
        if (scanner->has_length)
            return head_refuse(scanner, 400, "Content-Length stands twice");
        scanner->has_length = true;
        scanner->header = HEADER_LENGTH;
    } else if (word_is(scanner, "transfer-encoding")) {
        if (scanner->has_encoding)
            return head_refuse(scanner, 400, "Transfer-Encoding stands twice");
        scanner->has_encoding = true;
        scanner->header = HEADER_ENCODING;
        scanner->word_length = 0;
    } else if (word_is(scanner, "expect")) {
        scanner->header = HEADER_EXPECT;
    } else if (word_is(scanner, "connection")) {
        scanner->header = HEADER_CONNECTION;
        scanner->word_length = 0;
    }
    return head_good;
}

static struct http_verdict at_line(struct head_scanner *scanner, unsigned char c)
{
    if (c == '\r') {
        scanner->state = AT_LAST_LINE_FEED;
        return head_good;
    }
    if (c == ' ' || c == '\t')
        return head_refuse(scanner, 400, "a header is folded over two lines");
    if (!is_token(c))
        return head_refuse(scanner, 400, "a header name is malformed");
    if (++scanner->lines > HEAD_LINES_MAX)
        return head_refuse(scanner, 431, "too many headers");
    scanner->word_length = 0;
    word_add(scanner, c, true);
    scanner->state = IN_NAME;
    return head_good;
}

static struct http_verdict in_name(struct head_scanner *scanner, unsigned char c)
{
    if (c == ':')
        return header_begin(scanner);
    if (c == ' ' || c == '\t')
        return head_refuse(scanner, 400, "white space stands before the colon of a header");
    if (!is_token(c))
        return head_refuse(scanner, 400, "a header name is malformed");
    word_add(scanner, c, true);
    return head_good;
}

static struct http_verdict length_digit(struct head_scanner *scanner, unsigned char c)
{
    if (c < '0' || c > '9' || scanner->value_ended)
        return head_refuse(scanner, 400, "Content-Length is not a number");
    /* Beyond the limit only "too long" matters, so that no number overflows. */
    if (scanner->body_length <= head_body_max(scanner))
        scanner->body_length = scanner->body_length * 10 + (uint64_t)(c - '0');
    return head_good;
}

static void expectation_add(struct head_scanner *scanner, unsigned char c)
{
    const size_t at = scanner->value_length;
    const bool same = !scanner->value_ended && at < sizeof expect_continue - 1 &&
                      (c | 0x20) == (expect_continue[at] | 0x20);

    scanner->continues = same && (at == 0 || scanner->continues);
}

static void option_end(struct head_scanner *scanner)
{
    if (word_is(scanner, "close"))
        scanner->closes = true;
    scanner->word_length = 0;
}

static void option_add(struct head_scanner *scanner, unsigned char c)
{
    if (c == ',')
        option_end(scanner);
    else
        word_add(scanner, c, true);
}

static struct http_verdict header_end(struct head_scanner *scanner)
{
    if (scanner->header == HEADER_LENGTH && scanner->value_length == 0)
        return head_refuse(scanner, 400, "Content-Length is not a number");
    if (scanner->header == HEADER_EXPECT &&
        (!scanner->continues || scanner->value_length != sizeof expect_continue - 1))
        return head_refuse(scanner, 417, "only Expect: 100-continue is met here");
    if (scanner->header == HEADER_ENCODING)
        scanner->chunked = word_is(scanner, "chunked");
    if (scanner->header == HEADER_CONNECTION)
        option_end(scanner);
    scanner->state = AT_LINE_FEED;
    return head_good;
}

static struct http_verdict in_value(struct head_scanner *scanner, unsigned char c)
{
    if (c == '\r')
        return header_end(scanner);
    if ((c < 0x20 && c != '\t') || c == 0x7f)
        return head_refuse(scanner, 400, "a header holds a control character");
    if (c == ' ' || c == '\t') {
        /* evhttp would take it for a part of the value. */
        if (c == '\t' && scanner->value_length == 0 && scanner->header != HEADER_OTHER)
            return head_refuse(scanner, 400, "a tab stands before a value");
        scanner->value_ended = scanner->value_length > 0;
        return head_good;
    }
    if (scanner->header == HEADER_EXPECT)
        expectation_add(scanner, c);
    else if (scanner->header == HEADER_CONNECTION)
        option_add(scanner, c);
    else if (scanner->header == HEADER_ENCODING)
        word_add(scanner, scanner->value_ended ? ' ' : c, true);
    scanner->value_length++;
    return scanner->header == HEADER_LENGTH ? length_digit(scanner, c) : head_good;
}

static struct http_verdict scan_byte(struct head_scanner *scanner, unsigned char c)
{
    switch (scanner->state) {
    case AT_REQUEST:
        scanner->state = IN_METHOD;
        return in_method(scanner, c);
    case IN_METHOD:
        return in_method(scanner, c);
    case IN_TARGET:
        return in_target(scanner, c);
    case IN_VERSION:
        return in_version(scanner, c);
    case AT_LINE_FEED:
        scanner->state = AT_LINE;
        return c == '\n' ? head_good : head_refuse(scanner, 400, "a line must end with CR LF");
    case AT_LINE:
        return at_line(scanner, c);
    case IN_NAME:
        return in_name(scanner, c);
    case IN_VALUE:
        return in_value(scanner, c);
    case AT_LAST_LINE_FEED:
        return c == '\n' ? head_body_begin(scanner)
                         : head_refuse(scanner, 400, "a line must end with CR LF");
    case IN_FRAME:
        return head_body_frame(scanner, c);
    default:
        return head_refuse(scanner, 400, "the connection is closed");
    }
}

/* Most of a head is values that nobody reads here: how many bytes can be passed over at once, and
 * are counted like the others. */
static size_t skip_value(struct head_scanner *scanner, const char *bytes, size_t length)
{
    size_t left = scanner->bytes_max - scanner->head_bytes, n = 0;

    if (scanner->state != IN_VALUE || scanner->header != HEADER_OTHER)
        return 0;
    if (left > length)
        left = length;
    while (n < left && (unsigned char)bytes[n] >= 0x20 && bytes[n] != 0x7f)
        n++;
    scanner->head_bytes += n;
    scanner->value_length += n;
    return n;
}

/* Too much of the head, or of what frames its body. */
static struct http_verdict refuse_length(struct head_scanner *scanner)
{
    return scanner->state == IN_FRAME
               ? head_refuse(scanner, 413, "the body comes in too many chunks")
               : head_refuse(scanner, 431, "the request head is too long");
}

size_t head_scan(struct head_scanner *scanner, const char *bytes, size_t length,
                 struct http_verdict *verdict)
{
    struct http_verdict last = head_good;
    size_t i = 0;

    while (i < length && scanner->state < AT_END) {
        if (scanner->state == IN_BODY) {
            i += head_body_skip(scanner, length - i);
            continue;
        }
        i += skip_value(scanner, bytes + i, length - i);
        if (i == length)
            break;
        last = ++scanner->head_bytes > scanner->bytes_max
                   ? refuse_length(scanner)
                   : scan_byte(scanner, (unsigned char)bytes[i++]);
    }
    *verdict = last;
    return i;
}
