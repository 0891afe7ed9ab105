/* In the words of both databases. */
#include "store/record_tools/erased_list.h"

#include "store/base/hex.h"
#include "store/record_tools/select.h"
#include "store/records/schema.h"

#include <stdlib.h>
#include <string.h>

/* The five newest messages of a record. */
#define EVENTS_MAX (5 * RECORD_EVENT_ID_MAX + 1)

/* Its answers and the messages that it knows, a space between two. */
static const char *const record_sql[] = {
    [SQL_SQLITE] = "SELECT input_hash, coalesce(last_event_id, '') || previous_event_ids"
                   " FROM uic_records WHERE id = $1",
    [SQL_POSTGRES] = "SELECT encode(input_hash, 'hex'),"
                     " array_to_string(last_event_id || previous_event_ids, ' ')"
                     " FROM uic_records WHERE id = $1",
};
/* $1 an input hash, $2 a code. */
static const char others_sql[] =
    "SELECT count(*) FROM uic_records WHERE input_hash = $1 AND uic_code <> $2";
/* $1 who, in hexadecimal digits, $2 a time. */
static const char *const write_sql[] = {
    [SQL_SQLITE] = "INSERT INTO uic_erased (who, at) VALUES ($1, $2)"
                   " ON CONFLICT (who) DO UPDATE SET at = max(at, excluded.at)",
    [SQL_POSTGRES] =
        "INSERT INTO uic_erased AS e (who, at) VALUES (decode($1, 'hex'), ($2 || '+00')::timestamptz)"
        " ON CONFLICT (who) DO UPDATE SET at = greatest(e.at, excluded.at)",
};
static const char *const read_sql[] = {
    [SQL_SQLITE] = "SELECT who, at FROM uic_erased ORDER BY who",
    [SQL_POSTGRES] =
        "SELECT encode(who, 'hex'), to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
        " FROM uic_erased ORDER BY who",
};

/* Writing */

static enum sql_result row_write(struct sql *sql, struct keyed_hash *keyed,
                                 const struct record_erasure *erasure, enum erased_subject subject,
                                 const char *hash)
{
    unsigned char who[RECORD_ERASED_SIZE];
    char text[ERASED_WHO_TEXT_MAX], at[RECORD_TIME_MAX];

    if (erased_who(keyed, subject, erasure->delete, hash, who) != 0)
        return sql_explain(sql, SQL_FAILED, "the cryptographic library fails");
    hex_write(who, sizeof who, text);
    record_time_format(erasure->erased_us, at);
    return sql_run(sql, write_sql[sql->dialect], SQL_VALUES(sql_text(text), sql_text(at)), NULL);
}

/* The messages that asked for a record, for whoever copied one out of the outbox. */
static enum sql_result events_write(struct sql *sql, struct keyed_hash *keyed,
                                    const struct record_erasure *erasure, const char *answers,
                                    char *events)
{
    enum sql_result result = SQL_DONE;
    char event[ERASED_EVENT_MAX], *rest = events;

    for (const char *id; result == SQL_DONE && (id = strsep(&rest, " ")) != NULL;)
        if (id[0] != '\0' && erased_event(answers, id, event) == 0)
            result = row_write(sql, keyed, erasure, ERASED_EVENT, event);
    return result;
}

/* Of a person's record its messages, too; of a code whoever asked is forgotten. */
static enum sql_result record_write(struct sql *sql, struct keyed_hash *keyed,
                                    const struct record_erasure *erasure, int64_t id)
{
    const bool is_hers = erasure->person != NULL;
    char answers[2 * RECORD_HASH_SIZE + 1] = "", events[EVENTS_MAX] = "";
    enum sql_result result = sql_query(sql, record_sql[sql->dialect], SQL_VALUES(sql_number(id)));

    /* What is longer is not ours. */
    if (result == SQL_ROW && sql_column_length(sql, 0) < sizeof answers)
        strcpy(answers, sql_column(sql, 0));
    if (result == SQL_ROW && sql_column(sql, 1) != NULL &&
        sql_column_length(sql, 1) < sizeof events)
        strcpy(events, sql_column(sql, 1));
    while (result == SQL_ROW)
        result = sql_next(sql);
    if (result == SQL_DONE && answers[0] != '\0')
        result = row_write(sql, keyed, erasure, is_hers ? ERASED_RECORD : ERASED_CODE, answers);
    return result == SQL_DONE && is_hers ? events_write(sql, keyed, erasure, answers, events)
                                         : result;
}

/* Of a code that was on its way, unless its answers have another by now: that one stays. */
static enum sql_result answers_write(struct sql *sql, struct keyed_hash *keyed,
                                     const struct record_erasure *erasure)
{
    char answers[2 * RECORD_HASH_SIZE + 1], room[SCHEMA_HASH_MAX];
    int64_t others = 0;
    const enum sql_result result =
        sql_run(sql, others_sql,
                SQL_VALUES(schema_hash(sql, erasure->answers, RECORD_HASH_SIZE, room),
                           sql_text(erasure->code)),
                &others);

    hex_write(erasure->answers, RECORD_HASH_SIZE, answers);
    return result == SQL_DONE && others == 0 ? row_write(sql, keyed, erasure, ERASED_CODE, answers)
                                             : result;
}

/* Of all that goes: a backup may have it under a number or user id that she had before. */
static enum sql_result records_write(struct sql *sql, struct keyed_hash *keyed,
                                     const struct record_erasure *erasure)
{
    struct record_ids ids = {0};
    enum sql_result result = record_ids_add_erased(&ids, sql, erasure);

    for (size_t i = 0; i < ids.count && result == SQL_DONE; i++)
        result = record_write(sql, keyed, erasure, ids.ids[i]);
    record_ids_free(&ids);
    return result == SQL_DONE && erasure->answers != NULL ? answers_write(sql, keyed, erasure)
                                                          : result;
}

/* Of her numbers only the one that was given: what comes back under another may be its next owner's.
 */
static enum sql_result names_write(struct sql *sql, struct keyed_hash *keyed,
                                   const struct record_erasure *erasure)
{
    const struct record_identifiers *person = erasure->person;
    const unsigned char *hash;
    char asker[RECORD_ASKER_TEXT_MAX], user_id[2 * RECORD_PERSON_HASH_SIZE + 1];
    enum sql_result result =
        row_write(sql, keyed, erasure, ERASED_NUMBER, record_asker_write(person, 0, asker));

    for (size_t i = 0; i < person->hash_count && result == SQL_DONE; i++)
        result = row_write(sql, keyed, erasure, ERASED_ASKER, record_asker_write(person, i, asker));
    for (size_t i = 0; result == SQL_DONE && (hash = record_identifiers_user_id(person, i)) != NULL;
         i++) {
        hex_write(hash, RECORD_PERSON_HASH_SIZE, user_id);
        result = row_write(sql, keyed, erasure, ERASED_USER, user_id);
    }
    return result;
}

enum sql_result erased_list_write(struct sql *sql, const struct record_erasure *erasure)
{
    struct keyed_hash *keyed = keyed_hash_create(erasure->erased_key);
    enum sql_result result = SQL_DONE;

    if (keyed == NULL)
        result = sql_explain(sql, SQL_FAILED, "the cryptographic library fails");
    else if (sql->dialect == SQL_POSTGRES)
        result = sql_run(sql, "LOCK TABLE uic_erased IN EXCLUSIVE MODE", SQL_NOTHING, NULL);
    if (result == SQL_DONE)
        result = records_write(sql, keyed, erasure);
    if (result == SQL_DONE && erasure->person != NULL)
        result = names_write(sql, keyed, erasure);
    keyed_hash_free(keyed);
    return result;
}

/* Reading */

struct row {
    unsigned char who[RECORD_ERASED_SIZE];
    int64_t at_us;
};

struct erased_list {
    struct keyed_hash *keyed;
    struct row *rows; /* in the order of who */
    size_t count, capacity;
};

struct erased_list *erased_list_create(const unsigned char *erased_key)
{
    struct erased_list *list = calloc(1, sizeof *list);

    if (list != NULL && (list->keyed = keyed_hash_create(erased_key)) != NULL)
        return list;
    erased_list_free(list);
    return NULL;
}

void erased_list_free(struct erased_list *list)
{
    if (list == NULL)
        return;
    keyed_hash_free(list->keyed);
    free(list->rows);
    free(list);
}

static int who_read(const char *hex, unsigned char who[RECORD_ERASED_SIZE])
{
    if (hex == NULL || strlen(hex) != 2 * RECORD_ERASED_SIZE)
        return -1;
    return hex_read(hex, who, RECORD_ERASED_SIZE);
}

static enum sql_result row_read(struct erased_list *list, struct sql *sql)
{
    struct row one;

    if (who_read(sql_column(sql, 0), one.who) != 0 || sql_column(sql, 1) == NULL ||
        record_time_parse(sql_column(sql, 1), &one.at_us) != 0)
        return sql_explain(sql, SQL_FAILED, "uic_erased holds a row that is not ours");
    if (list->count == list->capacity) {
        const size_t capacity = 2 * list->capacity + 64;
        struct row *more = reallocarray(list->rows, capacity, sizeof *more);
        if (more == NULL)
            return sql_explain(sql, SQL_FAILED, "out of memory");
        list->rows = more;
        list->capacity = capacity;
    }
    list->rows[list->count++] = one;
    return SQL_DONE;
}

enum sql_result erased_list_read(struct erased_list *list, struct sql *sql)
{
    enum sql_result result = sql_query(sql, read_sql[sql->dialect], SQL_NOTHING);

    while (result == SQL_ROW) {
        result = row_read(list, sql);
        if (result == SQL_DONE)
            result = sql_next(sql);
    }
    return result;
}

bool erased_list_is_empty(const struct erased_list *list)
{
    return list->count == 0;
}

static int row_compare(const void *who, const void *row)
{
    return memcmp(who, ((const struct row *)row)->who, RECORD_ERASED_SIZE);
}

/* Whether it was erased, deleted or not, when it had been made at that time. */
static bool is_listed(const struct erased_list *list, enum erased_subject subject, bool deletes,
                      const char *hash, int64_t made_us)
{
    unsigned char who[RECORD_ERASED_SIZE];

    if (list->count == 0 || erased_who(list->keyed, subject, deletes, hash, who) != 0)
        return false;
    const struct row *row = bsearch(who, list->rows, list->count, sizeof *list->rows, row_compare);
    return row != NULL && made_us <= row->at_us;
}

enum remedy erased_list_remedy(const struct erased_list *list, enum erased_subject subject,
                               const char *hash, int64_t made_us)
{
    return hash[0] == '\0'                                  ? REMEDY_NONE
           : is_listed(list, subject, true, hash, made_us)  ? REMEDY_DELETE
           : is_listed(list, subject, false, hash, made_us) ? REMEDY_BLANK
                                                            : REMEDY_NONE;
}
