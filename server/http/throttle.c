/* Keeps requests waiting on timers. */
#include "server/http/throttle.h"

#include "server/http/http.h"
#include "server/http/throttle_table.h"
#include "store/base/clock.h"
#include <event2/event.h>
#include <stdlib.h>
#include <sys/queue.h>

/* As many as there are connections. */
struct waiting {
    TAILQ_ENTRY(waiting) link;
    struct throttle *throttle;
    struct http_request *request;
    bool right;
    throttle_answer *answer;
    void *arg;
    struct event *timer;
    int64_t due_ms;
};

struct throttle {
    struct event_base *base;
    struct throttle_table *table;
    TAILQ_HEAD(waiting_list, waiting) waiting;
};

static void waiting_end(struct waiting *waiting)
{
    TAILQ_REMOVE(&waiting->throttle->waiting, waiting, link);
    waiting->answer(waiting->arg, waiting->request, waiting->right);
    event_free(waiting->timer);
    free(waiting);
}

static void waiting_begin(struct waiting *waiting)
{
    const int64_t left_ms = waiting->due_ms - clock_monotonic_ms();
    const struct timeval delay = clock_timeval(left_ms);

    evtimer_add(waiting->timer, &delay);
}

/* A timer counts from when its loop woke up, so it may be early; then the next try would be,
 * too. */
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

void throttle_try(struct throttle *throttle, struct http_request *request, bool right,
                  throttle_answer *answer, void *arg)
{
    const int64_t now_ms = clock_monotonic_ms();
    struct client_address address = {0};
    struct waiting *waiting;

    http_client_address(request, &address);
    unsigned wait_ms = throttle_table_wait(throttle->table, &address, right, now_ms);
    if (wait_ms == 0) {
        answer(arg, request, right);
        return;
    }
    waiting = calloc(1, sizeof *waiting);
    if (waiting == NULL ||
        (waiting->timer = evtimer_new(throttle->base, on_timer, waiting)) == NULL) {
        free(waiting);
        answer(arg, request, false);
        return;
    }
    waiting->throttle = throttle;
    waiting->request = request;
    waiting->right = right;
    waiting->answer = answer;
    waiting->arg = arg;
    waiting->due_ms = now_ms + wait_ms;
    TAILQ_INSERT_TAIL(&throttle->waiting, waiting, link);
    waiting_begin(waiting);
}

struct throttle *throttle_create(struct event_base *base, struct throttle_table *table)
{
    struct throttle *throttle = calloc(1, sizeof *throttle);

    if (throttle == NULL)
        return NULL;
    throttle->base = base;
    throttle->table = table;
    TAILQ_INIT(&throttle->waiting);
    return throttle;
}

void throttle_free(struct throttle *throttle)
{
    if (throttle == NULL)
        return;
    while (!TAILQ_EMPTY(&throttle->waiting))
        waiting_end(TAILQ_FIRST(&throttle->waiting));
    free(throttle);
}
