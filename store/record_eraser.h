/*
 * Removing what stands for a person, with a line in uic_audit about it that does not say for whom.
 * Blocks: for the command line; a server may run meanwhile.
 */
#ifndef STORE_RECORD_ERASER_H
#define STORE_RECORD_ERASER_H

#include "store/records.h"

/* Which records, by one of the three, and what becomes of them. */
struct record_erasure {
    const char *phone_number; /* as records hold it; with the key of who asked (store/records.h) */
    const unsigned char *asker_key;
    const char *code;
    int64_t before_us;  /* not asked for since; only with neither of the others, always deletes */
    bool delete;        /* the records go; else they stay without the number */
    const char *author; /* for the audit */
    int64_t now_us;
    int64_t elsewhere; /* entries that were erased outside the database; for the audit */
};

/* What it is about. */
struct record_erased {
    int64_t records;
    int64_t asked; /* records of others that remember that the number asked for them */
    int64_t notes; /* records of others whose notes mention the number */
};

struct record_eraser;

/* Opens a prepared database. Returns NULL with error. */
struct record_eraser *record_eraser_open(const char *url, char error[STORE_ERROR_MAX]);
void record_eraser_close(struct record_eraser *eraser);

/* Returns 0 or -1 with error. */
int record_eraser_count(struct record_eraser *eraser, const struct record_erasure *erasure,
                        struct record_erased *found, char error[STORE_ERROR_MAX]);

/* Erases, in one transaction, or when it is about old records, in many small ones. Returns 0 with
 * the number of records, or -1 with error. */
int record_eraser_erase(struct record_eraser *eraser, const struct record_erasure *erasure,
                        int64_t *records, char error[STORE_ERROR_MAX]);

/* Sweeps may believe a clock up to now_us. Returns 0 or -1. */
int record_eraser_trust(struct record_eraser *eraser, int64_t now_us, char error[STORE_ERROR_MAX]);

#endif
