/* Prints what was counted. The order is that of the lists, so that rows of one name stand together
 * below their head. */
#include "server/telemetry/metrics_text.h"

#include "server/telemetry/error_codes.h"
#include "server/telemetry/metrics.h"
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum unit { COUNT, MICROSECONDS };

struct row {
    const char *type;
    enum unit unit;
    const char *name, *labels, *help;
};

static const struct row counts[] = {
#define COUNTER(symbol, name, labels, help) {"counter", COUNT, name, labels, help},
#define LEVEL(symbol, name, labels, help) {"gauge", COUNT, name, labels, help},
    METRICS_COUNTERS(COUNTER) METRICS_LEVELS(LEVEL)
#undef COUNTER
#undef LEVEL
};

static const struct row gauges[] = {
#define GAUGE(symbol, type, unit, name, labels, help) {type, unit, name, labels, help},
    METRICS_GAUGES(GAUGE)
#undef GAUGE
};

static const struct row histograms[] = {
#define HISTOGRAM(symbol, scale, name, labels, help) {"histogram", COUNT, name, labels, help},
    METRICS_HISTOGRAMS(HISTOGRAM)
#undef HISTOGRAM
};

static const char *const routes[] = {
#define ROUTE(symbol, label) label,
    METRICS_ROUTES(ROUTE)
#undef ROUTE
};

static const char *const statuses[] = {
#define STATUS(number, phrase) #number,
    HTTP_STATUSES(STATUS)
#undef STATUS
        "other",
};

static void print_head(FILE *out, const char *name, const char *type, const char *help)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* The first row of a name brings its head. */
static void print_row_head(FILE *out, const struct row *rows, size_t i)
{
    if (i == 0 || strcmp(rows[i].name, rows[i - 1].name) != 0)
        print_head(out, rows[i].name, rows[i].type, rows[i].help);
}

/* What stands before a value. */
static void print_series(FILE *out, const struct row *row, const char *suffix)
{
    const bool labelled = *row->labels != '\0';

    fprintf(out, "%s%s%s%s%s ", row->name, suffix, labelled ? "{" : "", row->labels,
            labelled ? "}" : "");
}

/* Exactly, whatever the size: a double would lose digits. */
static void print_number(FILE *out, uint64_t value, unsigned unit)
{
    if (unit == 1)
        fprintf(out, "%" PRIu64, value);
    else
        fprintf(out, "%" PRIu64 ".%06" PRIu64, value / unit, value % unit);
}

static void print_row(FILE *out, const struct row *rows, size_t i, uint64_t value)
{
    const struct row *row = &rows[i];

    print_row_head(out, rows, i);
    print_series(out, row, "");
    print_number(out, value, row->unit == MICROSECONDS ? 1000000 : 1);
    fputc('\n', out);
}

/* A bound as people write it: 0.005, 1, 2.5. */
static void print_bound(FILE *out, uint64_t bound, unsigned unit)
{
    if (bound == UINT64_MAX)
        fputs("+Inf", out);
    else
        fprintf(out, "%g", (double)bound / unit);
}

static void print_histogram(FILE *out, size_t i)
{
    const struct row *row = &histograms[i];
    const struct metric_scale *scale = metrics_scale((enum metric_histogram)i);
    const char *comma = *row->labels ? "," : "";
    struct metric_distribution sums;
    uint64_t count = 0;
    size_t bucket = 0;

    metrics_distribution((enum metric_histogram)i, &sums);
    print_row_head(out, histograms, i);
    do {
        count += sums.buckets[bucket];
        fprintf(out, "%s_bucket{%s%sle=\"", row->name, row->labels, comma);
        print_bound(out, scale->bounds[bucket], scale->unit);
        fprintf(out, "\"} %" PRIu64 "\n", count);
    } while (scale->bounds[bucket++] != UINT64_MAX);
    print_series(out, row, "_sum");
    print_number(out, sums.sum, scale->unit);
    fputc('\n', out);
    print_series(out, row, "_count");
    fprintf(out, "%" PRIu64 "\n", count);
}

/* Every route has its good requests; other statuses appear when they have occurred. */
static void print_requests(FILE *out)
{
    static const char name[] = "uic_http_requests_total";

    print_head(out, name, "counter", "HTTP requests by route and status");
    for (size_t i = 0; i < METRIC_ROUTE_COUNT * METRIC_STATUS_COUNT; i++) {
        const size_t route = i / METRIC_STATUS_COUNT, status = i % METRIC_STATUS_COUNT;
        const uint64_t sum = metrics_requests((enum metric_route)route, (enum metric_status)status);

        if (sum > 0 || status == METRIC_STATUS_200)
            fprintf(out, "%s{route=\"%s\",status=\"%s\"} %" PRIu64 "\n", name, routes[route],
                    statuses[status], sum);
    }
}

/* Each code appears when it has occurred. */
static void print_error_codes(FILE *out)
{
    static const char name[] = "uic_meta_errors_total";
    struct error_code_count codes[ERROR_CODES_MAX + 1];
    const size_t count = error_codes_read(codes);

    print_head(out, name, "counter",
               "Errors that Meta told, in answer to a reply or later, by its code");
    for (size_t i = 0; i < count; i++)
        if (codes[i].code == ERROR_CODE_OTHER)
            fprintf(out, "%s{code=\"other\"} %" PRIu64 "\n", name, codes[i].count);
        else
            fprintf(out, "%s{code=\"%d\"} %" PRIu64 "\n", name, codes[i].code, codes[i].count);
}

static void print_build(FILE *out, const struct metrics_build *build)
{
    static const char name[] = "uic_build_info";

    print_head(out, name, "gauge", "What runs here: version of the program, and flow");
    fprintf(out, "%s{version=\"%s\",flow=\"%s\",flow_fingerprint=\"%016" PRIx64 "\"} 1\n", name,
            build->version, build->flow, build->flow_fingerprint);
}

char *metrics_text(const struct metrics_build *build, size_t *length)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, length);

    if (out == NULL)
        return NULL;
    print_build(out, build);
    print_requests(out);
    print_error_codes(out);
    for (size_t i = 0; i < METRIC_COUNT; i++)
        print_row(out, counts, i, metrics_sum((enum metric)i));
    for (size_t i = 0; i < METRIC_GAUGE_COUNT; i++)
        print_row(out, gauges, i, metrics_gauge((enum metric_gauge)i));
    for (size_t i = 0; i < METRIC_HISTOGRAM_COUNT; i++)
        print_histogram(out, i);
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}
