/*
 * What the record tests share: a database of its own for each test, a link to it, and people who
 * claim codes. While bench_server runs, the database is there; otherwise it is a SQLite file in a
 * folder of its own.
 */
#ifndef RECORD_BENCH_H
#define RECORD_BENCH_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "postgres_server.h"
#include "store/base/keyed_hash.h"
#include "store/record_tools.h"
#include "store/records.h"
#include "store/records/asker.h"
#include <event2/event.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct postgres_server bench_server;

static const unsigned char asker_key[RECORD_ASKER_KEY_SIZE] = "whoever asks";
static const unsigned char erased_key[RECORD_ASKER_KEY_SIZE] = "whoever was erased";

/* The same for both databases, in the language of each. */
#define SQL(sqlite, postgres) (bench_server.pid ? (postgres) : (sqlite))

struct bench {
    char folder[TEMPORARY_FOLDER_MAX]; /* "" on PostgreSQL */
    char path[96];
    char url[POSTGRES_URL_MAX];
    struct record_store *store;
    struct event_base *base;
    struct record_link *link;
    /* What the watch was told: */
    unsigned changes;
    bool up;
    char why[ERROR_MAX];
};

struct asked {
    struct record_claim claim; /* first: its ticket is where done finds us */
    bool finished;
};

static inline void bench_changed(void *arg, bool up, const char *why)
{
    struct bench *bench = arg;

    bench->changes++;
    bench->up = up;
    snprintf(bench->why, sizeof bench->why, "%s", why);
}

/* For a group of tests on PostgreSQL. */
static inline int bench_server_start(void **state)
{
    (void)state;
    postgres_server_start(&bench_server);
    return 0;
}

static inline int bench_pooler_start(void **state)
{
    bench_server_start(state);
    postgres_pooler_start(&bench_server);
    return 0;
}

static inline int bench_server_stop(void **state)
{
    (void)state;
    postgres_server_stop(&bench_server);
    return 0;
}

/* An empty folder, and the URL of a file that is not there yet; or an empty database. */
static inline void bench_folder(struct bench *bench)
{
    memset(bench, 0, sizeof *bench);
    if (bench_server.pid) {
        postgres_database(&bench_server, "", bench->url);
        return;
    }
    temporary_folder("record", bench->folder);
    snprintf(bench->path, sizeof bench->path, "%s/records.db", bench->folder);
    snprintf(bench->url, sizeof bench->url, "sqlite:///%s", bench->path);
}

static inline void bench_prepare(const struct bench *bench)
{
    char report[ERROR_MAX] = "";
    char error[ERROR_MAX] = "";

    if (record_store_prepare(bench->url, report, error) != 0)
        fail_msg("%s", error);
    /* A pooler keeps its connections. */
    if (strncmp(bench->url, "postgresql", 10) == 0 && bench_server.pooler == 0)
        postgres_wait_until_alone(bench->url);
}

static inline void bench_attach(struct bench *bench)
{
    char error[ERROR_MAX] = "";
    struct store_watch watch = {bench_changed, bench};

    bench->store = record_store_open(bench->url, asker_key, NULL, error);
    if (bench->store == NULL)
        fail_msg("%s", error);
    bench->base = event_base_new();
    bench->link = record_attach(bench->store, bench->base, &watch, error);
    assert_non_null(bench->link);
}

static inline void bench_detach(struct bench *bench)
{
    record_detach(bench->link);
    event_base_free(bench->base);
    record_store_close(bench->store);
    bench->link = NULL;
}

static inline void bench_remove(struct bench *bench)
{
    char command[128];

    if (bench->link != NULL)
        bench_detach(bench);
    if (bench->folder[0] == '\0')
        return;
    snprintf(command, sizeof command, "rm -rf '%s'", bench->folder);
    assert_int_equal(system(command), 0);
}

/* What a command finds of somebody with this number; user_id: the hash of hers, or NULL. */
static inline struct record_identifiers *person_of(const char *number, const char *user_id)
{
    static struct record_identifiers person;
    struct keyed_hash *keyed = keyed_hash_create(asker_key);

    person = (struct record_identifiers){.number_count = 1, .hash_count = 1};
    snprintf(person.numbers[0].clear, sizeof person.numbers[0].clear, "%s", number);
    assert_int_equal(record_asker_number(keyed, number, person.numbers[0].hash), 0);
    memcpy(person.hashes[0], person.numbers[0].hash, RECORD_PERSON_HASH_SIZE);
    keyed_hash_free(keyed);
    if (user_id != NULL) {
        memcpy(person.user_ids[person.user_id_count++].hash, user_id, RECORD_PERSON_HASH_SIZE);
        memcpy(person.hashes[person.hash_count++], user_id, RECORD_PERSON_HASH_SIZE);
    }
    return &person;
}

static inline void bench_open(struct bench *bench)
{
    bench_folder(bench);
    bench_prepare(bench);
    bench_attach(bench);
}

static inline void asked_done(struct store_ticket *ticket)
{
    struct asked *asked = (struct asked *)ticket;

    assert_false(asked->finished);
    asked->finished = true;
}

/* A claim of the person with these answers. */
static inline struct asked asked_by(const char *answers, const char *phone, const char *event,
                                    const char *code)
{
    struct asked asked = {0};

    asked.claim.ticket.done = asked_done;
    /* 2125-12-31 23:59:59.000042: a database with a clock takes the later of two. */
    asked.claim.now_us = 4922899199000042;
    snprintf((char *)asked.claim.input_hash, sizeof asked.claim.input_hash, "%s", answers);
    snprintf(asked.claim.phone_number, sizeof asked.claim.phone_number, "%s", phone);
    snprintf(asked.claim.event_id, sizeof asked.claim.event_id, "%s", event);
    snprintf(asked.claim.code, sizeof asked.claim.code, "%s", code);
    return asked;
}

static inline void asked_wait(struct bench *bench, struct asked *asked)
{
    while (!asked->finished)
        assert_int_equal(event_base_loop(bench->base, EVLOOP_ONCE), 0);
}

/* Claims, waits and says how it ended. */
static inline enum store_status claimed(struct bench *bench, struct asked *asked)
{
    asked->finished = false;
    assert_int_equal(record_claim(bench->link, &asked->claim), STORE_LATER);
    assert_false(asked->finished);
    asked_wait(bench, asked);
    return asked->claim.ticket.status;
}

/* Runs SQL from outside, as an operator would; the first column of the first row. */
static inline void bench_sql(const struct bench *bench, const char *sql, char text[BENCH_TEXT_MAX])
{
    sqlite3 *database = NULL;
    sqlite3_stmt *statement = NULL;

    if (bench->folder[0] == '\0') {
        postgres_sql(bench->url, sql, text);
        return;
    }
    assert_int_equal(sqlite3_open_v2(bench->path, &database, SQLITE_OPEN_READWRITE, NULL), 0);
    sqlite3_busy_timeout(database, 10000);
    assert_int_equal(sqlite3_prepare_v2(database, sql, -1, &statement, NULL), SQLITE_OK);
    int code = sqlite3_step(statement);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        fail_msg("%s: %s", sql, sqlite3_errmsg(database));
    const char *value = code == SQLITE_ROW ? (const char *)sqlite3_column_text(statement, 0) : "";
    snprintf(text, BENCH_TEXT_MAX, "%s", value != NULL ? value : "NULL");
    sqlite3_finalize(statement);
    sqlite3_close(database);
}

#define assert_sql(bench, sql, expected)      \
    do {                                      \
        char text_[BENCH_TEXT_MAX];           \
        bench_sql(bench, sql, text_);         \
        assert_string_equal(text_, expected); \
    } while (0)

#endif
