/* Numbers below 64 count exactly; above, the six bits behind the highest one choose the counter. */
#include "tests/load/histogram.h"

#include <stddef.h>

static size_t index_of(uint64_t value)
{
    unsigned row = value < HISTOGRAM_ROW ? 0 : 58 - (unsigned)__builtin_clzll(value);

    if (row >= HISTOGRAM_ROWS)
        return HISTOGRAM_ROWS * HISTOGRAM_ROW - 1;
    if (row == 0)
        return value;
    return row * HISTOGRAM_ROW + ((value >> (row - 1)) - HISTOGRAM_ROW);
}

/* The largest value that shares a counter. */
static uint64_t value_of(size_t index)
{
    size_t row = index / HISTOGRAM_ROW;

    if (row == 0)
        return index;
    return ((uint64_t)(index % HISTOGRAM_ROW + HISTOGRAM_ROW + 1) << (row - 1)) - 1;
}

void histogram_add(struct histogram *histogram, uint64_t microseconds)
{
    histogram->counts[index_of(microseconds)]++;
    histogram->total++;
    if (microseconds > histogram->max)
        histogram->max = microseconds;
}

uint64_t histogram_quantile(const struct histogram *histogram, double part)
{
    uint64_t wanted = (uint64_t)((double)histogram->total * part + 0.999999), seen = 0;

    for (size_t i = 0; i < sizeof histogram->counts / sizeof *histogram->counts; i++) {
        seen += histogram->counts[i];
        if (seen >= wanted && seen > 0)
            return value_of(i) < histogram->max ? value_of(i) : histogram->max;
    }
    return histogram->max;
}
