/*
 * The simulator: the chat page of a development server. It speaks Twilio's language without account
 * and signature, and can let a conversation's time pass.
 */
#ifndef SERVER_CHANNELS_SIMULATOR_SIMULATOR_H
#define SERVER_CHANNELS_SIMULATOR_SIMULATOR_H

#include "server/channels/channel.h"

struct session_link;

/* The channel of one worker; borrows both. Returns NULL when out of memory. */
struct channel *simulator_create(struct exchange_service *exchanges, struct session_link *sessions);

/* A form with From: this person's session expires now, as it would after SESSION_TIMEOUT_MINUTES of
 * silence. Replies 204. */
void simulator_later(struct channel *channel, struct http_request *request);

#endif
