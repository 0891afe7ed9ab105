/*
 * All records, one after the other, oldest first: ours, or those of the Python version, which are
 * only ever read. Blocks: for the command line.
 *
 *     struct record_reader *reader = record_reader_open(url, RECORD_READ_OLD, error);
 *     record_reader_begin(reader, INT64_MIN, error);
 *     while ((found = record_reader_next(reader, &row, error)) > 0) ...
 *     record_reader_close(reader);
 */
#ifndef STORE_RECORD_READER_H
#define STORE_RECORD_READER_H

#include "store/records.h"

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
                                         char error[STORE_ERROR_MAX]);
void record_reader_close(struct record_reader *reader);

enum record_form record_reader_form(const struct record_reader *reader);
/* How many records there are. Returns 0 or -1 with error. */
int record_reader_count(struct record_reader *reader, int64_t *count, char error[STORE_ERROR_MAX]);

/* Begins with the first record; only those created at since_us or later, INT64_MIN: all. What
 * others write from now on is not seen. Returns 0 or -1. */
int record_reader_begin(struct record_reader *reader, int64_t since_us,
                        char error[STORE_ERROR_MAX]);
/* The next row, whose texts live until the next call. Returns 1; 0 after the last; -1 with error.
 */
int record_reader_next(struct record_reader *reader, struct record_row *row,
                       char error[STORE_ERROR_MAX]);

/* "2026-01-31 23:59:59.000001", with or without fraction, "T", "Z" or "+00". Returns 0 or -1. */
int record_time_parse(const char *text, int64_t *unix_us);
/* The same with six digits and nothing behind them. */
#define RECORD_TIME_MAX 48
void record_time_format(int64_t unix_us, char text[RECORD_TIME_MAX]);

#endif
