/* One question at a time; all that wait are due TOTALS_MS after they were asked. A connection that
 * is lost takes them all with it. */
#include "store/postgres/postgres_totals.h"
#include "store/base/clock.h"
#include "store/postgres/postgres_connection.h"
#include "store/postgres/postgres_schema.h"
#include "store/record_backend.h"

#include <endian.h>
#include <event2/event.h>
#include <stdlib.h>

#define TOTALS_MS 1500

enum { INT8 = 20 };

/* The first column is NULL in the row over all time; the last one is for the backup, in its own. */
static const char totals_sql[] =
    "SELECT CASE WHEN hour > '-infinity' THEN extract(epoch FROM hour)::bigint END,"
    " sum(new_codes), sum(new_phones), sum(requests), NULL FROM uic_totals_shards"
    " WHERE hour = '-infinity' OR hour >= to_timestamp($1) GROUP BY hour"
    " UNION ALL SELECT 0, NULL, NULL, NULL, (" RECORD_BACKUP_SQL ")";
enum column { COLUMN_HOUR, COLUMN_CODES, COLUMN_PHONES, COLUMN_REQUESTS, COLUMN_BACKUP };

static const Oid parameter_types[] = {INT8};

static const struct postgres_statement totals_statement = {
    .name = "uic_totals",
    .sql = totals_sql,
    .types = parameter_types,
    .parameter_count = 1,
};

struct postgres_totals {
    struct postgres_connection *connection;
    struct event *timer;
    struct record_totals *first; /* the one that is asked, when the connection is not free */
    struct record_totals *last;
    bool asked;
};

static void first_finish(struct postgres_totals *reader, enum store_status status)
{
    struct record_totals *totals = reader->first;

    reader->first = totals->next;
    totals->ticket.status = status;
    totals->ticket.done(&totals->ticket);
}

static void ask(struct postgres_totals *reader)
{
    const uint64_t since = htobe64((uint64_t)reader->first->since_s);
    const char *value = (const char *)&since;
    const struct postgres_parameters parameters = {&value, &(int){sizeof since}, &(int){1}};

    reader->asked = true;
    postgres_connection_send(reader->connection, &parameters);
}

static void drive(struct postgres_totals *reader)
{
    if (reader->first == NULL)
        return;
    if (reader->first->due_ms <= clock_monotonic_ms()) {
        if (reader->asked)
            postgres_connection_fail(reader->connection, "no answer in time");
        else
            first_finish(reader, STORE_DOWN);
    } else if (!reader->asked && postgres_connection_free(reader->connection)) {
        ask(reader);
    }
    if (reader->first != NULL) {
        int64_t left = reader->first->due_ms - clock_monotonic_ms();
        left = left > 0 ? left : 0;
        event_add(reader->timer, &(struct timeval){left / 1000, left % 1000 * 1000});
    }
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    drive(arg);
}

static void on_connected(void *arg)
{
    drive(arg);
}

static void on_lost(void *arg)
{
    struct postgres_totals *reader = arg;

    reader->asked = false;
    while (reader->first != NULL)
        first_finish(reader, STORE_DOWN);
}

static int64_t cell_number(const PGresult *result, int row, enum column column)
{
    return strtoll(PQgetvalue(result, row, column), NULL, 10);
}

static void on_answered(void *arg, const PGresult *result)
{
    struct postgres_totals *reader = arg;
    bool good = PQresultStatus(result) == PGRES_TUPLES_OK;

    reader->asked = false;
    for (int row = 0; row < PQntuples(result); row++) {
        const struct record_sums sums = {cell_number(result, row, COLUMN_CODES),
                                         cell_number(result, row, COLUMN_PHONES),
                                         cell_number(result, row, COLUMN_REQUESTS)};
        if (!PQgetisnull(result, row, COLUMN_BACKUP))
            record_totals_backup(reader->first, PQgetvalue(result, row, COLUMN_BACKUP));
        else if (PQgetisnull(result, row, COLUMN_HOUR))
            reader->first->all = sums;
        else
            record_totals_put(reader->first, cell_number(result, row, COLUMN_HOUR), &sums);
    }
    first_finish(reader, good ? STORE_OK : STORE_DOWN);
    drive(reader);
}

struct postgres_totals *postgres_totals_open(struct event_base *base,
                                             const struct postgres_url *url)
{
    struct postgres_totals *reader = calloc(1, sizeof *reader);
    const struct postgres_connection_settings settings = {
        .url = url,
        .statement = &totals_statement,
        .schema_version = postgres_record_migrations.count,
        .deadline_ms = TOTALS_MS,
        .connected = on_connected,
        .answered = on_answered,
        .lost = on_lost,
        .arg = reader,
    };
    char error[STORE_ERROR_MAX];

    if (!reader)
        return NULL;
    reader->timer = evtimer_new(base, on_timer, reader);
    reader->connection = reader->timer ? postgres_connection_open(base, &settings, error) : NULL;
    if (reader->connection)
        return reader;
    postgres_totals_close(reader);
    return NULL;
}

void postgres_totals_close(struct postgres_totals *reader)
{
    if (!reader)
        return;
    on_lost(reader);
    postgres_connection_close(reader->connection);
    if (reader->timer)
        event_free(reader->timer);
    free(reader);
}

enum store_status postgres_totals_read(struct postgres_totals *reader, struct record_totals *totals)
{
    if (postgres_connection_down(reader->connection))
        return STORE_DOWN;
    totals->due_ms = clock_monotonic_ms() + TOTALS_MS;
    if (reader->first == NULL)
        reader->first = totals;
    else
        reader->last->next = totals;
    reader->last = totals;
    /* Not asked from here: it may fail. */
    event_active(reader->timer, EV_TIMEOUT, 0);
    return STORE_LATER;
}
