/*
 * Moves the records of people who have another number or user id, and tells nobody. One step at a
 * time, in the order in which Meta tells: so who changed twice ends where she is, as long as one
 * worker is told of both. What fails has all behind it told again, too, for they may be hers.
 *
 *     delivery ──► waiting: each person, step by step ──► all of the delivery's: 200
 *                                │
 *                                └──► its time has passed, or the records fail: 503
 *
 * What takes too long for an answer goes on without. What is through is known to all instances, by the
 * database (uic_moves): told again, it is not done again. A change that names no user id moves
 * nothing. A worker's, on its thread.
 */
#ifndef SERVER_CHANNELS_META_MOVER_H
#define SERVER_CHANNELS_META_MOVER_H

#include "server/channels/channel.h"
#include "server/channels/meta/message.h"
#include "store/records.h"

struct keyed_hashes;
struct phone_numbers;

/* So many people of all deliveries wait at most, answered or not. A delivery that finds no room is to
 * come again. */
#define MOVER_WAITING_MAX META_MOVES_MAX

struct mover {
    struct record_link *records; /* borrowed, as hashes and numbers are */
    struct keyed_hashes *hashes;
    struct phone_numbers *numbers;
    unsigned deadline_ms; /* for an answer; a step, of five seconds at most, is not broken off */
    /* Its own: */
    STAILQ_HEAD(, mover_delivery) waiting;
    struct mover_delivery *unanswered; /* the first of those that wait; NULL: none */
    size_t waiting_count;              /* of people */
    struct record_move move;           /* of the first that waits: the step under way */
    bool running;
};

void mover_init(struct mover *mover, struct record_link *records, struct keyed_hashes *hashes,
                struct phone_numbers *numbers);

/* Holds the delivery until its people are moved, or for as long as it may wait. Takes
 * the moves, from malloc; none is fine. The mover lives until the records' link is detached, which
 * ends all that waits. */
void mover_begin(struct mover *mover, struct delivery *delivery, struct meta_move *moves,
                 size_t count);

#endif
