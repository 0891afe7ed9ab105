/* The simulator's channel. The page itself is a file like others (server/web). */
#include "server/channels/simulator/simulator.h"

#include "server/channels/twilio/message.h"
#include "server/channels/twilio/twilio.h"
#include "store/base/container_of.h"
#include "store/sessions.h"
#include <stdlib.h>

#define FIELDS_MAX 64

struct simulator {
    struct channel channel;
    struct session_link *sessions;
};

/* A session being made to expire. */
struct expiry {
    struct session session;
    struct http_request *request;
};

/* Only a person's message comes from the page. */
static int read_message(struct form *form, struct message *message, const char **reason)
{
    enum twilio_post post = twilio_read(form, NULL, message, reason);

    if (post == TWILIO_MESSAGE)
        return 0;
    if (post != TWILIO_BAD)
        *reason = "From is nobody on WhatsApp";
    return -1;
}

static int simulator_receive(struct channel *channel, struct delivery *delivery,
                             struct refusal *refusal)
{
    const struct http_request *request = delivery->request;
    struct form form;

    *refusal = (struct refusal){400, NULL, METRIC_COUNT, NULL};
    if (form_decode(&form, request->body, request->body_length, FIELDS_MAX, delivery->text,
                    &refusal->reason) != 0 ||
        read_message(&form, &delivery->only, &refusal->reason) != 0)
        return -1;
    delivery->only.channel = channel->class->name;
    delivery->count = 1;
    return 0;
}

static void simulator_free(struct channel *channel)
{
    free(channel);
}

static const struct channel_class simulator_class = {"simulator", simulator_receive, twilio_answer,
                                                     simulator_free};

struct channel *simulator_create(struct exchange_service *exchanges, struct session_link *sessions)
{
    struct simulator *simulator = calloc(1, sizeof *simulator);

    if (simulator == NULL)
        return NULL;
    simulator->channel = (struct channel){&simulator_class, exchanges};
    simulator->sessions = sessions;
    return &simulator->channel;
}

static void expiry_end(struct expiry *expiry)
{
    const enum store_status status = expiry->session.ticket.status;

    if (status == STORE_OK || status == STORE_ABSENT)
        http_respond(expiry->request, &(struct http_response){.status = 204});
    else
        http_respond_error(expiry->request, 503, "the sessions cannot be reached just now");
    free(expiry);
}

static void on_forgotten(struct store_ticket *ticket)
{
    expiry_end(container_of(ticket, struct expiry, session.ticket));
}

/* The person that a request names. Returns 0, or -1 with reason. */
static int read_person(const struct http_request *request, struct message *message,
                       const char **reason)
{
    char *text = malloc(DELIVERY_TEXT_MAX(request->body_length) + 1);
    struct form form;
    int status = -1;

    *reason = "out of memory";
    if (text != NULL &&
        form_decode(&form, request->body, request->body_length, FIELDS_MAX, text, reason) == 0)
        status = read_message(&form, message, reason);
    free(text);
    return status;
}

void simulator_later(struct channel *channel, struct http_request *request)
{
    struct simulator *simulator = (struct simulator *)channel;
    struct message message;
    struct expiry *expiry;
    const char *reason;

    if (read_person(request, &message, &reason) != 0) {
        http_respond_error(request, 400, reason);
        return;
    }
    expiry = calloc(1, sizeof *expiry);
    if (expiry == NULL) {
        http_respond_error(request, 503, "out of memory");
        return;
    }
    expiry->request = request;
    session_init(simulator->sessions, &expiry->session, message.address, message.address_length);
    expiry->session.ticket.done = on_forgotten;
    enum store_status status = session_forget(simulator->sessions, &expiry->session, true);
    if (status == STORE_LATER)
        return;
    expiry->session.ticket.status = status;
    expiry_end(expiry);
}
