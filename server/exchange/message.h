/* One message of one person, as any channel delivers it. Its texts are views into memory of the
 * channel, valid until the exchange has answered. */
#ifndef SERVER_EXCHANGE_MESSAGE_H
#define SERVER_EXCHANGE_MESSAGE_H

#include "flow/conversation.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MESSAGE_ADDRESS_MAX 160

struct message {
    const char *channel; /* its name for the log; static */
    /* Whose message it is: a scheme, then the user id where there is one, else the number; both end
     * in a NUL. */
    char address[MESSAGE_ADDRESS_MAX + 1];
    size_t address_length;
    size_t scheme_length;
    char phone_number[MESSAGE_ADDRESS_MAX + 1]; /* with its plus; "": it is hidden */
    const char *id; /* the provider's message id; length 0 when it has none */
    size_t id_length;
    const char *quoted_id; /* of the message that this one replies to by a swipe; length 0: none */
    size_t quoted_id_length;
    bool quotes_own;  /* that one is the person's own, as far as the channel tells */
    bool quotes_ours; /* it is ours, and replies_newest knows ours by such ids */
    const char *text; /* valid UTF-8 */
    size_t text_length;
    enum flow_message_kind kind;
    int64_t sent_s; /* by the provider's clock; 0: not told */
};

/* The user id, or NULL: then there is a number. */
static inline const char *message_user_id(const struct message *message)
{
    const char *who = message->address + message->scheme_length;

    return *who != '+' ? who : NULL;
}

#endif
