/* Asks the kernel; what it does not tell stays 0. */
#include "server/telemetry/process.h"

#include "server/telemetry/metrics.h"
#include "store/base/clock.h"
#include "store/base/utc_text.h"
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#define STATUS_MAX 8192
/* No more than any limit of open files: poll takes no more. */
#define FILES_AT_ONCE 256

/* A number of /proc/self/status, or 0. */
static uint64_t status_find(const char *status, const char *name)
{
    const char *line = strstr(status, name);

    return line == NULL ? 0 : strtoull(line + strlen(name), NULL, 10);
}

static void status_read(char status[STATUS_MAX])
{
    FILE *file = fopen("/proc/self/status", "re");
    size_t length = 0;

    if (file != NULL) {
        length = fread(status, 1, STATUS_MAX - 1, file);
        fclose(file);
    }
    status[length] = '\0';
}

static uint64_t in_microseconds(const struct timeval *time)
{
    return (uint64_t)time->tv_sec * 1000000 + (uint64_t)time->tv_usec;
}

static uint64_t find_processor_us(void)
{
    struct rusage usage;

    if (getrusage(RUSAGE_SELF, &usage) != 0)
        return 0;
    return in_microseconds(&usage.ru_utime) + in_microseconds(&usage.ru_stime);
}

/* Asks for all that the table has room for, many at once: to list /proc/self/fd takes several times
 * as long when there are thousands, and others wait for this loop. */
static uint64_t count_files(size_t room)
{
    struct pollfd files[FILES_AT_ONCE];
    uint64_t count = 0;

    for (size_t first = 0; first < room; first += FILES_AT_ONCE) {
        for (size_t i = 0; i < FILES_AT_ONCE; i++)
            files[i] = (struct pollfd){.fd = (int)(first + i)};
        if (poll(files, FILES_AT_ONCE, 0) < 0)
            break;
        for (size_t i = 0; i < FILES_AT_ONCE; i++)
            count += (files[i].revents & POLLNVAL) == 0;
    }
    return count;
}

static uint64_t find_files_limit(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

static int64_t started_us; /* constant from then on */

void process_started(void)
{
    started_us = clock_wall_us();
    metrics_set(METRIC_PROCESS_START, (uint64_t)started_us);
}

void process_start_text(char text[PROCESS_START_MAX])
{
    size_t length = utc_text(started_us / 1000000, text);

    snprintf(text + length, 6, ".%03uZ", (unsigned)(started_us / 1000 % 1000));
}

void process_measure(void)
{
    char status[STATUS_MAX];

    status_read(status);
    metrics_set(METRIC_PROCESS_MEMORY, 1024 * status_find(status, "\nVmRSS:"));
    metrics_set(METRIC_PROCESS_FILES, count_files(status_find(status, "\nFDSize:")));
    metrics_set(METRIC_PROCESS_FILES_LIMIT, find_files_limit());
    metrics_set(METRIC_PROCESS_CPU, find_processor_us());
}
