/* How long to wait before trying again: longer after each failure, and never in step with
 * others. */
#ifndef STORE_BASE_BACKOFF_H
#define STORE_BASE_BACKOFF_H

#include <stdint.h>

/* The wait after so many failures in a row, of which the first is 1: from half of a pause to all of
 * it, so that those that failed together do not come back so. The pause doubles from first_ms to at
 * most max_ms. */
int64_t backoff_ms(unsigned failures, int64_t first_ms, int64_t max_ms);

/* From a time to a quarter more, so that nobody marches in step and nobody comes too early. */
int64_t backoff_jitter_ms(int64_t ms);

#endif
