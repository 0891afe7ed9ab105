/*
 * Twilio's WhatsApp webhook: a signed, form-encoded POST, mostly with one message, answered with
 * TwiML.
 */
#ifndef SERVER_CHANNELS_TWILIO_TWILIO_H
#define SERVER_CHANNELS_TWILIO_TWILIO_H

#include "server/channels/channel.h"
#include "server/config/config.h"

/* The channel of one worker; borrows both. With a token configured, only what it signed comes in.
 * Returns NULL when out of memory. */
struct channel *twilio_create(const struct config *config, struct exchange_service *exchanges);

/* The `answer` of a channel that speaks TwiML: the reply goes into the response to the request. */
void twilio_answer(struct channel *channel, struct delivery *delivery,
                   const struct message *message, const struct exchange_reply *reply);

#endif
