/*
 * Reading all records: which form a table has, what to ask for, and what a row's cells mean. Both
 * databases understand the same SELECT, and show times, numbers and booleans in much the same way.
 */
#include "store/record_tools.h"
#include "store/record_tools/select.h"
#include "store/records/schema.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum column { ID, CODE, PHONE, CREATED, LAST_REQUESTED, IS_ACTIVE, NOTES, COUNT, ANSWERS };
#define CELLS_MAX (ANSWERS + RECORD_ANSWERS)

static const char common_columns[] = "id, uic_code, phone_number, created_at, last_requested_at,"
                                     " is_active, notes, request_count";

/* Of ours alone. */
static const char own_columns[] =
    ", user_id, (SELECT counting.uic_code FROM uic_records AS counting"
    " WHERE counting.id = uic_records.same_as)";

/* The answers in the order in which they were asked. The names of the first release are not what
 * was asked: its questions were others by then. */
static const struct {
    const char *mark;    /* a column that only this form has */
    const char *answers; /* columns */
} forms[] = {
    [RECORD_FORM_OURS] = {"last_event_id", ""},
    [RECORD_FORM_INITIAL] = {"normalized_health_zone",
                             ", normalized_first_name, normalized_last_name, normalized_birth_year,"
                             " normalized_mother_init, normalized_health_zone"},
    [RECORD_FORM_LLLFFFYCG] = {"normalized_last_name_code",
                               ", normalized_last_name_code, normalized_first_name_code,"
                               " normalized_birth_year_digit, normalized_city_code,"
                               " normalized_gender_code"},
};
enum { FORM_COUNT = sizeof forms / sizeof forms[0] };

struct record_reader {
    struct sql *sql;
    enum record_form form;
    bool has_user_id;            /* the tables are not of a release before it, nor before same_as */
    bool is_first;               /* the row is there, */
    enum sql_result found;       /* or not */
    char since[RECORD_TIME_MAX]; /* where reading begins */
    bool is_of;                  /* of these records alone */
    struct record_ids of;
    size_t next;
};

/* "sqlite+aiosqlite:///x" -> "sqlite:///x". To be freed; NULL when there is no memory. */
static char *without_driver(const char *url)
{
    char *copy = strdup(url);
    char *end = copy != NULL ? strstr(copy, "://") : NULL;
    char *plus = end != NULL ? memchr(copy, '+', (size_t)(end - copy)) : NULL;

    if (plus != NULL)
        memmove(plus, end, strlen(end) + 1);
    return copy;
}

static bool has_column(const struct sql *sql, const char *name)
{
    const char *column;

    for (int i = 0; (column = sql_column_name(sql, i)) != NULL; i++)
        if (strcmp(column, name) == 0)
            return true;
    return false;
}

/* Finds the form by the columns that the table has. */
static int form_find(struct record_reader *reader, enum record_source source, char error[ERROR_MAX])
{
    if (sql_run(reader->sql, "SELECT * FROM uic_records LIMIT 0", SQL_NOTHING, NULL) != SQL_DONE)
        return sql_fail(reader->sql, error);
    for (int form = 0; form < FORM_COUNT; form++) {
        if ((form == RECORD_FORM_OURS) == (source == RECORD_READ_OURS) &&
            has_column(reader->sql, forms[form].mark)) {
            reader->form = (enum record_form)form;
            reader->has_user_id = has_column(reader->sql, "user_id");
            return 0;
        }
    }
    snprintf(error, ERROR_MAX,
             source == RECORD_READ_OURS
                 ? "the table uic_records is not this program's"
                 : "the table uic_records is in neither form of the Python version: it has neither"
                   " normalized_health_zone nor normalized_last_name_code");
    return -1;
}

struct record_reader *record_reader_open(const char *url, enum record_source source,
                                         char error[ERROR_MAX])
{
    struct record_reader *reader = calloc(1, sizeof *reader);
    char *plain = without_driver(url);

    if (reader == NULL || plain == NULL)
        snprintf(error, ERROR_MAX, "out of memory");
    else
        reader->sql = sql_open(plain, SQL_READ, TOOL_CONNECT_MS, NULL, error);
    free(plain);
    if (reader != NULL && reader->sql != NULL && form_find(reader, source, error) == 0)
        return reader;
    record_reader_close(reader);
    return NULL;
}

void record_reader_close(struct record_reader *reader)
{
    if (reader == NULL)
        return;
    record_ids_free(&reader->of);
    sql_close(reader->sql);
    free(reader);
}

enum record_form record_reader_form(const struct record_reader *reader)
{
    return reader->form;
}

int record_reader_count(struct record_reader *reader, int64_t *count, char error[ERROR_MAX])
{
    return sql_run(reader->sql, "SELECT count(*) FROM uic_records", SQL_NOTHING, count) == SQL_DONE
               ? 0
               : sql_fail(reader->sql, error);
}

int record_reader_begin(struct record_reader *reader, int64_t since_us, char error[ERROR_MAX])
{
    const bool all = since_us == INT64_MIN;
    char sql[512];

    if (!all)
        record_time_format(since_us, reader->since);
    snprintf(sql, sizeof sql, "SELECT %s%s%s FROM uic_records%s ORDER BY id", common_columns,
             forms[reader->form].answers, reader->has_user_id ? own_columns : "",
             all ? "" : " WHERE created_at >= $1");
    const struct sql_value value = sql_text(reader->since);
    reader->is_first = true;
    reader->found = sql_query(reader->sql, sql, &value, all ? 0 : 1);
    return reader->found >= 0 ? 0 : sql_fail(reader->sql, error);
}

int record_reader_begin_of(struct record_reader *reader, const struct record_identifiers *person,
                           char error[ERROR_MAX])
{
    reader->is_of = true;
    reader->next = 0;
    return record_ids_add_person(&reader->of, reader->sql, person) == SQL_DONE
               ? 0
               : sql_fail(reader->sql, error);
}

/* Of a person, one by one: one that went meanwhile is none. */
static enum sql_result next_of(struct record_reader *reader)
{
    enum sql_result result = SQL_DONE;
    char sql[512];

    snprintf(sql, sizeof sql, "SELECT %s%s FROM uic_records WHERE id = $1", common_columns,
             own_columns);
    while (result == SQL_DONE && reader->next < reader->of.count)
        result =
            sql_query(reader->sql, sql, SQL_VALUES(sql_number(reader->of.ids[reader->next++])));
    return result;
}

static bool boolean_parse(const struct record_cell *cell, bool *value)
{
    static const char *const words[][2] = {{"0", "1"}, {"f", "t"}, {"false", "true"}};

    *value = true;
    if (cell->text == NULL)
        return true;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        *value = strcmp(cell->text, words[i][1]) == 0;
        if (*value || strcmp(cell->text, words[i][0]) == 0)
            return true;
    }
    return false;
}

/* A count that was never written, or by hand, is one request: the one that made the record. */
static int32_t count_parse(const struct record_cell *cell)
{
    long long count = cell->text != NULL ? strtoll(cell->text, NULL, 10) : 1;

    return count < 1 ? 1 : count > INT32_MAX ? INT32_MAX : (int32_t)count;
}

static bool text_copy(char *to, size_t capacity, const struct record_cell *cell)
{
    if (cell->text == NULL || cell->length >= capacity)
        return false;
    memcpy(to, cell->text, cell->length + 1);
    return true;
}

static const char *row_parse(struct record_row *row, const struct record_cell *cells, int count)
{
    for (int i = 0; i < count; i++)
        if (cells[i].text != NULL && strlen(cells[i].text) != cells[i].length)
            return "a text has a NUL inside";
    if (!text_copy(row->code, sizeof row->code, &cells[CODE]))
        return "the code is missing or too long";
    if (!text_copy(row->phone_number, sizeof row->phone_number, &cells[PHONE]))
        return "the phone number is missing or too long";
    if (cells[CREATED].text == NULL ||
        record_time_parse(cells[CREATED].text, &row->created_us) != 0)
        return "created_at is not a time";
    row->last_requested_us = row->created_us;
    if (cells[LAST_REQUESTED].text != NULL &&
        record_time_parse(cells[LAST_REQUESTED].text, &row->last_requested_us) != 0)
        return "last_requested_at is not a time";
    if (!boolean_parse(&cells[IS_ACTIVE], &row->is_active))
        return "is_active is neither true nor false";
    if (cells[NOTES].text != NULL && cells[NOTES].length > RECORD_NOTES_MAX)
        return "the notes are too long";
    row->notes = cells[NOTES].text;
    row->request_count = count_parse(&cells[COUNT]);
    for (int i = 0; i < count - ANSWERS; i++)
        row->answers[i] = cells[ANSWERS + i];
    return NULL;
}

/* PostgreSQL shows bytes with \x in front of their digits. */
static const char *without_mark(const char *digits)
{
    return digits != NULL && digits[0] == '\\' ? digits + 2 : digits;
}

int record_reader_next(struct record_reader *reader, struct record_row *row, char error[ERROR_MAX])
{
    const int count = reader->form == RECORD_FORM_OURS ? ANSWERS : CELLS_MAX;
    struct record_cell cells[CELLS_MAX];

    if (reader->is_of)
        reader->found = next_of(reader);
    else if (!reader->is_first)
        reader->found = sql_next(reader->sql);
    reader->is_first = false;
    if (reader->found != SQL_ROW)
        return reader->found == SQL_DONE ? 0 : sql_fail(reader->sql, error);
    for (int i = 0; i < count; i++)
        cells[i] =
            (struct record_cell){sql_column(reader->sql, i), sql_column_length(reader->sql, i)};
    memset(row, 0, sizeof *row);
    row->id = cells[ID].text != NULL ? strtoll(cells[ID].text, NULL, 10) : 0;
    row->why = row_parse(row, cells, count);
    if (reader->form == RECORD_FORM_OURS && reader->has_user_id)
        row->user_id = without_mark(sql_column(reader->sql, ANSWERS));
    if (reader->form == RECORD_FORM_OURS && reader->has_user_id)
        row->counts = sql_column(reader->sql, ANSWERS + 1);
    return 1;
}
