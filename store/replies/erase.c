/* Walks the partitions page by page, opens each reply, and takes out those to the address. */
#include "store/redis/call.h"
#include "store/replies.h"
#include "store/replies/backend.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

#define PAGE 100

struct walk {
    struct seal *seal;
    const char *address;
    char next[REPLY_ID_MAX + 1]; /* where the next page begins */
    size_t entries;              /* of the page */
    char found[PAGE][REPLY_ID_MAX];
    size_t found_count;
};

static bool is_to(struct walk *walk, const struct redisReply *sealed)
{
    struct reply reply = {0};
    bool is_theirs = false;

    if (sealed->len <= REPLY_SEALED_MAX &&
        replies_entry_open(walk->seal, (const unsigned char *)sealed->str, sealed->len, &reply) ==
            0)
        is_theirs = strcmp(reply.address, walk->address) == 0;
    replies_entry_wipe(&reply);
    return is_theirs;
}

static void on_page(void *arg, const struct redisReply *page)
{
    struct walk *walk = arg;

    walk->entries = walk->found_count = 0;
    for (size_t i = 0; page->type == REDIS_REPLY_ARRAY && i < page->elements && i < PAGE; i++) {
        const char *id = page->element[i]->element[0]->str;
        const struct redisReply *fields = page->element[i]->element[1];

        walk->entries++;
        snprintf(walk->next, sizeof walk->next, "(%s", id);
        for (size_t f = 0; f + 1 < fields->elements; f += 2)
            if (strcmp(fields->element[f]->str, "sealed") == 0 &&
                is_to(walk, fields->element[f + 1]))
                snprintf(walk->found[walk->found_count++], REPLY_ID_MAX, "%s", id);
    }
}

static int partition_walk(struct walk *walk, struct redis_call *call, unsigned partition,
                          bool dry_run, size_t *found, char error[STORE_ERROR_MAX])
{
    char stream[48];

    snprintf(stream, sizeof stream, REPLIES_PREFIX ":%u", partition);
    strcpy(walk->next, "-");
    do {
        const char *read[] = {"XRANGE", stream, walk->next, "+", "COUNT", "100"};
        const size_t lengths[] = {6, strlen(stream), strlen(walk->next), 1, 5, 3};
        if (redis_call(call, 6, read, lengths, on_page, walk, error) != 0)
            return -1;
        for (size_t i = 0; i < walk->found_count; i++, ++*found) {
            const char *remove[] = {"XDEL", stream, walk->found[i]};
            const size_t sizes[] = {4, strlen(stream), strlen(walk->found[i])};
            if (!dry_run && redis_call(call, 3, remove, sizes, NULL, NULL, error) != 0)
                return -1;
        }
    } while (walk->entries > 0);
    return 0;
}

/* Which reply the person has last, by hashes only, goes too. */
static int newest_forget(const struct replies_settings *settings, struct redis_call *call,
                         const char *address, char error[STORE_ERROR_MAX])
{
    char name[REPLIES_NAME_MAX];
    uint64_t who;

    if (replies_who(settings->address_key, address, strlen(address), &who) < 0) {
        snprintf(error, STORE_ERROR_MAX, "the cryptographic library fails");
        return -1;
    }
    replies_newest_name(who, name);
    return redis_call(call, 2, (const char *[]){"DEL", name}, (const size_t[]){3, strlen(name)},
                      NULL, NULL, error);
}

int replies_erase(const struct replies_settings *settings, struct redis_call *call,
                  const char *address, bool dry_run, size_t *found, char error[STORE_ERROR_MAX])
{
    struct walk walk = {.address = address};
    int status = 0;

    *found = 0;
    walk.seal = seal_create(settings->seal_key);
    if (!walk.seal) {
        snprintf(error, STORE_ERROR_MAX, "cannot prepare the replies' key");
        return -1;
    }
    for (unsigned n = 0; status == 0 && n < REPLIES_PARTITIONS; n++)
        status = partition_walk(&walk, call, n, dry_run, found, error);
    if (status == 0 && !dry_run)
        status = newest_forget(settings, call, address, error);
    seal_free(walk.seal);
    return status;
}
