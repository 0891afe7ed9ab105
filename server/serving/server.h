/* The whole server: stores, workers, signals. */
#ifndef SERVER_SERVING_SERVER_H
#define SERVER_SERVING_SERVER_H

struct setup;

/* Runs until SIGTERM or SIGINT, then finishes what is in flight. Logs what happens. Returns the
 * exit code: 0 after a clean stop, 1 when it could not start, or SERVER_OTHER_SALT when the stores
 * belong to another salt or flow, found at the start or later. */
#define SERVER_OTHER_SALT 3
int server_run(const struct setup *setup);

#endif
