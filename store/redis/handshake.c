/* AUTH, SELECT, ROLE, PING. */
#include "store/redis/handshake.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

enum { AUTH = 1, SELECT, ROLE, PING };

static void say(struct redis_handshake *handshake, const char *first, const char *second,
                const char *third)
{
    const char *words[] = {first, second, third};

    handshake->argc = 0;
    for (size_t i = 0; i < 3 && words[i] != NULL; i++) {
        handshake->argv[i] = words[i];
        handshake->argc++;
    }
}

bool redis_handshake_next(struct redis_handshake *handshake, const struct redis_url *url)
{
    size_t step = ++handshake->step;

    if (step == AUTH && url->password == NULL)
        step = ++handshake->step;
    if (step == SELECT && url->db == 0)
        step = ++handshake->step;
    if (step == AUTH) {
        say(handshake, "AUTH", url->user != NULL ? url->user : url->password,
            url->user != NULL ? url->password : NULL);
    } else if (step == SELECT) {
        snprintf(handshake->db, sizeof handshake->db, "%u", url->db);
        say(handshake, "SELECT", handshake->db, NULL);
    } else if (step == ROLE) {
        say(handshake, "ROLE", NULL, NULL);
    } else if (step == PING) {
        say(handshake, "PING", NULL, NULL);
    } else {
        return false;
    }
    return true;
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

/* Who may not ask for the role, or asks a proxy, goes without; unless sentinels sent us there. */
bool redis_handshake_accepts(const struct redis_handshake *handshake, const struct redis_url *url,
                             const struct redisReply *reply, char why[STORE_ERROR_MAX])
{
    if (handshake->step == ROLE && is_replica(reply)) {
        snprintf(why, STORE_ERROR_MAX, "is a replica, not a master");
        return false;
    }
    if (reply->type != REDIS_REPLY_ERROR || (handshake->step == ROLE && url->master == NULL))
        return true;
    snprintf(why, STORE_ERROR_MAX, "%s refused: %s", handshake->argv[0],
             tells_secret(url, reply->str) ? "(its answer repeats the password)" : reply->str);
    return false;
}
