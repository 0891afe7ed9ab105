/* AUTH, SELECT, ROLE, GET of the mark, and PING, or what a sentinel is asked. */
#include "store/redis/handshake.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

enum { AUTH = 1, SELECT, ROLE, MARK, LAST };

bool redis_handshake_next(struct redis_handshake *handshake)
{
    const struct redis_url *url = handshake->url;
    const char *master = handshake->master;
    const char *const words[][3] = {
        [AUTH] = {"AUTH", url->user != NULL ? url->user : url->password,
                  url->user != NULL ? url->password : NULL},
        [SELECT] = {"SELECT", handshake->db},
        [ROLE] = {"ROLE"},
        [MARK] = {"GET", REDIS_MARK_KEY},
        [LAST] = {master != NULL ? "SENTINEL" : "PING",
                  master != NULL ? "get-master-addr-by-name" : NULL, master},
    };

    do
        handshake->step++;
    while ((handshake->step == AUTH && url->password == NULL) ||
           (handshake->step == SELECT && url->db == 0) ||
           (handshake->step == MARK && url->mark == NULL));
    if (handshake->step > LAST)
        return false;
    snprintf(handshake->db, sizeof handshake->db, "%u", url->db);
    memcpy(handshake->argv, words[handshake->step], sizeof handshake->argv);
    handshake->words = (struct redis_words){.argv = handshake->argv};
    while (handshake->words.argc < 3 && handshake->argv[handshake->words.argc] != NULL)
        handshake->words.argc++;
    return true;
}

/* Whether the mark is another's, and may be. */
static bool is_foreign(const struct redis_url *url, const struct redisReply *mark)
{
    return mark->type == REDIS_REPLY_STRING && strcmp(mark->str, url->mark) != 0 &&
           (url->is_ours == NULL || !atomic_load(url->is_ours));
}

static bool is_replica(const struct redisReply *role)
{
    return role->type == REDIS_REPLY_ARRAY && role->elements > 0 &&
           role->element[0]->type == REDIS_REPLY_STRING &&
           strcmp(role->element[0]->str, "slave") == 0;
}

/* A server that does not know AUTH may repeat the arguments in its answer. */
static bool tells_secret(const struct redis_url *url, const char *text)
{
    return url->password != NULL && strstr(text, url->password) != NULL;
}

/* Who may not ask for the role or the mark, or asks a proxy, goes without; unless sentinels sent us
 * there. */
bool redis_handshake_accepts(struct redis_handshake *handshake, const struct redisReply *reply,
                             char why[ERROR_MAX])
{
    const struct redis_url *url = handshake->url;

    if (handshake->step == ROLE && is_replica(reply)) {
        snprintf(why, ERROR_MAX, "is a replica, not a master");
        return false;
    }
    if (handshake->step == MARK && is_foreign(url, reply)) {
        handshake->foreign = true;
        snprintf(why, ERROR_MAX, "belongs to another salt or flow (" REDIS_MARK_KEY ")");
        return false;
    }
    if (reply->type != REDIS_REPLY_ERROR || handshake->step == MARK ||
        (handshake->step == ROLE && url->master == NULL))
        return true;
    snprintf(why, ERROR_MAX, "%s refused: %s", handshake->argv[0],
             tells_secret(url, reply->str) ? "(its answer repeats the password)" : reply->str);
    return false;
}
