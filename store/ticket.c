/* Names of the stores' results, for logs and metrics. */
#include "store/ticket.h"

const char *store_status_name(enum store_status status)
{
    static const char *const names[] = {
        [STORE_OK] = "ok",
        [STORE_ABSENT] = "absent",
        [STORE_CONFLICT] = "conflict",
        [STORE_DOWN] = "down",
        [STORE_FULL] = "full",
        [STORE_REFUSED] = "refused",
        [STORE_UNREPLICATED] = "unreplicated",
        [STORE_LATER] = "later",
    };

    return names[status];
}
