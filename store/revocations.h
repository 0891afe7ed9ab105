/*
 * Revocations: what proves itself, like a pass, and was ended before its time. Only its hash is
 * kept, until it would have run out: in this process, and with Redis there too, where the other
 * instances find it.
 *
 *     struct revocations *revocations = revocations_open();                                  once
 *     struct revocations_link *link = revocations_attach(revocations, redis);        in each thread
 *     revocation_init(&revocation, text, length, end_s);
 *     revocation_add(link, &revocation); ... revocation_find(link, &revocation);
 *     revocations_detach(link); revocations_close(revocations);
 *
 * While Redis is away an instance knows what was ended on itself, and what it found ended before.
 * When Redis is back, and every few seconds, each instance writes what it knows again: also into
 * one that lost its data, or whose clock was set forward.
 *
 * Redis key: "uic:ended:" + 32 hexadecimal digits of SHA-256(text); value "1".
 */
#ifndef STORE_REVOCATIONS_H
#define STORE_REVOCATIONS_H

#include "store/ticket.h"
#include <stddef.h>
#include <stdint.h>

struct redis_link;

/* That one process knows; of more, those that would have run out first are forgotten by it. */
#define REVOCATIONS_MAX 1024
#define REVOCATION_HASH_SIZE 16

struct revocations;
struct revocations_link;

/* Returns NULL when memory is out. */
struct revocations *revocations_open(void);
/* After every link is detached. */
void revocations_close(struct revocations *revocations);

/* redis is the thread's prompt link, borrowed; NULL: for this process alone. Returns NULL when
 * memory is out. */
struct revocations_link *revocations_attach(struct revocations *revocations,
                                            struct redis_link *redis);
/* Tickets under way finish with STORE_DOWN, their `done` called from here. */
void revocations_detach(struct revocations_link *link);

/* One operation; embedded in the caller. */
struct revocation {
    struct store_ticket ticket; /* the caller sets `done` after revocation_init */
    unsigned char hash[REVOCATION_HASH_SIZE];
    int64_t end_s; /* when it runs out by itself */
    /* The store's own: */
    struct revocations *revocations;
};

/* Returns 0, or -1 when the cryptographic library fails. */
int revocation_init(struct revocation *revocation, const char *text, size_t length, int64_t end_s);

/* From the return on this process knows. STORE_OK: so do the others; STORE_LATER; STORE_DOWN,
 * STORE_FULL: they will, when Redis is back before this process ends. */
enum store_status revocation_add(struct revocations_link *link, struct revocation *revocation);
/* STORE_OK: it was ended; STORE_ABSENT: it was not; STORE_LATER; STORE_DOWN, STORE_FULL: this
 * process does not know of it, and Redis cannot be asked. */
enum store_status revocation_find(struct revocations_link *link, struct revocation *revocation);

#endif
