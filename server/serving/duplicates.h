/*
 * New records are compared with all others, so that an administrator finds who may have two codes:
 * once a minute, step by step and at a quiet pace, by one worker of each instance, on its loop.
 */
#ifndef SERVER_SERVING_DUPLICATES_H
#define SERVER_SERVING_DUPLICATES_H

struct event_base;
struct flow;
struct record_link;
struct duplicates;

/* An environment variable for the tests: seconds, 1 to 9, instead of the minute between rounds. */
#define DUPLICATES_TEST_SECONDS "UIC_TEST_DUPLICATES_SECONDS"

/* records is borrowed; detach it first, so that a step under way ends, and free the rest then.
 * Returns NULL when there is no memory. */
struct duplicates *duplicates_create(struct event_base *base, struct record_link *records,
                                     const struct flow *flow);
void duplicates_free(struct duplicates *duplicates);

#endif
