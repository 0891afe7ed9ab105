/*
 * Everywhere that a person's number can be, beside the record database: sessions, the outbox,
 * replies that wait. Blocks: for the command line.
 */
#ifndef SERVER_COMMANDS_ERASING_H
#define SERVER_COMMANDS_ERASING_H

#include "server/serving/setup.h"
#include "store/record_tools.h"
#include "store/ticket.h"
#include <stdbool.h>
#include <stdint.h>

struct erasing {
    const struct setup *setup;
    const struct record_identifiers *person; /* or NULL, then what is on its way of this code */
    const char *code;
    bool delete;  /* what is on its way to the database goes too; else only its number */
    bool dry_run; /* it is only counted */
    /* Out: */
    int64_t sessions; /* forgotten */
    int64_t marks;  /* of expired sessions; counted with dry_run only, they go with the sessions */
    int64_t outbox; /* records on their way */
    bool has_answers; /* of one of these: */
    unsigned char answers[RECORD_HASH_SIZE];
    int64_t replies; /* through Meta, not sent yet; they go */
    int64_t unreadable;
};

/* Returns 0, also when there is no Redis; or -1 with error. */
int erasing_run(struct erasing *erasing, char error[ERROR_MAX]);

#endif
