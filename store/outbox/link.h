/*
 * Private to the outbox: its link, on one thread, with what goes in (put, then kept by so many
 * replicas of Redis, lest a failover loses it) and what goes out to the database (the drain).
 */
#ifndef STORE_OUTBOX_LINK_H
#define STORE_OUTBOX_LINK_H

#include "store/outbox.h"
#include "store/outbox/claim.h"
#include "store/outbox/emptiness.h"
#include "store/redis/replicas.h"

#define OUTBOX_CONSUMER_BYTES 16

struct outbox_pace {
    unsigned look_ms;                /* between two looks, when nothing is to be done */
    unsigned dead_ms;                /* entries pending for so long are taken from their consumer */
    unsigned forget_ms;              /* an idle consumer without entries is deleted */
    unsigned pause_ms, pause_max_ms; /* after a failed write: the first and the longest */
};

struct outbox_link {
    struct outbox_settings settings;
    struct outbox_watch watch;
    struct record_link *records;
    struct seal *seal;
    struct keyed_hash *erased;
    struct redis_lane puts;
    struct redis_replicas replicas; /* entries that were put and are not safe yet wait there */
    /* The drain's: */
    struct redis_lane looks;
    struct outbox_pace pace;
    struct event *timer;
    struct outbox_batch *batch;
    char group[OUTBOX_GROUP_MAX];
    char consumer[2 * OUTBOX_CONSUMER_BYTES + 1];
    uint64_t length;
    uint64_t foreign; /* entries that are left to others */
    bool records_up;
    unsigned failures; /* batches in a row */
    int64_t resume_at; /* after a failure, nothing is taken before */
    int64_t forget_at;
    struct emptiness empty;
    char told[ERROR_MAX]; /* why the stream cannot be read */
};

/* Returns 0, or -1 when memory or randomness is out. */
int outbox_drain_start(struct outbox_link *link, struct event_base *base);
/* The stream is looked at now; or after a rest. */
void outbox_drain_look(struct outbox_link *link);
void outbox_drain_rest(struct outbox_link *link);
/* Claims under way end by themselves and stay in the stream. */
void outbox_drain_stop(struct outbox_link *link);
/* A put found so many entries: beyond the alarm for the first time, the stream is looked at now. */
void outbox_drain_notice(struct outbox_link *link, uint64_t length);

/* For tests: another pace, from now on. */
void outbox_set_pace(struct outbox_link *link, const struct outbox_pace *pace);

#endif
