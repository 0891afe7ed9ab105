/* The hashes of the list, and judging by it what comes from the outbox. */
#include "store/records/erased.h"

#include "store/base/hex.h"
#include "store/base/record_time.h"
#include "store/records/asker.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* $1: hashes in hexadecimal digits, as a list in JSON. */
static const char *const found_sql[] = {
    [SQL_SQLITE] = "SELECT who, at FROM uic_erased WHERE who IN (SELECT value FROM json_each($1))",
    [SQL_POSTGRES] =
        "SELECT encode(who, 'hex'), to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')"
        " FROM uic_erased WHERE who IN"
        " (SELECT decode(hash, 'hex') FROM jsonb_array_elements_text($1::jsonb) AS hash)",
};
/* $1: an input hash in hexadecimal digits; $2: an event. */
static const char *const known_sql[] = {
    [SQL_SQLITE] =
        "SELECT count(*) FROM uic_records WHERE input_hash = $1 AND"
        " instr(' ' || coalesce(last_event_id, '') || previous_event_ids || ' ', ' ' || $2 || ' ')",
    [SQL_POSTGRES] = "SELECT count(*) FROM uic_records WHERE input_hash = decode($1, 'hex')"
                     " AND $2 = ANY (last_event_id || previous_event_ids)",
};

int erased_who(struct keyed_hash *keyed, enum erased_subject subject, bool deletes,
               const char *hash, unsigned char who[RECORD_ERASED_SIZE])
{
    static const char *const subjects[] = {"number", "user", "answers", "record", "event", "asker"};
    unsigned char digest[KEYED_HASH_SIZE];
    char text[ERASED_EVENT_MAX + 32];
    const int length = snprintf(text, sizeof text, "%s %s %s", subjects[subject],
                                deletes ? "deleted" : "without number", hash);

    if (length >= (int)sizeof text || keyed_hash(keyed, text, (size_t)length, digest) != 0)
        return -1;
    memcpy(who, digest, RECORD_ERASED_SIZE);
    return 0;
}

static int sign_add(struct record_replay *replay, enum erased_subject subject, bool deletes,
                    const char *hash)
{
    return erased_who(replay->erased, subject, deletes, hash, replay->who[replay->who_count++]);
}

int erased_event(const char *answers, const char *event_id, char text[ERASED_EVENT_MAX])
{
    return snprintf(text, ERASED_EVENT_MAX, "%s %s", answers, event_id) < ERASED_EVENT_MAX ? 0 : -1;
}

/* Of a claim that nobody asks for, as erasing left it, nothing but its answers can come back. Of any other
 * its message counts, which the record knew: somebody else may ask for the same answers. */
int erased_sign(struct record_claim *claim)
{
    struct record_replay *replay = claim->replay;
    const struct record_person *person = &claim->person;
    char answers[2 * RECORD_HASH_SIZE + 1], user_id[2 * RECORD_PERSON_HASH_SIZE + 1];
    char number[RECORD_ASKER_TEXT_MAX], event[ERASED_EVENT_MAX];
    int status;

    hex_write(claim->input_hash, RECORD_HASH_SIZE, answers);
    replay->who_count = 0;
    status = sign_add(replay, ERASED_CODE, true, answers);
    if (status == 0)
        status = claim->is_signed ? sign_add(replay, ERASED_CODE, false, answers)
                                  : sign_add(replay, ERASED_RECORD, true, answers);
    if (status == 0)
        status = erased_event(answers, claim->event_id, event);
    for (int deletes = 0; deletes < 2 && status == 0 && claim->is_signed; deletes++)
        status = sign_add(replay, ERASED_EVENT, deletes, event);
    hex_write(person->number, RECORD_ASKER_SIZE, number);
    for (int deletes = 0; deletes < 2 && status == 0 && person->has_number; deletes++)
        status = sign_add(replay, ERASED_NUMBER, deletes, number);
    hex_write(person->user_id, RECORD_PERSON_HASH_SIZE, user_id);
    for (int deletes = 0; deletes < 2 && status == 0 && person->has_user_id; deletes++)
        status = sign_add(replay, ERASED_USER, deletes, user_id);
    return status;
}

/* Of all claims, as JSON. To be freed; NULL without memory. */
static char *whos_list(const struct claims_batch *batch)
{
    size_t count = 0;

    for (size_t i = 0; i < batch->count; i++)
        count += batch->claims[i]->replay->who_count;
    char *list = malloc(count * (ERASED_WHO_TEXT_MAX + 2) + 3);
    if (list == NULL)
        return NULL;
    char *at = list;
    *at++ = '[';
    for (size_t i = 0; i < batch->count; i++) {
        const struct record_replay *replay = batch->claims[i]->replay;
        for (size_t w = 0; w < replay->who_count; w++) {
            if (at > list + 1)
                *at++ = ',';
            *at++ = '"';
            hex_write(replay->who[w], RECORD_ERASED_SIZE, at);
            at += ERASED_WHO_TEXT_MAX - 1;
            *at++ = '"';
        }
    }
    strcpy(at, "]");
    return list;
}

/* Somebody was erased at that time. */
static void batch_compare(struct claims_batch *batch, const char *who, int64_t at_us)
{
    char own[ERASED_WHO_TEXT_MAX];

    for (size_t i = 0; i < batch->count; i++) {
        const struct record_claim *claim = batch->claims[i];
        for (size_t w = 0; w < claim->replay->who_count && claim->replay->made_us <= at_us; w++) {
            hex_write(claim->replay->who[w], RECORD_ERASED_SIZE, own);
            if (strcmp(own, who) == 0)
                batch->outcomes[i].status = STORE_ABSENT;
        }
    }
}

static enum sql_result erased_find(struct sql *sql, struct claims_batch *batch)
{
    char *list = whos_list(batch);
    int64_t at_us;

    if (list == NULL)
        return sql_explain(sql, SQL_FAILED, "out of memory");
    enum sql_result result = sql_query(sql, found_sql[sql->dialect], SQL_VALUES(sql_text(list)));
    for (; result == SQL_ROW; result = sql_next(sql)) {
        const char *at = sql_column(sql, 1);
        if (at != NULL && record_time_parse(at, &at_us) == 0)
            batch_compare(batch, sql_column(sql, 0), at_us);
    }
    free(list);
    return result;
}

static enum sql_result event_find(struct sql *sql, const struct record_claim *claim, bool *known)
{
    char answers[2 * RECORD_HASH_SIZE + 1];
    int64_t count = 0;

    hex_write(claim->input_hash, RECORD_HASH_SIZE, answers);
    const enum sql_result result =
        sql_run(sql, known_sql[sql->dialect],
                SQL_VALUES(sql_text(answers), sql_text(claim->event_id)), &count);
    *known = count > 0;
    return result;
}

enum sql_result erased_judge(struct sql *sql, struct claims_batch *batch)
{
    bool known = true;

    for (size_t i = 0; i < batch->count; i++)
        batch->outcomes[i].status = STORE_LATER;
    enum sql_result result = erased_find(sql, batch);
    for (size_t i = 0; i < batch->count && result == SQL_DONE; i++) {
        const struct record_claim *claim = batch->claims[i];
        if (!claim->replay->is_old || batch->outcomes[i].status != STORE_LATER)
            continue;
        result = event_find(sql, claim, &known);
        if (!known)
            batch->outcomes[i].status = STORE_REFUSED;
    }
    return result;
}
