/* GET, every two seconds, and SET NX before it once the database has confirmed the marks. A mark of
 * others in a Redis that is ours is SET. */
#include "store/base/clock.h"
#include "store/marks.h"
#include "store/records.h"
#include "store/redis/call.h"
#include "store/redis/link.h"

#include <event2/event.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct timeval every = {2, 0};
#define TELL_EVERY_MS 60000
static const char differs[] = "Redis belongs to another salt or flow (" REDIS_MARK_KEY ")";

struct marks_keeper {
    struct marks_settings settings;
    struct redis_lane lane;
    struct event *timer;
    int64_t tell_at;
};

void marks_write(char text[MARKS_TEXT_MAX], const struct record_marks *marks)
{
    snprintf(text, MARKS_TEXT_MAX, "%s %s", marks->salt, marks->flow);
}

static bool is_other(const struct redisReply *reply, const char *text)
{
    return reply != NULL && reply->type == REDIS_REPLY_STRING && strcmp(reply->str, text) != 0;
}

static void mend(struct marks_keeper *keeper)
{
    const char *const set[] = {"SET", REDIS_MARK_KEY, keeper->settings.text};
    const int64_t now = clock_monotonic_ms();

    (void)redis_lane_send(&keeper->lane, 3, set, NULL, NULL, NULL);
    if (now < keeper->tell_at)
        return;
    keeper->tell_at = now + TELL_EVERY_MS;
    keeper->settings.mended(keeper->settings.arg);
}

static void on_mark(const struct redisReply *reply, void *arg)
{
    struct marks_keeper *keeper = arg;
    const struct marks_settings *settings = &keeper->settings;

    if (is_other(reply, settings->text)) {
        if (atomic_load(settings->is_ours))
            mend(keeper);
        else
            settings->foreign(settings->arg, differs);
    } else if (reply != NULL && reply->type == REDIS_REPLY_STRING &&
               record_store_confirmed(settings->records)) {
        atomic_store(settings->is_ours, true);
    }
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct marks_keeper *keeper = arg;
    const char *const set[] = {"SET", REDIS_MARK_KEY, keeper->settings.text, "NX"};
    const char *const get[] = {"GET", REDIS_MARK_KEY};

    (void)fd;
    (void)what;
    if (record_store_confirmed(keeper->settings.records))
        (void)redis_lane_send(&keeper->lane, 4, set, NULL, NULL, NULL);
    (void)redis_lane_send(&keeper->lane, 2, get, NULL, on_mark, keeper);
}

struct marks_keeper *marks_keep(const struct marks_settings *settings, struct event_base *base,
                                struct redis_link *redis)
{
    struct marks_keeper *keeper = calloc(1, sizeof *keeper);

    if (keeper == NULL)
        return NULL;
    keeper->settings = *settings;
    redis_lane_join(&keeper->lane, redis, 2, NULL);
    keeper->timer = event_new(base, -1, EV_PERSIST, on_timer, keeper);
    if (keeper->timer != NULL && event_add(keeper->timer, &every) == 0)
        return keeper;
    marks_leave(keeper);
    return NULL;
}

void marks_leave(struct marks_keeper *keeper)
{
    if (keeper == NULL)
        return;
    redis_lane_leave(&keeper->lane);
    if (keeper->timer != NULL)
        event_free(keeper->timer);
    free(keeper);
}

struct check {
    const char *text;
    bool differs, is_there;
};

static void on_checked(void *arg, const struct redisReply *reply)
{
    struct check *check = arg;

    check->differs = is_other(reply, check->text);
    check->is_there = reply->type == REDIS_REPLY_STRING;
}

int marks_check(const char *redis_url, unsigned deadline_ms, const char *text,
                char error[ERROR_MAX])
{
    const char *const get[] = {"GET", REDIS_MARK_KEY};
    struct check check = {.text = text};
    struct redis_call *call = redis_call_open(redis_url, deadline_ms, error);

    if (call == NULL)
        return -1;
    const int status = redis_call(call, 2, get, NULL, on_checked, &check, error);
    redis_call_close(call);
    if (check.differs)
        snprintf(error, ERROR_MAX, "%s", differs);
    return check.differs ? MARKS_DIFFER : status == 0 && !check.is_there ? MARKS_ABSENT : status;
}
