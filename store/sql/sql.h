/*
 * One connection to the database of records, SQLite or PostgreSQL: statements that block, each with
 * a deadline.
 *
 *     struct sql *sql = sql_open(url, SQL_WRITE, 5000, error);
 *     sql_run(sql, "DELETE FROM t WHERE id = $1", SQL_VALUES(sql_number(4)), &removed);
 *     got = sql_query(sql, "SELECT a, b FROM t WHERE c = $1", SQL_VALUES(sql_text("x")));
 *     for (; got == SQL_ROW; got = sql_next(sql)) ... sql_column(sql, 0), sql_column_number(sql, 1)
 *     if (got != SQL_DONE) ... sql->error
 *     sql_close(sql);
 *
 * One thread's at a time. Parameters are $1, $2 ... in both dialects, in any order; a statement
 * need not have all that are given. Transactions are statements: BEGIN, COMMIT, ROLLBACK.
 */
#ifndef STORE_SQL_SQL_H
#define STORE_SQL_SQL_H

#include "store/ticket.h"
#include <stddef.h>
#include <stdint.h>

enum sql_dialect { SQL_SQLITE, SQL_POSTGRES };

enum sql_access {
    SQL_READ,   /* nothing can be written, and all is read in one transaction, in UTC; rows come one
                   by one, however many there are */
    SQL_WRITE,  /* the database is there */
    SQL_CREATE, /* SQLite: makes an empty file when there is none; else as SQL_WRITE */
};

/* What became of a call. After a failure, error says why; a transaction wants its ROLLBACK. */
enum sql_result {
    SQL_ROW = 1,      /* here is the next row */
    SQL_DONE = 0,     /* there is none (any more); all went well */
    SQL_DOWN = -1,    /* not to be reached, lost, no answer in time; disk or file. Whether the
                         statement was carried out is not known. To be closed */
    SQL_AGAIN = -2,   /* others were in the way: the same may go well now */
    SQL_UNIQUE = -3,  /* somebody has that value: see constraint */
    SQL_REFUSED = -4, /* another constraint, a value, a row that others lock: not the statement */
    SQL_FAILED = -5,  /* the statement, or what the server lets us do */
};

#define SQL_KEPT_MAX 12

struct sql {
    const struct sql_driver *driver;
    enum sql_dialect dialect;
    char name[128];  /* the file, or "PostgreSQL at HOST:PORT/DATABASE" */
    bool pooled;     /* PostgreSQL: no server process is ours for longer than a transaction */
    int64_t due_ms;  /* monotonic: until then answers may take, of SQLite locks. 0: PostgreSQL as
                        long as it takes, SQLite three seconds each. To be changed at will */
    int socket;      /* readable when the other end says something unasked: see sql_hear; or -1 */
    int64_t changed; /* rows, by the last statement that ended */
    char error[ERROR_MAX]; /* of the last failure: one line, without secrets or values */
    char constraint[64];   /* its name, as "uic_records_uic_code_key"; "" where not told */
    char state[6];         /* its SQLSTATE, as "42P01"; "" on SQLite */
    const char *kept[SQL_KEPT_MAX];
    int kept_count;
};

struct sql_value {
    enum { SQL_NULL, SQL_TEXT, SQL_NUMBER, SQL_BYTES } type;
    int64_t number;
    const char *bytes; /* outlives the statement */
    size_t length;
};

static inline struct sql_value sql_number(int64_t number)
{
    return (struct sql_value){.type = SQL_NUMBER, .number = number};
}

/* Bytes with a NUL behind them; NULL: none. */
struct sql_value sql_text(const char *text);

/* SQLite: a blob. PostgreSQL: a value of any type in its binary form, as bytea and its arrays. */
static inline struct sql_value sql_bytes(const void *bytes, size_t length)
{
    return (struct sql_value){.type = SQL_BYTES, .bytes = bytes, .length = length};
}

/* For the last arguments but one of sql_query and sql_run. */
#define SQL_VALUES(...)                      \
    (const struct sql_value[]){__VA_ARGS__}, \
        (int)(sizeof((const struct sql_value[]){__VA_ARGS__}) / sizeof(struct sql_value))
#define SQL_NOTHING NULL, 0

/* A macro's number in the text of a statement. */
#define SQL_NUMERAL(number) SQL_NUMERAL_TEXT(number)
#define SQL_NUMERAL_TEXT(number) #number

/* Which of the two a URL is of, and whether it can be one: nothing is opened. Returns the dialect,
 * or -1 with error, which quotes nothing of the URL. */
int sql_url_dialect(const char *url, char error[ERROR_MAX]);
/* The file of a sqlite:/// URL, points into it; NULL with error. ":memory:" is one. */
const char *sql_url_path(const char *url, char error[ERROR_MAX]);

/* Returns NULL with error after connect_ms at the latest, also when a name server or a network is
 * silent. away may be NULL: whether no server is there just now, or one that starts or stops; not
 * one that refuses us. */
struct sql *sql_open(const char *url, enum sql_access access, int connect_ms, bool *away,
                     char error[ERROR_MAX]);
/* NULL is fine. What was begun and not committed is undone. */
void sql_close(struct sql *sql);

/* From now on this text, of at most one statement, is prepared once; it outlives the
 * connection. */
enum sql_result sql_keep(struct sql *sql, const char *statement);

/* Begins a statement, and goes to its first row; one under way ends. Without values it may be
 * several, separated by ';'. Returns SQL_ROW, SQL_DONE, or a failure. */
enum sql_result sql_query(struct sql *sql, const char *statement, const struct sql_value *values,
                          int count);
/* Goes to the next row. Returns the same. */
enum sql_result sql_next(struct sql *sql);
/* From begin to end. number (may be NULL): the first column of its first row; without rows, how
 * many it has changed. Returns SQL_DONE or a failure. */
enum sql_result sql_run(struct sql *sql, const char *statement, const struct sql_value *values,
                        int count, int64_t *number);

/* Ends a transaction: commits it after SQL_DONE; after a failure, or when that fails, it is undone,
 * and what the failure has told stays. Returns the result, or what became of the commit. */
enum sql_result sql_end(struct sql *sql, enum sql_result result);

/* Of the row, until the next call that may change it: as text, NULL for NULL; */
const char *sql_column(const struct sql *sql, int column);
size_t sql_column_length(const struct sql *sql, int column);
/* as a number; INT64_MIN for NULL. */
int64_t sql_column_number(const struct sql *sql, int column);
/* The name of a column of the statement, once sql_next was called; NULL beyond the last. */
const char *sql_column_name(const struct sql *sql, int column);

/* Hears what the other end said. Returns SQL_DONE, or SQL_DOWN when the connection has ended. */
enum sql_result sql_hear(struct sql *sql);

/* Writes into sql->error, as "PostgreSQL at HOST:PORT/DATABASE: why" or "FILE: why". Returns
 * result. */
enum sql_result sql_explain(struct sql *sql, enum sql_result result, const char *why, ...)
    __attribute__((format(printf, 3, 4)));
/* For callers that fail with it: copies sql->error. Returns -1. */
int sql_fail(const struct sql *sql, char error[ERROR_MAX]);
/* For callers that end with it: closes. Returns 0 after SQL_DONE, else -1 with error. */
int sql_finish(struct sql *sql, enum sql_result result, char error[ERROR_MAX]);
#endif
