/* Walks both streams page by page, for who looks at the outbox, puts refused entries back, or takes
 * away what another salt sealed. */
#include "store/outbox.h"
#include "store/outbox/claim.h"
#include "store/redis/call.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAGE 100
#define PAGE_TEXT "100"
#define ID_MAX 48
#define WHY_MAX 24

extern const struct redis_script outbox_retry_script;

struct entry {
    char id[ID_MAX];                 /* in the stream that is walked */
    char put_id[ID_MAX];             /* when it was put into the outbox */
    char why[WHY_MAX];               /* it was refused; "": it was not */
    const struct redisReply *sealed; /* of the page's reply, while that lives */
};

struct walk {
    struct redis_call *call;
    struct seal *seal;
    const char *stream;
    int64_t now_ms; /* by Redis's clock */
    char next[ID_MAX], last[ID_MAX];
    size_t entries; /* of the page */
    void (*visit)(struct walk *walk, const struct entry *entry);
    /* For who looks: */
    void (*seen)(void *arg, const struct outbox_seen *seen);
    void *arg;
    /* For what goes back, or away: of a page */
    struct {
        char id[ID_MAX];
        unsigned char sealed[OUTBOX_SEALED_MAX];
        size_t length;
    } back[PAGE];
    size_t back_count;
    long long result; /* of the last script */
};

static const struct redisReply *field(const struct redisReply *fields, const char *name)
{
    for (size_t i = 0; i + 1 < fields->elements; i += 2)
        if (strcmp(fields->element[i]->str, name) == 0)
            return fields->element[i + 1];
    return NULL;
}

static void text_copy(char *out, size_t size, const struct redisReply *value)
{
    snprintf(out, size, "%s", value != NULL ? value->str : "");
    for (char *c = out; *c != '\0'; c++) {
        if (*c <= ' ' || *c > '~')
            *c = '?';
    }
}

static void on_page(void *arg, const struct redisReply *reply)
{
    struct walk *walk = arg;

    walk->entries = 0;
    for (size_t i = 0; reply->type == REDIS_REPLY_ARRAY && i < reply->elements; i++) {
        const struct redisReply *fields = reply->element[i]->element[1];
        struct entry entry = {.sealed = field(fields, "sealed")};

        text_copy(entry.id, sizeof entry.id, reply->element[i]->element[0]);
        text_copy(entry.why, sizeof entry.why, field(fields, "why"));
        text_copy(entry.put_id, sizeof entry.put_id, field(fields, "id"));
        if (entry.put_id[0] == '\0')
            memcpy(entry.put_id, entry.id, sizeof entry.put_id);
        walk->entries++;
        snprintf(walk->next, sizeof walk->next, "(%.46s", entry.id);
        walk->visit(walk, &entry);
    }
}

static int page_read(struct walk *walk, char error[ERROR_MAX])
{
    const char *argv[] = {"XRANGE", walk->stream, walk->next, walk->last, "COUNT", PAGE_TEXT};

    return redis_call(walk->call, 6, argv, NULL, on_page, walk, error);
}

static struct walk *walk_create(struct redis_call *call, const struct seal_keys *keys)
{
    struct walk *walk = calloc(1, sizeof *walk);

    if (walk == NULL)
        return NULL;
    walk->call = call;
    strcpy(walk->next, "-");
    strcpy(walk->last, "+");
    walk->seal = seal_create(keys);
    if (walk->seal != NULL)
        return walk;
    free(walk);
    return NULL;
}

static void walk_free(struct walk *walk)
{
    seal_free(walk->seal);
    OPENSSL_cleanse(walk, sizeof *walk);
    free(walk);
}

/* Looking */

static enum outbox_key entry_key(const struct walk *walk, const struct entry *entry)
{
    struct record_claim claim = {0};
    int64_t sealed_s;
    int opened = -1;

    if (entry->sealed != NULL && entry->sealed->len <= OUTBOX_SEALED_MAX)
        opened = outbox_claim_open(walk->seal, (const unsigned char *)entry->sealed->str,
                                   entry->sealed->len, &claim, &sealed_s);
    OPENSSL_cleanse(&claim, sizeof claim);
    return opened == 0 ? OUTBOX_OURS : opened == SEAL_OTHER_KEY ? OUTBOX_FOREIGN : OUTBOX_DAMAGED;
}

static void look_at(struct walk *walk, const struct entry *entry)
{
    const int64_t age_ms = walk->now_ms - strtoll(entry->put_id, NULL, 10);
    const struct outbox_seen seen = {
        .id = entry->put_id,
        .why = entry->why[0] != '\0' ? entry->why : NULL,
        .refused = strcmp(walk->stream, OUTBOX_REFUSED_STREAM) == 0,
        .age_s = age_ms > 0 ? age_ms / 1000 : 0,
        .key = entry_key(walk, entry),
    };

    walk->seen(walk->arg, &seen);
}

static void on_time(void *arg, const struct redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2)
        *(int64_t *)arg = strtoll(reply->element[0]->str, NULL, 10) * 1000;
}

int outbox_list(struct redis_call *call, const struct seal_keys *keys,
                void (*seen)(void *arg, const struct outbox_seen *seen), void *arg,
                char error[ERROR_MAX])
{
    static const char *const streams[] = {OUTBOX_STREAM, OUTBOX_REFUSED_STREAM};
    const char *time_argv[] = {"TIME"};
    struct walk *walk = walk_create(call, keys);

    snprintf(error, ERROR_MAX, "out of memory");
    if (walk == NULL)
        return -1;
    walk->visit = look_at;
    walk->seen = seen;
    walk->arg = arg;
    int status = redis_call(call, 1, time_argv, NULL, on_time, &walk->now_ms, error);
    for (size_t i = 0; status == 0 && i < 2; i++) {
        walk->stream = streams[i];
        strcpy(walk->next, "-");
        do
            status = page_read(walk, error);
        while (status == 0 && walk->entries > 0);
    }
    walk_free(walk);
    return status;
}

/* Taking away */

static void delete_later(struct walk *walk, const struct entry *entry)
{
    if (walk->back_count < PAGE && entry_key(walk, entry) == OUTBOX_FOREIGN)
        memcpy(walk->back[walk->back_count++].id, entry->id, ID_MAX);
}

static void on_result(void *arg, const struct redisReply *reply)
{
    if (reply->type == REDIS_REPLY_INTEGER)
        *(long long *)arg = reply->integer;
}

static int page_delete(struct walk *walk, size_t *deleted, char error[ERROR_MAX])
{
    const char *argv[2 + PAGE] = {"XDEL", walk->stream};

    if (walk->back_count == 0)
        return 0;
    for (size_t i = 0; i < walk->back_count; i++)
        argv[2 + i] = walk->back[i].id;
    walk->result = 0;
    const int status = redis_call(walk->call, (int)(2 + walk->back_count), argv, NULL, on_result,
                                  &walk->result, error);
    *deleted += (size_t)walk->result;
    walk->back_count = 0;
    return status;
}

int outbox_delete_foreign(struct redis_call *call, const struct seal_keys *keys, size_t *deleted,
                          char error[ERROR_MAX])
{
    static const char *const streams[] = {OUTBOX_STREAM, OUTBOX_REFUSED_STREAM};
    struct walk *walk = walk_create(call, keys);
    int status = 0;

    *deleted = 0;
    snprintf(error, ERROR_MAX, "out of memory");
    if (walk == NULL)
        return -1;
    walk->visit = delete_later;
    for (size_t i = 0; status == 0 && i < 2; i++) {
        walk->stream = streams[i];
        strcpy(walk->next, "-");
        do {
            status = page_read(walk, error);
            if (status == 0)
                status = page_delete(walk, deleted, error);
        } while (status == 0 && walk->entries > 0);
    }
    walk_free(walk);
    return status;
}

/* Putting back */

/* Ours is sealed anew: who puts it back vouches for it now. What we cannot open goes as it is. */
static void put_back_later(struct walk *walk, const struct entry *entry)
{
    struct record_claim claim = {0};
    int64_t sealed_s;

    if (entry->sealed == NULL || entry->sealed->len > OUTBOX_SEALED_MAX || walk->back_count == PAGE)
        return;
    unsigned char *sealed = walk->back[walk->back_count].sealed;
    size_t *length = &walk->back[walk->back_count].length;
    memcpy(walk->back[walk->back_count].id, entry->id, ID_MAX);
    *length = 0;
    if (outbox_claim_open(walk->seal, (const unsigned char *)entry->sealed->str, entry->sealed->len,
                          &claim, &sealed_s) == 0)
        *length = outbox_claim_seal_at(walk->seal, &claim, walk->now_ms / 1000, sealed);
    OPENSSL_cleanse(&claim, sizeof claim);
    if (*length == 0) {
        *length = entry->sealed->len;
        memcpy(sealed, entry->sealed->str, *length);
    }
    walk->back_count++;
}

static int page_put_back(struct walk *walk, const char *group, const char *length_max,
                         size_t *put_back, char error[ERROR_MAX])
{
    for (size_t i = 0; i < walk->back_count; i++) {
        const char *argv[] = {"EVAL",
                              outbox_retry_script.text,
                              "3",
                              OUTBOX_REFUSED_STREAM,
                              OUTBOX_STREAM,
                              OUTBOX_OWN_COUNTS,
                              walk->back[i].id,
                              (const char *)walk->back[i].sealed,
                              group,
                              length_max};
        size_t lengths[10];
        for (size_t word = 0; word < 10; word++)
            lengths[word] = word == 7 ? walk->back[i].length : strlen(argv[word]);
        if (redis_call(walk->call, 10, argv, lengths, on_result, &walk->result, error) != 0)
            return -1;
        if (walk->result < 0) {
            snprintf(error, ERROR_MAX, "the outbox is full (OUTBOX_MAX)");
            return -1;
        }
        *put_back += walk->result > 0;
    }
    walk->back_count = 0;
    return 0;
}

static void on_last(void *arg, const struct redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 1)
        text_copy(arg, ID_MAX, reply->element[0]->element[0]);
}

/* Up to what was refused last just now: some may be refused again meanwhile. */
int outbox_retry(struct redis_call *call, const struct seal_keys *keys, uint64_t length_max,
                 size_t *put_back, char error[ERROR_MAX])
{
    const char *time_argv[] = {"TIME"};
    const char *last_argv[] = {"XREVRANGE", OUTBOX_REFUSED_STREAM, "+", "-", "COUNT", "1"};
    struct walk *walk = walk_create(call, keys);
    char group[OUTBOX_GROUP_MAX], most[24];

    *put_back = 0;
    outbox_group_name(keys, group);
    snprintf(error, ERROR_MAX, "out of memory");
    if (walk == NULL)
        return -1;
    snprintf(most, sizeof most, "%" PRIu64, length_max);
    walk->visit = put_back_later;
    walk->stream = OUTBOX_REFUSED_STREAM;
    int status = redis_call(call, 1, time_argv, NULL, on_time, &walk->now_ms, error);
    if (status == 0)
        status = redis_call(call, 6, last_argv, NULL, on_last, walk->last, error);
    if (status == 0)
        do {
            status = page_read(walk, error);
            if (status == 0)
                status = page_put_back(walk, group, most, put_back, error);
        } while (status == 0 && walk->entries > 0);
    walk_free(walk);
    return status;
}
