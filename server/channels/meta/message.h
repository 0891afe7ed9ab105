/*
 * What Meta posts to a webhook: JSON with messages of many people, statuses of what we sent, and
 * whatever Meta may invent. Pure: bytes in, messages and counts out.
 */
#ifndef SERVER_CHANNELS_META_MESSAGE_H
#define SERVER_CHANNELS_META_MESSAGE_H

#include "server/channels/meta/person.h"
#include "server/channels/meta/report.h"
#include "server/channels/repair.h"
#include "server/exchange/message.h"
#include <stdint.h>

/* Meta's own limit. */
#define META_BODY_MAX (3 * 1024 * 1024)
/* How deep a body may be nested, and how many values it may hold; a message has about twenty. */
#define META_DEPTH_MAX 32
#define META_VALUES_MAX 300000

struct meta_filter {
    const char *phone_number_id; /* ours: messages to other numbers are none of ours */
    int64_t oldest_s;            /* messages from before this time come too late */
};

/* What was no message for us. */
struct meta_ignored {
    size_t unknown;   /* gestures, and kinds of messages and changes that mean nothing to us */
    size_t malformed; /* not as documented */
    size_t foreign;   /* to another number */
    size_t old;
    size_t repeated; /* again in the same request */
};

/* So many people's changes a body has room for: none is told in fewer bytes. */
#define META_MOVES_MAX (META_BODY_MAX / 96)

/* The messages of one request, and the changes of number or user id that it tells of; each in the
 * order in which they were sent. */
struct meta_batch {
    struct message *messages; /* from malloc, the caller's; NULL when there are none */
    size_t count;
    struct meta_move *moves; /* like messages */
    size_t move_count;
    struct meta_ignored ignored;
    struct meta_report report;
    size_t text_length; /* bytes of the caller's text that are used */
};

/*
 * Reads a body. text has room for REPAIR_MAX(body_length) bytes; the messages point into it.
 * Returns 0, or -1 with *reason (static) when this is no JSON or beyond a limit, or memory ran out.
 * What is JSON but not as documented is ignored, piece by piece: Meta would only send it again.
 */
int meta_read(const char *body, size_t body_length, const struct meta_filter *filter, char *text,
              struct meta_batch *batch, const char **reason);

#endif
