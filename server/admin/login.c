/* The login page, and the forms on it and on the dashboard. */
#include "server/admin/login.h"

#include "server/admin/assets.h"
#include "server/http/form.h"
#include "server/http/throttle.h"
#include "server/telemetry/log.h"
#include "server/telemetry/metrics.h"
#include "store/base/clock.h"
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define PAGE "/admin"
/* Where the login page says in which state it is, and the states that its style knows. */
#define STATE_ATTRIBUTE "data-state=\"ask\""
#define STATE_WRONG "data-state=\"wrong\""
#define STATE_OVER "data-state=\"over\""
#define FIELDS_MAX 8

struct login {
    const char *public_url;
    bool secure; /* browsers reach us by TLS */
    struct login_settings settings;
};

/* The login page with something to say. */
static void respond_page(struct http_request *request, int status, const char *state)
{
    const struct asset_form *page = &asset_login_page.plain;
    const char *attribute = strstr(page->bytes, STATE_ATTRIBUTE);
    char *body = malloc(*page->length + strlen(state) + 1);

    if (body == NULL || attribute == NULL) {
        free(body);
        http_respond_error(request, 503, "out of memory");
        return;
    }
    int length = sprintf(body, "%.*s%s%s", (int)(attribute - page->bytes), page->bytes, state,
                         attribute + sizeof STATE_ATTRIBUTE - 1);
    http_respond(request, &(struct http_response){.status = status,
                                                  .content_type = asset_login_page.content_type,
                                                  .body = body,
                                                  .length = (size_t)length});
    free(body);
}

/* Sends the browser to the page; with a pass, an empty one (no pass any more), or none at all. */
static void respond_to_page(const struct login *login, struct http_request *request,
                            const char *pass)
{
    char cookie[ACCESS_PASS_MAX + 128];

    if (pass != NULL)
        snprintf(cookie, sizeof cookie, "%s=%s; Path=%s; Max-Age=%d; HttpOnly; SameSite=Strict%s",
                 ACCESS_COOKIE, pass, PAGE, *pass != '\0' ? ACCESS_PASS_SECONDS : 0,
                 login->secure ? "; Secure" : "");
    http_respond(request, &(struct http_response){
                              .status = 303,
                              .headers = {{"Location", PAGE},
                                          {pass != NULL ? "Set-Cookie" : NULL, cookie}}});
    OPENSSL_cleanse(cookie, sizeof cookie);
}

static void on_known(void *arg, struct http_request *request, enum visitor visitor)
{
    (void)arg;
    if (visitor == VISITOR_ADMINISTRATOR)
        asset_respond(request, &asset_dashboard_page);
    else if (visitor == VISITOR_OVER)
        respond_page(request, 200, STATE_OVER);
    else
        asset_respond(request, &asset_login_page);
}

void login_handle_page(struct login *login, struct http_request *request)
{
    authenticate(login->settings.authentication, request, on_known, login);
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

    if (!access_is_open(login->settings.access)) {
        http_respond_error(request, 404, "there is nothing at this path");
        return false;
    }
    if (request->method != HTTP_POST) {
        respond_to_page(login, request, NULL);
        return false;
    }
    if (!login_is_from_here(&from)) {
        http_respond_error(request, 403, "this form was not on a page of this server");
        return false;
    }
    return true;
}

static void let_in(struct login *login, struct http_request *request)
{
    struct access_pass pass;

    metrics_add(METRIC_LOGINS_RIGHT, 1);
    log_write(LOG_INFO, "admin_login", log_text("result", "right"));
    if (access_make_pass(login->settings.access, clock_wall_s(), &pass) == 0)
        respond_to_page(login, request, pass.text);
    else
        http_respond_error(request, 500, "the cryptographic library failed");
    OPENSSL_cleanse(&pass, sizeof pass);
}

static void on_judged(void *arg, struct http_request *request, bool right)
{
    if (right)
        let_in(arg, request);
    else
        respond_page(request, 403, STATE_WRONG);
}

/* result: "wrong", or "empty", which is no guess: Twilio's form has no token, wherever a customer
 * of hers has it sent. */
static void log_wrong(const struct http_request *request, const char *result)
{
    char client[CLIENT_ADDRESS_TEXT_MAX];
    const char *who = http_client_print(request, client);

    metrics_add(METRIC_LOGINS_WRONG, 1);
    log_write(LOG_WARNING, "admin_login", log_text("result", result), log_text(who, client));
}

void login_handle_login(struct login *login, struct http_request *request)
{
    const char *reason = "out of memory";
    struct form form;

    if (!may_post(login, request))
        return;
    char *storage = malloc(request->body_length + 1);
    if (storage == NULL || form_decode(&form, request->body, request->body_length, FIELDS_MAX,
                                       storage, &reason) != 0) {
        http_respond_error(request, storage == NULL ? 503 : 400, reason);
        free(storage);
        return;
    }
    struct form_text token = form_value(&form, "token", NULL);
    const bool broken = form_is_broken(&form);
    const bool right =
        token.length > 0 && access_takes_token(login->settings.access, token.bytes, token.length);
    OPENSSL_cleanse(storage, request->body_length);
    free(storage);
    if (broken) {
        http_respond_error(request, 400, "the form holds half a percent sign");
        return;
    }
    if (!right)
        log_wrong(request, token.length > 0 ? "wrong" : "empty");
    throttle_try(login->settings.throttle, request, right, on_judged, login);
}

static void on_ended(void *arg, struct http_request *request)
{
    respond_to_page(arg, request, "");
}

void login_handle_logout(struct login *login, struct http_request *request)
{
    if (may_post(login, request))
        authentication_end(login->settings.authentication, request, on_ended, login);
}

struct login *login_create(const struct login_settings *settings, const struct config *config)
{
    struct login *login = calloc(1, sizeof *login);

    if (login == NULL)
        return NULL;
    login->public_url = config->public_url;
    login->secure = config->tls_cert_file != NULL ||
                    (config->public_url != NULL && strncmp(config->public_url, "https:", 6) == 0);
    login->settings = *settings;
    return login;
}

void login_free(struct login *login)
{
    free(login);
}
