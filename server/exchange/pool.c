/* The memory of exchanges: those under way, and spare ones for the next. */
#include "server/exchange/exchange_parts.h"

#include "server/telemetry/metrics.h"
#include <stdlib.h>
#include <string.h>

/* Exchanges that are kept for the next messages at most; none where each use is to be watched. */
#ifdef __SANITIZE_ADDRESS__
#define SPARE_MAX 0
#else
#define SPARE_MAX 1024
#endif

struct exchange *exchange_take(struct exchange_service *service)
{
    struct exchange *exchange = TAILQ_FIRST(&service->spare);

    if (exchange != NULL) {
        TAILQ_REMOVE(&service->spare, exchange, link);
        service->spare_count--;
    } else if ((exchange = malloc(sizeof *exchange)) == NULL) {
        return NULL;
    }
    memset(exchange, 0, offsetof(struct exchange, session));
    return exchange;
}

static void exchange_wipe(struct exchange *exchange)
{
    conversation_wipe(&exchange->conversation);
    explicit_bzero(exchange->session.bytes, exchange->session.length);
    explicit_bzero(exchange, offsetof(struct exchange, session));
}

void exchange_give_back(struct exchange_service *service, struct exchange *exchange)
{
    exchange_wipe(exchange);
    if (service->spare_count == SPARE_MAX) {
        free(exchange);
        return;
    }
    TAILQ_INSERT_HEAD(&service->spare, exchange, link);
    service->spare_count++;
}

void exchange_enter(struct exchange_service *service, struct exchange *exchange)
{
    TAILQ_INSERT_TAIL(&service->exchanges, exchange, link);
    service->in_flight++;
    metrics_add(METRIC_MESSAGES_IN_FLIGHT, 1);
}

void exchange_end(struct exchange *exchange)
{
    struct exchange_service *service = exchange->service;

    TAILQ_REMOVE(&service->exchanges, exchange, link);
    service->in_flight--;
    metrics_subtract(METRIC_MESSAGES_IN_FLIGHT, 1);
    exchange_give_back(service, exchange);
}

void exchange_pool_free(struct exchange_service *service)
{
    struct exchange *exchange;

    while ((exchange = TAILQ_FIRST(&service->spare)) != NULL) {
        TAILQ_REMOVE(&service->spare, exchange, link);
        free(exchange);
    }
}
