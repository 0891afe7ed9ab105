/* Tells Redis's errors apart by their code, the first word. */
#include "store/redis/reply.h"

#include <hiredis/hiredis.h>
#include <stddef.h>
#include <string.h>

static const struct {
    const char *code;
    enum redis_trouble trouble;
} codes[] = {
    {"READONLY", REDIS_ELSEWHERE},
    {"LOADING", REDIS_ELSEWHERE},
    {"MASTERDOWN", REDIS_ELSEWHERE},
    {"NOSCRIPT", REDIS_UNKNOWN_SCRIPT},
};

/* Before Redis 7, an error inside a script stands behind one of the script: "ERR ...: -CODE ...".
 */
static const char *code_of(const char *error)
{
    const char *inner = strncmp(error, "ERR ", 4) == 0 ? strstr(error, ": -") : NULL;
    return inner != NULL ? inner + 3 : error;
}

enum redis_trouble redis_reply_trouble(const struct redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ERROR)
        return REDIS_FINE;
    const char *error = code_of(reply->str);
    size_t length = strcspn(error, " ");
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        if (length == strlen(codes[i].code) && memcmp(error, codes[i].code, length) == 0)
            return codes[i].trouble;
    }
    return REDIS_FINE;
}
