/* What one request tells: each message once, and all in the order in which it was sent. Pure. */
#ifndef SERVER_CHANNELS_META_MESSAGE_ORDER_H
#define SERVER_CHANNELS_META_MESSAGE_ORDER_H

#include "server/channels/meta/person.h"
#include "server/exchange/message.h"

/* Leaves the first message of each id. *repeated: how many went. Returns 0, or -1 when out of
 * memory. */
int messages_drop_repeated(struct message *messages, size_t *count, size_t *repeated);

/* By sent_s, and else as they stand; a message without a time stays behind the one before it.
 * Returns 0, or -1 when out of memory. */
int messages_put_in_order(struct message *messages, size_t count);

/* By sent_s, and else as they were read: their ids follow each other in the caller's text. */
void moves_put_in_order(struct meta_move *moves, size_t count);

#endif
