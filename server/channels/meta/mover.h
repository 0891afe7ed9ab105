/*
 * Moves the records of people who have another number or user id, step by step, and tells nobody. A
 * request that brought such a change is answered when the person's own records are moved; what others
 * remember of who asked follows. A change that names no user id moves nothing. A worker's, on its thread.
 */
#ifndef SERVER_CHANNELS_META_MOVER_H
#define SERVER_CHANNELS_META_MOVER_H

#include "server/channels/channel.h"
#include "server/channels/meta/person.h"

struct keyed_hashes;
struct phone_numbers;
struct record_link;

struct mover {
    struct record_link *records; /* borrowed, as hashes are */
    struct keyed_hashes *hashes;
    struct phone_numbers *numbers;
    unsigned running;
};

/* So many people at once; who comes more is to come again, as when the records are away. */
#define MOVER_MAX 32
/* Holds the delivery until then. The records' link lives until what runs has ended. */
void mover_begin(struct mover *mover, struct delivery *delivery, const struct meta_move *move);

#endif
