/*
 * Twilio's WhatsApp webhook: a signed, form-encoded POST with one message, answered with TwiML.
 */
#ifndef SERVER_TWILIO_H
#define SERVER_TWILIO_H

#include "server/config.h"
#include "server/exchange.h"
#include "server/http/form.h"
#include "server/http/http.h"

/* Finds the message in a form. Pure. Returns 0, or -1 with *reason (static) when the request can
 * be no message: From missing, too long or not text, or a field that counts standing twice. */
int twilio_parse(const struct form *form, struct message *message, const char **reason);

/* The channel of one worker. */
struct twilio;

/* Borrows both. With a token configured, only what it signed comes in. Returns NULL when out of
 * memory. */
struct twilio *twilio_create(const struct config *config, struct exchange_service *exchanges);
void twilio_free(struct twilio *twilio);

/* Handles one request to its reply. */
void twilio_handle(struct twilio *twilio, struct http_request *request);

#endif
