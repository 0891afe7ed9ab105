/* AUTH, SELECT, ROLE, PING. */
#include "store/redis/greeting.h"
#include "store/redis/reply.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

enum { AUTH = 1, SELECT, ROLE, PING };

static void say(struct redis_greeting *greeting, const char *first, const char *second,
                const char *third)
{
    const char *words[] = {first, second, third};

    greeting->argc = 0;
    for (size_t i = 0; i < 3 && words[i] != NULL; i++) {
        greeting->argv[i] = words[i];
        greeting->lengths[i] = strlen(words[i]);
        greeting->argc++;
    }
}

bool redis_greeting_next(struct redis_greeting *greeting, const struct redis_url *url)
{
    size_t step = ++greeting->step;

    if (step == AUTH && url->password == NULL)
        step = ++greeting->step;
    if (step == SELECT && url->db == 0)
        step = ++greeting->step;
    if (step == AUTH) {
        say(greeting, "AUTH", url->user != NULL ? url->user : url->password,
            url->user != NULL ? url->password : NULL);
    } else if (step == SELECT) {
        snprintf(greeting->db, sizeof(greeting->db), "%u", url->db);
        say(greeting, "SELECT", greeting->db, NULL);
    } else if (step == ROLE) {
        say(greeting, "ROLE", NULL, NULL);
    } else if (step == PING) {
        say(greeting, "PING", NULL, NULL);
    } else {
        return false;
    }
    return true;
}

/* A server that does not know AUTH may repeat the arguments in its answer. */
static bool tells_secret(const struct redis_url *url, const char *text)
{
    return url->password != NULL && strstr(text, url->password) != NULL;
}

/* Who may not ask for the role, or asks a proxy, goes without; unless sentinels sent us there. */
bool redis_greeting_accepts(const struct redis_greeting *greeting, const struct redis_url *url,
                            const struct redisReply *reply, char why[STORE_ERROR_MAX])
{
    if (greeting->step == ROLE && redis_reply_is_replica(reply)) {
        snprintf(why, STORE_ERROR_MAX, "is a replica, not a master");
        return false;
    }
    if (reply->type != REDIS_REPLY_ERROR || (greeting->step == ROLE && url->master == NULL))
        return true;
    snprintf(why, STORE_ERROR_MAX, "%s refused: %s", greeting->argv[0],
             tells_secret(url, reply->str) ? "(its answer repeats the password)" : reply->str);
    return false;
}
