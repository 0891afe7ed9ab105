/* A person's list is counted, and goes with all else that is theirs. */
#include "store/redis/call.h"
#include "store/replies.h"
#include "store/replies/backend.h"

#include <hiredis/hiredis.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

extern const struct redis_script replies_erase_script;

static void on_length(void *arg, const struct redisReply *reply)
{
    *(size_t *)arg = (size_t)reply->integer;
}

static int list_erase(struct redis_call *call, uint64_t person, bool dry_run, size_t *found,
                      char error[ERROR_MAX])
{
    char list[48], who[17], token[8];

    snprintf(list, sizeof list, REPLIES_PREFIX ":of:%016" PRIx64, person);
    snprintf(who, sizeof who, "%016" PRIx64, person);
    snprintf(token, sizeof token, "%d", REPLY_TOKEN_SIZE);
    const char *length[] = {"LLEN", list}, *erase[] = {REPLIES_PREFIX, who, token};
    if (redis_call(call, 2, length, NULL, on_length, found, error) != 0)
        return -1;
    return dry_run ? 0 : redis_call_run(call, &replies_erase_script, 3, erase, NULL, error);
}

int replies_erase(const struct replies_settings *settings, struct redis_call *call,
                  const char *address, bool dry_run, size_t *found, char error[ERROR_MAX])
{
    struct keyed_hash *addresses = keyed_hash_create(settings->address_key);
    uint64_t who;
    int status = -1;

    *found = 0;
    if (addresses == NULL || keyed_hash_number(addresses, address, strlen(address), &who) != 0)
        snprintf(error, ERROR_MAX, "the cryptographic library fails");
    else
        status = list_erase(call, who, dry_run, found, error);
    keyed_hash_free(addresses);
    return status;
}
