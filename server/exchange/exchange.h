/*
 * The way of one message: load the session, step, claim the code when all answers are in, save,
 * answer. Channel-neutral.
 *
 *     exchange_begin(service, &message, on_answer, arg)  ->  on_answer(arg, &message, &reply), once
 *
 * All calls on the service's thread.
 */
#ifndef SERVER_EXCHANGE_EXCHANGE_H
#define SERVER_EXCHANGE_EXCHANGE_H

#include "server/exchange/message.h"
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct quota;
struct conversation;
struct event_base;
struct counters_link;
struct flow;
struct counting;
struct keyed_hashes;
struct outbox_link;
struct phone_numbers;
struct record_link;
struct replies_link;
struct session_link;

/* For an answer; Twilio gives up at 15 s. */
#define EXCHANGE_DEADLINE_MS 9500

/* What every exchange of one thread shares. Everything is borrowed. */
struct exchange_settings {
    struct event_base *base;
    const struct flow *flow;
    struct keyed_hashes *hashes;
    struct phone_numbers *numbers; /* in records */
    const char *salt;
    struct session_link *sessions;
    struct record_link *records;
    struct replies_link *replies;    /* knows which reply a person has last; NULL: nobody does */
    struct outbox_link *outbox;      /* for when records are away; NULL: then nothing is promised */
    const atomic_bool *foreign;      /* set: nothing is told any more; NULL: it never is */
    struct quota *quota;             /* of each address */
    const struct counting *counting; /* counts in counters what becomes of conversations */
    struct counters_link *counters;
    unsigned in_flight_max; /* exchanges under way; one more is refused */
    unsigned deadline_ms;   /* for the answer; then it is "try again in a minute" */
};

struct exchange_service;

struct exchange_service *exchange_service_create(const struct exchange_settings *settings);
/* When no exchange is under way any more. */
void exchange_service_free(struct exchange_service *service);

/* Before the stores go: what is under way is "try again in a minute", and does no more. */
void exchange_service_stop(struct exchange_service *service);

/* Exchanges under way, those included that were answered late and still wait for a store. */
unsigned exchange_in_flight(const struct exchange_service *service);

/* What is to be said; valid during the call that brings it. */
struct exchange_reply {
    const char *text;
    size_t length;                           /* 0: nothing is to be said */
    const struct conversation *conversation; /* the text is its last reply; NULL: it is not */
    bool handled; /* false: a store is away, and the message is to come again */
};

typedef void exchange_answer(void *arg, const struct message *message,
                             const struct exchange_reply *reply);

/* message lives until its answer. Returns 0, and answer is called exactly once, perhaps before this
 * returns; or -1 when too many exchanges are under way, or memory or randomness is
 * missing; then answer is not called. */
int exchange_begin(struct exchange_service *service, const struct message *message,
                   exchange_answer *answer, void *arg);

#endif
