/* Two tables of sentences. */
#include "server/serving/redis_advice.h"

#include <stddef.h>

static const struct redis_advice refusals[] = {
    [REDIS_IS_CLUSTER] = {"a Redis Cluster cannot serve us: use one Redis, or sentinels",
                          "un Redis Cluster ne convient pas : prenez un seul Redis, ou des "
                          "sentinelles"},
    [REDIS_FORBIDS] = {"an ACL forbids what we need: see Redis in docs/operations.md",
                       "une ACL interdit ce qu’il nous faut : voir « Redis » dans "
                       "docs/operations.md"},
    [REDIS_IS_FULL] = {"Redis is full: raise maxmemory", "Redis est plein : augmentez maxmemory"},
    [REDIS_CANNOT_WRITE] = {"Redis cannot write to its disk: see df -h, and Redis's log",
                            "Redis ne peut pas écrire sur son disque : voir df -h et le journal "
                            "de Redis"},
    [REDIS_LACKS_REPLICAS] = {"fewer replicas are there in time than min-replicas-to-write or "
                              "SESSION_REPLICAS asks for",
                              "il manque des répliques, d’après min-replicas-to-write ou "
                              "SESSION_REPLICAS"},
    [REDIS_IS_FOREIGN] = {"this Redis belongs to another salt or flow: put UIC_SALT and FLOW_FILE "
                          "right, or give each programme a Redis of its own",
                          "ce Redis appartient à un autre sel ou à un autre questionnaire : "
                          "corrigez UIC_SALT et FLOW_FILE, ou donnez à chaque programme son Redis"},
    [REDIS_REFUSES_OTHERWISE] = {"Redis refuses what we need", "Redis refuse ce qu’il nous faut"},
};

const struct redis_advice *redis_advice(enum redis_refusal refusal)
{
    return refusal == REDIS_SERVES ? NULL : &refusals[refusal];
}

static const struct redis_advice risks[REDIS_RISKS] = {
    [REDIS_EVICTS] = {"when Redis is full, conversations vanish: set maxmemory-policy noeviction",
                      "quand Redis est plein, des conversations disparaissent : réglez "
                      "maxmemory-policy noeviction"},
    [REDIS_FORGETS] = {"Redis writes nothing to disk: its restart loses conversations, and codes "
                       "on their way to the database: set appendonly yes",
                       "Redis n’écrit rien sur le disque : son redémarrage perd les conversations, "
                       "et les codes en route vers la base : réglez appendonly yes"},
    [REDIS_ASKS_NO_REPLICA] = {"a failover of Redis may lose what was said just before: set "
                               "min-replicas-to-write 1",
                               "une bascule de Redis peut perdre ce qui vient d’être dit : réglez "
                               "min-replicas-to-write 1"},
    [REDIS_LACKS_REPLICA] =
        {"Redis has fewer replicas than OUTBOX_REPLICAS asks for: while the "
         "database is away, no code is told",
         "Redis a moins de répliques que OUTBOX_REPLICAS n’en demande : sans la "
         "base, aucun code ne sera dit"},
};

const struct redis_advice *redis_risk(unsigned risk, const struct redis_survey *survey,
                                      unsigned outbox_replicas)
{
    const bool threatens[REDIS_RISKS] = {
        [REDIS_EVICTS] = survey->evicts[0] != '\0',
        [REDIS_FORGETS] = survey->forgets,
        [REDIS_ASKS_NO_REPLICA] = survey->replicas > 0 && !survey->asks_replicas,
        [REDIS_LACKS_REPLICA] = survey->known && survey->replicas < outbox_replicas,
    };

    return threatens[risk] ? &risks[risk] : NULL;
}
