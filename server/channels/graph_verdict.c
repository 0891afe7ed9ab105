/*
 * Judges by Meta's error codes (WhatsApp Cloud API, "Error codes"), which say more than the HTTP
 * status: a limit that was reached comes with 400 as with 429. For a limit Meta asks for pauses of
 * 1, 4, 16 ... seconds; we make it a minute at most.
 */
#include "server/channels/graph_verdict.h"

#define SECOND_MS 1000
#define MINUTE_MS (60 * SECOND_MS)
/* A Retry-After beyond is not believed. */
#define RETRY_AFTER_MAX_MS (60 * MINUTE_MS)
#define UNCONFIRMED_REPEATS 2

bool graph_is_later(enum graph_kind kind)
{
    return kind != GRAPH_SENT && kind != GRAPH_REFUSED && kind != GRAPH_UNCONFIRMED_3;
}

static int64_t pause(unsigned factor, unsigned attempts, int64_t max_ms)
{
    int64_t ms = SECOND_MS;

    while (attempts-- > 0 && ms < max_ms)
        ms *= factor;
    return ms < max_ms ? ms : max_ms;
}

static bool is_limit(const struct graph_result *result)
{
    switch (result->code) {
    case 4:      /* calls of the app */
    case 80007:  /* calls of the business account */
    case 130429: /* messages a second of our number */
    case 131048: /* too many of our messages were reported as spam */
    case 131056: /* messages to one person */
    case 133016: /* registrations of our number */
        return true;
    default:
        return result->status == 429;
    }
}

static bool is_lock(const struct graph_result *result)
{
    switch (result->code) {
    case 3:      /* the app lacks a capability */
    case 10:     /* permission denied, or withdrawn */
    case 190:    /* the token expired */
    case 131005: /* access denied */
    case 131031: /* the account is locked */
    case 131042: /* a payment is due */
    case 133010: /* our number is not registered */
        return true;
    default:
        return result->status == 401 || (result->code >= 200 && result->code <= 299);
    }
}

static bool is_failure(const struct graph_result *result)
{
    return result->status >= 500 || result->status == 408 || result->transient;
}

static struct graph_verdict unconfirmed_verdict(unsigned unconfirmed)
{
    if (unconfirmed >= UNCONFIRMED_REPEATS)
        return (struct graph_verdict){GRAPH_UNCONFIRMED_3, 0};
    return (struct graph_verdict){GRAPH_UNCONFIRMED, pause(16, unconfirmed, MINUTE_MS)};
}

struct graph_verdict graph_judge(const struct graph_result *result, unsigned attempts,
                                 unsigned unconfirmed)
{
    struct graph_verdict verdict = {GRAPH_REFUSED, 0};

    if (!result->answered && result->request_sent)
        return unconfirmed_verdict(unconfirmed);
    if (!result->answered)
        verdict = (struct graph_verdict){GRAPH_UNREACHABLE, pause(2, attempts, MINUTE_MS)};
    else if (result->status >= 200 && result->status < 300)
        verdict.kind = GRAPH_SENT;
    else if (is_limit(result))
        verdict = (struct graph_verdict){GRAPH_THROTTLED, pause(4, attempts, MINUTE_MS)};
    else if (is_lock(result))
        verdict = (struct graph_verdict){GRAPH_LOCKED_OUT, pause(4, attempts + 1, MINUTE_MS)};
    else if (is_failure(result))
        verdict = (struct graph_verdict){GRAPH_FAILING, pause(2, attempts, MINUTE_MS)};

    if (graph_is_later(verdict.kind) && result->retry_after_ms > verdict.delay_ms)
        verdict.delay_ms = result->retry_after_ms < RETRY_AFTER_MAX_MS ? result->retry_after_ms
                                                                       : RETRY_AFTER_MAX_MS;
    return verdict;
}
