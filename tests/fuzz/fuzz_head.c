/* Request heads: the verdict does not depend on how the bytes are cut into packets. */
#include "fuzz.h"
#include "server/http/head.h"

#include <string.h>

static const struct head_limits limits = {2000, 200, 1000, "/large", 5000};

static struct head_verdict scan(const uint8_t *data, size_t size, size_t piece)
{
    struct head_verdict verdict = {0, NULL};
    struct head_scanner scanner;

    head_init(&scanner, &limits);
    for (size_t i = 0; i < size && verdict.status == 0; i += piece) {
        size_t rest = size - i;
        verdict = head_scan(&scanner, (const char *)data + i, rest < piece ? rest : piece);
        PROMISE(head_phase(&scanner) <= HEAD_PHASE_BODY);
    }
    return verdict;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct head_verdict whole = scan(data, size, size);
    struct head_verdict bytes = scan(data, size, 1);
    struct head_verdict pieces = scan(data, size, 7);

    PROMISE(whole.status == bytes.status && whole.status == pieces.status);
    PROMISE(whole.reason == bytes.reason && whole.reason == pieces.reason);
    PROMISE(whole.status == 0 || (whole.status >= 400 && whole.status <= 505));
    PROMISE((whole.status == 0) == (whole.reason == NULL));
    return 0;
}
