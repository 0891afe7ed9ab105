/*
 * Requests that brought a token wait for their response as long as the table says, each with
 * its connection: so an address guesses no faster than its open connections let it. One for each
 * worker, on its thread.
 *
 *     throttle_try(throttle, request, secret_is(token, given, length), on_judged, arg);
 */
#ifndef SERVER_HTTP_THROTTLE_H
#define SERVER_HTTP_THROTTLE_H

#include <stdbool.h>

struct event_base;
struct http_request;
struct throttle;
struct throttle_table;

/* Borrows both. Returns NULL when out of memory. */
struct throttle *throttle_create(struct event_base *base, struct throttle_table *table);
/* Whoever still waits gets the response from here, as if the time had come: before http_free and
 * before what the responses need goes. */
void throttle_free(struct throttle *throttle);

typedef void throttle_answer(void *arg, struct http_request *request, bool right);

/* Calls answer once, at once or when the wait is over; it responds. A right one is always answered
 * as right, whatever others try; but for a process that is out of memory, where who has to wait is
 * told at once that it is wrong. */
void throttle_try(struct throttle *throttle, struct http_request *request, bool right,
                  throttle_answer *answer, void *arg);

#endif
