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
 *
 *     struct record_phones *phones = record_phones_open(url, false, error);
 *     do record_phones_step(phones, convert, arg, &done, error); while (done.more);
 *     record_phones_close(phones);
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

struct record_identifiers;

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
    const char *notes;   /* or NULL */
    const char *user_id; /* ours: its keyed hash in hexadecimal digits; or NULL */
    const char *counts;  /* ours: the code that counts in this one's place; or NULL: its own */
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
/* The same with a person's records, as they stand when each is read. */
int record_reader_begin_of(struct record_reader *reader, const struct record_identifiers *person,
                           char error[ERROR_MAX]);
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

/* A person's number as records hold it, or what stands in its place, her user id. */
struct record_number {
    char clear[RECORD_PHONE_MAX], sealed[RECORD_PHONE_MAX];
    unsigned char hash[RECORD_PERSON_HASH_SIZE];
    /* Records of it without a user id are hers up to this id, or when they were made before this day;
     * -1: none. */
    int64_t up_to;
    char since[sizeof "2026-01-01"];
    bool is_shared; /* another user id came with it, before or after: nothing else there is hers */
};

/* Fills in what the number says that stands in a record, in clear or sealed. Returns 0, or -1: it
 * says nothing. */
typedef int record_number_read(void *arg, const char *kept, struct record_number *number);

/* All by which a person is known, of whom one number or user id is given: what records, and
 * uic_links beside them, say that came together. */
#define RECORD_IDENTIFIERS_MAX 64
struct record_identifiers {
    /* The given one first, with all that stands under it; then those that came with her user ids,
     * hers alone or first. */
    struct record_number numbers[RECORD_IDENTIFIERS_MAX];
    size_t number_count;
    /* The one that came last first. */
    struct {
        unsigned char hash[RECORD_PERSON_HASH_SIZE];
        int64_t records;                 /* with a given number */
        char since[sizeof "2026-01-01"]; /* the day of the first of them */
    } user_ids[RECORD_IDENTIFIERS_MAX];
    size_t user_id_count;
    /* Under which she wrote before these. */
    unsigned char former_ids[RECORD_IDENTIFIERS_MAX][RECORD_PERSON_HASH_SIZE];
    size_t former_id_count;
    /* Of all these but shared ones, and of numbers that stand nowhere. */
    unsigned char hashes[4 * RECORD_IDENTIFIERS_MAX][RECORD_PERSON_HASH_SIZE];
    size_t hash_count;
    bool too_many; /* there are more than RECORD_IDENTIFIERS_MAX of a kind */
};

/* given: in clear. Blocks; may look at all records. Returns 0, or -1 with error. */
int record_identifiers_find(const char *url, const char *given, record_number_read *read, void *arg,
                            struct record_identifiers *identifiers, char error[ERROR_MAX]);

/* Her user ids, and behind them those that she had before; NULL behind the last. */
const unsigned char *record_identifiers_user_id(const struct record_identifiers *identifiers,
                                                size_t i);

/* Whether it is one of all these. */
bool record_identifiers_have(const struct record_identifiers *identifiers,
                             const unsigned char hash[RECORD_PERSON_HASH_SIZE]);

/* What an erasure is about. */
struct record_erased {
    int64_t records;
    int64_t asked; /* records of others that remember that the person asked for them */
    int64_t notes; /* records of others whose notes mention a number of hers */
    int64_t names; /* rows beside the records that know her */
};

/* Which records, by one of the three, and what becomes of them. */
struct record_erasure {
    const struct record_identifiers *person;
    const char *code;
    const unsigned char *answers; /* the code's input hash, when it was on its way; or NULL */
    /* For the list of whom is erased, person or code: its key; until when what was made is of
     * before. */
    const unsigned char *erased_key;
    int64_t erased_us;
    int64_t before_us;  /* not asked for since; only with neither of the others, always deletes */
    bool delete;        /* the records go; else they stay without the number */
    const char *author; /* for the audit */
    int64_t now_us;
    int64_t elsewhere;            /* entries that were erased outside the database; for the audit */
    bool trusts;                  /* sweeps may believe a clock up to now_us from then on */
    struct record_erased counted; /* of a person: fewer by now, and nothing is erased */
};

/* Both of a prepared database. Returns 0 or -1 with error. */
int record_erase_count(const char *url, const struct record_erasure *erasure,
                       struct record_erased *found, char error[ERROR_MAX]);

/* Erases, in one transaction, or when it is about old records, in many small ones. Returns 0; -1 with
 * error; or RECORD_MEANWHILE with error when the person has changed her number or user id since she was
 * looked for, and nothing was erased; with the number of records in any case. */
#define RECORD_MEANWHILE 1
int record_erase(const char *url, const struct record_erasure *erasure, int64_t *records,
                 char error[ERROR_MAX]);

/* Digits that a number must have to be looked for in notes: fewer are found in many dates. */
#define RECORD_NOTED_DIGITS_MIN 8

/* How a number is to stand. Returns 0, or -1: it stays as it is. */
typedef int record_phone_convert(void *arg, const char *kept, char wanted[RECORD_PHONE_MAX]);

/* What an older backup brought back of those whom uic_erased names: the records that were made
 * before are erased again, as they were then. A record that was made in the minute of an erasure is
 * kept, for times have no seconds. */
struct record_again {
    const unsigned char *asker_key, *erased_key;
    record_phone_convert *phone_open; /* a number as it stands: in clear */
    void *arg;
    const char *author; /* for the audit */
    int64_t now_us;
    bool dry_run; /* they are only counted */
};

/* Returns 0, or -1 with error; with the number of records that had to be changed in any case. */
int record_erase_again(const char *url, const struct record_again *request, int64_t *records,
                       char error[ERROR_MAX]);

/* Numbers from clear to sealed, or back: what is sealed begins with siv: (see
 * server/security/phone_numbers.h). In small transactions, each with all records of its numbers;
 * may end anywhere, and is begun again where it ended. The totals stay those of as many numbers. */

struct record_phones;

/* Of a prepared database, those that stand sealed, or in clear. Returns NULL with error. */
struct record_phones *record_phones_open(const char *url, bool sealed, char error[ERROR_MAX]);
void record_phones_close(struct record_phones *phones);

/* What a step has done. */
struct record_phones_done {
    int64_t seen, left; /* numbers; of which so many stay as they are */
    bool more;          /* there may be others */
};

/* Returns 0, committed, or -1 with error. */
int record_phones_step(struct record_phones *phones, record_phone_convert *convert, void *arg,
                       struct record_phones_done *done, char error[ERROR_MAX]);

/* How many numbers stand sealed, or in clear. Returns 0 or -1 with error. */
int record_phones_count(const char *url, bool sealed, int64_t *count, char error[ERROR_MAX]);

/* The whole survey at once, of records that nobody asked for in age_us before the earlier of now_us
 * and the database's clock. Changes nothing. Returns 0, or -1 with error. */
int record_survey(const char *url, int64_t now_us, int64_t age_us, struct record_survey *survey,
                  char error[ERROR_MAX]);

/* When the last backup was made, and the first record; INT64_MIN: none. Returns 0, or -1 with error. */
int record_last_backup(const char *url, int64_t *backup_us, int64_t *first_us,
                       char error[ERROR_MAX]);

/* Whether the database has a clock of its own, which SQLite has not, and what it says. Returns 1, 0, or -1
 * with error. */
int record_clock(const char *url, int64_t *now_us, char error[ERROR_MAX]);

#endif
