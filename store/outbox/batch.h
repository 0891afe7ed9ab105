/*
 * Private to the outbox: entries that were taken, on their way to the records and out of the
 * stream.
 *
 *     outbox_batch_start(link, pairs, count)  ->  outbox_drain_look or outbox_drain_rest, once
 */
#ifndef STORE_OUTBOX_BATCH_H
#define STORE_OUTBOX_BATCH_H

#include "store/outbox/link.h"

struct redisReply;

/* Entries in one batch. */
#define OUTBOX_BATCH_MAX 64

/* pairs: ids and sealed entries. The link has no batch; while one is under way it is link->batch.
 */
void outbox_batch_start(struct outbox_link *link, struct redisReply *const *pairs, size_t count);
/* The link goes: what is claimed ends by itself, and stays in the stream. */
void outbox_batch_leave(struct outbox_link *link);

#endif
