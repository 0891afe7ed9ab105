/*
 * Tries to log in, slowed: a wrong one is answered late, each time later, and while its answer is
 * due its address gets no other try, right or wrong. One table for the whole process, of a fixed
 * size. Any thread.
 */
#ifndef SERVER_TRIES_H
#define SERVER_TRIES_H

#include "server/http/peers.h"
#include <stdbool.h>
#include <stdint.h>

/* Addresses that can wait for their answer at once; when so many do, nobody else gets a try. */
#define TRIES_WAITING_MAX 256
/* For the first wrong try; the next ones wait twice as long each, up to the longest. */
#define TRIES_FIRST_MS 1000
#define TRIES_LONGEST_MS 8000
/* After so long without a wrong try an address begins anew. */
#define TRIES_FORGET_MS (15 * 60 * 1000)

struct tries;

/* Returns NULL when out of memory. */
struct tries *tries_create(void);
void tries_free(struct tries *tries);

enum tries_verdict {
    TRY_RIGHT,
    TRY_WRONG,   /* the answer is due after *wait_ms */
    TRY_REFUSED, /* too early, whether it was right is not to be told */
};

/* A try of somebody: right says whether the token was. */
enum tries_verdict tries_judge(struct tries *tries, const struct peer *who, bool right,
                               int64_t now_ms, unsigned *wait_ms);

#endif
