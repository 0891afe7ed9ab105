/* Puts lines into a ring of bytes, and lets one thread write the ring to standard error. */
#include "server/telemetry/log.h"
#include "server/telemetry/metrics.h"
#include "store/base/clock.h"
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RING_SIZE (1u << 20)
/* How long log_stop waits for a pipe that nobody reads. */
#define FLUSH_MS 2000
/* The first line after a pause waits so long for others, so that many go in one write. */
#define GATHER_MS 5

static atomic_int least = LOG_INFO;
static bool as_json;

static struct {
    pthread_mutex_t lock;
    pthread_cond_t filled, stopped;
    pthread_t thread;
    bool running, stopping, waiting;
    uint64_t head, tail; /* bytes ever put in and taken out; at most RING_SIZE apart */
    uint64_t dropped;    /* lines lost since the last announcement */
} ring = {.lock = PTHREAD_MUTEX_INITIALIZER,
          .filled = PTHREAD_COND_INITIALIZER,
          .stopped = PTHREAD_COND_INITIALIZER};

static char ring_bytes[RING_SIZE];

static pthread_once_t journal_once = PTHREAD_ONCE_INIT;
static bool to_journal;

/* systemd says which stream is the journal's; standard error may be another one by now. */
static void find_journal(void)
{
    const char *stream = getenv("JOURNAL_STREAM");
    uintmax_t device, inode;
    struct stat status;

    to_journal = stream != NULL && sscanf(stream, "%ju:%ju", &device, &inode) == 2 &&
                 fstat(STDERR_FILENO, &status) == 0 && status.st_dev == device &&
                 status.st_ino == inode;
}

/* A line, for the journal with its priority in front, which is not shown. */
static void line_make(struct log_line *line, enum log_level level, const char *event,
                      const struct log_field *fields)
{
    static const char priorities[][4] = {"<7>", "<6>", "<4>", "<3>", "<2>"};
    const size_t length = sizeof priorities[0] - 1;

    log_line_format(line, as_json, level, event, fields);
    pthread_once(&journal_once, find_journal);
    if (!to_journal || line->length + length > sizeof line->bytes)
        return;
    memmove(line->bytes + length, line->bytes, line->length);
    memcpy(line->bytes, priorities[level], length);
    line->length += length;
}

/* Writes what the pipe takes now; returns the bytes written, 0 to try again, -1 for never. */
static ssize_t write_some(const char *bytes, size_t length)
{
    struct pollfd ready = {.fd = STDERR_FILENO, .events = POLLOUT};
    int n = poll(&ready, 1, 100);
    if (n == 0 || (n < 0 && errno == EINTR))
        return 0;
    /* A pipe that is ready takes this much without blocking. */
    ssize_t written = write(STDERR_FILENO, bytes, length < 4096 ? length : 4096);
    if (written < 0 && (errno == EAGAIN || errno == EINTR))
        return 0;
    return written;
}

static bool is_overdue(int64_t *deadline)
{
    pthread_mutex_lock(&ring.lock);
    bool stopping = ring.stopping;
    pthread_mutex_unlock(&ring.lock);
    if (stopping && *deadline == 0)
        *deadline = clock_monotonic_ms() + FLUSH_MS;
    return stopping && clock_monotonic_ms() >= *deadline;
}

static void write_all(const char *bytes, size_t length, int64_t *deadline)
{
    while (length > 0) {
        ssize_t written = write_some(bytes, length);
        if (written < 0 || is_overdue(deadline))
            return;
        bytes += written;
        length -= (size_t)written;
    }
}

static void announce_dropped(uint64_t lines, int64_t *deadline)
{
    struct log_line line;
    line_make(&line, LOG_WARNING, "log_lines_dropped",
              (struct log_field[]){log_number("lines", (int64_t)lines), {0}});
    write_all(line.bytes, line.length, deadline);
}

/* Under the lock. */
static void wait_for_lines(void)
{
    struct timespec until;
    if (ring.head != ring.tail || ring.stopping)
        return;
    while (ring.head == ring.tail && !ring.stopping) {
        ring.waiting = true;
        pthread_cond_wait(&ring.filled, &ring.lock);
    }
    ring.waiting = false;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_nsec += GATHER_MS * 1000000;
    until.tv_sec += until.tv_nsec / 1000000000;
    until.tv_nsec %= 1000000000;
    while (!ring.stopping &&
           pthread_cond_clockwait(&ring.stopped, &ring.lock, CLOCK_MONOTONIC, &until) == 0)
        continue;
}

/* Bytes between tail and head stay as they are until tail moves, so they are written unlocked. */
static void *run_writer(void *unused)
{
    int64_t deadline = 0;
    pthread_mutex_lock(&ring.lock);
    for (;;) {
        wait_for_lines();
        size_t start = (size_t)(ring.tail % RING_SIZE);
        size_t length = (size_t)(ring.head - ring.tail);
        if (length == 0)
            break;
        if (length > RING_SIZE - start)
            length = RING_SIZE - start;
        pthread_mutex_unlock(&ring.lock);
        write_all(ring_bytes + start, length, &deadline);
        pthread_mutex_lock(&ring.lock);
        ring.tail += length;
        uint64_t dropped = ring.dropped;
        bool at_line_end = ring_bytes[start + length - 1] == '\n'; /* not where the ring wraps */
        if (dropped && at_line_end) {
            ring.dropped = 0;
            pthread_mutex_unlock(&ring.lock);
            announce_dropped(dropped, &deadline);
            pthread_mutex_lock(&ring.lock);
        }
    }
    pthread_mutex_unlock(&ring.lock);
    return unused;
}

/* Under the lock. */
static bool enqueue(const char *bytes, size_t length)
{
    if (ring.head - ring.tail + length > RING_SIZE)
        return false;
    size_t start = (size_t)(ring.head % RING_SIZE);
    size_t first = length < RING_SIZE - start ? length : RING_SIZE - start;
    memcpy(ring_bytes + start, bytes, first);
    memcpy(ring_bytes, bytes + first, length - first);
    ring.head += length;
    if (ring.waiting)
        pthread_cond_signal(&ring.filled);
    ring.waiting = false;
    return true;
}

void log_event(enum log_level level, const char *event, const struct log_field *fields)
{
    struct log_line line;
    line_make(&line, level, event, fields);
    pthread_mutex_lock(&ring.lock);
    bool running = ring.running;
    bool lost = running && !enqueue(line.bytes, line.length);
    ring.dropped += lost;
    pthread_mutex_unlock(&ring.lock);
    if (lost)
        metrics_add(METRIC_LOG_LINES_DROPPED, 1);
    if (!running && write(STDERR_FILENO, line.bytes, line.length) < 0)
        return; /* there is nowhere to say so */
}

bool log_enabled(enum log_level level)
{
    return (int)level >= atomic_load_explicit(&least, memory_order_relaxed);
}

/* Signals stay with the other threads, and SIGPIPE with nobody. */
static int start_thread(void)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int why = pthread_create(&ring.thread, NULL, run_writer, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return why ? -1 : 0;
}

void log_set(enum log_level level, bool json)
{
    atomic_store(&least, (int)level);
    as_json = json;
}

int log_start(enum log_level level, bool json)
{
    log_set(level, json);
    ring.stopping = false;
    ring.running = start_thread() == 0;
    return ring.running ? 0 : -1;
}

void log_stop(void)
{
    pthread_mutex_lock(&ring.lock);
    bool running = ring.running;
    ring.running = false;
    ring.stopping = true;
    pthread_cond_signal(&ring.filled);
    pthread_cond_signal(&ring.stopped);
    pthread_mutex_unlock(&ring.lock);
    if (running)
        pthread_join(ring.thread, NULL);
}
