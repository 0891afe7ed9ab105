/* A response as bytes: its head is gathered from pieces that mostly stand here, and copied once
 * with its body. evhttp would keep, check, copy and print each header by itself. */
#include "server/http/response.h"

#include "server/telemetry/http_status.h"
#include "store/base/decimal.h"
#include <event2/buffer.h>
#include <string.h>

/* Four of each header that a response brings, and those that stand below. */
#define PIECES_MAX (20 + 4 * HTTP_RESPONSE_HEADERS_MAX)

struct gathered {
    struct {
        const char *bytes;
        size_t length;
    } pieces[PIECES_MAX];
    size_t count;
    size_t length;
};

static void gather(struct gathered *all, const char *bytes, size_t length)
{
    all->pieces[all->count].bytes = bytes;
    all->pieces[all->count++].length = length;
    all->length += length;
}

static void gather_text(struct gathered *all, const char *text)
{
    gather(all, text, strlen(text));
}

static void gather_header(struct gathered *all, const char *name, const char *value)
{
    gather_text(all, name);
    gather_text(all, ": ");
    gather_text(all, value);
    gather_text(all, "\r\n");
}

static const char *status_text(int status)
{
    switch (status) {
#define TEXT(number, phrase) \
    case number:             \
        return #number " " phrase "\r\n";
        HTTP_STATUSES(TEXT)
#undef TEXT
    default:
        return "500 Internal Server Error\r\n";
    }
}

static bool has_header(const struct http_response *response, const char *name)
{
    for (size_t i = 0; i < HTTP_RESPONSE_HEADERS_MAX && response->headers[i].name != NULL; i++)
        if (strcmp(response->headers[i].name, name) == 0)
            return true;
    return false;
}

/* A page may use files of this server and nothing else, no script inside it included; anything
 * else is no page, whatever a browser makes of it. Nothing here is to be framed, nor kept unless it
 * says so. */
static void gather_security(struct gathered *all, const struct http_response *response)
{
    const bool page =
        response->content_type != NULL && strncmp(response->content_type, "text/html", 9) == 0;

    gather_text(all, "X-Content-Type-Options: nosniff\r\n");
    if (!has_header(response, "Cache-Control"))
        gather_text(all, "Cache-Control: no-store\r\n");
    gather_text(all, page ? "Referrer-Policy: no-referrer\r\n"
                            "Content-Security-Policy: default-src 'self'; frame-ancestors 'none'; "
                            "base-uri 'none'; form-action 'self'\r\n"
                          : "Content-Security-Policy: default-src 'none'; "
                            "frame-ancestors 'none'\r\n");
}

/* HEAD is told what GET would get, but for the bytes; in HTTP/1.0 a body ends with its connection.
 */
static bool tells_length(const struct http_response *response, const struct response_terms *terms)
{
    const bool may_have_body = response->status != 204 && response->status != 304;

    return may_have_body && (terms->is_head || !terms->http_1_0);
}

static int print(struct evbuffer *out, const struct gathered *all)
{
    struct evbuffer_iovec space;

    if (evbuffer_reserve_space(out, (ev_ssize_t)all->length, &space, 1) != 1)
        return -1;
    char *to = space.iov_base;
    for (size_t i = 0; i < all->count; i++) {
        memcpy(to, all->pieces[i].bytes, all->pieces[i].length);
        to += all->pieces[i].length;
    }
    space.iov_len = all->length;
    return evbuffer_commit_space(out, &space, 1);
}

int response_print(struct evbuffer *out, const struct http_response *response,
                   const struct response_terms *terms)
{
    struct gathered all;
    char length[DECIMAL_MAX + 1];

    all.count = all.length = 0;
    gather_text(&all, terms->http_1_0 ? "HTTP/1.0 " : "HTTP/1.1 ");
    gather_text(&all, status_text(response->status));
    if (response->content_type != NULL)
        gather_header(&all, "Content-Type", response->content_type);
    for (size_t i = 0; i < HTTP_RESPONSE_HEADERS_MAX && response->headers[i].name != NULL; i++)
        gather_header(&all, response->headers[i].name, response->headers[i].value);
    gather_security(&all, response);
    gather_header(&all, "Date", terms->date);
    if (terms->closes)
        gather_text(&all, "Connection: close\r\n");
    if (tells_length(response, terms)) {
        length[decimal_write((int64_t)response->length, length)] = '\0';
        gather_header(&all, "Content-Length", length);
    }
    gather_text(&all, "\r\n");
    if (!terms->is_head && response->length > 0)
        gather(&all, response->body, response->length);
    return print(out, &all);
}
