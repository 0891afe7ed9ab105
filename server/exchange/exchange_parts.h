/* Private to the exchange: one message on its way through the states. */
#ifndef SERVER_EXCHANGE_EXCHANGE_PARTS_H
#define SERVER_EXCHANGE_EXCHANGE_PARTS_H

#include "flow/conversation.h"
#include "server/exchange/exchange.h"
#include "server/security/keyed_hashes.h"
#include "server/security/phone_numbers.h"
#include "server/telemetry/counting.h"
#include "store/outbox.h"
#include "store/records.h"
#include "store/replies.h"
#include "store/sessions.h"
#include <stdint.h>
#include <sys/queue.h>

/* What is asked of a store next, or, while it is under way, was asked. */
enum exchange_state {
    EXCHANGE_QUOTE,
    EXCHANGE_LOAD,
    EXCHANGE_RESERVE,
    EXCHANGE_CLAIM,
    EXCHANGE_OUTBOX,
    EXCHANGE_SAVE,
    EXCHANGE_SHOW, /* behind the answer */
};

struct exchange {
    TAILQ_ENTRY(exchange) link; /* in the order of their deadlines */
    struct exchange_service *service;
    enum exchange_state state;
    bool under_way;
    exchange_answer *answer; /* NULL once it was given */
    void *arg;
    const struct message *message;
    struct flow_message said;
    int64_t started_us; /* monotonic, like the next one */
    int64_t asked_us;   /* when the operation under way was asked of its store */
    int64_t now_us;
    unsigned rounds; /* how often it was loaded */
    unsigned longer;
    bool asked;   /* the save was sent to the store */
    bool unsure;  /* what it says may be saved already, or still be on its way, and no word came */
    bool lost;    /* the last save was not answered */
    bool again;   /* the save has what was loaded once more: to know that it is safe */
    bool kept;    /* the last save is in Redis, though too few replicas have it */
    bool waiting; /* for the next sweep, which loads again */
    bool for_another; /* finishing what another message of the person completed */
    bool near_asked;  /* the save has the question whether it is the same person */
    bool near_gone;   /* the record that she said is hers was erased since: as if never asked */
    struct replies_newest newest; /* our newest reply, for a message that quotes one of ours */
    struct flow_outcome outcome;
    const char *result;            /* for the log */
    char number[PHONE_NUMBER_MAX]; /* whose message it is, in clear */
    struct record_claim claim;
    struct outbox_entry entry;
    struct { /* what the claim of this message's own answers gave, once it is safe */
        char code[RECORD_CODE_MAX]; /* "" before that */
        bool existing;
        const char *result;
        struct flow_outcome outcome;
    } own;
    struct counting_position counted; /* of the conversation, when it was loaded or saved last */
    uint64_t who;                     /* the address as a number, and for the log */
    char tag[KEYED_HASHES_TAG_MAX];
    char address[MESSAGE_ADDRESS_MAX + 1]; /* as the stores know it */
    size_t address_length;
    struct session session;
    /* Large, and neither zeroed nor wiped beyond what is used of it: */
    struct conversation conversation;
};

/* What is zeroed for each message. A member that should be and is not breaks the build. */
#define EXCHANGE_ZEROED offsetof(struct exchange, conversation)
_Static_assert(sizeof(struct exchange) == EXCHANGE_ZEROED + sizeof(struct conversation),
               "the conversation is all that is not zeroed");

#define EXCHANGE_SPARE_MAX 1024

struct exchange_service {
    struct exchange_settings settings;
    TAILQ_HEAD(, exchange) exchanges;
    unsigned in_flight;
    struct exchange
        *spare[EXCHANGE_SPARE_MAX]; /* for the next ones: malloc is slow for so large ones */
    unsigned spare_count;
    struct event *sweep;
    char reply[FLOW_REPLY_MAX];
};

/* In pool.c: an exchange that is over, or new, its first part zeroed. NULL without memory. */
struct exchange *exchange_take(struct exchange_service *service);
/* Wipes it. */
void exchange_give_back(struct exchange_service *service, struct exchange *exchange);
/* Among those under way, and not any more, for one that waits for no store. */
void exchange_enter(struct exchange_service *service, struct exchange *exchange);
void exchange_end(struct exchange *exchange);
void exchange_pool_free(struct exchange_service *service);

/* In fsm.c. Sets up the operations through which the machine comes back to itself. */
void exchange_prepare(struct exchange *exchange);
/* Goes on until the exchange waits, or is over and gone. */
void exchange_drive(struct exchange *exchange);
/* In claim.c. Fills in the claim of complete answers: input hash and wanted code, and what is near
 * them. Returns 0 or -1. */
int exchange_claim_prepare(struct exchange *exchange);
/* What a finished claim means. Returns whether the exchange goes on. */
bool exchange_claim_finish(struct exchange *exchange);
/* What a finished put means. Returns whether the exchange goes on. */
bool exchange_outbox_finish(struct exchange *exchange);
/* In answer.c: the one way out towards the person; does nothing when the answer was given
 * before. */
void exchange_answer_with(struct exchange *exchange, const struct exchange_reply *reply);
/* With what the conversation says; or, where that went on without this message, with the code that
 * its answers got. Returns whether there is one thing more to save: that the question whether it is
 * the same person was shown. */
bool exchange_answer_reply(struct exchange *exchange);
/* The deadline passed, or nothing more will be saved; why is for the log. */
void exchange_answer_late(struct exchange *exchange, const char *why);
/* "Try again in a minute"; why is for the log. */
void exchange_answer_unavailable(struct exchange *exchange, const char *why);

#endif
