/* What one message of Meta's webhook is: words, a picture, a button, or a gesture. Pure. */
#ifndef SERVER_CHANNELS_META_CONTENT_H
#define SERVER_CHANNELS_META_CONTENT_H

#include "flow/conversation.h"
#include <jansson.h>

struct meta_content {
    enum flow_message_kind kind;
    const char *text; /* of the JSON; NULL when length is 0 */
    size_t length;
};

/* Returns 0, or -1 for a gesture: a thumb on one of our messages, a message pinned or deleted, a
 * poll, a word of the system, what is said in a group, and every kind that we do not know. It asks
 * for no answer. */
int meta_content_read(const json_t *message, struct meta_content *content);

#endif
