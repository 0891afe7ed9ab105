/* A second server of the test's own, which has what the first one has. */
#ifndef TEST_REDIS_REPLICA_H
#define TEST_REDIS_REPLICA_H

#include "store/redis_server.h"

static inline bool redis_server_says(const struct redis_server *where, const char *command,
                                     const char *text)
{
    redisReply *reply = redis_server_ask(where, command);
    bool found = reply->str != NULL && strstr(reply->str, text) != NULL;

    freeReplyObject(reply);
    return found;
}

/* Whether it tells its master in time what it has: in its first second it does not. */
static inline bool redis_replica_confirms(const struct redis_server *master)
{
    redisContext *context = redis_server_connect(master);

    freeReplyObject(redisCommand(context, "SET ready yes"));
    freeReplyObject(redisCommand(context, "DEL ready"));
    redisReply *reply = redisCommand(context, "WAIT 1 100");
    assert_non_null(reply);
    bool confirms = reply->integer == 1;
    freeReplyObject(reply);
    redisFree(context);
    return confirms;
}

/* Of a master that is on a port; once it is of use to it. */
static inline void redis_replica_start(struct redis_server *replica,
                                       const struct redis_server *master)
{
    redis_server_start(replica, true, NULL);
    freeReplyObject(redis_server_ask(master, "CONFIG SET repl-diskless-sync-delay 0"));
    freeReplyObject(redis_server_ask(replica, "REPLICAOF 127.0.0.1 %d", (int)master->port));
    while (!redis_server_says(master, "INFO replication", "state=online") ||
           !redis_server_says(replica, "INFO replication", "master_link_status:up") ||
           !redis_replica_confirms(master))
        nap();
}

/* Also one that stands still. */
static inline void redis_replica_stop(struct redis_server *replica)
{
    kill(replica->pid, SIGCONT);
    redis_server_stop(replica);
}

#endif
