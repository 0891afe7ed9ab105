/* Looks at the clocks. */
#include "store/outbox/emptiness.h"

#include "store/base/clock.h"

#define DAY_MS INT64_C(86400000)

void emptiness_note(struct emptiness *emptiness, int64_t redis_ms, bool empty)
{
    const int64_t now_ms = clock_wall_ms();

    emptiness->looked_ms = clock_monotonic_ms();
    emptiness->redis_ms = redis_ms;
    if (!empty)
        return;
    emptiness->ms = emptiness->looked_ms;
    emptiness->wall_ms = redis_ms < now_ms ? redis_ms : now_ms;
}

int64_t emptiness_redis_ms(const struct emptiness *emptiness)
{
    const int64_t since_ms = clock_monotonic_ms() - emptiness->looked_ms;

    return emptiness->redis_ms == 0 ? 0 : emptiness->redis_ms + since_ms;
}

bool emptiness_is_after(const struct emptiness *emptiness, int64_t made_us)
{
    const int64_t then_ms = clock_wall_ms() - (clock_monotonic_ms() - emptiness->ms);
    const int64_t empty_ms = then_ms < emptiness->wall_ms ? then_ms : emptiness->wall_ms;

    return emptiness->wall_ms != 0 && made_us / 1000 < empty_ms - DAY_MS;
}
