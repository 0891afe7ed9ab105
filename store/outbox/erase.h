/*
 * Erasing a person from the outbox: from the records on their way, and from those that were refused
 * and kept. Blocks: for the command line; servers may run meanwhile.
 */
#ifndef STORE_OUTBOX_ERASE_H
#define STORE_OUTBOX_ERASE_H

#include "store/outbox.h"

struct redis_call;

struct outbox_erasure {
    unsigned char seal_key[OUTBOX_KEY_SIZE];
    const char *phone_number; /* as records hold it; or NULL, then the entries of this */
    const char *code;
    bool delete;  /* the entries go; else they stay without their numbers */
    bool dry_run; /* they are only counted */
    /* Out: */
    size_t found;
    size_t unreadable; /* entries of another salt, or damaged: nobody knows whose */
};

/* Returns 0 or -1 with error; then some may be gone already. */
int outbox_erase(struct outbox_erasure *erasure, struct redis_call *call,
                 char error[STORE_ERROR_MAX]);

#endif
