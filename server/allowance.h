/*
 * How much one address may do: messages in a minute, finished codes in a day. Tables for the whole
 * process, of a fixed size, in which whoever did most is kept; several instances count each for
 * itself. All functions may be called from any thread.
 */
#ifndef SERVER_ALLOWANCE_H
#define SERVER_ALLOWANCE_H

#include <stdbool.h>
#include <stdint.h>

struct allowance_limits {
    unsigned messages_per_minute; /* 0: any number */
    unsigned codes_per_day;       /* 0: any number */
};

struct allowance;

/* Returns NULL when out of memory. */
struct allowance *allowance_create(const struct allowance_limits *limits);
void allowance_free(struct allowance *allowance);

enum allowance_verdict { ALLOWANCE_LEFT, ALLOWANCE_MESSAGES_SPENT, ALLOWANCE_CODES_SPENT };

/* Counts a message of somebody (a keyed hash of the address) and says whether it may be handled.
 * *first: whether it is the first one that may not, so that it can be told once. */
enum allowance_verdict allowance_message(struct allowance *allowance, uint64_t who, int64_t now_s,
                                         bool *first);
/* Counts a code that somebody was told. */
void allowance_code(struct allowance *allowance, uint64_t who, int64_t now_s);

#endif
