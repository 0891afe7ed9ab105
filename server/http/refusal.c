/* Refusals as bytes. */
#include "server/http/refusal.h"

#include "server/telemetry/metrics.h"
#include <stdio.h>

static const char *header_for(int status)
{
    switch (status) {
    case 405:
        return "Allow: GET, HEAD, POST, OPTIONS\r\n";
    case 429:
    case 503:
        return "Retry-After: 5\r\n";
    default:
        return "";
    }
}

size_t refusal_print(char answer[REFUSAL_MAX], struct http_verdict verdict, bool is_head)
{
    char body[160];
    int length = snprintf(body, sizeof body, "{\"error\":\"%s\"}\n", verdict.reason);

    length = snprintf(answer, REFUSAL_MAX,
                      "HTTP/1.1 %d Refused\r\nContent-Type: application/json\r\n"
                      "X-Content-Type-Options: nosniff\r\nCache-Control: no-store\r\n"
                      "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"
                      "Content-Length: %d\r\n%sConnection: close\r\n\r\n%s",
                      verdict.status, length, header_for(verdict.status), is_head ? "" : body);
    return (size_t)length;
}

void refusal_count(struct http_verdict verdict)
{
    metrics_add(METRIC_HEADS_REFUSED, 1);
    if (verdict.status == 413)
        metrics_add(METRIC_LIMIT_BODY, 1);
    else if (verdict.status == 414)
        metrics_add(METRIC_LIMIT_URL, 1);
    else if (verdict.status == 431)
        metrics_add(METRIC_LIMIT_HEAD, 1);
    else if (verdict.status == 503)
        metrics_add(METRIC_LIMIT_LARGE, 1);
}
