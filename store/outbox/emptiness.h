/*
 * What the looks at the stream tell of time: Redis's own, and when the stream was last seen empty,
 * which tells how old an entry can be that stands there now, however long it waits: a clock or the
 * stream's ids do not, for whoever can write to Redis chooses them.
 */
#ifndef STORE_OUTBOX_EMPTINESS_H
#define STORE_OUTBOX_EMPTINESS_H

#include <stdbool.h>
#include <stdint.h>

struct emptiness {
    int64_t ms;      /* monotonic */
    int64_t wall_ms; /* by the earlier of our clock and Redis's; 0: it was not seen yet */
    int64_t looked_ms,
        redis_ms; /* the last look, empty or not, by the monotonic clock and Redis's */
};

/* A look at which Redis's clock said so. */
void emptiness_note(struct emptiness *emptiness, int64_t redis_ms, bool empty);
/* What it says by now; 0 before the first look. */
int64_t emptiness_redis_ms(const struct emptiness *emptiness);
/* Whether what was made then is a day and more older, by each of three clocks: ours now, ours then,
 * Redis's then. The day is for a fourth, of who made it. */
bool emptiness_is_after(const struct emptiness *emptiness, int64_t made_us);

#endif
