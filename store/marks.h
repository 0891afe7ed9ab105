/*
 * Redis's mark: to which salt and flow the Redis belongs, so that an instance with others is let in
 * nowhere, also while the database is away. It is put there by whoever the database has confirmed,
 * and compared in the handshake of each connection (redis_url.mark), and here every few seconds.
 * Whoever found its own mark there, and is confirmed, knows whose this Redis is: another mark from
 * then on was written by mistake or by an attacker, ends nobody, and is written over. An instance
 * that begins, or that the database has not confirmed, cannot tell, and leaves.
 *
 *     marks_write(text, &marks);
 *     struct marks_keeper *keeper = marks_keep(&settings, base, redis, error);   one an instance
 *     marks_leave(keeper);
 */
#ifndef STORE_MARKS_H
#define STORE_MARKS_H

#include "store/base/error.h"
#include <stdatomic.h>
#include <stdbool.h>

struct event_base;
struct record_marks;
struct record_store;
struct redis_link;

#define MARKS_TEXT_MAX 72

/* As it stands in Redis. */
void marks_write(char text[MARKS_TEXT_MAX], const struct record_marks *marks);

/* All borrowed. */
struct marks_settings {
    const char *text;
    const struct record_store *records; /* that the database confirms */
    atomic_bool *is_ours; /* set for good when this Redis is known to be ours (redis_url.is_ours) */
    /* On the link's thread: Redis has another mark, and may be another's; or it is ours, and the
     * mark was written over, told once a minute at most. */
    void (*foreign)(void *arg, const char *why);
    void (*mended)(void *arg);
    void *arg;
};

struct marks_keeper;

/* Returns NULL when memory is out. */
struct marks_keeper *marks_keep(const struct marks_settings *settings, struct event_base *base,
                                struct redis_link *redis);
void marks_leave(struct marks_keeper *keeper);

/* Whether this Redis has this mark. Blocks: for the command line. Returns 0, MARKS_DIFFER with error
 * when it has another, MARKS_ABSENT when it has none, or -1 with error. */
#define MARKS_DIFFER 1
#define MARKS_ABSENT 2
int marks_check(const char *redis_url, unsigned deadline_ms, const char *text,
                char error[ERROR_MAX]);

#endif
