/*
 * How much one address may do: messages in a minute, finished codes in a day; and how often in a
 * day it is asked whether it is the same person. Tables for the whole process, of a fixed size, in
 * which whoever did most is kept; several instances count each for itself. All functions may be
 * called from any thread.
 */
#ifndef SERVER_EXCHANGE_QUOTA_H
#define SERVER_EXCHANGE_QUOTA_H

#include <stdbool.h>
#include <stdint.h>

struct quota_limits {
    unsigned messages_per_minute; /* 0: any number */
    unsigned codes_per_day;       /* 0: any number */
    unsigned questions_per_day;   /* 0: any number */
};

struct quota;

/* Returns NULL when out of memory. */
struct quota *quota_create(const struct quota_limits *limits);
void quota_free(struct quota *quota);

enum quota_verdict { QUOTA_LEFT, QUOTA_MESSAGES_SPENT, QUOTA_CODES_SPENT };

/* Counts a message of somebody (a keyed hash of the address) and says whether it may be handled.
 * *first: whether it is the first one that may not, so that it can be told once. */
enum quota_verdict quota_message(struct quota *quota, uint64_t who, int64_t now_s, bool *first);
/* Counts a code that somebody was told. */
void quota_code(struct quota *quota, uint64_t who, int64_t now_s);
/* Whether somebody may be asked once more whether it is the same person; and counts that. */
bool quota_question_is_left(struct quota *quota, uint64_t who, int64_t now_s);
void quota_question(struct quota *quota, uint64_t who, int64_t now_s);

#endif
