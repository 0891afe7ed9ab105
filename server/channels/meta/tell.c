/* What else than messages came from Meta, into log and counts. */
#include "server/channels/meta/tell.h"

#include "server/channels/meta/graph_verdict.h"
#include "server/telemetry/counting.h"
#include "server/telemetry/error_codes.h"
#include "server/telemetry/log.h"
#include "server/telemetry/metrics.h"
#include "store/base/clock.h"
#include "store/counters.h"

/* What Meta tells of our account again and again is said again after this time. */
#define ABOUT_US_EVERY_MS 60000

void meta_tell_ignored(const struct meta_ignored *ignored)
{
    const size_t all =
        ignored->unknown + ignored->malformed + ignored->foreign + ignored->old + ignored->repeated;

    if (all == 0)
        return;
    metrics_add(METRIC_META_UNKNOWN, ignored->unknown);
    metrics_add(METRIC_META_MALFORMED, ignored->malformed);
    metrics_add(METRIC_META_FOREIGN, ignored->foreign);
    metrics_add(METRIC_META_OLD, ignored->old);
    metrics_add(METRIC_META_REPEATED, ignored->repeated);
    log_write(ignored->malformed + ignored->foreign > 0 ? LOG_WARNING : LOG_INFO, "meta_ignored",
              log_number("unknown", (int64_t)ignored->unknown),
              log_number("malformed", (int64_t)ignored->malformed),
              log_number("other_number", (int64_t)ignored->foreign),
              log_number("old", (int64_t)ignored->old),
              log_number("repeated", (int64_t)ignored->repeated));
}

/* One line for each error of a request, without a word of whose message it was. */
static void tell_error(struct meta_teller *teller, const struct meta_report_error *error)
{
    const bool about_us = error->code > 0 && graph_is_about_us(error->code, error->subcode);
    const int64_t now_ms = clock_monotonic_ms();

    error_codes_add(error->code, error->count);
    if (about_us) {
        metrics_add(METRIC_META_ABOUT_US, error->count);
        if (now_ms < teller->next_about_us_ms)
            return;
        teller->next_about_us_ms = now_ms + ABOUT_US_EVERY_MS;
    }
    log_write(about_us ? LOG_CRITICAL : LOG_WARNING,
              about_us ? "meta_account_error" : "reply_undelivered",
              log_number("code", error->code), log_number("subcode", error->subcode),
              log_number("count", (int64_t)error->count));
}

void meta_tell_report(struct meta_teller *teller, const struct meta_report *report)
{
    metrics_add(METRIC_META_SENT, report->sent);
    metrics_add(METRIC_META_DELIVERED, report->delivered);
    metrics_add(METRIC_META_READ, report->read);
    metrics_add(METRIC_META_FAILED, report->failed);
    metrics_add(METRIC_META_STATUS_OTHER, report->other);
    if (report->delivered + report->read + report->failed > 0) {
        counters_add(teller->counters, COUNT_DELIVERED, (unsigned)report->delivered);
        counters_add(teller->counters, COUNT_READ, (unsigned)report->read);
        counters_add(teller->counters, COUNT_FAILED, (unsigned)report->failed);
    }
    for (size_t i = 0; i < report->error_count; i++)
        tell_error(teller, &report->errors[i]);
    if (report->errors_more > 0)
        log_write(LOG_WARNING, "reply_undelivered",
                  log_number("others", (int64_t)report->errors_more));
}
