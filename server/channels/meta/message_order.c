/* Both look at pointers and keys; the messages themselves are moved once. */
#include "server/channels/meta/message_order.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* By id, then in the order in which they came. */
static int compare_ids(const void *left, const void *right)
{
    const struct message *a = *(const struct message *const *)left;
    const struct message *b = *(const struct message *const *)right;
    const size_t shorter = a->id_length < b->id_length ? a->id_length : b->id_length;
    int order = memcmp(a->id, b->id, shorter);

    if (order == 0)
        order = (a->id_length > b->id_length) - (a->id_length < b->id_length);
    return order != 0 ? order : (a > b) - (a < b);
}

static bool has_same_id(const struct message *a, const struct message *b)
{
    return a->id_length == b->id_length && memcmp(a->id, b->id, a->id_length) == 0;
}

int messages_drop_repeated(struct message *messages, size_t *count, size_t *repeated)
{
    struct message **sorted;
    size_t kept = 0;

    if (*count < 2)
        return 0;
    sorted = malloc(*count * sizeof *sorted);
    if (sorted == NULL)
        return -1;
    for (size_t i = 0; i < *count; i++)
        sorted[i] = &messages[i];
    qsort(sorted, *count, sizeof *sorted, compare_ids);
    for (size_t i = *count - 1; i > 0; i--)
        if (has_same_id(sorted[i - 1], sorted[i]))
            sorted[i]->address_length = 0; /* none has that */
    free(sorted);
    for (size_t i = 0; i < *count; i++)
        if (messages[i].address_length > 0)
            messages[kept++] = messages[i];
    *repeated = *count - kept;
    *count = kept;
    return 0;
}

/* What messages are sorted by. One without a time stands behind the one before. */
struct sort_key {
    int64_t sent_s;
    size_t position;
};

static int compare_keys(const void *left, const void *right)
{
    const struct sort_key *a = left, *b = right;

    if (a->sent_s != b->sent_s)
        return a->sent_s < b->sent_s ? -1 : 1;
    return (a->position > b->position) - (a->position < b->position);
}

static bool is_in_order(const struct message *messages, size_t count)
{
    for (size_t i = 1; i < count; i++)
        if (messages[i].sent_s < messages[i - 1].sent_s)
            return false;
    return true;
}

int messages_put_in_order(struct message *messages, size_t count)
{
    struct message *sorted = NULL;
    struct sort_key *keys = NULL;
    int status = -1;

    if (is_in_order(messages, count))
        return 0;
    keys = malloc(count * sizeof *keys);
    sorted = malloc(count * sizeof *sorted);
    if (keys == NULL || sorted == NULL)
        goto out;
    for (size_t i = 0; i < count; i++) {
        int64_t sent_s = messages[i].sent_s;
        keys[i] = (struct sort_key){sent_s != 0 || i == 0 ? sent_s : keys[i - 1].sent_s, i};
    }
    qsort(keys, count, sizeof *keys, compare_keys);
    for (size_t i = 0; i < count; i++)
        sorted[i] = messages[keys[i].position];
    memcpy(messages, sorted, count * sizeof *sorted);
    status = 0;
out:
    free(keys);
    free(sorted);
    return status;
}

static int compare_moves(const void *left, const void *right)
{
    const struct meta_move *a = left, *b = right;

    if (a->sent_s != b->sent_s)
        return a->sent_s < b->sent_s ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

void moves_put_in_order(struct meta_move *moves, size_t count)
{
    if (count > 1)
        qsort(moves, count, sizeof *moves, compare_moves);
}
