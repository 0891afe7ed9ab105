/*
 * The messages that were handled, so that what is delivered again changes nothing. A channel that
 * tells when a message was sent tells by that what is old: ids are known back to a horizon, and
 * what was sent before it was handled, or comes too late.
 *
 * Always: the horizon is at most FLOW_RECENT_WINDOW_S + 1 seconds before the newest; every id but
 * the first is of a message that was sent behind it; while it is 0 every time is 0.
 */
#include "flow/definition.h"

#include <string.h>

uint32_t recent_time(int64_t sent_s)
{
    return sent_s > FLOW_RECENT_WINDOW_S + 1 && sent_s <= UINT32_MAX ? (uint32_t)sent_s : 0;
}

void recent_init(struct recent *recent, uint32_t newest_s)
{
    recent->count = 0;
    recent->horizon_s = newest_s;
}

size_t recent_find(const struct recent *recent, uint64_t id)
{
    size_t i = 0;

    while (i < recent->count && recent->ids[i] != (id & FLOW_ID_MAX))
        i++;
    return i;
}

bool recent_is_late(const struct recent *recent, int64_t sent_s)
{
    const uint32_t at = recent_time(sent_s);

    return at != 0 && at <= recent->horizon_s;
}

uint32_t recent_newest_s(const struct recent *recent)
{
    uint32_t newest = recent->horizon_s;

    for (size_t i = 0; i < recent->count; i++)
        if (recent->sent_s[i] > newest)
            newest = recent->sent_s[i];
    return newest;
}

size_t recent_count_after(const struct recent *recent, int64_t sent_s)
{
    size_t count = 0;

    for (size_t i = 0; i < recent->count; i++)
        count += recent->sent_s[i] > sent_s;
    return count;
}

/* Forgets what was sent until then: no id is needed to know that it is old. */
static void move_horizon(struct recent *recent, uint32_t horizon_s)
{
    size_t kept = 0;

    if (horizon_s <= recent->horizon_s)
        return;
    for (size_t i = 0; i < recent->count; i++)
        if (recent->sent_s[i] > horizon_s) {
            recent->ids[kept] = recent->ids[i];
            recent->sent_s[kept++] = recent->sent_s[i];
        }
    recent->count = (uint16_t)kept;
    recent->horizon_s = horizon_s;
}

/* The first time that is told: what came before counts as sent then. */
static void begin_times(struct recent *recent, uint32_t sent_s)
{
    if (recent->horizon_s != 0)
        return;
    for (size_t i = 0; i < recent->count; i++)
        recent->sent_s[i] = sent_s;
    recent->horizon_s = sent_s - FLOW_RECENT_WINDOW_S - 1;
}

static uint32_t oldest_s(const struct recent *recent)
{
    uint32_t oldest = UINT32_MAX;

    for (size_t i = 0; i < recent->count; i++)
        if (recent->sent_s[i] < oldest)
            oldest = recent->sent_s[i];
    return oldest;
}

/* The first one was perhaps not sent behind the horizon: then the next takes its place. */
static void push(struct recent *recent, uint64_t id, uint32_t at)
{
    const bool keeps_first =
        recent->count > 0 && (at == 0 || recent->sent_s[0] > recent->horizon_s);

    if (recent->count == 0 || keeps_first) {
        memmove(recent->ids + 1, recent->ids, recent->count * sizeof *recent->ids);
        memmove(recent->sent_s + 1, recent->sent_s, recent->count * sizeof *recent->sent_s);
        recent->count++;
    }
    recent->ids[0] = id & FLOW_ID_MAX;
    recent->sent_s[0] = at;
}

void recent_add(struct recent *recent, uint64_t id, int64_t sent_s)
{
    uint32_t at = recent_time(sent_s);

    if (at != 0) {
        begin_times(recent, at);
        move_horizon(recent, at - FLOW_RECENT_WINDOW_S - 1);
        if (at < recent->horizon_s)
            at = recent->horizon_s;
    } else if (recent->horizon_s != 0)
        at = recent_newest_s(recent);
    if (id == 0)
        return;
    while (at != 0 && recent->count >= FLOW_RECENT_TIMED_MAX)
        move_horizon(recent, oldest_s(recent));
    if (recent->count == FLOW_RECENT_MAX)
        recent->count--;
    push(recent, id, at);
}
