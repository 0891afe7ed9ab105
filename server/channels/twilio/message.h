/* What Twilio posts to a webhook: mostly a message of one person. Pure. */
#ifndef SERVER_CHANNELS_TWILIO_MESSAGE_H
#define SERVER_CHANNELS_TWILIO_MESSAGE_H

#include "server/exchange/message.h"
#include "server/http/form.h"

/* In front of addresses, whatever its case was. */
#define TWILIO_SCHEME "whatsapp:"

enum twilio_post {
    TWILIO_BAD = -1,
    TWILIO_MESSAGE,
    TWILIO_STATUS,    /* of a message that we sent: nobody wrote */
    TWILIO_GESTURE,   /* a thumb on one of our messages and the like: it asks for no answer */
    TWILIO_ELSEWHERE, /* somebody wrote, but not on WhatsApp */
};

/*
 * Finds out what a form is, and fills in all of *message but its channel for TWILIO_MESSAGE.
 * our_number: as configured, or NULL. Only the fields that are used are judged: TWILIO_BAD, with
 * *reason (static), when From is missing, too long or no address, or one of them is a duplicate
 * with different values or holds half a percent sign. A Body that is not all UTF-8 is mended into
 * the form's storage, which therefore has room for DELIVERY_TEXT_MAX bytes.
 */
enum twilio_post twilio_read(struct form *form, const char *our_number, struct message *message,
                             const char **reason);

#endif
