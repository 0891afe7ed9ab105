/* Errors are told apart by their first word; those of a script stand somewhere behind it. */
#include "store/redis/error.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

/* Before Redis 7, an error inside a script stands behind one of the script: "ERR ...: -CODE
 * ...". */
bool redis_error_is(const struct redisReply *reply, const char *code)
{
    if (reply->type != REDIS_REPLY_ERROR)
        return false;
    const char *inner = strncmp(reply->str, "ERR ", 4) == 0 ? strstr(reply->str, ": -") : NULL;
    const char *error = inner != NULL ? inner + 3 : reply->str;
    const size_t length = strcspn(error, " ");
    return length == strlen(code) && memcmp(error, code, length) == 0;
}

bool redis_error_is_elsewhere(const struct redisReply *reply)
{
    return redis_error_is(reply, "READONLY") || redis_error_is(reply, "LOADING") ||
           redis_error_is(reply, "MASTERDOWN");
}

enum redis_refusal redis_error_refusal(const char *error)
{
    static const struct {
        const char *words;
        enum redis_refusal refusal;
    } known[] = {
        {"CROSSSLOT ", REDIS_IS_CLUSTER},
        {"MOVED ", REDIS_IS_CLUSTER},
        {"ASK ", REDIS_IS_CLUSTER},
        {"TRYAGAIN ", REDIS_IS_CLUSTER},
        {"CLUSTERDOWN ", REDIS_IS_CLUSTER},
        {"NOPERM ", REDIS_FORBIDS},
        {"NOAUTH ", REDIS_FORBIDS},
        {"ACL failure in script", REDIS_FORBIDS},
        {"can't run this command", REDIS_FORBIDS},
        {"OOM ", REDIS_IS_FULL},
        {"MISCONF ", REDIS_CANNOT_WRITE},
        {"NOREPLICAS ", REDIS_LACKS_REPLICAS},
        {REDIS_TOO_FEW, REDIS_LACKS_REPLICAS},
    };

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strstr(error, known[i].words) != NULL)
            return known[i].refusal;
    return REDIS_REFUSES_OTHERWISE;
}

void redis_error_write(char words[ERROR_MAX], const char *what, const char *error)
{
    static const char arguments[] = ", with args beginning with";
    const char *end = strstr(error, arguments);
    const size_t length = end != NULL ? (size_t)(end - error) : strlen(error);

    snprintf(words, ERROR_MAX, "%s: %.*s", what, length < 200 ? (int)length : 200, error);
    /* A script adds its name and line; the trouble is the same. */
    char *script = strstr(words, " script: ");
    if (script != NULL)
        *script = '\0';
}

bool redis_error_note(char told[ERROR_MAX], const char *what, const struct redisReply *reply)
{
    char words[ERROR_MAX];

    redis_error_write(words, what, reply->type == REDIS_REPLY_ERROR ? reply->str : "an odd answer");
    if (strcmp(words, told) == 0)
        return false;
    strcpy(told, words);
    return true;
}
