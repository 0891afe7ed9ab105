/* The clocks. The monotonic one is for waits, deadlines and how long something took; the wall one
 * for the times that are kept or compared with those of other machines. */
#ifndef STORE_CLOCK_H
#define STORE_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Microseconds that only grow. */
static inline int64_t clock_monotonic_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Milliseconds that only grow. */
static inline int64_t clock_monotonic_ms(void)
{
    return clock_monotonic_us() / 1000;
}

/* Microseconds since 1970, UTC. */
static inline int64_t clock_wall_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Milliseconds since 1970, UTC. */
static inline int64_t clock_wall_ms(void)
{
    return clock_wall_us() / 1000;
}

/* Seconds since 1970, UTC. */
static inline int64_t clock_wall_s(void)
{
    return clock_wall_us() / 1000000;
}

#endif
