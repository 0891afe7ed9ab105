/*
 * When the stream was last seen empty, which tells how old an entry can be that stands there now, however
 * long it waits: a clock or the stream's ids do not, for whoever can write to Redis chooses them.
 */
#ifndef STORE_OUTBOX_EMPTINESS_H
#define STORE_OUTBOX_EMPTINESS_H

#include <stdbool.h>
#include <stdint.h>

struct emptiness {
    int64_t ms;      /* monotonic */
    int64_t wall_ms; /* by the earlier of our clock and Redis's; 0: it was not seen yet */
};

void emptiness_note(struct emptiness *emptiness, int64_t redis_ms);
/* Whether what was made then is a day and more older, by each of three clocks: ours now, ours then,
 * Redis's then. The day is for a fourth, of who made it. */
bool emptiness_is_after(const struct emptiness *emptiness, int64_t made_us);

#endif
