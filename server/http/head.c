/* Strict reading of request heads, byte by byte: one state for each place of the grammar. Bodies
 * are only counted. What a request asks for is left to http.c. */
#include "server/http/head.h"

#include <string.h>

enum state {
    AT_REQUEST, /* nothing of the next request has come */
    IN_METHOD,
    IN_TARGET,
    IN_VERSION,
    AT_LINE_FEED, /* behind the carriage return of a line */
    AT_LINE,      /* the first byte of a header line, or of the empty one */
    IN_NAME,
    IN_VALUE, /* white space around the value included */
    AT_LAST_LINE_FEED,
    IN_BODY,
    REFUSED,
};

enum header { HEADER_OTHER, HEADER_HOST, HEADER_LENGTH, HEADER_ENCODING, HEADER_EXPECT };

static const char version_prefix[] = "HTTP/1.";
static const char expect_continue[] = "100-continue";

static const struct head_verdict go_on = {0, NULL};

void head_init(struct head_scanner *scanner, const struct head_limits *limits)
{
    *scanner = (struct head_scanner){.limits = *limits};
    scanner->state = AT_REQUEST;
}

enum head_phase head_phase(const struct head_scanner *scanner)
{
    switch (scanner->state) {
    case AT_REQUEST:
        return HEAD_PHASE_IDLE;
    case IN_BODY:
        return HEAD_PHASE_BODY;
    default:
        return HEAD_PHASE_HEAD;
    }
}

bool head_body_is_large(const struct head_scanner *scanner)
{
    return scanner->large;
}

static struct head_verdict refuse(struct head_scanner *scanner, int status, const char *reason)
{
    scanner->state = REFUSED;
    return (struct head_verdict){status, reason};
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

static void request_begin(struct head_scanner *scanner)
{
    const struct head_limits limits = scanner->limits;

    head_init(scanner, &limits);
    scanner->state = IN_METHOD;
}

/* evhttp answers methods that it does not know in its own way; those of HTTP reach the router. */
static bool is_known_method(const struct head_scanner *scanner)
{
    static const char *const methods[] = {"GET",    "POST",    "HEAD", "PUT",
                                          "DELETE", "OPTIONS", "PATCH"};

    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (word_is(scanner, methods[i]))
            return true;
    return false;
}

static struct head_verdict in_method(struct head_scanner *scanner, unsigned char c)
{
    if (c != ' ') {
        if (!is_token(c))
            return refuse(scanner, 400, "the request line is malformed");
        word_add(scanner, c, false);
        return go_on;
    }
    if (scanner->word_length == 0)
        return refuse(scanner, 400, "the request line is malformed");
    if (!is_known_method(scanner))
        return refuse(scanner, 405, "this method is not known here");
    scanner->is_post = word_is(scanner, "POST");
    scanner->state = IN_TARGET;
    return go_on;
}

/* Compares the path, up to the question mark, with the one that may bring more. */
static void path_add(struct head_scanner *scanner, unsigned char c)
{
    const char *large = scanner->limits.large_path;

    if (c == '?')
        scanner->path_ended = true;
    if (large == NULL || scanner->path_ended)
        return;
    if (scanner->path_same == scanner->path_length && c == (unsigned char)large[scanner->path_same])
        scanner->path_same++;
    scanner->path_length++;
}

static uint64_t body_max(const struct head_scanner *scanner)
{
    const struct head_limits *limits = &scanner->limits;
    const bool same = limits->large_path != NULL && scanner->path_same == scanner->path_length &&
                      limits->large_path[scanner->path_same] == '\0';

    return same && scanner->is_post ? limits->large_body_max : limits->body_max;
}

static struct head_verdict in_target(struct head_scanner *scanner, unsigned char c)
{
    if (c == ' ' && scanner->target_length > 0) {
        scanner->state = IN_VERSION;
        scanner->value_length = 0;
        return go_on;
    }
    if (c <= 0x20 || c >= 0x7f || c == '#' || (scanner->target_length == 0 && c != '/'))
        return refuse(scanner, 400, "the request target is malformed");
    if (++scanner->target_length > scanner->limits.target_max)
        return refuse(scanner, 414, "the request target is too long");
    path_add(scanner, c);
    return go_on;
}

static struct head_verdict in_version(struct head_scanner *scanner, unsigned char c)
{
    size_t at = scanner->value_length++;

    if (at < sizeof version_prefix - 1) {
        if (c == (unsigned char)version_prefix[at])
            return go_on;
        if (at >= 5 && at <= 6)
            return refuse(scanner, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
        return refuse(scanner, 400, "the request line is malformed");
    }
    if (at == sizeof version_prefix - 1) {
        if (c != '0' && c != '1')
            return refuse(scanner, 505, "only HTTP/1.0 and HTTP/1.1 are spoken here");
        scanner->http_1_0 = c == '0';
        return go_on;
    }
    if (c != '\r')
        return refuse(scanner, 400, "the request line must end with CR LF");
    scanner->state = AT_LINE_FEED;
    return go_on;
}

static struct head_verdict header_begin(struct head_scanner *scanner)
{
    scanner->header = HEADER_OTHER;
    scanner->value_length = 0;
    scanner->value_ended = false;
    scanner->state = IN_VALUE;
    if (word_is(scanner, "host")) {
        if (scanner->has_host)
            return refuse(scanner, 400, "Host stands twice");
        scanner->has_host = true;
        scanner->header = HEADER_HOST;
    } else if (word_is(scanner, "content-length")) {
        if (scanner->has_length)
            return refuse(scanner, 400, "Content-Length stands twice");
        scanner->has_length = true;
        scanner->header = HEADER_LENGTH;
    } else if (word_is(scanner, "transfer-encoding")) {
        scanner->has_encoding = true;
        scanner->header = HEADER_ENCODING;
    } else if (word_is(scanner, "expect")) {
        scanner->header = HEADER_EXPECT;
    }
    return go_on;
}

static struct head_verdict at_line(struct head_scanner *scanner, unsigned char c)
{
    if (c == '\r') {
        scanner->state = AT_LAST_LINE_FEED;
        return go_on;
    }
    if (c == ' ' || c == '\t')
        return refuse(scanner, 400, "a header is folded over two lines");
    if (!is_token(c))
        return refuse(scanner, 400, "a header name is malformed");
    if (++scanner->lines > HEAD_LINES_MAX)
        return refuse(scanner, 431, "too many headers");
    scanner->word_length = 0;
    word_add(scanner, c, true);
    scanner->state = IN_NAME;
    return go_on;
}

static struct head_verdict in_name(struct head_scanner *scanner, unsigned char c)
{
    if (c == ':')
        return header_begin(scanner);
    if (c == ' ' || c == '\t')
        return refuse(scanner, 400, "white space stands before the colon of a header");
    if (!is_token(c))
        return refuse(scanner, 400, "a header name is malformed");
    word_add(scanner, c, true);
    return go_on;
}

static struct head_verdict length_digit(struct head_scanner *scanner, unsigned char c)
{
    if (c < '0' || c > '9' || scanner->value_ended)
        return refuse(scanner, 400, "Content-Length is not a number");
    /* Beyond the limit only "too long" matters, so that no number overflows. */
    if (scanner->body_left <= body_max(scanner))
        scanner->body_left = scanner->body_left * 10 + (uint64_t)(c - '0');
    return go_on;
}

static struct head_verdict header_end(struct head_scanner *scanner)
{
    if (scanner->header == HEADER_LENGTH && scanner->value_length == 0)
        return refuse(scanner, 400, "Content-Length is not a number");
    if (scanner->header == HEADER_EXPECT &&
        (!scanner->continues || scanner->value_length != sizeof expect_continue - 1))
        return refuse(scanner, 417, "only Expect: 100-continue is met here");
    scanner->state = AT_LINE_FEED;
    return go_on;
}

static struct head_verdict in_value(struct head_scanner *scanner, unsigned char c)
{
    if (c == '\r')
        return header_end(scanner);
    if ((c < 0x20 && c != '\t') || c == 0x7f)
        return refuse(scanner, 400, "a header holds a control character");
    if (c == ' ' || c == '\t') {
        scanner->value_ended = scanner->value_length > 0;
        return go_on;
    }
    if (scanner->header == HEADER_LENGTH) {
        scanner->value_length++;
        return length_digit(scanner, c);
    }
    if (scanner->header == HEADER_EXPECT) {
        size_t at = scanner->value_length;
        bool same = at < sizeof expect_continue - 1 && (c | 0x20) == (expect_continue[at] | 0x20);
        scanner->continues = same && (at == 0 || scanner->continues);
    }
    scanner->value_length++;
    return go_on;
}

static struct head_verdict head_end(struct head_scanner *scanner)
{
    if (!scanner->has_host && !scanner->http_1_0)
        return refuse(scanner, 400, "Host is missing");
    if (scanner->has_encoding && scanner->has_length)
        return refuse(scanner, 400, "Content-Length and Transfer-Encoding contradict each other");
    if (scanner->has_encoding)
        return refuse(scanner, 411, "send Content-Length instead of Transfer-Encoding");
    if (scanner->body_left > body_max(scanner))
        return refuse(scanner, 413, "the body is too large");
    scanner->large = scanner->body_left > scanner->limits.body_max;
    scanner->state = scanner->body_left > 0 ? IN_BODY : AT_REQUEST;
    return go_on;
}

static struct head_verdict scan_byte(struct head_scanner *scanner, unsigned char c)
{
    switch (scanner->state) {
    case AT_REQUEST:
        request_begin(scanner);
        scanner->head_bytes = 1;
        return in_method(scanner, c);
    case IN_METHOD:
        return in_method(scanner, c);
    case IN_TARGET:
        return in_target(scanner, c);
    case IN_VERSION:
        return in_version(scanner, c);
    case AT_LINE_FEED:
        scanner->state = AT_LINE;
        return c == '\n' ? go_on : refuse(scanner, 400, "a line must end with CR LF");
    case AT_LINE:
        return at_line(scanner, c);
    case IN_NAME:
        return in_name(scanner, c);
    case IN_VALUE:
        return in_value(scanner, c);
    case AT_LAST_LINE_FEED:
        return c == '\n' ? head_end(scanner) : refuse(scanner, 400, "a line must end with CR LF");
    default:
        return refuse(scanner, 400, "the connection is closed");
    }
}

/* Most of a head is values that nobody reads here: how many bytes can be passed over at once, and
 * are counted like the others. */
static size_t skip_value(struct head_scanner *scanner, const char *bytes, size_t length)
{
    size_t left = scanner->limits.head_max - scanner->head_bytes, n = 0;

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

struct head_verdict head_scan(struct head_scanner *scanner, const char *bytes, size_t length)
{
    size_t i = 0;

    while (i < length) {
        if (scanner->state == IN_BODY) {
            size_t rest = length - i;
            size_t n = scanner->body_left < rest ? (size_t)scanner->body_left : rest;
            i += n;
            scanner->body_left -= n;
            if (scanner->body_left == 0)
                scanner->state = AT_REQUEST;
            continue;
        }
        i += skip_value(scanner, bytes + i, length - i);
        if (i == length)
            break;
        if (++scanner->head_bytes > scanner->limits.head_max)
            return refuse(scanner, 431, "the request head is too long");
        struct head_verdict verdict = scan_byte(scanner, (unsigned char)bytes[i++]);
        if (verdict.status != 0)
            return verdict;
    }
    return go_on;
}
