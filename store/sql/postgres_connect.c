/*
 * libpq reads the URL; what it says about a bad one is not shown, because it quotes the password.
 *
 * libpq waits for name servers, and for silent hosts, as long as these please. So names are looked
 * up in a thread of their own, and the hosts tried here one by one, each address until its time is
 * over.
 */
#include "store/sql/postgres_connect.h"
#include "store/base/clock.h"
#include "store/base/resolver.h"
#include "store/sql/sql_driver.h"

#include <errno.h>
#include <event2/event.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARAMETERS_MAX 96
#define HOST_MAX 256
/* For an address; where there is a choice, one that is silent must not hide those behind it. */
#define ADDRESS_MS 5000
#define ADDRESS_CHOICE_MS 2000

/* So many failed: each begins with another host, lest silent ones hide those behind. */
static atomic_uint failures;

struct attempt {
    PQconninfoOption *options;
    const char *host, *hostaddr, *port, *database; /* in options, lists but the last; or NULL */
    struct sql *sql;                               /* for the name, the deadline, and the error */
    bool has_choice;                               /* of hosts */
    bool answered;                                 /* a server that lives refused us */
};

/* In the URL, or else in libpq's environment variable. */
static const char *option_value(const PQconninfoOption *options, const char *keyword)
{
    for (; options->keyword != NULL; options++) {
        if (strcmp(options->keyword, keyword) == 0)
            return options->val != NULL      ? options->val
                   : options->envvar != NULL ? getenv(options->envvar)
                                             : NULL;
    }
    return NULL;
}

static size_t list_length(const char *list)
{
    size_t length = 1;

    for (; list != NULL && *list != '\0'; list++)
        length += *list == ',';
    return length;
}

/* The item of "a,b,c" with this index; of a list of one always that. NULL when there is none. */
static const char *list_item(const char *list, size_t index, char item[HOST_MAX])
{
    if (list == NULL)
        return NULL;
    for (; index > 0 && strchr(list, ',') != NULL; index--)
        list = strchr(list, ',') + 1;
    snprintf(item, HOST_MAX, "%.*s", (int)strcspn(list, ","), list);
    return item[0] != '\0' ? item : NULL;
}

/* A '@', '/' or ':' of the password that is not encoded cuts the URL in the wrong place: what
 * follows would stand in errors as the name of a host or database. */
static bool is_cut_well(const struct attempt *attempt)
{
    const char *host = attempt->host, *port = attempt->port, *database = attempt->database;

    return !(host != NULL && strchr(host + (host[0] == '@'), '@') != NULL) &&
           !(database != NULL && strchr(database, '@') != NULL) &&
           (port == NULL || port[strspn(port, "0123456789,")] == '\0');
}

static size_t host_count(const struct attempt *attempt)
{
    return list_length(attempt->hostaddr != NULL ? attempt->hostaddr : attempt->host);
}

static bool are_lists_even(const struct attempt *attempt)
{
    const size_t ports = list_length(attempt->port), hosts = host_count(attempt);

    return (attempt->host == NULL || list_length(attempt->host) == hosts) &&
           (ports == 1 || ports == hosts);
}

/* Returns 0, and the options are to be freed; or -1 with error. */
static int url_read(struct attempt *attempt, const char *url, char error[ERROR_MAX])
{
    const bool is_ours =
        strncmp(url, "postgresql://", 13) == 0 || strncmp(url, "postgres://", 11) == 0;
    PQconninfoOption *options = is_ours ? PQconninfoParse(url, NULL) : NULL;

    if (options != NULL)
        *attempt = (struct attempt){.options = options,
                                    .host = option_value(options, "host"),
                                    .hostaddr = option_value(options, "hostaddr"),
                                    .port = option_value(options, "port"),
                                    .database = option_value(options, "dbname")};
    const bool is_good = options != NULL && is_cut_well(attempt);
    if (is_good && are_lists_even(attempt))
        return 0;
    snprintf(error, ERROR_MAX, "%s",
             is_good ? "the database URL has not as many ports or addresses as hosts"
                     : "the database URL is not as postgresql://user:password@host:port/database, "
                       "with %40 for @ and %2F for / in the password, or has an option behind '?' "
                       "that libpq does not know");
    PQconninfoFree(options);
    return -1;
}

int sql_postgres_check(const char *url, char error[ERROR_MAX])
{
    struct attempt attempt;
    const int status = url_read(&attempt, url, error);

    if (status == 0)
        PQconninfoFree(attempt.options);
    return status;
}

static void name_write(struct sql *sql, const struct attempt *attempt)
{
    const char *host = attempt->host, *port = attempt->port, *database = attempt->database;

    snprintf(sql->name, sizeof sql->name, "PostgreSQL at %.60s%s%.20s/%.30s",
             host != NULL ? host : "localhost", port != NULL ? ":" : "", port != NULL ? port : "",
             database != NULL ? database : "");
}

struct parameters {
    const char *keywords[PARAMETERS_MAX + 1], *values[PARAMETERS_MAX + 1];
    size_t count;
};

static void parameter_add(struct parameters *parameters, const char *keyword, const char *value)
{
    if (value == NULL || parameters->count == PARAMETERS_MAX)
        return;
    parameters->keywords[parameters->count] = keyword;
    parameters->values[parameters->count++] = value;
}

/* All that the URL says, and our defaults for what it does not. */
static void parameters_fill(struct parameters *parameters, const struct attempt *attempt)
{
    const struct {
        const char *keyword, *value;
    } defaults[] = {
        {"fallback_application_name", "whatsapp-uic"},
        /* Of several servers, the one that takes records. */
        {"target_session_attrs", attempt->has_choice ? "read-write" : NULL},
        {"gssencmode", "disable"}, /* asks a Kerberos server, and waits for it */
        {"keepalives_idle", "10"},
        {"keepalives_interval", "5"},
        {"keepalives_count", "3"},
        {"tcp_user_timeout", "10000"},
    };

    for (const PQconninfoOption *option = attempt->options; option->keyword != NULL; option++)
        parameter_add(parameters, option->keyword, option->val);
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++) {
        if (option_value(attempt->options, defaults[i].keyword) == NULL)
            parameter_add(parameters, defaults[i].keyword, defaults[i].value);
    }
    parameter_add(parameters, "client_encoding", "UTF8");
}

/* Whether a server answered that lives: not one that starts or stops. Its errors have an SQLSTATE,
 * "FATAL:  28P01: ..."; that a password is missing libpq says itself. */
static bool is_answer(const PGconn *pg)
{
    const char *state = strstr(PQerrorMessage(pg), ":  ");

    if (state == NULL || strspn(state + 3, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") != 5)
        return PQconnectionNeedsPassword(pg) == 1;
    return strncmp(state + 3, "57P03", 5) != 0;
}

bool postgres_await(PGconn *pg, short what, int64_t due_ms)
{
    struct pollfd socket = {.fd = PQsocket(pg), .events = what};
    int ready;

    do {
        const int64_t left_ms = due_ms - clock_monotonic_ms();
        ready = poll(&socket, 1, due_ms == 0 ? -1 : left_ms > 0 ? (int)left_ms : 0);
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

/* Until then. */
static PGconn *connect_until(const struct parameters *parameters, int64_t due_ms)
{
    PGconn *pg = PQconnectStartParams(parameters->keywords, parameters->values, 0);
    PostgresPollingStatusType wants =
        PQstatus(pg) == CONNECTION_BAD ? PGRES_POLLING_FAILED : PGRES_POLLING_WRITING;

    if (pg != NULL)
        PQsetErrorVerbosity(pg, PQERRORS_VERBOSE);
    while ((wants == PGRES_POLLING_READING || wants == PGRES_POLLING_WRITING) &&
           postgres_await(pg, wants == PGRES_POLLING_READING ? POLLIN : POLLOUT, due_ms))
        wants = PQconnectPoll(pg);
    if (pg != NULL)
        PQsetErrorVerbosity(pg, PQERRORS_DEFAULT);
    return pg;
}

/* When an address has had its time. */
static int64_t address_due_ms(const struct attempt *attempt, bool has_choice)
{
    const char *seconds = option_value(attempt->options, "connect_timeout");
    const int64_t ms = seconds != NULL && atoi(seconds) > 0 ? atoi(seconds) * INT64_C(1000)
                       : has_choice                         ? ADDRESS_CHOICE_MS
                                                            : ADDRESS_MS;
    const int64_t due_ms = clock_monotonic_ms() + ms;

    return due_ms < attempt->sql->due_ms ? due_ms : attempt->sql->due_ms;
}

/* One address, or what libpq makes of none. Returns NULL with the reason, if the time was
 * enough. */
static PGconn *address_try(struct attempt *attempt, struct parameters parameters,
                           const char *address, bool has_choice)
{
    parameter_add(&parameters, "hostaddr", address);
    PGconn *pg = connect_until(&parameters, address_due_ms(attempt, has_choice));
    if (PQstatus(pg) == CONNECTION_OK)
        return pg;
    attempt->answered |= pg != NULL && is_answer(pg);
    sql_explain(attempt->sql, SQL_DOWN, "%s",
                pg == NULL                       ? "out of memory"
                : PQstatus(pg) == CONNECTION_BAD ? PQerrorMessage(pg)
                                                 : "no answer in time");
    PQfinish(pg);
    return NULL;
}

static void on_found(const struct resolver_addresses *addresses, void *arg)
{
    *(struct resolver_addresses *)arg = *addresses;
}

/* The addresses of a name, or the error, or neither when the time was not enough. Returns 0, or -1
 * when there is no thread to be had. */
static int look_up(const char *host, int64_t due_ms, struct resolver_addresses *found)
{
    const int64_t left_ms = due_ms - clock_monotonic_ms();
    const struct timeval left = {left_ms / 1000, left_ms % 1000 * 1000};
    struct event_base *base = event_base_new();
    struct resolver *lookup = base != NULL ? resolver_start(base, host, on_found, found) : NULL;

    if (lookup != NULL && left_ms > 0 && event_base_loopexit(base, &left) == 0)
        event_base_loop(base, EVLOOP_ONCE);
    if (lookup != NULL && found->count == 0 && found->error == NULL)
        resolver_cancel(lookup);
    if (base != NULL)
        event_base_free(base);
    return lookup != NULL ? 0 : -1;
}

/* A host with all its addresses. Of two values of one keyword, the later one counts. */
static PGconn *host_try(struct attempt *attempt, size_t index)
{
    char name[HOST_MAX], address[HOST_MAX], port[HOST_MAX];
    struct parameters parameters = {.count = 0};
    struct resolver_addresses found = {.count = 0};
    const char *host = list_item(attempt->host, index, name);
    const char *hostaddr = list_item(attempt->hostaddr, index, address);
    PGconn *pg = NULL;

    parameters_fill(&parameters, attempt);
    parameter_add(&parameters, "host", host);
    parameter_add(&parameters, "port", list_item(attempt->port, index, port));
    if (hostaddr != NULL || host == NULL || host[0] == '/' || host[0] == '@')
        return address_try(attempt, parameters, hostaddr, attempt->has_choice);
    if (look_up(host, attempt->sql->due_ms, &found) != 0)
        sql_explain(attempt->sql, SQL_DOWN, "no thread to look names up");
    else if (found.error != NULL)
        sql_explain(attempt->sql, SQL_DOWN, "could not translate host name: %s", found.error);
    for (size_t i = 0; i < found.count && pg == NULL; i++)
        pg =
            address_try(attempt, parameters, found.text[i], attempt->has_choice || found.count > 1);
    return pg;
}

PGconn *postgres_connect(struct sql *sql, const char *url, int ms, bool *away)
{
    struct attempt attempt;
    PGconn *pg = NULL;

    if (url_read(&attempt, url, sql->error) != 0)
        return NULL;
    attempt.sql = sql;
    name_write(sql, &attempt);
    const size_t count = host_count(&attempt), first = atomic_load(&failures);
    attempt.has_choice = count > 1;
    for (size_t i = 0; i < count && pg == NULL && clock_monotonic_ms() < sql->due_ms; i++)
        pg = host_try(&attempt, (first + i) % count);
    PQconninfoFree(attempt.options);
    if (pg != NULL)
        return pg;
    atomic_fetch_add(&failures, 1);
    if (clock_monotonic_ms() >= sql->due_ms)
        sql_explain(sql, SQL_DOWN, "no connection within %d ms", ms);
    if (away != NULL)
        *away = !attempt.answered;
    return NULL;
}
