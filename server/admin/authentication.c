/* Token or pass, and for a pass the question whether it was ended. */
#include "server/admin/authentication.h"

#include "server/http/bearer.h"
#include "server/http/throttle.h"
#include "server/telemetry/log.h"
#include "server/telemetry/metrics.h"
#include "store/base/clock.h"
#include "store/revocations.h"
#include <stdlib.h>
#include <string.h>

struct authentication {
    struct authentication_settings settings;
};

/* A request whose pass is looked up, or ended. */
struct visit {
    struct revocation revocation;
    struct http_request *request;
    authentication_done *done;                              /* looked up */
    void (*ended)(void *arg, struct http_request *request); /* ended */
    void *arg;
};

/* A token that waits to be judged. */
struct judgement {
    authentication_done *done;
    void *arg;
};

static struct visit *visit_create(struct http_request *request, const struct access_pass *pass)
{
    struct visit *visit = calloc(1, sizeof *visit);

    if (visit != NULL &&
        revocation_init(&visit->revocation, pass->text, strlen(pass->text), pass->end_s) == 0) {
        visit->request = request;
        return visit;
    }
    free(visit);
    http_respond_error(request, 503, "out of memory");
    return NULL;
}

/* While Redis is away a pass is taken unless this instance knows that it was ended: who has a
 * stolen one would have to wait for that, and who watches over the programme needs the page. */
static void visit_end(struct visit *visit, enum store_status status)
{
    visit->done(visit->arg, visit->request,
                status == STORE_OK ? VISITOR_OVER : VISITOR_ADMINISTRATOR);
    free(visit);
}

static void on_looked_up(struct store_ticket *ticket)
{
    visit_end((struct visit *)ticket, ticket->status);
}

_Static_assert(offsetof(struct visit, revocation) == 0 && offsetof(struct revocation, ticket) == 0,
               "a visit begins with its ticket");

static void look_up(struct authentication *authentication, struct http_request *request,
                    const struct access_pass *pass, authentication_done *done, void *arg)
{
    struct visit *visit = visit_create(request, pass);

    if (visit == NULL)
        return;
    visit->done = done;
    visit->arg = arg;
    visit->revocation.ticket.done = on_looked_up;
    enum store_status status =
        revocation_find(authentication->settings.revocations, &visit->revocation);
    if (status != STORE_LATER)
        visit_end(visit, status);
}

/* token: "wrong", which fail2ban counts, or "none": whoever has an account with Twilio or Meta can
 * have them look here from where our messages come from. */
static void log_refused(const struct http_request *request, const char *token)
{
    char client[CLIENT_ADDRESS_TEXT_MAX];
    const char *who = http_client_print(request, client);

    metrics_add(METRIC_ADMIN_REFUSED, 1);
    log_write(LOG_WARNING, "admin_refused", log_text("path", request->path),
              log_text("token", token), log_text(who, client));
}

static void on_judged(void *arg, struct http_request *request, bool right)
{
    struct judgement *judgement = arg;

    judgement->done(judgement->arg, request, right ? VISITOR_ADMINISTRATOR : VISITOR_WRONG);
    free(judgement);
}

static void judge(struct authentication *authentication, struct http_request *request,
                  const char *token, authentication_done *done, void *arg)
{
    const bool right = access_takes_token(authentication->settings.access, token, strlen(token));
    struct judgement *judgement = malloc(sizeof *judgement);

    if (judgement == NULL) {
        http_respond_error(request, 503, "out of memory");
        return;
    }
    *judgement = (struct judgement){done, arg};
    if (!right)
        log_refused(request, "wrong");
    throttle_try(authentication->settings.throttle, request, right, on_judged, judgement);
}

void authenticate(struct authentication *authentication, struct http_request *request,
                  authentication_done *done, void *arg)
{
    const struct access *access = authentication->settings.access;
    const char *token = bearer_token(request);
    struct access_pass pass;

    if (!access_is_open(access)) {
        http_respond_error(request, 404, "there is nothing at this path");
    } else if (token != NULL) {
        judge(authentication, request, token, done, arg);
    } else {
        switch (access_find_pass(access, http_header(request, "Cookie"), clock_wall_s(), &pass)) {
        case PASS_VALID:
            look_up(authentication, request, &pass, done, arg);
            break;
        case PASS_OVER:
            done(arg, request, VISITOR_OVER);
            break;
        case PASS_NONE:
            done(arg, request, VISITOR_NOBODY);
            break;
        }
    }
}

static void pass_end(struct visit *visit, enum store_status status)
{
    log_write(LOG_INFO, "admin_logout",
              log_text("ended", status == STORE_OK ? "everywhere" : "on this instance"));
    visit->ended(visit->arg, visit->request);
    free(visit);
}

static void on_ended(struct store_ticket *ticket)
{
    pass_end((struct visit *)ticket, ticket->status);
}

void authentication_end(struct authentication *authentication, struct http_request *request,
                        void (*done)(void *arg, struct http_request *request), void *arg)
{
    struct access_pass pass;

    if (access_find_pass(authentication->settings.access, http_header(request, "Cookie"),
                         clock_wall_s(), &pass) != PASS_VALID) {
        done(arg, request);
        return;
    }
    struct visit *visit = visit_create(request, &pass);
    if (visit == NULL)
        return;
    visit->ended = done;
    visit->arg = arg;
    visit->revocation.ticket.done = on_ended;
    enum store_status status =
        revocation_add(authentication->settings.revocations, &visit->revocation);
    if (status != STORE_LATER)
        pass_end(visit, status);
}

void authentication_refuse(struct http_request *request, enum visitor visitor)
{
    if (visitor == VISITOR_NOBODY)
        log_refused(request, "none"); /* a wrong token was logged when it came */
    bearer_refuse(request, "{\"error\":\"the token of the administration is needed\"}\n");
}

struct authentication *authentication_create(const struct authentication_settings *settings)
{
    struct authentication *authentication = calloc(1, sizeof *authentication);

    if (authentication != NULL)
        authentication->settings = *settings;
    return authentication;
}

void authentication_free(struct authentication *authentication)
{
    free(authentication);
}
