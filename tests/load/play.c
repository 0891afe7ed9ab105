/* One thread, one loop. A person who waits for a turn stands in a ring; one who waits for a reply
 * stands in the connection. */
#include "tests/load/play.h"

#include "tests/load/response.h"
#include <errno.h>
#include <event2/event.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/resource.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#define INPUT_MAX 8192
/* How long the last replies are waited for; Twilio gives up after this time. */
#define PATIENCE_US 15000000
/* How often an open loop looks what is due. */
#define TICK_NS 200000
#define WRONG_PRINTED 5
/* People gather slowly, or all would be at the same question at the same time: one part of them is
 * there at first, and one more comes with every so many replies. */
#define GATHER 8
/* An open loop that is so far behind at the end did not keep its rate. */
#define LATE_US 100000

struct person {
    uint64_t serial;
    uint64_t turn;
};

struct connection {
    STAILQ_ENTRY(connection) link; /* while it is free */
    struct play *play;
    struct event *event;
    int fd; /* -1: it could not be opened again */
    bool busy;
    bool measured;
    uint64_t began_us;
    struct person person;
    struct line line;
    size_t length; /* of the beginning of a reply, */
    char *input;   /* which is here until the rest comes; NULL: none came in pieces yet */
};

struct play {
    const struct play_settings *settings;
    struct play_result *result;
    struct event_base *base;
    struct event *tick;
    struct event *finish; /* when the measured time is over, and when patience is */
    int timer;
    struct request_writer *writer;
    struct connection *connections;
    STAILQ_HEAD(, connection) free;
    size_t open;
    size_t busy;
    struct person *ring;
    size_t ring_first, ring_count;
    uint64_t started;           /* people */
    uint64_t gathered, replies; /* people who are there, and replies meanwhile */
    uint64_t sent;              /* messages */
    bool measuring;
    bool stopping; /* nothing is sent any more */
    uint64_t measured_us;
    uint64_t due_from_us, due_sent; /* of the open loop */
    struct rusage usage;
    char input[INPUT_MAX]; /* where replies are read that come whole: one place, in the cache */
};

static uint64_t now_us(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void ring_put(struct play *play, struct person person)
{
    play->ring[(play->ring_first + play->ring_count++) % play->settings->people] = person;
}

/* Who writes next: the one who has waited longest. Returns whether there is anybody. */
static bool ring_take(struct play *play, struct person *person)
{
    if (play->ring_count == 0)
        return false;
    *person = play->ring[play->ring_first];
    play->ring_first = (play->ring_first + 1) % play->settings->people;
    play->ring_count--;
    return true;
}

/* Somebody new, unless enough have come. */
static void ring_put_new(struct play *play)
{
    if (play->settings->conversations == 0 || play->started < play->settings->conversations)
        ring_put(play, (struct person){play->started++, 0});
}

static void measure_begin(struct play *play)
{
    const struct timeval span = {
        (time_t)play->settings->seconds,
        (suseconds_t)((play->settings->seconds - (double)(time_t)play->settings->seconds) * 1e6)};

    play->measuring = true;
    play->measured_us = now_us();
    play->due_from_us = play->measured_us;
    getrusage(RUSAGE_SELF, &play->usage);
    if (play->settings->seconds > 0)
        event_add(play->finish, &span);
}

static double seconds_of(struct timeval time)
{
    return (double)time.tv_sec + (double)time.tv_usec / 1e6;
}

/* How many messages of the open loop are due by now. */
static uint64_t due_by(const struct play *play, uint64_t now)
{
    return (uint64_t)((double)(now - play->due_from_us) * play->settings->rate / 1e6);
}

static void measure_end(struct play *play)
{
    struct play_result *result = play->result;
    uint64_t now = now_us();
    struct rusage usage;
    double cpu;

    if (!play->measuring)
        return;
    play->measuring = false;
    getrusage(RUSAGE_SELF, &usage);
    cpu = seconds_of(usage.ru_utime) + seconds_of(usage.ru_stime) -
          seconds_of(play->usage.ru_utime) - seconds_of(play->usage.ru_stime);
    result->seconds = (double)(now - play->measured_us) / 1e6;
    result->cpu_us = result->messages > 0 ? cpu * 1e6 / (double)result->messages : 0;
    if (play->settings->rate > 0 && now > play->due_from_us + LATE_US) {
        uint64_t due = due_by(play, now - LATE_US);
        result->late = due > play->due_sent ? due - play->due_sent : 0;
    }
}

static void connection_read(evutil_socket_t fd, short what, void *arg);

/* Opens the connection, waiting for it. Returns 0 or -1. */
static int connection_open(struct connection *connection)
{
    struct play *play = connection->play;
    const struct play_settings *settings = play->settings;
    const int on = 1;

    connection->length = 0;
    connection->fd = socket(settings->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (connection->fd < 0)
        return -1;
    setsockopt(connection->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (connect(connection->fd, (const struct sockaddr *)&settings->address,
                settings->address_length) == 0) {
        connection->event = event_new(play->base, connection->fd, EV_READ | EV_PERSIST,
                                      connection_read, connection);
        if (connection->event != NULL && event_add(connection->event, NULL) == 0) {
            play->open++;
            STAILQ_INSERT_TAIL(&play->free, connection, link);
            return 0;
        }
    }
    close(connection->fd);
    connection->fd = -1;
    return -1;
}

static void connection_close(struct connection *connection)
{
    if (connection->fd < 0)
        return;
    if (connection->event != NULL)
        event_free(connection->event);
    connection->event = NULL;
    close(connection->fd);
    connection->fd = -1;
    connection->play->open--;
}

/* The connection failed, and with it whoever wrote over it; a new one takes its place. */
static void connection_lose(struct connection *connection)
{
    struct play *play = connection->play;

    play->result->lost++;
    if (connection->busy) {
        connection->busy = false;
        play->busy--;
        ring_put_new(play);
    } else {
        STAILQ_REMOVE(&play->free, connection, connection, link);
    }
    connection_close(connection);
    if (connection_open(connection) != 0 && play->open == 0)
        event_base_loopbreak(play->base);
}

/* Sends the person's next line; `since_us` is when it was due. */
static void connection_send(struct connection *connection, const struct person *person,
                            uint64_t since_us)
{
    struct play *play = connection->play;
    const struct crowd *crowd = &play->settings->crowd;
    const char *bytes;
    size_t length;

    STAILQ_REMOVE_HEAD(&play->free, link);
    connection->person = *person;
    connection->began_us = since_us;
    connection->measured = play->measuring;
    connection->busy = true;
    play->busy++;
    if (++play->sent == play->settings->warm)
        measure_begin(play);
    crowd_line(crowd, person->serial, (unsigned)person->turn, &connection->line);
    bytes = request_write(play->writer, crowd, person->serial, &connection->line, &length);
    /* One small request to an idle connection always fits. */
    if (send(connection->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)length)
        connection_lose(connection);
}

static void finish_if_done(struct play *play)
{
    if (play->busy == 0 && (play->stopping || play->ring_count == 0))
        event_base_loopbreak(play->base);
}

/* Sends what can be sent now. */
static void play_on(struct play *play)
{
    bool open_loop = play->settings->rate > 0;

    while (!play->stopping && !STAILQ_EMPTY(&play->free)) {
        uint64_t since_us = now_us();
        struct person person;

        if (open_loop && play->measuring) {
            if (play->due_sent >= due_by(play, since_us))
                break;
            since_us =
                play->due_from_us + (uint64_t)((double)play->due_sent * 1e6 / play->settings->rate);
        }
        if (!ring_take(play, &person))
            break;
        if (open_loop && play->measuring)
            play->due_sent++;
        connection_send(STAILQ_FIRST(&play->free), &person, since_us);
    }
    finish_if_done(play);
}

static void print_wrong(const struct connection *connection, const struct response *response)
{
    const struct line *line = &connection->line;

    fprintf(stderr, "wrong reply to person %llu, message %llu, \"%s\" (question %u): %d %.*s\n",
            (unsigned long long)connection->person.serial,
            (unsigned long long)connection->person.turn, line->text, line->step + 1,
            response->status, (int)response->body_length, response->body);
}

/* Counts the reply. Returns whether the person goes on. */
static bool reply_is_good(struct connection *connection, const struct response *response)
{
    struct play *play = connection->play;
    struct play_result *result = play->result;

    if (response->status == 200 &&
        (play->settings->expectation == NULL ||
         expectation_met(play->settings->expectation, &play->settings->crowd,
                         connection->person.serial, &connection->line, response->body,
                         response->body_length)))
        return true;
    if (result->statuses + result->wrong < WRONG_PRINTED)
        print_wrong(connection, response);
    if (response->status == 200)
        result->wrong++;
    else
        result->statuses++;
    return false;
}

static void on_response(struct connection *connection, const struct response *response)
{
    struct play *play = connection->play;
    struct person person = connection->person;
    bool good = reply_is_good(connection, response);
    bool finished = good && connection->line.last;

    connection->busy = false;
    play->busy--;
    connection->length = 0;
    STAILQ_INSERT_TAIL(&play->free, connection, link);
    if (connection->measured)
        histogram_add(&play->result->times, now_us() - connection->began_us);
    if (connection->measured && play->measuring) {
        play->result->messages++;
        play->result->conversations += finished;
    }
    person.turn++;
    if (play->gathered < play->settings->people && ++play->replies % GATHER == 0) {
        ring_put_new(play);
        play->gathered++;
    }
    if (good && !finished && person.turn != play->settings->turns)
        ring_put(play, person);
    else
        ring_put_new(play);
}

/* Keeps the beginning of a reply until more of it comes. Returns 0, or -1 when it is too long. */
static int connection_keep(struct connection *connection, const char *input)
{
    if (connection->length == INPUT_MAX)
        return -1;
    if (input == connection->input)
        return 0;
    if (connection->input == NULL)
        connection->input = malloc(INPUT_MAX);
    if (connection->input == NULL)
        return -1;
    memcpy(connection->input, input, connection->length);
    return 0;
}

static void on_whole_response(struct connection *connection, const struct response *response)
{
    struct play *play = connection->play;

    on_response(connection, response);
    if (!response->closes)
        return;
    STAILQ_REMOVE(&play->free, connection, connection, link);
    connection_close(connection);
    if (connection_open(connection) != 0)
        play->result->lost++;
}

static void connection_read(evutil_socket_t fd, short what, void *arg)
{
    struct connection *connection = arg;
    struct play *play = connection->play;
    struct response response;
    char *input = connection->length == 0 ? play->input : connection->input;
    ssize_t n = recv(fd, input + connection->length, INPUT_MAX - connection->length, MSG_DONTWAIT);
    int whole = -1;

    (void)what;
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n > 0 && connection->busy) {
        connection->length += (size_t)n;
        whole = response_read(&response, input, connection->length);
    }
    if (whole > 0)
        on_whole_response(connection, &response);
    else if (whole < 0 || connection_keep(connection, input) != 0)
        connection_lose(connection);
    play_on(play);
}

static void on_tick(evutil_socket_t fd, short what, void *arg)
{
    uint64_t count;

    (void)what;
    if (read(fd, &count, sizeof count) == sizeof count)
        play_on(arg);
}

/* First the measured time is over, then patience. */
static void on_finish(evutil_socket_t fd, short what, void *arg)
{
    const struct timeval patience = {PATIENCE_US / 1000000, 0};
    struct play *play = arg;

    (void)fd;
    (void)what;
    if (play->stopping) {
        event_base_loopbreak(play->base);
        return;
    }
    measure_end(play);
    play->stopping = true;
    event_add(play->finish, &patience);
    finish_if_done(play);
}

static int start_ticking(struct play *play)
{
    const struct itimerspec every = {{0, TICK_NS}, {0, TICK_NS}};

    play->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (play->timer < 0 || timerfd_settime(play->timer, 0, &every, NULL) != 0)
        return -1;
    play->tick = event_new(play->base, play->timer, EV_READ | EV_PERSIST, on_tick, play);
    return play->tick != NULL ? event_add(play->tick, NULL) : -1;
}

static int play_prepare(struct play *play, const char **error)
{
    const struct play_settings *settings = play->settings;

    *error = "out of memory";
    play->base = event_base_new();
    play->writer = request_writer_create(&settings->request);
    play->connections = calloc(settings->connections, sizeof *play->connections);
    play->ring = calloc(settings->people, sizeof *play->ring);
    if (play->base == NULL || play->writer == NULL || play->connections == NULL ||
        play->ring == NULL)
        return -1;
    play->finish = event_new(play->base, -1, 0, on_finish, play);
    if (play->finish == NULL || (settings->rate > 0 && start_ticking(play) != 0))
        return -1;
    play->gathered = settings->connections / GATHER + 1;
    if (play->gathered > settings->people)
        play->gathered = settings->people;
    for (size_t i = 0; i < play->gathered; i++)
        ring_put_new(play);
    for (size_t i = 0; i < settings->connections; i++) {
        play->connections[i].play = play;
        play->connections[i].fd = -1;
    }
    *error = "cannot connect";
    for (size_t i = 0; i < settings->connections; i++)
        if (connection_open(&play->connections[i]) != 0)
            return -1;
    return 0;
}

static void play_free(struct play *play)
{
    for (size_t i = 0; play->connections != NULL && i < play->settings->connections; i++) {
        if (play->connections[i].play != NULL)
            connection_close(&play->connections[i]);
        free(play->connections[i].input);
    }
    if (play->tick != NULL)
        event_free(play->tick);
    if (play->finish != NULL)
        event_free(play->finish);
    if (play->timer >= 0)
        close(play->timer);
    if (play->base != NULL)
        event_base_free(play->base);
    request_writer_free(play->writer);
    free(play->connections);
    free(play->ring);
}

int play(const struct play_settings *settings, struct play_result *result, const char **error)
{
    struct play play = {.settings = settings, .result = result, .timer = -1};
    int status;

    STAILQ_INIT(&play.free);
    *result = (struct play_result){0};
    status = play_prepare(&play, error);
    if (status == 0) {
        if (settings->warm == 0)
            measure_begin(&play);
        play_on(&play);
        event_base_dispatch(play.base);
        measure_end(&play);
        result->sent = play.sent;
        result->unanswered = play.busy;
    }
    play_free(&play);
    return status;
}
