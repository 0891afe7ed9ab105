/*
 * A reply as Meta wants it: the JSON for POST /{phone number id}/messages. Pure.
 */
#ifndef SERVER_CHANNELS_META_REPLY_H
#define SERVER_CHANNELS_META_REPLY_H

#include "flow/conversation.h"
#include "server/exchange/message.h"

/*
 * What goes to the person who wrote message, whose address begins with META_SCHEME. conversation:
 * whose last reply the text is; a question with a few short options becomes reply buttons, one with
 * some more a list, beside the numbered text, for whoever cannot see them. NULL: plain text.
 * Returns the JSON, from malloc, or NULL when out of memory.
 */
char *meta_reply_write(const struct flow *flow, const struct conversation *conversation,
                       const struct message *message, const char *text, size_t length,
                       size_t *json_length);

#endif
