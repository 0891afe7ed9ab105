/*
 * The tables in a database: numbered migrations, each applied once. Blocks: for the command line
 * and the start. What fails is told in sql->error.
 */
#ifndef STORE_RECORDS_SCHEMA_H
#define STORE_RECORDS_SCHEMA_H

#include "store/sql/sql.h"

/* Migration n brings the tables from version n - 1 to n; the list begins with n = 1. */
struct schema_migrations {
    const char *const *statements;
    int count;
};
/* Ours, by dialect. */
extern const struct schema_migrations schema_migrations[2];

/* Applies what is missing, in one transaction, and says so in report. Safe when two do it at once.
 * Returns SQL_DONE, or a failure, also when the tables are not ours or of a later program. */
enum sql_result schema_migrate(struct sql *sql, const struct schema_migrations *migrations,
                               char report[ERROR_MAX]);

/* Whether the tables are ours and of the last version; changes nothing. A server, which wants to
 * write, goes on when another instance has brought PostgreSQL's tables further. */
enum sql_result schema_check(struct sql *sql, const struct schema_migrations *migrations,
                             bool serves);

/* Opens a prepared database, to write. Returns NULL with error. */
struct sql *schema_open(const char *url, int connect_ms, char error[ERROR_MAX]);

/* A keyed hash, or its beginning, as a parameter that the tables compare with: bytes in PostgreSQL, in
 * SQLite hexadecimal digits, which are written into the room. NULL is NULL. */
#define SCHEMA_HASH_MAX (2 * 32 + 1)
struct sql_value schema_hash(const struct sql *sql, const unsigned char *hash, size_t size,
                             char room[SCHEMA_HASH_MAX]);
/* The same of what was read, or is known, as hexadecimal digits; of others, NULL. */
struct sql_value schema_digits(const struct sql *sql, const char *digits,
                               char room[SCHEMA_HASH_MAX]);

/* In uic_links the user id of somebody who was erased or moved away. */
struct sql_value schema_nobody(const struct sql *sql, char room[SCHEMA_HASH_MAX]);
bool schema_is_nobody(const unsigned char *user_id);
/* Of two such at one number the first stays: ends an INSERT. */
#define SCHEMA_NOBODY_FIRST                                                                       \
    " ON CONFLICT (number, user_id) DO UPDATE SET since = excluded.since, up_to = excluded.up_to" \
    " WHERE (excluded.since, excluded.up_to < 0, excluded.up_to)"                                 \
    " < (uic_links.since, uic_links.up_to < 0, uic_links.up_to)"

/* What the command line's tools wait for a connection at most. */
#define TOOL_CONNECT_MS 10000

#endif
