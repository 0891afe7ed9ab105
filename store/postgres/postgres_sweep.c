/*
 * One statement looks at a page of records and removes the old ones among them. Of several
 * instances that sweep at once, one has its turn; the others find nothing.
 */
#include "store/postgres/postgres_sweep.h"
#include "store/postgres/postgres_connection.h"
#include "store/postgres/postgres_schema.h"

#include <arpa/inet.h>
#include <endian.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONNECT_MS 3000
/* For a step, connecting included. */
#define STEP_MS 10000

enum { INT8 = 20, TIMESTAMPTZ = 1184 };

#define TEXT_OF(number) #number
#define NUMBER(number) TEXT_OF(number)

static const char sweep_sql[] =
    "WITH turn AS MATERIALIZED (SELECT pg_try_advisory_xact_lock(7694692) AS is_ours),"
    " page AS MATERIALIZED (SELECT id, last_requested_at < $2 AS is_old FROM uic_records"
    "  WHERE id > $1 AND (SELECT is_ours FROM turn) ORDER BY id LIMIT " NUMBER(
        RECORD_SWEEP_LOOK) "),"
                           " chosen AS MATERIALIZED (SELECT id FROM page WHERE is_old ORDER BY id"
                           "  LIMIT " NUMBER(
                               RECORD_SWEEP_REMOVE) "),"
                                                    " gone AS (DELETE FROM uic_records WHERE id = "
                                                    "ANY (ARRAY(SELECT id FROM chosen))"
                                                    "  AND last_requested_at < $2 RETURNING id),"
                                                    " noted AS (INSERT INTO uic_audit (at, action, "
                                                    "records, author)"
                                                    "  SELECT now(), 'retention', count(*), "
                                                    "'server' FROM gone HAVING count(*) > 0)"
                                                    " SELECT (SELECT count(*) FROM gone),"
                                                    "  CASE WHEN (SELECT count(*) FROM chosen) "
                                                    "= " NUMBER(
                                                        RECORD_SWEEP_REMOVE) "  THEN (SELECT "
                                                                             "max(id) FROM chosen) "
                                                                             "ELSE (SELECT max(id) "
                                                                             "FROM page) END";

static const Oid types[] = {INT8, TIMESTAMPTZ};
static const struct postgres_statement statement = {"uic_sweep", sweep_sql, types, 2};

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
    /* PostgreSQL counts microseconds since 2000. */
    uint64_t id = htobe64((uint64_t)sweeper->step->after_id);
    uint64_t before = htobe64((uint64_t)(sweeper->step->before_us - INT64_C(946684800000000)));
    const char *values[] = {(const char *)&id, (const char *)&before};
    const int lengths[] = {sizeof id, sizeof before}, formats[] = {1, 1};

    postgres_connection_send(sweeper->connection,
                             &(struct postgres_parameters){values, lengths, formats});
}

static void on_connected(void *arg)
{
    struct postgres_sweep *sweeper = arg;

    if (sweeper->step && !sweeper->finished)
        step_send(sweeper);
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
    step->removed = (unsigned)strtoul(PQgetvalue(result, 0, 0), NULL, 10);
    step->more = !PQgetisnull(result, 0, 1);
    if (step->more)
        step->after_id = strtoll(PQgetvalue(result, 0, 1), NULL, 10);
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
