/*
 * What the command line does with all records, or some: reading, importing, erasing. Each blocks; a
 * server may run meanwhile.
 *
 *     struct record_reader *reader = record_reader_open(url, RECORD_READ_OLD, error);
 *     record_reader_begin(reader, INT64_MIN, error);
 *     while ((found = record_reader_next(reader, &row, error)) > 0) ...
 *     record_reader_close(reader);
 *
 *     struct record_importer *importer = record_importer_open(url, dry_run, error);
 *     record_importer_put(importer, rows, count, results, &taken, error);     one transaction each
 *     record_importer_close(importer);
 */
#ifndef STORE_RECORD_TOOLS_H
#define STORE_RECORD_TOOLS_H

#include "store/base/record_time.h"
#include "store/records.h"

/* Reading: all records, one after the other, oldest first: ours, or those of the Python version,
 * which are only ever read. */

/* Bytes of notes that a record may have. */
#define RECORD_NOTES_MAX 65536
#define RECORD_ANSWERS 5

enum record_source { RECORD_READ_OURS, RECORD_READ_OLD };

/* Who made the table uic_records. */
enum record_form {
    RECORD_FORM_OURS,
    RECORD_FORM_INITIAL,   /* the Python version's first release: normalized_first_name ... */
    RECORD_FORM_LLLFFFYCG, /* its later ten-character codes: normalized_last_name_code ... */
};

/* A cell as the database shows it in text; NULL: none. */
struct record_cell {
    const char *text;
    size_t length;
};

struct record_row {
    int64_t id;
    const char
        *why; /* the row is no record of ours: what is wrong with it; static. Only id counts */
    char code[RECORD_CODE_MAX];
    char phone_number[RECORD_PHONE_MAX];
    unsigned char input_hash[RECORD_HASH_SIZE]; /* for record_importer; not read */
    int64_t created_us;                         /* microseconds since 1970, UTC */
    int64_t last_requested_us;
    bool is_active;
    int32_t request_count;
    const char *notes;                          /* or NULL */
    struct record_cell answers[RECORD_ANSWERS]; /* of an old form: normalised, in the order asked */
};

struct record_reader;

/* Opens the database and finds out the form. Old URLs may name a driver of Python's
 * (postgresql+asyncpg://). Returns NULL with error. */
struct record_reader *record_reader_open(const char *url, enum record_source source,
                                         char error[ERROR_MAX]);
void record_reader_close(struct record_reader *reader);

enum record_form record_reader_form(const struct record_reader *reader);
/* How many records there are. Returns 0 or -1 with error. */
int record_reader_count(struct record_reader *reader, int64_t *count, char error[ERROR_MAX]);

/* Begins with the first record; only those created at since_us or later, INT64_MIN: all. What
 * others write from now on is not seen. Returns 0 or -1. */
int record_reader_begin(struct record_reader *reader, int64_t since_us, char error[ERROR_MAX]);
/* The next row, whose texts live until the next call. Returns 1; 0 after the last; -1 with
 * error. */
int record_reader_next(struct record_reader *reader, struct record_row *row, char error[ERROR_MAX]);

/* Importing: many records into our tables at once, as they are, each unless it is there already. */

/* Rows in one transaction at most. */
#define RECORD_IMPORT_MAX 5000

enum record_import {
    RECORD_IMPORTED,     /* now, or there already */
    RECORD_ANSWERS_HELD, /* refused: these answers have another code */
    RECORD_CODE_HELD,    /* refused: the code belongs to other answers */
};

struct record_importer;

/* Opens a prepared database. With dry_run nothing is written, but all results are as if it were.
 * Returns NULL with error. */
struct record_importer *record_importer_open(const char *url, bool dry_run, char error[ERROR_MAX]);
void record_importer_close(struct record_importer *importer);

/* Returns 0, committed, with a result for each row and the number of those that were not there
 * before; or -1 with error, and none of them is written. */
int record_importer_put(struct record_importer *importer, const struct record_row *rows,
                        size_t count, enum record_import *results, size_t *taken,
                        char error[ERROR_MAX]);

/* Erasing: removing what stands for a person, with a line in uic_audit about it that does not say
 * for whom. */

/* Which records, by one of the three, and what becomes of them. */
struct record_erasure {
    const char *phone_number; /* as records hold it; with the key of who asked (store/records.h) */
    const unsigned char *asker_key;
    const char *code;
    /* For the list of whom is erased, by number or by code: its key; until when what was made is of
     * before. */
    const unsigned char *erased_key;
    int64_t erased_us;
    int64_t before_us;  /* not asked for since; only with neither of the others, always deletes */
    bool delete;        /* the records go; else they stay without the number */
    const char *author; /* for the audit */
    int64_t now_us;
    int64_t elsewhere; /* entries that were erased outside the database; for the audit */
    bool trusts;       /* sweeps may believe a clock up to now_us from then on */
};

/* What it is about. */
struct record_erased {
    int64_t records;
    int64_t asked; /* records of others that remember that the number asked for them */
    int64_t notes; /* records of others whose notes mention the number */
};

/* Both of a prepared database. Returns 0 or -1 with error. */
int record_erase_count(const char *url, const struct record_erasure *erasure,
                       struct record_erased *found, char error[ERROR_MAX]);

/* Erases, in one transaction, or when it is about old records, in many small ones. Returns 0, or -1
 * with error; with the number of records in any case. */
int record_erase(const char *url, const struct record_erasure *erasure, int64_t *records,
                 char error[ERROR_MAX]);

/* Digits that a number must have to be looked for in notes: fewer are found in many dates. */
#define RECORD_NOTED_DIGITS_MIN 8

/* What an older backup brought back of those whom uic_erased names: the records that were made before
 * are erased again, as they were then. */
struct record_again {
    const unsigned char *asker_key, *erased_key;
    const char *author; /* for the audit */
    int64_t now_us;
    bool dry_run; /* they are only counted */
};

/* Returns 0, or -1 with error; with the number of records that had to be changed in any case. */
int record_erase_again(const char *url, const struct record_again *request, int64_t *records,
                       char error[ERROR_MAX]);

#endif
