/*
 * The load: many people write to one server over many connections.
 *
 * Closed loop: as soon as a connection has its reply the next message goes out on it. Open loop:
 * messages are due at a fixed rate whatever the server does, and their time counts from then; who
 * finds no free connection waits, and that counts.
 */
#ifndef LOAD_PLAY_H
#define LOAD_PLAY_H

#include "tests/load/crowd.h"
#include "tests/load/expectation.h"
#include "tests/load/histogram.h"
#include "tests/load/request.h"
#include <sys/socket.h>

struct play_settings {
    struct sockaddr_storage address;
    socklen_t address_length;
    struct request_settings request;
    struct crowd crowd;
    struct expectation *expectation; /* NULL: a status of 200 is enough */
    size_t connections;
    size_t people;          /* how many are in the middle of a conversation at a time */
    double rate;            /* messages a second, 0: closed loop */
    double seconds;         /* how long it is measured; 0: until nobody is left */
    uint64_t warm;          /* messages before the measuring begins */
    uint64_t conversations; /* nobody begins after so many; 0: always somebody does */
    unsigned turns; /* everybody goes away after so many messages; 0: never before the end */
};

/* What was counted; errors and wrong replies from the very beginning. */
struct play_result {
    uint64_t sent; /* messages, from the very beginning */
    double seconds;
    uint64_t messages;      /* answered within these seconds */
    uint64_t conversations; /* finished within them */
    uint64_t statuses;      /* answers other than 200 */
    uint64_t lost;          /* connections that failed */
    uint64_t unanswered;    /* after 15 seconds, when Twilio gives up */
    uint64_t wrong;         /* replies that are not the right ones */
    uint64_t late;          /* messages still due at the end: the rate was not kept */
    double cpu_us;          /* our own, a message */
    struct histogram times;
};

/* Plays it all; prints the first wrong replies to stderr. Returns 0, or -1 with *error. */
int play(const struct play_settings *settings, struct play_result *result, const char **error);

#endif
