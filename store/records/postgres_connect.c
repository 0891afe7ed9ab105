/*
 * libpq looks names up while it blocks, for as long as a name server keeps it waiting. So each
 * attempt has a thread of its own, which is left behind when the deadline has passed: it ends by
 * itself, and who is last frees the attempt.
 *
 * libpq reads the URL; what it says about a bad one is not shown, because it quotes the password.
 */
#include "store/records/postgres_connect.h"
#include "store/records/sql_driver.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PARAMETERS_MAX 96
/* Attempts at one time in the whole process, with those that were left behind. */
#define ATTEMPTS_MAX 32

static atomic_int attempts;
/* So many failed: each begins with another host, lest one that swallows packets hide those behind.
 */
static atomic_uint failures;

struct attempt {
    PQconninfoOption *options;
    const char *keywords[PARAMETERS_MAX + 1];
    const char *values[PARAMETERS_MAX + 1];
    size_t count;
    char *lists[3]; /* in another order than in the URL; to be freed */
    bool asks_away;
    pthread_mutex_t mutex;
    pthread_cond_t ended;
    /* Guarded by it: */
    bool over; /* the thread has ended, the next two are told */
    bool left; /* nobody waits any more */
    PGconn *pg;
    bool away;
};

static const char *option_value(const PQconninfoOption *options, const char *keyword)
{
    for (; options->keyword; options++) {
        if (strcmp(options->keyword, keyword) == 0)
            return options->val;
    }
    return NULL;
}

static size_t list_length(const char *list)
{
    size_t length = 1;

    for (; list != NULL && *list; list++)
        length += *list == ',';
    return length;
}

/* A '@', '/' or ':' of the password that is not encoded cuts the URL in the wrong place: what
 * follows would stand in errors as the name of a host or database. */
static bool is_cut_well(const PQconninfoOption *options)
{
    const char *host = option_value(options, "host"), *port = option_value(options, "port");
    const char *database = option_value(options, "dbname");

    return !(host != NULL && strchr(host + (host[0] == '@'), '@')) &&
           !(database != NULL && strchr(database, '@')) &&
           (port == NULL || port[strspn(port, "0123456789,")] == '\0');
}

static size_t host_count(const PQconninfoOption *options)
{
    const char *addresses = option_value(options, "hostaddr"),
               *names = option_value(options, "host");

    return list_length(addresses != NULL ? addresses : names != NULL ? names : getenv("PGHOST"));
}

static bool are_lists_even(const PQconninfoOption *options)
{
    const char *addresses = option_value(options, "hostaddr"),
               *names = option_value(options, "host");
    size_t ports = list_length(option_value(options, "port"));

    return (addresses == NULL || names == NULL || list_length(addresses) == list_length(names)) &&
           (ports == 1 || ports == host_count(options));
}

/* To be freed. Returns NULL with error. */
static PQconninfoOption *url_read(const char *url, char error[STORE_ERROR_MAX])
{
    bool is_ours = strncmp(url, "postgresql://", 13) == 0 || strncmp(url, "postgres://", 11) == 0;
    PQconninfoOption *options = is_ours ? PQconninfoParse(url, NULL) : NULL;

    if (options != NULL && is_cut_well(options) && are_lists_even(options))
        return options;
    if (options != NULL && is_cut_well(options))
        snprintf(error, STORE_ERROR_MAX,
                 "the database URL has not as many ports or addresses as hosts");
    else
        snprintf(error, STORE_ERROR_MAX,
                 "the database URL is not as postgresql://user:password@host:port/database, with "
                 "%%40 for @ and %%2F for / in the password, or has an option behind '?' that "
                 "libpq does not know");
    PQconninfoFree(options);
    return NULL;
}

int sql_postgres_check(const char *url, char error[STORE_ERROR_MAX])
{
    PQconninfoOption *options = url_read(url, error);

    PQconninfoFree(options);
    return options != NULL ? 0 : -1;
}

static void place_write(const PQconninfoOption *options, char place[POSTGRES_PLACE_MAX])
{
    const char *host = option_value(options, "host"), *port = option_value(options, "port");
    const char *database = option_value(options, "dbname");

    snprintf(place, POSTGRES_PLACE_MAX, "PostgreSQL at %.60s%s%.20s/%.30s",
             host != NULL ? host : "localhost", port != NULL ? ":" : "", port != NULL ? port : "",
             database != NULL ? database : "");
}

static void parameter_add(struct attempt *attempt, const char *keyword, const char *value)
{
    if (value == NULL || attempt->count == PARAMETERS_MAX)
        return;
    attempt->keywords[attempt->count] = keyword;
    attempt->values[attempt->count] = value;
    attempt->count++;
}

/* "a,b,c" from its item number first on: "b,c,a". To be freed; NULL when there is no memory. */
static char *list_rotate(const char *list, size_t first)
{
    const char *head = list;
    char *rotated = malloc(strlen(list) + 2);

    for (; first > 0 && head != NULL; first--)
        head = strchr(head, ',') ? strchr(head, ',') + 1 : NULL;
    if (rotated == NULL || head == NULL)
        return rotated != NULL ? strcpy(rotated, list) : NULL;
    sprintf(rotated, "%s,%.*s", head, (int)(head - list), list);
    rotated[strlen(list)] = '\0';
    return rotated;
}

/* Puts another host first: see failures. */
static void hosts_rotate(struct attempt *attempt)
{
    static const char *const keywords[] = {"host", "hostaddr", "port"};
    const size_t first = atomic_load(&failures) % host_count(attempt->options);

    for (int i = 0; i < 3; i++) {
        const char *list = option_value(attempt->options, keywords[i]);
        if (list != NULL && list_length(list) > 1)
            parameter_add(attempt, keywords[i], attempt->lists[i] = list_rotate(list, first));
    }
}

/* All that the URL says, and our defaults for what it does not. */
static void parameters_fill(struct attempt *attempt)
{
    const bool has_choice = host_count(attempt->options) > 1;
    const struct {
        const char *keyword, *value;
    } defaults[] = {
        {"fallback_application_name", "whatsapp-uic"},
        /* For a host; one that swallows packets must not hide those behind it. */
        {"connect_timeout", has_choice ? "2" : "5"},
        /* Of several servers, the one that takes records. */
        {"target_session_attrs", has_choice ? "read-write" : NULL},
        {"gssencmode", "disable"}, /* asks a Kerberos server, and waits for it */
        {"keepalives_idle", "10"},
        {"keepalives_interval", "5"},
        {"keepalives_count", "3"},
        {"tcp_user_timeout", "10000"},
    };

    for (const PQconninfoOption *option = attempt->options; option->keyword; option++)
        parameter_add(attempt, option->keyword, option->val);
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++) {
        if (option_value(attempt->options, defaults[i].keyword) == NULL)
            parameter_add(attempt, defaults[i].keyword, defaults[i].value);
    }
    parameter_add(attempt, "client_encoding", "UTF8");
    hosts_rotate(attempt); /* of two values of one keyword, the later one counts */
}

static void attempt_free(struct attempt *attempt)
{
    PQfinish(attempt->pg);
    PQconninfoFree(attempt->options);
    for (int i = 0; i < 3; i++)
        free(attempt->lists[i]);
    pthread_cond_destroy(&attempt->ended);
    pthread_mutex_destroy(&attempt->mutex);
    free(attempt);
}

static bool is_away(const struct attempt *attempt)
{
    PGPing answer = PQpingParams(attempt->keywords, attempt->values, 0);

    return answer == PQPING_NO_RESPONSE || answer == PQPING_REJECT;
}

static void *attempt_run(void *arg)
{
    struct attempt *attempt = arg;
    PGconn *pg = PQconnectdbParams(attempt->keywords, attempt->values, 0);
    bool away = attempt->asks_away && PQstatus(pg) != CONNECTION_OK && is_away(attempt);

    atomic_fetch_sub(&attempts, 1);
    pthread_mutex_lock(&attempt->mutex);
    attempt->over = true;
    attempt->pg = pg;
    attempt->away = away;
    bool left = attempt->left;
    pthread_cond_signal(&attempt->ended);
    pthread_mutex_unlock(&attempt->mutex);
    if (left)
        attempt_free(attempt);
    return NULL;
}

/* The thread gets no signals: those are for the program's own. */
static int attempt_start(struct attempt *attempt)
{
    pthread_attr_t attributes;
    pthread_t thread;
    sigset_t all, before;
    int code = EAGAIN;

    sigfillset(&all);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (atomic_fetch_add(&attempts, 1) < ATTEMPTS_MAX)
        code = pthread_create(&thread, &attributes, attempt_run, attempt);
    if (code != 0)
        atomic_fetch_sub(&attempts, 1);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    return code == 0 ? 0 : -1;
}

static struct attempt *attempt_create(PQconninfoOption *options, bool asks_away)
{
    struct attempt *attempt = calloc(1, sizeof *attempt);
    pthread_condattr_t monotonic;

    if (attempt == NULL) {
        PQconninfoFree(options);
        return NULL;
    }
    attempt->options = options;
    attempt->asks_away = asks_away;
    parameters_fill(attempt);
    pthread_mutex_init(&attempt->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&attempt->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    return attempt;
}

/* Waits for the end. Returns false when it is not there in time: the attempt is left behind. */
static bool attempt_wait(struct attempt *attempt, int ms)
{
    struct timespec until;
    bool over;

    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += (until.tv_nsec / 1000000 + ms) / 1000;
    until.tv_nsec = (until.tv_nsec / 1000000 + ms) % 1000 * 1000000;
    pthread_mutex_lock(&attempt->mutex);
    while (!attempt->over &&
           pthread_cond_timedwait(&attempt->ended, &attempt->mutex, &until) != ETIMEDOUT)
        continue;
    over = attempt->over;
    attempt->left = !over;
    pthread_mutex_unlock(&attempt->mutex);
    return over;
}

/* Takes the connection, if there is one. */
static PGconn *attempt_end(struct attempt *attempt, bool *away, const char *place,
                           char error[STORE_ERROR_MAX])
{
    PGconn *pg = attempt->pg;

    if (away != NULL)
        *away = attempt->away;
    attempt->pg = NULL;
    attempt_free(attempt);
    if (pg != NULL && PQstatus(pg) == CONNECTION_OK)
        return pg;
    atomic_fetch_add(&failures, 1);
    const char *why = pg != NULL ? PQerrorMessage(pg) : "out of memory";
    snprintf(error, STORE_ERROR_MAX, "%s: %.*s", place, (int)strcspn(why, "\n"), why);
    PQfinish(pg);
    return NULL;
}

PGconn *postgres_connect_within(const char *url, int ms, bool *away, char place[POSTGRES_PLACE_MAX],
                                char error[STORE_ERROR_MAX])
{
    PQconninfoOption *options = url_read(url, error);

    if (options == NULL)
        return NULL;
    place_write(options, place);
    struct attempt *attempt = attempt_create(options, away != NULL);
    if (attempt == NULL || attempt_start(attempt) != 0) {
        snprintf(error, STORE_ERROR_MAX, "%s: no thread to connect with", place);
        if (attempt != NULL)
            attempt_free(attempt);
        return NULL;
    }
    if (attempt_wait(attempt, ms))
        return attempt_end(attempt, away, place, error);
    atomic_fetch_add(&failures, 1);
    if (away != NULL)
        *away = true;
    snprintf(error, STORE_ERROR_MAX, "%s: no connection within %d ms", place, ms);
    return NULL;
}
