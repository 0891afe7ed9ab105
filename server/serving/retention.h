/*
 * RETENTION_DAYS: codes that nobody asked for since are removed, step by step and at a quiet pace,
 * by one worker of each instance, on its loop; unless the guard holds them back.
 */
#ifndef SERVER_SERVING_RETENTION_H
#define SERVER_SERVING_RETENTION_H

struct event_base;
struct record_link;
struct retention;

/* An environment variable for the tests: seconds, 1 to 9, instead of the hour before the first
 * sweep and between sweeps. */
#define RETENTION_TEST_SECONDS "UIC_TEST_RETENTION_SECONDS"

/* days is not 0. records is borrowed; detach it first, so that a step under way ends, and free the
 * retention then. Returns NULL when there is no memory. */
struct retention *retention_create(struct event_base *base, struct record_link *records,
                                   unsigned days);
void retention_free(struct retention *retention);

#endif
