/*
 * Judges by Meta's error codes, which say more than the HTTP status: a limit that was reached comes
 * with 400 as with 429. For a limit Meta asks for pauses of 1, 4, 16 ... seconds; we make it a
 * minute at most.
 */
#include "server/channels/meta/graph_verdict.h"

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

/*
 * Meta's error codes that do not refuse this one message for good. The source is its page "Error
 * codes" of the WhatsApp Business Platform (developers.facebook.com/documentation/
 * business-messaging/whatsapp/support/error-codes), for 17, 341 and 613 "Handling errors" of the
 * Graph API, and for 131064 what peers of ours were answered. The HTTP status that Meta documents
 * beside a code is not what comes with it each time, so it is not asked.
 */
#define ANY (-1)

static const struct {
    int first, last, subcode;
    enum graph_kind kind;
} codes[] = {
    {0, 0, ANY, GRAPH_LOCKED_OUT},           /* the app cannot be authenticated */
    {1, 2, ANY, GRAPH_FAILING},              /* unknown, or Meta is down or overloaded */
    {3, 3, ANY, GRAPH_LOCKED_OUT},           /* the app lacks a capability */
    {4, 4, ANY, GRAPH_THROTTLED},            /* calls of the app */
    {10, 10, ANY, GRAPH_LOCKED_OUT},         /* permission denied, or withdrawn */
    {17, 17, ANY, GRAPH_THROTTLED},          /* calls of the system user */
    {33, 33, ANY, GRAPH_LOCKED_OUT},         /* our number was deleted */
    {100, 100, 33, GRAPH_LOCKED_OUT},        /* our number is none that the token may use */
    {190, 190, ANY, GRAPH_LOCKED_OUT},       /* the token expired */
    {200, 299, ANY, GRAPH_LOCKED_OUT},       /* permissions */
    {341, 341, ANY, GRAPH_THROTTLED},        /* calls of the app */
    {368, 368, ANY, GRAPH_LOCKED_OUT},       /* blocked for violating a policy */
    {613, 613, ANY, GRAPH_THROTTLED},        /* calls, whoever makes them */
    {80007, 80007, ANY, GRAPH_THROTTLED},    /* calls of the business account */
    {130429, 130429, ANY, GRAPH_THROTTLED},  /* messages a second of our number */
    {130497, 130497, ANY, GRAPH_LOCKED_OUT}, /* the account may not write to this country */
    {131000, 131000, ANY, GRAPH_FAILING},    /* something went wrong */
    {131005, 131005, ANY, GRAPH_LOCKED_OUT}, /* access denied */
    {131016, 131016, ANY, GRAPH_FAILING},    /* a service is unavailable */
    {131031, 131031, ANY, GRAPH_LOCKED_OUT}, /* the account is locked */
    {131037, 131037, ANY, GRAPH_LOCKED_OUT}, /* our number's display name is not approved */
    {131042, 131042, ANY, GRAPH_LOCKED_OUT}, /* a payment is due */
    {131045, 131045, ANY, GRAPH_LOCKED_OUT}, /* our number is not registered rightly */
    {131048, 131048, ANY, GRAPH_THROTTLED},  /* too many of our messages were reported as spam */
    {131056, 131056, ANY, GRAPH_THROTTLED},  /* messages to one person */
    {131057, 131057, ANY, GRAPH_FAILING},    /* the account is being maintained */
    {131064, 131064, ANY, GRAPH_THROTTLED},  /* a limit of the account */
    {133004, 133004, ANY, GRAPH_FAILING},    /* a server is unavailable */
    {133010, 133010, ANY, GRAPH_LOCKED_OUT}, /* our number is not registered */
    {133016, 133016, ANY, GRAPH_THROTTLED},  /* registrations of our number */
};

static enum graph_kind code_kind(int code, int subcode)
{
    for (size_t i = 0; i < sizeof codes / sizeof *codes; i++)
        if (code >= codes[i].first && code <= codes[i].last &&
            (codes[i].subcode == ANY || codes[i].subcode == subcode))
            return codes[i].kind;
    return GRAPH_REFUSED;
}

bool graph_is_about_us(int code, int subcode)
{
    return code_kind(code, subcode) == GRAPH_LOCKED_OUT;
}

/* Only an answer with a message's id says that Meta has the message, and only an error of the Graph
 * API refuses it. Whatever else answers, a portal or a proxy, says nothing of it. */
static enum graph_kind answer_kind(const struct graph_result *result)
{
    const int status = result->status;
    const bool good = status >= 200 && status < 300, error = result->says == GRAPH_SAYS_ERROR;
    const enum graph_kind kind = error ? code_kind(result->code, result->subcode) : GRAPH_REFUSED;

    if (good && result->says == GRAPH_SAYS_SENT)
        return GRAPH_SENT;
    if (status == 429)
        return GRAPH_THROTTLED;
    if (error && result->code > 0 && kind != GRAPH_REFUSED)
        return kind;
    if (status >= 500 || status == 408 || status == 425 || result->transient)
        return GRAPH_FAILING;
    if (status == 401)
        return GRAPH_LOCKED_OUT;
    if (error && status >= 400)
        return kind;
    return good && result->says == GRAPH_SAYS_OTHER ? GRAPH_UNCONFIRMED : GRAPH_FOREIGN;
}

static int64_t kind_delay_ms(enum graph_kind kind, unsigned attempts)
{
    switch (kind) {
    case GRAPH_THROTTLED:
        return pause(4, attempts, MINUTE_MS);
    case GRAPH_LOCKED_OUT:
        return pause(4, attempts + 1, MINUTE_MS);
    default:
        return pause(2, attempts, MINUTE_MS);
    }
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
    struct graph_verdict verdict = {GRAPH_UNREACHABLE, 0};

    if (result->answered)
        verdict.kind = answer_kind(result);
    else if (result->request_sent)
        verdict.kind = GRAPH_UNCONFIRMED;
    if (verdict.kind == GRAPH_UNCONFIRMED)
        return unconfirmed_verdict(unconfirmed);
    if (!graph_is_later(verdict.kind))
        return verdict;
    verdict.delay_ms = kind_delay_ms(verdict.kind, attempts);
    if (result->retry_after_ms > verdict.delay_ms)
        verdict.delay_ms = result->retry_after_ms < RETRY_AFTER_MAX_MS ? result->retry_after_ms
                                                                       : RETRY_AFTER_MAX_MS;
    return verdict;
}
