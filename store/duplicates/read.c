/* Reading the pairs, row by row. */
#include "store/duplicates.h"
#include "store/records/schema.h"

#include "store/base/clock.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SCHEMA_MS 5000

extern const char *const totals_sql[];

struct duplicates_reader {
    struct sql *sql;
    enum duplicates_filter filter;
    bool began;
};

static const char *const filters[] = {
    [DUPLICATES_OPEN] = " WHERE p.decision IS NULL",
    [DUPLICATES_DECIDED] = " WHERE p.decision IS NOT NULL",
    [DUPLICATES_ALL] = "",
};

static const char pairs_sql[] =
    "SELECT p.number, older.uic_code, coalesce(younger.uic_code, ''), counting.uic_code, p.why,"
    " p.said, p.decision FROM uic_pairs AS p JOIN uic_records AS older ON older.id = p.record"
    " LEFT JOIN uic_records AS younger ON younger.input_hash = p.answers"
    " LEFT JOIN uic_records AS counting ON counting.id = coalesce(older.same_as, older.id)"
    "%s ORDER BY p.number";

struct duplicates_reader *duplicates_open(const char *url, enum duplicates_filter filter,
                                          char error[ERROR_MAX])
{
    struct duplicates_reader *reader = calloc(1, sizeof *reader);

    if (reader == NULL) {
        snprintf(error, ERROR_MAX, "out of memory");
        return NULL;
    }
    reader->filter = filter;
    reader->sql = sql_open(url, SQL_READ, TOOL_CONNECT_MS, NULL, error);
    if (reader->sql == NULL)
        goto failed;
    reader->sql->due_ms = clock_monotonic_ms() + SCHEMA_MS;
    if (schema_check(reader->sql, &schema_migrations[reader->sql->dialect], false) != SQL_DONE) {
        sql_fail(reader->sql, error);
        goto failed;
    }
    reader->sql->due_ms = 0;
    return reader;
failed:
    duplicates_close(reader);
    return NULL;
}

void duplicates_close(struct duplicates_reader *reader)
{
    if (reader == NULL)
        return;
    sql_close(reader->sql);
    free(reader);
}

/* As the totals of all time say, without those of any hour. */
int duplicates_records(struct duplicates_reader *reader, int64_t *records, char error[ERROR_MAX])
{
    struct sql *sql = reader->sql;
    enum sql_result result =
        sql_query(sql, totals_sql[sql->dialect], SQL_VALUES(sql_number(clock_wall_s() + 86400)));

    *records = 0;
    for (; result == SQL_ROW; result = sql_next(sql))
        if (sql_column(sql, 0) == NULL)
            *records = sql_column_number(sql, 1);
    return result == SQL_DONE ? 0 : sql_fail(sql, error);
}

/* One of our words; the last one, what somebody else wrote. */
static const char *word_of(const char *text, const char *const *words)
{
    if (text == NULL)
        return NULL;
    while (words[1] != NULL && strcmp(text, words[0]) != 0)
        words++;
    return words[0];
}

static void code_copy(char code[RECORD_CODE_MAX], const char *text)
{
    snprintf(code, RECORD_CODE_MAX, "%s", text != NULL ? text : "");
}

int duplicates_next(struct duplicates_reader *reader, struct duplicates_pair *pair,
                    char error[ERROR_MAX])
{
    static const char *const whys[] = {"place", "year", "day",  "spelling",
                                       "code",  "said", "hand", NULL};
    static const char *const answers[] = {"same", "different", NULL};
    struct sql *sql = reader->sql;
    char query[sizeof pairs_sql + 64];

    snprintf(query, sizeof query, pairs_sql, filters[reader->filter]);
    const enum sql_result result =
        reader->began ? sql_next(sql) : sql_query(sql, query, SQL_NOTHING);
    reader->began = true;
    if (result != SQL_ROW)
        return result == SQL_DONE ? 0 : sql_fail(sql, error);
    pair->number = sql_column_number(sql, 0);
    code_copy(pair->codes[0], sql_column(sql, 1));
    code_copy(pair->codes[1], sql_column(sql, 2));
    code_copy(pair->counts, sql_column(sql, 3));
    pair->why = word_of(sql_column(sql, 4), whys);
    pair->said = word_of(sql_column(sql, 5), answers);
    pair->decision = word_of(sql_column(sql, 6), answers);
    return 1;
}
