/* The memory of exchanges: those under way, and spare ones for the next. */
#include "server/exchange/exchange_parts.h"

#include "server/telemetry/metrics.h"
#include "store/base/poison.h"
#include <stdlib.h>
#include <string.h>

struct exchange *exchange_take(struct exchange_service *service)
{
    struct exchange *exchange;

    if (service->spare_count > 0) {
        exchange = service->spare[--service->spare_count];
        memory_unpoison(exchange, sizeof *exchange);
    } else if ((exchange = malloc(sizeof *exchange)) == NULL) {
        return NULL;
    }
    memset(exchange, 0, EXCHANGE_ZEROED);
    return exchange;
}

static void exchange_wipe(struct exchange *exchange)
{
    conversation_wipe(&exchange->conversation);
    explicit_bzero(exchange, EXCHANGE_ZEROED);
}

void exchange_give_back(struct exchange_service *service, struct exchange *exchange)
{
    exchange_wipe(exchange);
    if (service->spare_count == EXCHANGE_SPARE_MAX) {
        free(exchange);
        return;
    }
    memory_poison(exchange, sizeof *exchange);
    service->spare[service->spare_count++] = exchange;
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
    while (service->spare_count > 0)
        free(service->spare[--service->spare_count]);
}
