/*
 * One statement looks at a page of records and, when told so, removes those that are due. Of
 * several instances that sweep at once, one has its turn; the others find nothing.
 */
#include "store/postgres/postgres_sweep.h"
#include "store/postgres/postgres_connection.h"
#include "store/postgres/postgres_schema.h"
#include "store/record_backend.h"

#include <arpa/inet.h>
#include <endian.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS 3000
/* For a step, connecting included. */
#define STEP_MS 10000

enum { BOOL = 16, INT8 = 20, TIMESTAMPTZ = 1184 };

/* PostgreSQL counts microseconds since 2000. */
#define EPOCH_US INT64_C(946684800000000)

#define TEXT_OF(number) #number
#define NUMBER(number) TEXT_OF(number)
#define LOOK NUMBER(RECORD_SWEEP_LOOK)
#define REMOVE NUMBER(RECORD_SWEEP_REMOVE)
#define UNIX_US(time) "(extract(epoch FROM " time ") * 1000000)::bigint"

/* $1 the id to go on behind, $2 our clock, $3 the age in microseconds, $4 whether to remove, $5 the
 * newest record's time so far. */
/* clang-format off */
static const char sweep_sql[] =
    "WITH moment AS MATERIALIZED (SELECT least($2, now()) AS at),"
    " turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(7694692) AS is_ours),"
    " page AS MATERIALIZED (SELECT id, last_requested_at, last_requested_at <"
    "  (SELECT at FROM moment) - $3 * interval '1 microsecond' AS is_due FROM uic_records"
    "  WHERE id > $1 AND CASE WHEN $4 THEN (SELECT is_ours FROM turn) ELSE true END"
    "  ORDER BY id LIMIT " LOOK "),"
    " chosen AS MATERIALIZED (SELECT id FROM page WHERE $4 AND is_due ORDER BY id LIMIT " REMOVE "),"
    " gone AS (DELETE FROM uic_records WHERE id = ANY (ARRAY(SELECT id FROM chosen))"
    "  AND last_requested_at < (SELECT at FROM moment) - $3 * interval '1 microsecond'"
    "  RETURNING id),"
    " noted AS (INSERT INTO uic_audit (at, action, records, author)"
    "  SELECT now(), 'retention', count(*), 'server' FROM gone HAVING count(*) > 0),"
    " trusted AS (INSERT INTO uic_marks AS mark (name, value)"
    "  SELECT '" RECORD_TRUSTED_MARK "', " UNIX_US("least(at, $5)") "::text FROM moment"
    "  WHERE NOT $4 AND $1 > 0 AND NOT EXISTS (SELECT FROM page)"
    "  ON CONFLICT (name) DO UPDATE SET value = (SELECT CASE"
    "   WHEN " UNIX_US("at") " < mark.value::bigint - " NUMBER(RECORD_TRUST_BACK)
    "   THEN mark.value::bigint"
    "   ELSE least(" UNIX_US("at") ", mark.value::bigint + " NUMBER(RECORD_TRUST_STEP) ") END"
    "   FROM moment)::text RETURNING value)"
    " SELECT (SELECT count(*) FROM gone),"
    "  CASE WHEN (SELECT count(*) FROM chosen) = " REMOVE
    "   THEN (SELECT max(id) FROM chosen) ELSE (SELECT max(id) FROM page) END,"
    "  (SELECT count(*) FROM page), (SELECT count(*) FROM page WHERE is_due),"
    "  (SELECT " UNIX_US("max(last_requested_at)") " FROM page),"
    "  (SELECT " UNIX_US("at") " FROM moment), (SELECT value FROM trusted)";
/* clang-format on */

static const Oid types[] = {INT8, TIMESTAMPTZ, INT8, BOOL, TIMESTAMPTZ};
static const struct postgres_statement statement = {"uic_sweep", sweep_sql, types, 5};

struct postgres_sweep {
    struct event_base *base;
    const struct postgres_url *url;
    struct postgres_connection *connection; /* NULL: no sweep goes on */
    struct event *timer;                    /* ends what could not be ended in a callback */
    struct record_sweep *step;              /* under way */
    bool finished;
};

/* Ends the step from the loop: a connection is not closed from its own callbacks. */
static void step_end(struct postgres_sweep *sweeper, enum store_status status)
{
    if (!sweeper->step || sweeper->finished)
        return;
    sweeper->finished = true;
    sweeper->step->ticket.status = status;
    event_active(sweeper->timer, EV_TIMEOUT, 0);
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct postgres_sweep *sweeper = arg;
    struct record_sweep *step = sweeper->step;

    (void)fd;
    (void)what;
    if (!step)
        return;
    if (!sweeper->finished)
        step->ticket.status = STORE_DOWN;
    event_del(sweeper->timer);
    if (step->ticket.status != STORE_OK || !step->more) {
        postgres_connection_close(sweeper->connection);
        sweeper->connection = NULL;
    }
    sweeper->step = NULL;
    step->ticket.done(&step->ticket);
}

static void step_send(struct postgres_sweep *sweeper)
{
    const struct record_sweep *step = sweeper->step;
    const struct record_survey *survey = &step->survey;
    const int64_t newest_us = survey->newest_us > EPOCH_US ? survey->newest_us : EPOCH_US;
    uint64_t id = htobe64((uint64_t)step->after_id), age = htobe64((uint64_t)step->age_us);
    uint64_t now = htobe64((uint64_t)(survey->now_us - EPOCH_US));
    uint64_t newest = htobe64((uint64_t)(newest_us - EPOCH_US));
    const char *values[] = {(const char *)&id, (const char *)&now, (const char *)&age,
                            step->removes ? "\1" : "\0", (const char *)&newest};
    const int lengths[] = {sizeof id, sizeof now, sizeof age, 1, sizeof newest};
    const int formats[] = {1, 1, 1, 1, 1};

    postgres_connection_send(sweeper->connection,
                             &(struct postgres_parameters){values, lengths, formats});
}

static void on_connected(void *arg)
{
    struct postgres_sweep *sweeper = arg;

    if (sweeper->step && !sweeper->finished)
        step_send(sweeper);
}

static int64_t number_get(const PGresult *result, int column)
{
    return PQgetisnull(result, 0, column) ? INT64_MIN
                                          : strtoll(PQgetvalue(result, 0, column), NULL, 10);
}

static void survey_add(struct record_survey *survey, const PGresult *result)
{
    const int64_t newest_us = number_get(result, 4);

    survey->records += number_get(result, 2);
    survey->due += number_get(result, 3);
    if (newest_us > survey->newest_us)
        survey->newest_us = newest_us;
    survey->now_us = number_get(result, 5);
    survey->trusted_us = number_get(result, 6);
}

static void on_answered(void *arg, const PGresult *result)
{
    struct postgres_sweep *sweeper = arg;
    struct record_sweep *step = sweeper->step;

    if (!step)
        return;
    if (PQresultStatus(result) != PGRES_TUPLES_OK || PQntuples(result) != 1) {
        step_end(sweeper, STORE_DOWN);
        return;
    }
    survey_add(&step->survey, result);
    step->removed = (unsigned)number_get(result, 0);
    step->more = !PQgetisnull(result, 0, 1);
    if (step->more)
        step->after_id = number_get(result, 1);
    step_end(sweeper, STORE_OK);
}

static void on_lost(void *arg)
{
    step_end(arg, STORE_DOWN);
}

struct postgres_sweep *postgres_sweep_create(struct event_base *base,
                                             const struct postgres_url *url)
{
    struct postgres_sweep *sweeper = calloc(1, sizeof *sweeper);

    if (!sweeper)
        return NULL;
    sweeper->base = base;
    sweeper->url = url;
    sweeper->timer = evtimer_new(base, on_timer, sweeper);
    if (sweeper->timer)
        return sweeper;
    free(sweeper);
    return NULL;
}

void postgres_sweep_free(struct postgres_sweep *sweeper)
{
    if (!sweeper)
        return;
    if (sweeper->connection)
        postgres_connection_close(sweeper->connection);
    event_free(sweeper->timer);
    if (sweeper->step) {
        sweeper->step->ticket.status = STORE_DOWN;
        sweeper->step->ticket.done(&sweeper->step->ticket);
    }
    free(sweeper);
}

enum store_status postgres_sweep_step(struct postgres_sweep *sweeper, struct record_sweep *sweep)
{
    const struct timeval limit = {STEP_MS / 1000, 0};
    const struct postgres_connection_settings settings = {
        .url = sweeper->url,
        .statement = &statement,
        .schema_version = postgres_record_migrations.count,
        .deadline_ms = CONNECT_MS,
        .connected = on_connected,
        .answered = on_answered,
        .lost = on_lost,
        .arg = sweeper,
    };
    char error[STORE_ERROR_MAX];

    if (sweeper->step)
        return STORE_FULL;
    sweeper->step = sweep;
    sweeper->finished = false;
    if (sweeper->connection && postgres_connection_free(sweeper->connection)) {
        step_send(sweeper);
    } else if (!sweeper->connection) {
        sweeper->connection = postgres_connection_open(sweeper->base, &settings, error);
        if (!sweeper->connection) {
            sweeper->step = NULL;
            return STORE_DOWN;
        }
    }
    if (!sweeper->finished)
        event_add(sweeper->timer, &limit);
    return STORE_LATER;
}
