/*
 * Twilio's WhatsApp webhook: a signed, form-encoded POST with one message, answered with TwiML.
 */
#ifndef SERVER_TWILIO_H
#define SERVER_TWILIO_H

#include "server/channels/channel.h"
#include "server/config.h"
#include "server/http/form.h"

/* Finds the message in a form and fills in all of *message but its channel. Pure. Returns 0, or -1
 * with *reason (static) when the request can be no message: From missing, too long or not text, or
 * a field that counts standing twice. */
int twilio_parse(const struct form *form, struct message *message, const char **reason);

/* The channel of one worker; borrows both. With a token configured, only what it signed comes in.
 * Returns NULL when out of memory. */
struct channel *twilio_create(const struct config *config, struct exchange_service *exchanges);

/* The same without signatures and accounts, for the chat page of a development server. */
struct channel *simulator_create(const struct config *config, struct exchange_service *exchanges);

#endif
