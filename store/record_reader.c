/*
 * The front of reading: which form a table has, what to ask for, and what a row's cells mean. Both
 * databases understand the same SELECT, and show times, numbers and booleans in much the same way.
 */
#include "store/record_reader.h"
#include "store/record_backend.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum column { ID, CODE, PHONE, CREATED, LAST_REQUESTED, IS_ACTIVE, NOTES, COUNT, ANSWERS };
_Static_assert(ANSWERS + RECORD_ANSWERS <= RECORD_CELLS_MAX, "all columns are read");

static const char common_columns[] = "id, uic_code, phone_number, created_at, last_requested_at,"
                                     " is_active, notes, request_count";

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
    const struct record_reader_backend *backend;
    struct record_query *query;
    enum record_form form;
};

/* "sqlite+aiosqlite:///x" -> "sqlite:///x". To be freed; NULL when there is no memory. */
static char *without_driver(const char *url)
{
    char *copy = strdup(url);
    char *end = copy ? strstr(copy, "://") : NULL;
    char *plus = end ? memchr(copy, '+', (size_t)(end - copy)) : NULL;

    if (plus)
        memmove(plus, end, strlen(end) + 1);
    return copy;
}

static bool has_column(const struct record_reader *reader, const char *name)
{
    const char *column;

    for (int i = 0; (column = reader->backend->column(reader->query, i)); i++)
        if (strcmp(column, name) == 0)
            return true;
    return false;
}

/* Finds the form by the columns that the table has. */
static int form_find(struct record_reader *reader, enum record_source source,
                     char error[STORE_ERROR_MAX])
{
    if (reader->backend->run(reader->query, "SELECT * FROM uic_records LIMIT 0", error) != 0)
        return -1;
    for (int form = 0; form < FORM_COUNT; form++) {
        if ((form == RECORD_FORM_OURS) == (source == RECORD_READ_OURS) &&
            has_column(reader, forms[form].mark)) {
            reader->form = (enum record_form)form;
            return 0;
        }
    }
    snprintf(error, STORE_ERROR_MAX,
             source == RECORD_READ_OURS
                 ? "the table uic_records is not this program's"
                 : "the table uic_records is in neither form of the Python version: it has neither"
                   " normalized_health_zone nor normalized_last_name_code");
    return -1;
}

struct record_reader *record_reader_open(const char *url, enum record_source source,
                                         char error[STORE_ERROR_MAX])
{
    struct record_reader *reader = calloc(1, sizeof *reader);
    char *plain = without_driver(url);
    const struct record_backend *backend = NULL;

    if (!reader || !plain) {
        snprintf(error, STORE_ERROR_MAX, "out of memory");
        goto failed;
    }
    backend = record_backend_find(plain, error);
    if (!backend)
        goto failed;
    reader->backend = backend->reader;
    reader->query = reader->backend->open(plain, error);
    if (!reader->query || form_find(reader, source, error) != 0)
        goto failed;
    free(plain);
    return reader;

failed:
    free(plain);
    record_reader_close(reader);
    return NULL;
}

void record_reader_close(struct record_reader *reader)
{
    if (!reader)
        return;
    if (reader->query)
        reader->backend->close(reader->query);
    free(reader);
}

enum record_form record_reader_form(const struct record_reader *reader)
{
    return reader->form;
}

int record_reader_count(struct record_reader *reader, int64_t *count, char error[STORE_ERROR_MAX])
{
    struct record_cell cells[RECORD_CELLS_MAX];

    if (reader->backend->run(reader->query, "SELECT count(*) FROM uic_records", error) != 0 ||
        reader->backend->next(reader->query, cells, error) != 1)
        return -1;
    *count = strtoll(cells[0].text, NULL, 10);
    return 0;
}

int record_reader_begin(struct record_reader *reader, int64_t since_us, char error[STORE_ERROR_MAX])
{
    char since[RECORD_TIME_MAX], condition[RECORD_TIME_MAX + 64] = "", sql[1024];

    if (since_us != INT64_MIN) {
        record_time_format(since_us, since);
        snprintf(condition, sizeof condition, " WHERE created_at >= '%s'", since);
    }
    snprintf(sql, sizeof sql, "SELECT %s%s FROM uic_records%s ORDER BY id", common_columns,
             forms[reader->form].answers, condition);
    return reader->backend->run(reader->query, sql, error);
}

/* Exactly count digits at *text; moves behind them. Returns the number or -1. */
static int digits_take(const char **text, int count)
{
    int number = 0;

    for (; count > 0; count--, ++*text) {
        if (**text < '0' || **text > '9')
            return -1;
        number = number * 10 + (**text - '0');
    }
    return number;
}

static bool separator_take(const char **text, const char *allowed)
{
    if (**text == '\0' || !strchr(allowed, **text))
        return false;
    ++*text;
    return true;
}

/* ".5" is 500000. */
static int64_t fraction_take(const char **text)
{
    int64_t fraction = 0;
    int digits = 0;

    if (**text != '.')
        return 0;
    for (++*text; **text >= '0' && **text <= '9'; ++*text, digits++)
        if (digits < 6)
            fraction = fraction * 10 + (**text - '0');
    for (; digits < 6; digits++)
        fraction *= 10;
    return fraction;
}

int record_time_parse(const char *text, int64_t *unix_us)
{
    struct tm tm = {0}, copy;

    tm.tm_year = digits_take(&text, 4) - 1900;
    bool good = separator_take(&text, "-");
    tm.tm_mon = digits_take(&text, 2) - 1;
    good = good && separator_take(&text, "-");
    tm.tm_mday = digits_take(&text, 2);
    if (good && *text != '\0') {
        good = separator_take(&text, " T");
        tm.tm_hour = digits_take(&text, 2);
        good = good && separator_take(&text, ":");
        tm.tm_min = digits_take(&text, 2);
        good = good && separator_take(&text, ":");
        tm.tm_sec = digits_take(&text, 2);
    }
    int64_t fraction = good ? fraction_take(&text) : 0;
    if (!good || (*text != '\0' && strcmp(text, "Z") != 0 && strcmp(text, "+00") != 0 &&
                  strcmp(text, "+00:00") != 0))
        return -1;
    copy = tm;
    time_t seconds = timegm(&copy); /* which moves a 30th of February into March */
    if (copy.tm_year != tm.tm_year || copy.tm_mon != tm.tm_mon || copy.tm_mday != tm.tm_mday ||
        copy.tm_hour != tm.tm_hour || copy.tm_min != tm.tm_min || copy.tm_sec != tm.tm_sec)
        return -1;
    *unix_us = (int64_t)seconds * 1000000 + fraction;
    return 0;
}

void record_time_format(int64_t unix_us, char text[RECORD_TIME_MAX])
{
    int64_t fraction = unix_us % 1000000;
    time_t seconds;
    struct tm tm = {0};

    if (fraction < 0)
        fraction += 1000000;
    seconds = (time_t)((unix_us - fraction) / 1000000);
    gmtime_r(&seconds, &tm);
    size_t length = strftime(text, RECORD_TIME_MAX - 8, "%Y-%m-%d %H:%M:%S", &tm);
    snprintf(text + length, RECORD_TIME_MAX - length, ".%06d", (int)fraction);
}

static bool boolean_parse(const struct record_cell *cell, bool *value)
{
    static const char *const words[][2] = {{"0", "1"}, {"f", "t"}, {"false", "true"}};

    *value = true;
    if (!cell->text)
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
    long long count = cell->text ? strtoll(cell->text, NULL, 10) : 1;

    return count < 1 ? 1 : count > INT32_MAX ? INT32_MAX : (int32_t)count;
}

static bool text_copy(char *to, size_t capacity, const struct record_cell *cell)
{
    if (!cell->text || cell->length >= capacity)
        return false;
    memcpy(to, cell->text, cell->length + 1);
    return true;
}

static const char *row_parse(struct record_row *row, const struct record_cell *cells, int count)
{
    for (int i = 0; i < count; i++)
        if (cells[i].text && strlen(cells[i].text) != cells[i].length)
            return "a text has a NUL inside";
    if (!text_copy(row->code, sizeof row->code, &cells[CODE]))
        return "the code is missing or too long";
    if (!text_copy(row->phone_number, sizeof row->phone_number, &cells[PHONE]))
        return "the phone number is missing or too long";
    if (!cells[CREATED].text || record_time_parse(cells[CREATED].text, &row->created_us) != 0)
        return "created_at is not a time";
    row->last_requested_us = row->created_us;
    if (cells[LAST_REQUESTED].text &&
        record_time_parse(cells[LAST_REQUESTED].text, &row->last_requested_us) != 0)
        return "last_requested_at is not a time";
    if (!boolean_parse(&cells[IS_ACTIVE], &row->is_active))
        return "is_active is neither true nor false";
    if (cells[NOTES].text && cells[NOTES].length > RECORD_NOTES_MAX)
        return "the notes are too long";
    row->notes = cells[NOTES].text;
    row->request_count = count_parse(&cells[COUNT]);
    for (int i = 0; i < count - ANSWERS; i++)
        row->answers[i] = cells[ANSWERS + i];
    return NULL;
}

int record_reader_next(struct record_reader *reader, struct record_row *row,
                       char error[STORE_ERROR_MAX])
{
    struct record_cell cells[RECORD_CELLS_MAX];
    int count = reader->form == RECORD_FORM_OURS ? ANSWERS : ANSWERS + RECORD_ANSWERS;
    int found = reader->backend->next(reader->query, cells, error);

    if (found <= 0)
        return found;
    memset(row, 0, sizeof *row);
    row->id = cells[ID].text ? strtoll(cells[ID].text, NULL, 10) : 0;
    row->why = row_parse(row, cells, count);
    return 1;
}
