/*
 * Counts of waiting times, with at most 1.6 % between what was counted and what is told; a fixed
 * size, whatever comes.
 */
#ifndef LOAD_HISTOGRAM_H
#define LOAD_HISTOGRAM_H

#include <stdint.h>

/* Numbers of 2^(n+6) to 2^(n+7) share a row of 64 counters; 26 rows reach beyond an hour. */
#define HISTOGRAM_ROW 64
#define HISTOGRAM_ROWS 27

struct histogram {
    uint64_t counts[HISTOGRAM_ROWS * HISTOGRAM_ROW];
    uint64_t total;
    uint64_t max;
};

void histogram_add(struct histogram *histogram, uint64_t microseconds);

/* The time that `part` (0 to 1) of the counted ones stayed within; 0 when nothing was counted. */
uint64_t histogram_quantile(const struct histogram *histogram, double part);

#endif
