/*
 * What time it is at Meta, by the messages that it signed: one for all workers. Our own clock may
 * be wrong, and then it must not decide which messages come too late.
 */
#ifndef SERVER_CHANNELS_META_CLOCK_H
#define SERVER_CHANNELS_META_CLOCK_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct meta_clock {
    pthread_mutex_t mutex; /* guards what follows */
    int64_t newest_s;      /* of all messages; INT64_MIN: none was heard */
    int64_t window_end_ms; /* monotonic */
    int64_t closest_s; /* how far our clock was from a message's time in this window, at least */
    int64_t told_ms;   /* when that was last worth a line, monotonic */
};

void meta_clock_init(struct meta_clock *clock);

/* So old a message may be, and what Meta tells of somebody's new number or user id: it does so for
 * a week while nobody takes it, and a change that is lost leaves her records under a number that is
 * given out again. */
#define META_MESSAGE_AGE_S (24 * 60 * 60)
#define META_MOVE_AGE_S (8 * META_MESSAGE_AGE_S)

/* What is from before this time comes too late: it is older than age_s, by the newest message. */
int64_t meta_clock_oldest_s(struct meta_clock *clock, int64_t age_s);

/*
 * A message of Meta's was sent at sent_s, and by our clock it is now_s, or now_ms on the monotonic
 * one. A time more than a day ahead of our clock is not taken for Meta's newest: one message that
 * is years ahead would make all others old. Returns whether it is worth a line that the clocks
 * differ, then with by how much ours is ahead.
 */
bool meta_clock_hear(struct meta_clock *clock, int64_t sent_s, int64_t now_s, int64_t now_ms,
                     int64_t *ahead_s);

#endif
