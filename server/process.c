/* Asks the kernel; what it does not tell stays 0. */
#include "server/process.h"

#include "server/clock.h"
#include "server/metrics.h"
#include <dirent.h>
#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static uint64_t find_memory(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned long long pages = 0;

    if (file == NULL)
        return 0;
    if (fscanf(file, "%*u %llu", &pages) != 1)
        pages = 0;
    fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
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

/* All but ".", ".." and the one that this needs. */
static uint64_t count_files(void)
{
    DIR *directory = opendir("/proc/self/fd");
    uint64_t count = 0;

    if (directory == NULL)
        return 0;
    while (readdir(directory) != NULL)
        count++;
    closedir(directory);
    return count > 3 ? count - 3 : 0;
}

static uint64_t find_files_limit(void)
{
    struct rlimit limit;

    return getrlimit(RLIMIT_NOFILE, &limit) == 0 ? limit.rlim_cur : 0;
}

void process_started(void)
{
    metrics_set(METRIC_PROCESS_START, (uint64_t)clock_wall_us());
}

void process_measure(void)
{
    metrics_set(METRIC_PROCESS_MEMORY, find_memory());
    metrics_set(METRIC_PROCESS_CPU, find_processor_us());
    metrics_set(METRIC_PROCESS_FILES, count_files());
    metrics_set(METRIC_PROCESS_FILES_LIMIT, find_files_limit());
}
