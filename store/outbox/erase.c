/*
 * Walks the streams page by page, opens each entry, and takes out or rewrites those of the person.
 * What is rewritten goes to the end, where the walk meets it again, and finds it done.
 */
#include "store/outbox.h"
#include "store/outbox/claim.h"
#include "store/record_tools.h"
#include "store/redis/call.h"

#include <hiredis/hiredis.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE "100"
#define ID_MAX 48

extern const struct redis_script outbox_erase_script;

/* An entry that is the person's. */
struct found {
    char id[ID_MAX];
    unsigned char sealed[OUTBOX_SEALED_MAX]; /* without the number; length 0: to be deleted */
    size_t length;
};

struct walk {
    struct outbox_erasure *erasure;
    struct redis_call *call;
    struct seal *seal;
    const char *stream;
    char next[ID_MAX]; /* where the next page begins */
    size_t entries;    /* of the page */
    struct found found[100];
    size_t found_count;
};

/* Under the number that was given is all hers; what comes with another one alone is of its next
 * owner. */
static bool is_of(const struct record_identifiers *person, const struct record_claim *claim)
{
    for (size_t i = 0; i < person->number_count; i++)
        if (person->numbers[i].up_to == INT64_MAX &&
            (strcmp(claim->phone_number, person->numbers[i].clear) == 0 ||
             strcmp(claim->phone_number, person->numbers[i].sealed) == 0))
            return true;
    return claim->person.has_user_id && record_identifiers_have(person, claim->person.user_id);
}

static bool is_wanted(const struct outbox_erasure *erasure, const struct record_claim *claim)
{
    return erasure->person != NULL ? is_of(erasure->person, claim)
                                   : strcmp(claim->code, erasure->code) == 0;
}

/* Whether an entry says whose it is. */
static bool is_somebodys(const struct record_claim *claim)
{
    return claim->phone_number[0] != '\0' || claim->person.has_user_id || claim->person.has_number;
}

static void entry_look(struct walk *walk, const char *id, const struct redisReply *sealed)
{
    struct outbox_erasure *erasure = walk->erasure;
    struct record_claim claim = {0};
    int64_t sealed_s;

    if (sealed->len > OUTBOX_SEALED_MAX ||
        outbox_claim_open(walk->seal, (const unsigned char *)sealed->str, sealed->len, &claim,
                          &sealed_s) != 0) {
        erasure->unreadable++;
    } else if (is_wanted(erasure, &claim) && (erasure->delete || is_somebodys(&claim))) {
        struct found *found = &walk->found[walk->found_count++];
        snprintf(found->id, sizeof found->id, "%s", id);
        if (strcmp(walk->stream, OUTBOX_STREAM) == 0) {
            erasure->has_answers = true;
            memcpy(erasure->answers, claim.input_hash, sizeof erasure->answers);
        }
        /* What was said is of a record that is there; nothing is to be made of it. */
        const bool goes = erasure->delete || claim.said == RECORD_SAID_SAME;
        claim.phone_number[0] = '\0';
        claim.person = (struct record_person){0};
        claim.has_near = false;
        claim.said = RECORD_SAID_NOTHING;
        memset(claim.near, 0, sizeof claim.near);
        memset(claim.said_of, 0, sizeof claim.said_of);
        found->length =
            goes ? 0 : outbox_claim_seal_at(walk->seal, &claim, sealed_s, found->sealed);
    }
    OPENSSL_cleanse(&claim, sizeof claim);
}

static void on_page(void *arg, const struct redisReply *reply)
{
    struct walk *walk = arg;

    walk->entries = 0;
    walk->found_count = 0;
    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements && i < 100; i++) {
        const struct redisReply *entry = reply->element[i];
        const struct redisReply *fields = entry->element[1];

        walk->entries++;
        snprintf(walk->next, sizeof walk->next, "(%s", entry->element[0]->str);
        for (size_t f = 0; f + 1 < fields->elements; f += 2) {
            if (strcmp(fields->element[f]->str, "sealed") != 0)
                continue;
            entry_look(walk, entry->element[0]->str, fields->element[f + 1]);
            break; /* found has room for one of each entry */
        }
    }
}

static int entry_replace(struct walk *walk, const struct found *found, char error[ERROR_MAX])
{
    char group[OUTBOX_GROUP_MAX];
    const char *argv[] = {walk->stream, group, found->id, (const char *)found->sealed};

    outbox_group_name(walk->erasure->keys, group);
    const size_t lengths[] = {strlen(walk->stream), strlen(group), strlen(found->id),
                              found->length};

    return redis_call_run(walk->call, &outbox_erase_script, 4, argv, lengths, error);
}

static int stream_walk(struct walk *walk, const char *stream, char error[ERROR_MAX])
{
    walk->stream = stream;
    strcpy(walk->next, "-");
    do {
        const char *argv[] = {"XRANGE", stream, walk->next, "+", "COUNT", PAGE};
        if (redis_call(walk->call, 6, argv, NULL, on_page, walk, error) != 0)
            return -1;
        for (size_t i = 0; i < walk->found_count; i++) {
            walk->erasure->found++;
            if (!walk->erasure->dry_run && entry_replace(walk, &walk->found[i], error) != 0)
                return -1;
        }
    } while (walk->entries > 0);
    return 0;
}

int outbox_erase(struct outbox_erasure *erasure, struct redis_call *call, char error[ERROR_MAX])
{
    struct walk *walk = calloc(1, sizeof *walk);
    int status = -1;

    erasure->found = erasure->unreadable = 0;
    erasure->has_answers = false;
    snprintf(error, ERROR_MAX, "out of memory");
    if (walk == NULL)
        return -1;
    walk->erasure = erasure;
    walk->call = call;
    walk->seal = seal_create(erasure->keys);
    if (walk->seal != NULL && stream_walk(walk, OUTBOX_STREAM, error) == 0 &&
        stream_walk(walk, OUTBOX_REFUSED_STREAM, error) == 0)
        status = 0;
    seal_free(walk->seal);
    OPENSSL_cleanse(walk, sizeof *walk);
    free(walk);
    return status;
}
