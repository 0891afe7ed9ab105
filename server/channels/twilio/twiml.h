/* TwiML, the reply in a response to Twilio. Pure. */
#ifndef SERVER_CHANNELS_TWILIO_TWIML_H
#define SERVER_CHANNELS_TWILIO_TWIML_H

#include <stddef.h>

/* Bytes that hold the reply with a text of `length` bytes, with its NUL. */
#define TWIML_MAX(length) ((length)*6 + 128)

/*
 * Writes <Response><Message><Body>text</Body></Message></Response>, or an empty <Response/> when
 * length is 0. Escapes & < > " ' and drops characters that XML cannot hold. text is valid UTF-8.
 * Returns the length without the NUL.
 */
size_t twiml_write(char *out, const char *text, size_t length);

#endif
