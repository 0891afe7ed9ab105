/* What else than messages came from Meta, into log and counts: never a word of whom it is about. */
#ifndef SERVER_CHANNELS_META_TELL_H
#define SERVER_CHANNELS_META_TELL_H

#include "server/channels/meta/message.h"

struct counters_link;

/* One a worker, zeroed but for counters. */
struct meta_teller {
    struct counters_link *counters; /* counts what became of replies; borrowed */
    int64_t next_about_us_ms;       /* when the log may be told of our account again */
};

/* Counts what was no message, and says so once a request. */
void meta_tell_ignored(const struct meta_ignored *ignored);
/* What became of replies: counted, and told when it is an error. */
void meta_tell_report(struct meta_teller *teller, const struct meta_report *report);

#endif
