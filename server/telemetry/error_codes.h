/*
 * How often each of a provider's error codes was told us: codes are many and new ones come, so they
 * are no list of ours. From any thread.
 */
#ifndef SERVER_TELEMETRY_ERROR_CODES_H
#define SERVER_TELEMETRY_ERROR_CODES_H

#include <stddef.h>
#include <stdint.h>

/* Different codes that are counted; more count as ERROR_CODE_OTHER. */
#define ERROR_CODES_MAX 64
#define ERROR_CODE_OTHER (-1)

struct error_code_count {
    int code;
    uint64_t count;
};

/* code is not negative. */
void error_codes_add(int code, uint64_t n);

/* What was counted, in the order in which codes first came, ERROR_CODE_OTHER last. Returns how
 * many. */
size_t error_codes_read(struct error_code_count counts[ERROR_CODES_MAX + 1]);

#endif
