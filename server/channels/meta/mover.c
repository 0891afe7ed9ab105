/* A queue of deliveries, and one record_move for whoever has her turn. */
#include "server/channels/meta/mover.h"

#include "server/exchange/person.h"
#include "server/security/keyed_hashes.h"
#include "server/security/phone_numbers.h"
#include "server/telemetry/log.h"
#include "server/telemetry/metrics.h"
#include "store/base/clock.h"
#include "store/base/container_of.h"
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

struct mover_delivery {
    STAILQ_ENTRY(mover_delivery) entry;
    struct delivery *delivery; /* NULL: it is answered */
    struct meta_move *moves;
    size_t count, next; /* next: who has her turn */
    bool failed;        /* nobody has it any more */
    int64_t begun_ms;
};

void mover_init(struct mover *mover, struct record_link *records, struct keyed_hashes *hashes,
                struct phone_numbers *numbers)
{
    mover->records = records;
    mover->hashes = hashes;
    mover->numbers = numbers;
    mover->deadline_ms = EXCHANGE_DEADLINE_MS;
    STAILQ_INIT(&mover->waiting);
}

/* Deliveries */

static void moves_free(struct meta_move *moves, size_t count)
{
    if (count > 0)
        OPENSSL_cleanse(moves, count * sizeof *moves);
    free(moves);
}

static void tell_undone(size_t count, const char *reason)
{
    metrics_add(METRIC_META_MOVES_UNDONE, count);
    log_write(LOG_WARNING, "moves_undone", log_number("people", (int64_t)count),
              log_text("reason", reason), log_text("meanwhile", "Meta tells of them again"));
}

/* The first that is not, by how far it is. */
static void delivery_answer(struct mover *mover)
{
    struct mover_delivery *one = mover->unanswered;
    struct delivery *delivery = one->delivery;
    const size_t undone = one->count - one->next;

    if (undone > 0)
        tell_undone(undone, one->failed ? "the records do not take them" : "it takes longer");
    mover->unanswered = STAILQ_NEXT(one, entry);
    one->delivery = NULL;
    delivery_release(delivery, undone == 0);
}

/* The first that waits. */
static void delivery_end(struct mover *mover)
{
    struct mover_delivery *first = STAILQ_FIRST(&mover->waiting);

    if (first->delivery != NULL)
        delivery_answer(mover);
    STAILQ_REMOVE_HEAD(&mover->waiting, entry);
    mover->waiting_count -= first->count;
    moves_free(first->moves, first->count);
    free(first);
}

static bool is_late(const struct mover *mover, const struct mover_delivery *one)
{
    return clock_monotonic_ms() - one->begun_ms >= mover->deadline_ms;
}

/* Only a user id tells whose the records of a number are. */
static bool names_user_id(const struct meta_move *move)
{
    return move->user_ids[META_MOVE_FROM][0] != '\0' || move->user_ids[META_MOVE_TO][0] != '\0';
}

/* Whose turn it is; NULL: nobody's. Answers deliveries that are through, or late. */
static const struct meta_move *move_next(struct mover *mover)
{
    struct mover_delivery *first;

    while ((first = STAILQ_FIRST(&mover->waiting)) != NULL) {
        for (; first->next < first->count && !names_user_id(&first->moves[first->next]);
             first->next++)
            metrics_add(METRIC_META_UNMOVED, 1);
        if (first->next < first->count && !first->failed)
            break;
        delivery_end(mover);
    }
    while (mover->unanswered != NULL && is_late(mover, mover->unanswered))
        delivery_answer(mover);
    return first != NULL ? &first->moves[first->next] : NULL;
}

/* Steps */

/* Who it is on one side, as a message would bring it. */
static int person_fill(struct mover *mover, const char *number, const char *user_id,
                       struct record_person *person)
{
    struct message message = {.scheme_length = sizeof META_SCHEME - 1};

    if (number[0] == '\0' && user_id[0] == '\0')
        return 0;
    strcpy(message.phone_number, number);
    strcpy(message.address, META_SCHEME);
    strncat(message.address, user_id[0] != '\0' ? user_id : number,
            MESSAGE_ADDRESS_MAX - (sizeof META_SCHEME - 1));
    return person_read_user_id(mover->hashes, &message, person) == 0
               ? person_read_number(mover->hashes, &message, person)
               : -1;
}

/* Nothing where it stays the same. */
static int text_fill(struct mover *mover, const char *before, const char *after,
                     struct record_move_text *text)
{
    if (before[0] == '\0' || after[0] == '\0' || strcmp(before, after) == 0)
        return 0;
    strcpy(text->from, before);
    return phone_number_seal(mover->numbers, before, text->from_sealed) == 0 &&
                   phone_number_keep(mover->numbers, after, text->to) == 0
               ? 0
               : -1;
}

/* A new number whose new user id is not told: her records stand under that number, so that it finds
 * and erases them, but keep the old id, which nobody has any more. What she asked for nobody
 * inherits, for who comes with the number and some id may be its next owner. */
static int move_fill(struct mover *mover, const struct meta_move *move)
{
    const char *old_number = move->numbers[META_MOVE_FROM];
    const char *old_user_id = move->user_ids[META_MOVE_FROM];
    const char *number = move->numbers[META_MOVE_TO], *user_id = move->user_ids[META_MOVE_TO];
    const char *hidden = user_id;
    const int64_t now_s = clock_wall_s();
    struct record_move *fill = &mover->move;

    if (user_id[0] == '\0') {
        user_id = old_user_id;
        hidden = number;
    }
    *fill = (struct record_move){.message = move->key,
                                 .at_us = 1000000 * (move->sent_s < now_s ? move->sent_s : now_s)};
    if (person_fill(mover, old_number, old_user_id, &fill->from) != 0 ||
        person_fill(mover, number, user_id, &fill->to) != 0)
        return -1;
    return text_fill(mover, old_number, number, &fill->number) == 0 &&
                   text_fill(mover, old_user_id, hidden, &fill->hidden) == 0
               ? 0
               : -1;
}

/* All that waits, answered or not. */
static void fail_all(struct mover *mover)
{
    struct mover_delivery *one;

    STAILQ_FOREACH(one, &mover->waiting, entry)
    one->failed = true;
    OPENSSL_cleanse(&mover->move, sizeof mover->move);
}

static void move_end(struct mover *mover)
{
    STAILQ_FIRST(&mover->waiting)->next++;
    metrics_add(METRIC_META_MOVED, !mover->move.was_done);
    OPENSSL_cleanse(&mover->move, sizeof mover->move);
}

static void on_step(struct store_ticket *ticket);

/* STORE_ABSENT: there is none. */
static enum store_status step_begin(struct mover *mover)
{
    const bool goes_on = mover->move.more;
    const struct meta_move *move = move_next(mover);

    if (move == NULL)
        return STORE_ABSENT;
    if (!goes_on && move_fill(mover, move) != 0)
        return STORE_DOWN;
    mover->move.ticket.done = on_step;
    return record_move(mover->records, &mover->move);
}

/* Not from inside itself: a delivery that ends may let the next request begin. */
static void mover_go_on(struct mover *mover)
{
    enum store_status status;

    if (mover->running)
        return;
    mover->running = true;
    while ((status = step_begin(mover)) != STORE_LATER && status != STORE_ABSENT)
        fail_all(mover);
    mover->running = status == STORE_LATER;
}

static void on_step(struct store_ticket *ticket)
{
    struct mover *mover = container_of(ticket, struct mover, move.ticket);

    mover->running = false;
    if (ticket->status != STORE_OK)
        fail_all(mover);
    else if (!mover->move.more)
        move_end(mover);
    mover_go_on(mover);
}

void mover_begin(struct mover *mover, struct delivery *delivery, struct meta_move *moves,
                 size_t count)
{
    const bool has_room = count <= MOVER_WAITING_MAX - mover->waiting_count;
    struct mover_delivery *one = count > 0 && has_room ? calloc(1, sizeof *one) : NULL;

    if (one == NULL) {
        if (count > 0) {
            delivery->failed = true;
            tell_undone(count, "too many at once");
        }
        moves_free(moves, count);
        return;
    }
    *one = (struct mover_delivery){
        .delivery = delivery, .moves = moves, .count = count, .begun_ms = clock_monotonic_ms()};
    for (size_t i = 0; i < count; i++)
        moves[i].key = keyed_hashes_message_id(mover->hashes, moves[i].id, moves[i].id_length);
    delivery_hold(delivery);
    STAILQ_INSERT_TAIL(&mover->waiting, one, entry);
    mover->waiting_count += count;
    if (mover->unanswered == NULL)
        mover->unanswered = one;
    mover_go_on(mover);
}
