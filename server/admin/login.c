/* Logging in and out. Wrong tries wait for their answer on a timer, each with its request. */
#include "server/admin/login.h"

#include "server/admin/assets.h"
#include "server/http/form.h"
#include "server/telemetry/log.h"
#include "server/telemetry/metrics.h"
#include "store/clock.h"
#include <event2/event.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/queue.h>

#define PAGE "/admin"
/* Where the login page says in which state it is, and the states that its style knows. */
#define STATE_MARK "data-state=\"ask\""
#define STATE_WRONG "data-state=\"wrong\""
#define STATE_SLOW "data-state=\"slow\""
#define STATE_OVER "data-state=\"over\""
#define FIELDS_MAX 8

/* Somebody whose try was wrong and who is told so later. */
struct waiting {
    TAILQ_ENTRY(waiting) link;
    struct login *login;
    struct http_request *request;
    struct event *timer;
    int64_t due_ms;
};

struct login {
    struct event_base *base;
    const char *public_url;
    bool secure; /* browsers reach us by TLS */
    const struct access *access;
    struct tries *tries;
    TAILQ_HEAD(waiting_list, waiting) waiting;
};

static void reply_closed(struct http_request *request)
{
    http_reply_error(request, 404, "there is nothing at this path");
}

/* The login page with something to say. */
static void reply_page(struct http_request *request, int status, const char *state)
{
    const struct asset_form *page = &asset_login_page.plain;
    const char *mark = strstr(page->bytes, STATE_MARK);
    char *body = malloc(*page->length + strlen(state) + 1);
    int length;

    if (body == NULL || mark == NULL) {
        free(body);
        http_reply_error(request, 503, "out of memory");
        return;
    }
    length = sprintf(body, "%.*s%s%s", (int)(mark - page->bytes), page->bytes, state,
                     mark + sizeof STATE_MARK - 1);
    http_reply(request,
               &(struct http_reply){.status = status,
                                    .content_type = asset_login_page.content_type,
                                    .body = body,
                                    .length = (size_t)length,
                                    .headers = {{status == 429 ? "Retry-After" : NULL, "10"}}});
    free(body);
}

/* Sends the browser to the page; with a pass, an empty one (no pass any more), or none at all. */
static void reply_to_page(const struct login *login, struct http_request *request, const char *pass)
{
    char cookie[ACCESS_PASS_MAX + 128];

    if (pass != NULL)
        snprintf(cookie, sizeof cookie, "%s=%s; Path=%s; Max-Age=%d; HttpOnly; SameSite=Strict%s",
                 ACCESS_COOKIE, pass, PAGE, *pass != '\0' ? ACCESS_PASS_SECONDS : 0,
                 login->secure ? "; Secure" : "");
    http_reply(request, &(struct http_reply){
                            .status = 303,
                            .headers = {{"Location", PAGE}, {pass ? "Set-Cookie" : NULL, cookie}}});
    OPENSSL_cleanse(cookie, sizeof cookie);
}

void login_handle_page(struct login *login, struct http_request *request)
{
    const char *cookies = http_header(request, "Cookie");

    if (!access_is_open(login->access))
        reply_closed(request);
    else if (access_allows(login->access, request))
        asset_reply(request, &asset_dashboard_page);
    else if (access_find_pass(login->access, cookies, clock_wall_s()) == PASS_OVER)
        reply_page(request, 200, STATE_OVER);
    else
        asset_reply(request, &asset_login_page);
}

/* The name in "http://name:80/path" or "name:80", without its port. */
static const char *host_name(const char *text, size_t *length)
{
    const char *scheme = strstr(text, "://");

    if (scheme != NULL)
        text = scheme + 3;
    *length = *text == '[' ? strcspn(text, "]") : strcspn(text, ":/");
    return text;
}

static bool same_host(const char *one, const char *other)
{
    size_t one_length, other_length;

    if (other == NULL)
        return false;
    one = host_name(one, &one_length);
    other = host_name(other, &other_length);
    return one_length > 0 && one_length == other_length && strncasecmp(one, other, one_length) == 0;
}

bool login_is_from_here(const struct login_origin *from)
{
    if (from->fetch_site != NULL)
        return strcmp(from->fetch_site, "same-origin") == 0;
    if (from->origin != NULL)
        return same_host(from->origin, from->host) || same_host(from->origin, from->public_url);
    return true; /* no browser: those of today say one of them */
}

/* Whether a form may be read; if not, the request was answered. */
static bool may_post(const struct login *login, struct http_request *request)
{
    const struct login_origin from = {
        .fetch_site = http_header(request, "Sec-Fetch-Site"),
        .origin = http_header(request, "Origin"),
        .host = http_header(request, "Host"),
        .public_url = login->public_url,
    };

    if (!access_is_open(login->access)) {
        reply_closed(request);
        return false;
    }
    if (request->method != HTTP_POST) {
        reply_to_page(login, request, NULL);
        return false;
    }
    if (!login_is_from_here(&from)) {
        http_reply_error(request, 403, "this form was not on a page of this server");
        return false;
    }
    return true;
}

static void waiting_end(struct waiting *waiting)
{
    TAILQ_REMOVE(&waiting->login->waiting, waiting, link);
    reply_page(waiting->request, 403, STATE_WRONG);
    event_free(waiting->timer);
    free(waiting);
}

static void waiting_begin(struct waiting *waiting)
{
    const int64_t left_ms = waiting->due_ms - clock_monotonic_ms();
    const struct timeval delay = {left_ms / 1000, left_ms % 1000 * 1000};

    evtimer_add(waiting->timer, &delay);
}

/* A timer counts from when its loop woke up, so it may be early; then the next try would be, too.
 */
static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct waiting *waiting = arg;

    (void)fd;
    (void)what;
    if (clock_monotonic_ms() < waiting->due_ms)
        waiting_begin(waiting);
    else
        waiting_end(waiting);
}

static void refuse_later(struct login *login, struct http_request *request, int64_t due_ms)
{
    struct waiting *waiting = calloc(1, sizeof *waiting);

    if (waiting == NULL || (waiting->timer = evtimer_new(login->base, on_timer, waiting)) == NULL) {
        free(waiting);
        http_reply_error(request, 503, "out of memory");
        return;
    }
    waiting->login = login;
    waiting->request = request;
    waiting->due_ms = due_ms;
    TAILQ_INSERT_TAIL(&login->waiting, waiting, link);
    waiting_begin(waiting);
}

static void let_in(struct login *login, struct http_request *request)
{
    char pass[ACCESS_PASS_MAX];

    metrics_add(METRIC_LOGINS_RIGHT, 1);
    log_write(LOG_INFO, "admin_login", log_text("result", "right"));
    if (access_make_pass(login->access, clock_wall_s(), pass) == 0)
        reply_to_page(login, request, pass);
    else
        http_reply_error(request, 500, "the cryptographic library failed");
    OPENSSL_cleanse(pass, sizeof pass);
}

static void log_stranger(const char *result, const struct http_request *request)
{
    char client[PEER_TEXT_MAX];

    http_client(request, client);
    log_write(LOG_WARNING, "admin_login", log_text("result", result), log_text("client", client));
}

static void judge(struct login *login, struct http_request *request, bool right)
{
    const int64_t now_ms = clock_monotonic_ms();
    struct peer peer = {0};
    unsigned wait_ms = 0;

    http_peer(request, &peer);
    switch (tries_judge(login->tries, &peer, right, now_ms, &wait_ms)) {
    case TRY_RIGHT:
        let_in(login, request);
        break;
    case TRY_WRONG:
        metrics_add(METRIC_LOGINS_WRONG, 1);
        log_stranger("wrong", request);
        refuse_later(login, request, now_ms + wait_ms);
        break;
    case TRY_REFUSED:
        metrics_add(METRIC_LOGINS_REFUSED, 1);
        log_stranger("too early", request);
        reply_page(request, 429, STATE_SLOW);
        break;
    }
}

void login_handle_login(struct login *login, struct http_request *request)
{
    const char *reason = "out of memory";
    struct form form;
    struct form_text token;
    char *storage;

    if (!may_post(login, request))
        return;
    storage = malloc(request->body_length + 1);
    if (storage == NULL || form_decode(&form, request->body, request->body_length, FIELDS_MAX,
                                       storage, &reason) != 0) {
        http_reply_error(request, storage == NULL ? 503 : 400, reason);
        free(storage);
        return;
    }
    token = form_value(&form, "token", NULL);
    const bool right =
        token.length > 0 && access_takes_token(login->access, token.bytes, token.length);
    const size_t length = request->body_length;
    judge(login, request, right);
    OPENSSL_cleanse(storage, length);
    free(storage);
}

void login_handle_logout(struct login *login, struct http_request *request)
{
    if (may_post(login, request))
        reply_to_page(login, request, "");
}

struct login *login_create(struct event_base *base, const struct config *config,
                           const struct access *access, struct tries *tries)
{
    struct login *login = calloc(1, sizeof *login);

    if (login == NULL)
        return NULL;
    login->base = base;
    login->public_url = config->public_url;
    login->secure = config->tls_cert_file != NULL ||
                    (config->public_url != NULL && strncmp(config->public_url, "https:", 6) == 0);
    login->access = access;
    login->tries = tries;
    TAILQ_INIT(&login->waiting);
    return login;
}

void login_free(struct login *login)
{
    if (login == NULL)
        return;
    while (!TAILQ_EMPTY(&login->waiting))
        waiting_end(TAILQ_FIRST(&login->waiting));
    free(login);
}
