/* One message of one person, as any channel delivers it. Views into memory of the channel, valid
 * until the exchange has answered. */
#ifndef SERVER_MESSAGE_H
#define SERVER_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>

#define MESSAGE_ADDRESS_MAX 128

struct message {
    const char *channel; /* its name for the log; static */
    const char *address; /* whose message it is: opaque, at most MESSAGE_ADDRESS_MAX bytes */
    size_t address_length;
    const char *phone_number; /* what goes into the record: the address without its scheme */
    size_t phone_number_length;
    const char *id; /* the provider's message id; length 0 when it has none */
    size_t id_length;
    const char *text; /* valid UTF-8 */
    size_t text_length;
    bool written; /* false: a picture, a voice note, a place, a sticker */
};

#endif
