/* Names of the stores' results, for logs and metrics. */
#include "store/ticket.h"

const char *store_status_name(enum store_status status)
{
    switch (status) {
    case STORE_OK:
        return "ok";
    case STORE_ABSENT:
        return "absent";
    case STORE_CONFLICT:
        return "conflict";
    case STORE_DOWN:
        return "down";
    case STORE_FULL:
        return "full";
    case STORE_REFUSED:
        return "refused";
    case STORE_LATER:
        return "later";
    }
    return "unknown";
}
