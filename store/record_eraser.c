/*
 * The statements of erasing: the same for both databases, with $1, $2 ... in the order of their
 * first appearance, which is how SQLite counts them.
 */
#include "store/record_eraser.h"

#include "store/base/hex.h"
#include "store/record_backend.h"
#include "store/records/asker.h"
#include <stdio.h>
#include <string.h>

/* Digits that a number must have to be looked for in notes: fewer are found in many dates. */
#define DIGITS_MIN 8

/* In the order of selection; each takes what selects as $1. */
enum selection { BY_PHONE, BY_CODE, BY_AGE };

static const char *const count_sql[] = {
    [BY_PHONE] = "SELECT count(*) FROM uic_records WHERE phone_number = $1",
    [BY_CODE] = "SELECT count(*) FROM uic_records WHERE uic_code = $1",
    [BY_AGE] = "SELECT count(*) FROM uic_records WHERE last_requested_at < $1",
};
static const char *const blank_sql[] = {
    [BY_PHONE] = "UPDATE uic_records SET phone_number = '' WHERE phone_number = $1",
    [BY_CODE] = "UPDATE uic_records SET phone_number = '', asked_by = NULL WHERE uic_code = $1",
};
static const char *const delete_sql[] = {
    [BY_PHONE] = "DELETE FROM uic_records WHERE phone_number = $1",
    [BY_CODE] = "DELETE FROM uic_records WHERE uic_code = $1",
    [BY_AGE] = "DELETE FROM uic_records WHERE id IN"
               " (SELECT id FROM uic_records WHERE last_requested_at < $1 LIMIT 500)",
};
static const char notes_count_sql[] =
    "SELECT count(*) FROM uic_records WHERE notes LIKE '%' || $1 || '%' AND phone_number <> $2";
static const char notes_sql[] =
    "UPDATE uic_records SET notes = replace(notes, $1, '') WHERE notes LIKE '%' || $1 || '%'";
static const char trust_sql[] =
    "INSERT INTO uic_marks (name, value) VALUES ('" RECORD_TRUSTED_MARK "', $1)"
    " ON CONFLICT (name) DO UPDATE SET value = excluded.value";
static const char audit_sql[] =
    "INSERT INTO uic_audit (at, action, records, author) VALUES ($1, $2, $3, $4)";

struct record_eraser *record_eraser_open(const char *url, char error[STORE_ERROR_MAX])
{
    const struct record_backend *backend = record_backend_find(url, error);
    struct record_eraser *eraser = backend ? backend->eraser->open(url, error) : NULL;

    if (eraser)
        eraser->backend = backend->eraser;
    return eraser;
}

void record_eraser_close(struct record_eraser *eraser)
{
    if (eraser)
        eraser->backend->close(eraser);
}

static int run(struct record_eraser *eraser, const char *sql, const char *const *values, int count,
               int64_t *number, char error[STORE_ERROR_MAX])
{
    int64_t unused;

    return eraser->backend->run(eraser, sql, values, count, number ? number : &unused, error);
}

/* A time as both databases read it, PostgreSQL whatever its time zone. */
static void time_write(int64_t unix_us, char text[RECORD_TIME_MAX])
{
    record_time_format(unix_us, text);
    strcat(text, "+00");
}

static enum selection selection_of(const struct record_erasure *erasure, const char **value,
                                   char time[RECORD_TIME_MAX])
{
    if (erasure->phone_number || erasure->code) {
        *value = erasure->phone_number ? erasure->phone_number : erasure->code;
        return erasure->phone_number ? BY_PHONE : BY_CODE;
    }
    time_write(erasure->before_us, time);
    *value = time;
    return BY_AGE;
}

/* The number's digits, when notes are to be searched for them. */
static const char *digits_of(const struct record_erasure *erasure)
{
    const char *digits = erasure->phone_number;

    if (digits && *digits == '+')
        digits++;
    return digits && strlen(digits) >= DIGITS_MIN ? digits : NULL;
}

/* The hash that stands for the number where it asked, in hexadecimal digits. */
static int asker_of(const struct record_erasure *erasure,
                    char asker[2 * RECORD_ASKER_NUMBER_SIZE + 1], char error[STORE_ERROR_MAX])
{
    struct record_asker *hasher = record_asker_create(erasure->asker_key);
    unsigned char number[RECORD_ASKER_NUMBER_SIZE];
    int status = hasher ? record_asker_number(hasher, erasure->phone_number, number) : -1;

    if (status == 0)
        hex_write(number, sizeof number, asker);
    else
        snprintf(error, STORE_ERROR_MAX, "the cryptographic library fails");
    record_asker_free(hasher);
    return status;
}

int record_eraser_count(struct record_eraser *eraser, const struct record_erasure *erasure,
                        struct record_erased *found, char error[STORE_ERROR_MAX])
{
    char time[RECORD_TIME_MAX], asker[2 * RECORD_ASKER_NUMBER_SIZE + 1];
    const char *value, *phone = erasure->phone_number, *digits = digits_of(erasure);
    enum selection by = selection_of(erasure, &value, time);

    *found = (struct record_erased){0};
    if (run(eraser, count_sql[by], &value, 1, &found->records, error) != 0)
        return -1;
    if (by == BY_PHONE && (asker_of(erasure, asker, error) != 0 ||
                           run(eraser, eraser->backend->asked_count_sql,
                               (const char *[]){asker, phone}, 2, &found->asked, error) != 0))
        return -1;
    if (!digits)
        return 0;
    return run(eraser, notes_count_sql, (const char *[]){digits, phone}, 2, &found->notes, error);
}

/* No record remembers any more that the number asked for it. */
static int asked_forget(struct record_eraser *eraser, const struct record_erasure *erasure,
                        int64_t *asked, char error[STORE_ERROR_MAX])
{
    char asker[2 * RECORD_ASKER_NUMBER_SIZE + 1];

    *asked = 0;
    if (!erasure->phone_number)
        return 0;
    if (asker_of(erasure, asker, error) != 0)
        return -1;
    return run(eraser, eraser->backend->asked_forget_sql, (const char *[]){asker}, 1, asked, error);
}

static int audit_write(struct record_eraser *eraser, const struct record_erasure *erasure,
                       const char *action, int64_t records, char error[STORE_ERROR_MAX])
{
    char now[RECORD_TIME_MAX], number[24];

    record_time_format(erasure->now_us, now);
    snprintf(number, sizeof number, "%lld", (long long)(records + erasure->elsewhere));
    return run(eraser, audit_sql, (const char *[]){now, action, number, erasure->author}, 4, NULL,
               error);
}

static int notes_clean(struct record_eraser *eraser, const struct record_erasure *erasure,
                       char error[STORE_ERROR_MAX])
{
    const char *digits = digits_of(erasure);

    if (!digits)
        return 0;
    if (run(eraser, notes_sql, &erasure->phone_number, 1, NULL, error) != 0)
        return -1;
    return run(eraser, notes_sql, &digits, 1, NULL, error);
}

/* One transaction. */
static int step(struct record_eraser *eraser, const struct record_erasure *erasure,
                enum selection by, const char *value, int64_t *records, char error[STORE_ERROR_MAX])
{
    bool delete = erasure->delete || by == BY_AGE;
    const char *action = by == BY_AGE ? "retention" : delete ? "code deleted" : "number removed";
    char unused[STORE_ERROR_MAX];
    int64_t asked;

    if (run(eraser, "BEGIN", NULL, 0, NULL, error) != 0)
        return -1;
    if (run(eraser, delete ? delete_sql[by] : blank_sql[by], &value, 1, records, error) == 0 &&
        asked_forget(eraser, erasure, &asked, error) == 0 &&
        notes_clean(eraser, erasure, error) == 0 &&
        (*records + asked + erasure->elsewhere == 0 ||
         audit_write(eraser, erasure, action, *records, error) == 0) &&
        run(eraser, "COMMIT", NULL, 0, NULL, error) == 0)
        return 0;
    run(eraser, "ROLLBACK", NULL, 0, NULL, unused);
    return -1;
}

int record_eraser_erase(struct record_eraser *eraser, const struct record_erasure *erasure,
                        int64_t *records, char error[STORE_ERROR_MAX])
{
    char time[RECORD_TIME_MAX];
    const char *value;
    enum selection by = selection_of(erasure, &value, time);
    int64_t some;

    *records = 0;
    do {
        if (step(eraser, erasure, by, value, &some, error) != 0)
            return -1;
        *records += some;
    } while (by == BY_AGE && some > 0);
    return 0;
}

int record_eraser_trust(struct record_eraser *eraser, int64_t now_us, char error[STORE_ERROR_MAX])
{
    char text[24];
    const char *value = text;

    snprintf(text, sizeof text, "%lld", (long long)now_us);
    return run(eraser, trust_sql, &value, 1, NULL, error);
}
