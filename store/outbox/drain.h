/*
 * Private to the outbox: the look at its stream about each second and, where that is wanted, the
 * writing of its entries to the database.
 */
#ifndef STORE_OUTBOX_DRAIN_H
#define STORE_OUTBOX_DRAIN_H

#include "store/outbox.h"

struct redis_link;
struct seal;

/* Everything but the watch is borrowed. */
struct outbox_drain_settings {
    struct event_base *base;
    struct redis_link *redis;
    struct seal *seal;
    struct record_link *records;
    struct outbox_watch watch;
    uint64_t kept_max; /* refused entries that are kept; the oldest give way */
    bool drain;        /* false: only look */
};

struct outbox_pace {
    unsigned look_ms;                /* between two looks, when nothing is to be done */
    unsigned dead_ms;                /* entries pending for so long are taken from their consumer */
    unsigned forget_ms;              /* an idle consumer without entries is deleted */
    unsigned pause_ms, pause_max_ms; /* after a failed write: the first and the longest */
};

struct outbox_drain;

/* Returns NULL when memory or randomness is out. */
struct outbox_drain *outbox_drain_start(const struct outbox_drain_settings *settings);
/* Claims under way end by themselves and stay in the stream. */
void outbox_drain_stop(struct outbox_drain *drain);
/* A put found so many entries: beyond alarm for the first time, the stream is looked at now. */
void outbox_drain_notice(struct outbox_drain *drain, uint64_t length, uint64_t alarm);

/* For tests: another pace, from now on. */
void outbox_set_pace(struct outbox_link *link, const struct outbox_pace *pace);
void outbox_drain_set_pace(struct outbox_drain *drain, const struct outbox_pace *pace);

#endif
