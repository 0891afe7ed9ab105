/* Request heads: the verdict does not depend on how the bytes are cut into packets. */
#include "fuzz.h"
#include "server/http/head.h"

#include <string.h>

static const struct head_limits limits = {2000, 200, 1000, "/large", 5000};

/* What the scanner makes of the bytes in pieces of a size; count: of whole requests. */
static struct http_verdict scan(const uint8_t *data, size_t size, size_t piece, size_t *count)
{
    struct http_verdict verdict = {0, NULL};
    struct head_scanner scanner;
    size_t i = 0;

    *count = 0;
    head_init(&scanner, &limits);
    while (i < size && verdict.status == 0) {
        size_t rest = size - i < piece ? size - i : piece;
        size_t used = head_scan(&scanner, (const char *)data + i, rest, &verdict);
        PROMISE(used <= rest);
        i += used;
        if (verdict.status == 0 && head_phase(&scanner) == HEAD_PHASE_COMPLETE) {
            ++*count;
            PROMISE(head_body_length(&scanner) == 0 || head_method(&scanner) == HEAD_METHOD_POST);
            head_next(&scanner);
            PROMISE(head_phase(&scanner) == HEAD_PHASE_IDLE);
        } else if (verdict.status == 0) {
            PROMISE(used == rest);
        }
    }
    return verdict;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t counts[3];
    struct http_verdict whole = scan(data, size, size, &counts[0]);
    struct http_verdict bytes = scan(data, size, 1, &counts[1]);
    struct http_verdict pieces = scan(data, size, 7, &counts[2]);

    PROMISE(whole.status == bytes.status && whole.status == pieces.status);
    PROMISE(whole.reason == bytes.reason && whole.reason == pieces.reason);
    PROMISE(counts[0] == counts[1] && counts[0] == counts[2]);
    PROMISE(whole.status == 0 || (whole.status >= 400 && whole.status <= 505));
    PROMISE((whole.status == 0) == (whole.reason == NULL));
    return 0;
}
