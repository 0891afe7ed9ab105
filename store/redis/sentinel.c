/* SENTINEL get-master-addr-by-name. */
#include "store/redis/sentinel.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

struct redis_command *redis_sentinel_question(const char *master)
{
    const char *argv[] = {"SENTINEL", "get-master-addr-by-name", master};

    return redis_command_create(&(struct redis_words){.argc = 3, .argv = argv});
}

/* Host and port, as texts. */
int redis_sentinel_read(struct redis_place *place, const struct redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2 ||
        reply->element[0]->type != REDIS_REPLY_STRING ||
        reply->element[1]->type != REDIS_REPLY_STRING)
        return -1;
    const struct redisReply *host = reply->element[0];
    const unsigned long port = strtoul(reply->element[1]->str, NULL, 10);
    if (host->len == 0 || host->len >= sizeof place->host || strlen(host->str) != host->len ||
        port == 0 || port > 65535)
        return -1;
    memcpy(place->host, host->str, host->len + 1);
    place->port = (unsigned)port;
    return 0;
}
