/* What a sweep would take, read in one look by the command line. */
#include "store/record_backend.h"
#include "store/record_reader.h"
#include "store/records.h"
#include <stdio.h>
#include <stdlib.h>

/* UTC in both databases, to the second at least. */
static const char clock_sql[] = "SELECT CURRENT_TIMESTAMP, (SELECT value FROM uic_marks"
                                " WHERE name = '" RECORD_TRUSTED_MARK "')";

struct reading {
    const struct record_reader_backend *backend;
    struct record_query *query;
    struct record_cell cells[RECORD_CELLS_MAX];
};

static int row_read(struct reading *reading, const char *sql, char error[STORE_ERROR_MAX])
{
    return reading->backend->run(reading->query, sql, error) == 0 &&
                   reading->backend->next(reading->query, reading->cells, error) == 1
               ? 0
               : -1;
}

static int time_read(const struct record_cell *cell, int64_t *time_us, char error[STORE_ERROR_MAX])
{
    *time_us = INT64_MIN;
    if (!cell->text || record_time_parse(cell->text, time_us) == 0)
        return 0;
    snprintf(error, STORE_ERROR_MAX, "the database holds a time that is none");
    return -1;
}

static int clock_read(struct reading *reading, struct record_survey *survey,
                      char error[STORE_ERROR_MAX])
{
    const struct record_cell *trusted = &reading->cells[1];
    int64_t clock_us;

    if (row_read(reading, clock_sql, error) != 0 ||
        time_read(&reading->cells[0], &clock_us, error) != 0)
        return -1;
    survey->trusted_us = trusted->text ? strtoll(trusted->text, NULL, 10) : INT64_MIN;
    if (clock_us < survey->now_us)
        survey->now_us = clock_us;
    return 0;
}

static int records_read(struct reading *reading, int64_t age_us, struct record_survey *survey,
                        char error[STORE_ERROR_MAX])
{
    char before[RECORD_TIME_MAX], sql[256];

    record_time_format(survey->now_us - age_us, before);
    snprintf(sql, sizeof sql,
             "SELECT count(*), count(*) FILTER (WHERE last_requested_at < '%s'),"
             " max(last_requested_at) FROM uic_records",
             before);
    if (row_read(reading, sql, error) != 0)
        return -1;
    survey->records = strtoll(reading->cells[0].text, NULL, 10);
    survey->due = strtoll(reading->cells[1].text, NULL, 10);
    return time_read(&reading->cells[2], &survey->newest_us, error);
}

int record_survey(const char *url, int64_t now_us, int64_t age_us, struct record_survey *survey,
                  char error[STORE_ERROR_MAX])
{
    const struct record_backend *backend = record_backend_find(url, error);
    struct reading reading = {.backend = backend ? backend->reader : NULL};
    int status = -1;

    *survey = (struct record_survey){.now_us = now_us};
    if (backend)
        reading.query = reading.backend->open(url, error);
    if (reading.query && clock_read(&reading, survey, error) == 0)
        status = records_read(&reading, age_us, survey, error);
    if (reading.query)
        reading.backend->close(reading.query);
    return status;
}

int record_last_backup(const char *url, int64_t *backup_us, int64_t *first_us,
                       char error[STORE_ERROR_MAX])
{
    static const char sql[] = "SELECT (" RECORD_BACKUP_SQL "),"
                              " (SELECT created_at FROM uic_records ORDER BY id LIMIT 1)";
    const struct record_backend *backend = record_backend_find(url, error);
    struct reading reading = {.backend = backend ? backend->reader : NULL};
    int status = -1;

    if (backend)
        reading.query = reading.backend->open(url, error);
    if (reading.query && row_read(&reading, sql, error) == 0 &&
        time_read(&reading.cells[0], backup_us, error) == 0)
        status = time_read(&reading.cells[1], first_us, error);
    if (reading.query)
        reading.backend->close(reading.query);
    return status;
}

int record_clock(const char *url, int64_t *now_us, char error[STORE_ERROR_MAX])
{
    const struct record_backend *backend = record_backend_find(url, error);
    struct record_survey survey = {.now_us = INT64_MAX};
    struct reading reading = {0};
    int status;

    if (!backend || !backend->has_clock)
        return backend ? 0 : -1;
    reading.backend = backend->reader;
    reading.query = reading.backend->open(url, error);
    if (!reading.query)
        return -1;
    status = clock_read(&reading, &survey, error) == 0 ? 1 : -1;
    reading.backend->close(reading.query);
    *now_us = survey.now_us;
    return status;
}
