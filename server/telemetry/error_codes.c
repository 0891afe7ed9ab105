/* Under a lock: errors are few. */
#include "server/telemetry/error_codes.h"

#include <pthread.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct error_code_count known[ERROR_CODES_MAX];
static size_t known_count;
static uint64_t others;

static struct error_code_count *code_find(int code)
{
    for (size_t i = 0; i < known_count; i++)
        if (known[i].code == code)
            return &known[i];
    if (known_count == ERROR_CODES_MAX)
        return NULL;
    known[known_count].code = code;
    return &known[known_count++];
}

void error_codes_add(int code, uint64_t n)
{
    pthread_mutex_lock(&lock);
    struct error_code_count *found = code_find(code);
    if (found != NULL)
        found->count += n;
    else
        others += n;
    pthread_mutex_unlock(&lock);
}

size_t error_codes_read(struct error_code_count counts[ERROR_CODES_MAX + 1])
{
    pthread_mutex_lock(&lock);
    size_t count = known_count;
    memcpy(counts, known, count * sizeof *counts);
    counts[count++] = (struct error_code_count){ERROR_CODE_OTHER, others};
    pthread_mutex_unlock(&lock);
    return count;
}
