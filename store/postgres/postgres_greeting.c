/* A look at the server, SET, PREPARE. Through a pooler the look is all. */
#include "store/postgres/postgres_greeting.h"
#include "store/postgres/postgres_result.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOK = 1, SET, PREPARE };

static const char look_sql[] = "SELECT pg_backend_pid(), current_setting('server_encoding'),"
                               " current_setting('transaction_read_only'),"
                               " (SELECT coalesce(max(version), 0) FROM schema_migrations)";
enum look_column { LOOK_PID, LOOK_ENCODING, LOOK_READ_ONLY, LOOK_VERSION };

/* One plan for all batches, made for big tables even while they are small. The timeouts free what a
 * statement has locked when we are gone, and what another program has locked too long. */
static const char set_sql[] =
    "SET statement_timeout = '3s'; SET lock_timeout = '700ms'; SET plan_cache_mode ="
    " force_generic_plan; SET enable_seqscan = off; SET enable_nestloop = off; SET jit = off";

/* A pooler gives each transaction another server process: what we set and prepare there would be
 * other people's. */
bool postgres_greeting_goes_on(const struct postgres_greeting *greeting)
{
    return greeting->step < (greeting->pooled ? LOOK : PREPARE);
}

bool postgres_greeting_send(struct postgres_greeting *greeting, PGconn *pg,
                            const struct postgres_statement *statement)
{
    switch (++greeting->step) {
    case LOOK:
        return PQsendQuery(pg, look_sql);
    case SET:
        return PQsendQuery(pg, set_sql);
    default:
        return PQsendPrepare(pg, statement->name, statement->sql, statement->parameter_count,
                             statement->types);
    }
}

static bool look_is_good(const PGresult *look, int schema_version, char why[STORE_ERROR_MAX])
{
    int version = atoi(PQgetvalue(look, 0, LOOK_VERSION));

    if (strcmp(PQgetvalue(look, 0, LOOK_ENCODING), "UTF8") != 0) {
        snprintf(why, STORE_ERROR_MAX, "the database's encoding is %.40s, not UTF8",
                 PQgetvalue(look, 0, LOOK_ENCODING));
        return false;
    }
    if (strcmp(PQgetvalue(look, 0, LOOK_READ_ONLY), "off") != 0) {
        snprintf(why, STORE_ERROR_MAX, "the server is read-only");
        return false;
    }
    if (version < schema_version) {
        snprintf(why, STORE_ERROR_MAX,
                 "the tables have schema version %d, this program needs %d: "
                 "run whatsapp-uic init-db",
                 version, schema_version);
        return false;
    }
    return true;
}

bool postgres_greeting_accepts(struct postgres_greeting *greeting, const PGconn *pg,
                               int schema_version, const PGresult *result,
                               char why[STORE_ERROR_MAX])
{
    ExecStatusType status = PQresultStatus(result);

    if (status != PGRES_TUPLES_OK && status != PGRES_COMMAND_OK) {
        if (postgres_result_is(result, "42P01"))
            snprintf(why, STORE_ERROR_MAX, "there are no tables: run whatsapp-uic init-db");
        else
            postgres_result_explain(result, why);
        return false;
    }
    if (greeting->step != LOOK)
        return true;
    /* A pooler's process number is of its own making. */
    greeting->pooled = atoi(PQgetvalue(result, 0, LOOK_PID)) != PQbackendPID(pg);
    return look_is_good(result, schema_version, why);
}
