/*
 * One listening socket for all workers, where a service manager holds it while no server runs:
 * what connects then waits instead of being refused. Without a manager each worker opens its own.
 */
#ifndef SERVER_HTTP_LISTENING_H
#define SERVER_HTTP_LISTENING_H

#include "store/base/error.h"
#include <stdbool.h>

struct listening {
    int fd;          /* for all workers; -1: each opens its own */
    bool kept;       /* the manager keeps it for us, and forgets it when we ask */
    bool closing;    /* it forgets the last one, whose address is free shortly */
    unsigned unused; /* sockets of other addresses that the manager handed over; closed */
};

/* Takes the socket of host and port that the manager handed over (sd_listen_fds(3): a .socket
 * unit's, or what it kept for us), or looks whether the port is free. To be called once, before
 * there are threads. Returns 0, or -1 with error and the setting that is at fault. */
int listening_take(struct listening *listening, const char *host, unsigned port,
                   const char **subject, char error[ERROR_MAX]);

/* Opens one, unless it was taken, and has the manager keep it; without a manager does nothing.
 * Returns 0, or -1 with subject and error. */
int listening_open(struct listening *listening, const char *host, unsigned port,
                   const char **subject, char error[ERROR_MAX]);

/* Of a connection just accepted: whether it lay here for a second and more, and the other end has
 * closed it. Its request is not to be carried out: nobody would read the response, and who sent it
 * sends it again. */
bool listening_was_left(int fd);

/* Closes it here; what connects waits at the manager for the next server. */
void listening_leave(struct listening *listening);

/* What is kept is closed everywhere: what connects is refused, and finds another instance. What a
 * .socket unit holds open stays. */
void listening_give_up(struct listening *listening);

/* The same for a start that ends before a socket was taken, or anywhere else: no server comes soon,
 * and whoever connected would wait for nobody. */
void listening_refuse(void);

#endif
