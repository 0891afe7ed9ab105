/*
 * Moves the records of people who have another number or user id, and tells nobody. One step at a
 * time, in the order in which Meta tells: so who changed twice ends where she is.
 *
 *     delivery ──► waiting: each person's own records ──► rest: what others remember of who asked
 *                            │ all of the delivery's
 *                            ▼
 *                  200; or 503 when its time has passed, or the records fail
 *
 * What takes too long for an answer goes on without: it is known as done when Meta tells it again. What
 * is through is known to all instances, by the database (uic_moves).
 * The rest is known in memory alone: a process that ends leaves it undone, and a person is told a
 * code as new. A change that names no user id moves nothing. A worker's, on its thread.
 */
#ifndef SERVER_CHANNELS_META_MOVER_H
#define SERVER_CHANNELS_META_MOVER_H

#include "server/channels/channel.h"
#include "server/channels/meta/message.h"
#include "store/records.h"

struct keyed_hashes;
struct phone_numbers;

/* So many people of all deliveries wait at most, answered or not, and of as many others the rest. A
 * delivery that finds no room is to come again. */
#define MOVER_WAITING_MAX META_MOVES_MAX
#define MOVER_REST_MAX META_MOVES_MAX

struct mover {
    struct record_link *records; /* borrowed, as hashes and numbers are */
    struct keyed_hashes *hashes;
    struct phone_numbers *numbers;
    unsigned deadline_ms; /* for an answer; a step, of five seconds at most, is not broken off */
    /* Its own: */
    STAILQ_HEAD(, mover_delivery) waiting;
    STAILQ_HEAD(, mover_rest) rest;
    struct mover_delivery *unanswered; /* the first of those that wait; NULL: none */
    size_t waiting_count, rest_count;  /* of people */
    struct record_move move;           /* the step under way */
    bool running, is_own;              /* a step, and of the first that waits; else of the rest */
};

void mover_init(struct mover *mover, struct record_link *records, struct keyed_hashes *hashes,
                struct phone_numbers *numbers);

/* Holds the delivery until its people's own records are moved, or for as long as it may wait. Takes
 * the moves, from malloc; none is fine. The mover lives until the records' link is detached, which
 * ends all that waits. */
void mover_begin(struct mover *mover, struct delivery *delivery, struct meta_move *moves,
                 size_t count);

#endif
