/* The clocks. The monotonic one is for waits, deadlines and how long something took; the wall one
 * for the times that are kept or compared with those of other machines. */
#ifndef STORE_BASE_CLOCK_H
#define STORE_BASE_CLOCK_H

#include <stdint.h>
#include <sys/time.h>
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

/* The year in which the program was built begins; nobody runs it before. */
#define CLOCK_BUILT_S                                                                    \
    (86400 * ((CLOCK_BUILD_YEAR - 1970) * INT64_C(365) + (CLOCK_BUILD_YEAR - 1969) / 4 - \
              (CLOCK_BUILD_YEAR - 1901) / 100 + (CLOCK_BUILD_YEAR - 1601) / 400))

/* Microseconds since 1970, UTC. A machine that does not know the time, as without a battery, says
 * something of long ago: then the time goes on from the beginning of the year of the build. */
static inline int64_t clock_wall_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (now.tv_sec < CLOCK_BUILT_S)
        return CLOCK_BUILT_S * 1000000 + clock_monotonic_us();
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

/* Milliseconds since 1970, UTC. */
static inline int64_t clock_wall_ms(void)
{
    return clock_wall_us() / 1000;
}

/* A wait, as libevent wants it. */
static inline struct timeval clock_timeval(int64_t ms)
{
    return (struct timeval){ms / 1000, ms % 1000 * 1000};
}

/* Seconds since 1970, UTC. */
static inline int64_t clock_wall_s(void)
{
    return clock_wall_us() / 1000000;
}

#endif
