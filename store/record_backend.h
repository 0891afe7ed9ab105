/*
 * Between record.c and its backends: what a backend fills in. Its own store and link begin with
 * these structs; the functions mean what store/records.h says of their namesakes.
 */
#ifndef STORE_RECORD_BACKEND_H
#define STORE_RECORD_BACKEND_H

#include "store/record_eraser.h"
#include "store/record_importer.h"
#include "store/record_reader.h"
#include "store/records.h"
#include "store/thread_link.h"

/* Cells of a row that is read, at most. */
#define RECORD_CELLS_MAX 16

struct record_query;

/* One SELECT after the other on a connection that only reads, all seeing the same state of the
 * tables. Blocks. */
struct record_reader_backend {
    struct record_query *(*open)(const char *url, char error[STORE_ERROR_MAX]);
    void (*close)(struct record_query *query);
    int (*run)(struct record_query *query, const char *sql, char error[STORE_ERROR_MAX]);
    /* The name of a column of what was run, NULL beyond the last. */
    const char *(*column)(const struct record_query *query, int column);
    /* Cells that live until the next call. Returns 1, 0 after the last row, or -1. */
    int (*next)(struct record_query *query, struct record_cell cells[RECORD_CELLS_MAX],
                char error[STORE_ERROR_MAX]);
};

/* As store/record_importer.h; its importer begins with the struct below. */
struct record_importer_backend {
    struct record_importer *(*open)(const char *url, bool dry_run, char error[STORE_ERROR_MAX]);
    void (*close)(struct record_importer *importer);
    int (*put)(struct record_importer *importer, const struct record_row *rows, size_t count,
               enum record_import *results, size_t *taken, char error[STORE_ERROR_MAX]);
};

struct record_importer {
    const struct record_importer_backend *backend;
};

/* Statements that change our tables, with their parameters as texts. Blocks. */
struct record_eraser_backend {
    struct record_eraser *(*open)(const char *url, char error[STORE_ERROR_MAX]);
    /* What was removed is gone from the file too, as far as the database can see to that. */
    void (*close)(struct record_eraser *eraser);
    /* *number is the rows changed, or what a SELECT finds. */
    int (*run)(struct record_eraser *eraser, const char *sql, const char *const *values, int count,
               int64_t *number, char error[STORE_ERROR_MAX]);
    /* Records under other numbers than $2 that remember that $1 asked, in hexadecimal digits; and
     * what makes all records forget it. */
    const char *asked_count_sql;
    const char *asked_forget_sql;
};

struct record_eraser {
    const struct record_eraser_backend *backend;
};

struct record_backend {
    const char *scheme; /* how its URLs begin */
    bool has_clock;     /* of its own, on another machine perhaps */
    int (*prepare)(const char *url, char report[STORE_ERROR_MAX], char error[STORE_ERROR_MAX]);
    int (*probe)(const char *url, char error[STORE_ERROR_MAX]);
    int (*mark)(const char *url, const char *name, const char *value, bool remember,
                char error[STORE_ERROR_MAX]);
    struct record_store *(*open)(const char *url, char error[STORE_ERROR_MAX]);
    void (*close)(struct record_store *store);
    struct record_link *(*attach)(struct record_store *store, struct event_base *base,
                                  const struct store_watch *watch, char error[STORE_ERROR_MAX]);
    void (*detach)(struct record_link *link);
    enum store_status (*claim)(struct record_link *link, struct record_claim *claim);
    enum store_status (*sweep)(struct record_link *link, struct record_sweep *sweep);
    enum store_status (*totals)(struct record_link *link, struct record_totals *totals);
    const struct record_reader_backend *reader;
    const struct record_importer_backend *importer;
    const struct record_eraser_backend *eraser;
};

struct record_store {
    const struct record_backend *backend;
    unsigned char asker_key[RECORD_ASKER_KEY_SIZE];
};

struct record_link {
    const struct record_backend *backend;
    struct thread_link thread; /* the way back from the thread that writes */
    struct record_commit_watch commits;
    struct record_asker *asker;
};

/* After each transaction, by the thread that made it. */
static inline void record_link_committed(const struct record_link *link, size_t claims,
                                         int64_t took_us)
{
    if (link->commits.committed)
        link->commits.committed(link->commits.arg, claims, took_us);
}

/* For a backend: the sums of an hour, if it is one that was asked for. */
void record_totals_put(struct record_totals *totals, int64_t hour_s,
                       const struct record_sums *sums);

/* For a backend: the mark that a backup left; NULL: there is none. */
#define RECORD_BACKUP_SQL "SELECT value FROM uic_marks WHERE name = 'last_backup'"
void record_totals_backup(struct record_totals *totals, const char *when);

/* In uic_marks: how far sweeps have believed a clock, microseconds since 1970. */
#define RECORD_TRUSTED_MARK "retention_clock"
/* What the mark goes on by at most, at each sweep. */
#define RECORD_TRUST_STEP 86400000000
/* It follows a clock back no further: one that is slower than that is wrong. */
#define RECORD_TRUST_BACK 2592000000000

extern const struct record_backend record_sqlite;
extern const struct record_backend record_postgres;
extern const struct record_reader_backend sqlite_reader;
extern const struct record_reader_backend postgres_reader;
extern const struct record_importer_backend sqlite_importer;
extern const struct record_importer_backend postgres_importer;
extern const struct record_eraser_backend sqlite_eraser;
extern const struct record_eraser_backend postgres_eraser;

/* The backend of the URL's scheme. Returns NULL with error. */
const struct record_backend *record_backend_find(const char *url, char error[STORE_ERROR_MAX]);

#endif
