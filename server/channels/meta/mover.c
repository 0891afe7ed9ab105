/* A queue of deliveries, a list of rests, and one record_move for whichever of them has its turn.
 */
#include "server/channels/meta/mover.h"

#include "server/exchange/person.h"
#include "server/security/keyed_hashes.h"
#include "server/security/phone_numbers.h"
#include "server/telemetry/log.h"
#include "server/telemetry/metrics.h"
#include "store/base/clock.h"
#include "store/base/container_of.h"
#include <openssl/crypto.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

/* The keys of those whose own records are moved, on whichever worker: by their remainder, the newest
 * of each first. A full body finds room; one that gave way is moved again. */
#define DONE_SIZE META_MOVES_MAX
#define DONE_EACH 4
static _Atomic uint64_t done[DONE_SIZE][DONE_EACH];

struct mover_delivery {
    STAILQ_ENTRY(mover_delivery) entry;
    struct delivery *delivery; /* NULL: it is answered */
    struct meta_move *moves;
    size_t count, next;
    size_t failed; /* of those before next */
    int64_t begun_ms;
};

/* What is left to do for somebody whose own records are moved. */
struct mover_rest {
    STAILQ_ENTRY(mover_rest) entry;
    struct record_person from, to;
    uint64_t message;
    int64_t at_us, after_id;
};

void mover_init(struct mover *mover, struct record_link *records, struct keyed_hashes *hashes,
                struct phone_numbers *numbers)
{
    mover->records = records;
    mover->hashes = hashes;
    mover->numbers = numbers;
    mover->deadline_ms = EXCHANGE_DEADLINE_MS;
    STAILQ_INIT(&mover->waiting);
    STAILQ_INIT(&mover->rest);
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
    const size_t undone = one->failed + one->count - one->next;

    if (undone > 0)
        tell_undone(undone, one->failed > 0 ? "the records do not take them" : "it takes longer");
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

static bool done_has(uint64_t key)
{
    for (int i = 0; i < DONE_EACH; i++)
        if (key != 0 && atomic_load(&done[key % DONE_SIZE][i]) == key)
            return true;
    return false;
}

static void done_add(uint64_t key)
{
    _Atomic uint64_t *keys = done[key % DONE_SIZE];

    for (int i = DONE_EACH - 1; i > 0; i--)
        atomic_store(&keys[i], atomic_load(&keys[i - 1]));
    atomic_store(&keys[0], key);
}

/* Whether nothing is to be done. Only a user id tells whose the records of a number are. */
static bool is_done(const struct meta_move *move)
{
    if (move->user_ids[META_MOVE_FROM][0] == '\0' && move->user_ids[META_MOVE_TO][0] == '\0') {
        metrics_add(METRIC_META_UNMOVED, 1);
        return true;
    }
    return done_has(move->key);
}

/* What is to be done next. Answers deliveries that are through, or late. */
static const struct meta_move *move_next(struct mover *mover)
{
    struct mover_delivery *first;

    while ((first = STAILQ_FIRST(&mover->waiting)) != NULL) {
        while (first->next < first->count && is_done(&first->moves[first->next]))
            first->next++;
        if (first->next < first->count)
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
static int own_fill(struct mover *mover, const struct meta_move *move)
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

static void rest_fill(struct mover *mover, const struct mover_rest *rest)
{
    mover->move = (struct record_move){.has_own = true,
                                       .from = rest->from,
                                       .to = rest->to,
                                       .message = rest->message,
                                       .at_us = rest->at_us,
                                       .after_id = rest->after_id};
}

static int rest_add(struct mover *mover)
{
    struct mover_rest *rest = calloc(1, sizeof *rest);

    if (rest == NULL)
        return -1;
    rest->from = mover->move.from;
    rest->to = mover->move.to;
    rest->message = mover->move.message;
    rest->at_us = mover->move.at_us;
    STAILQ_INSERT_TAIL(&mover->rest, rest, entry);
    mover->rest_count++;
    return 0;
}

/* The first. */
static void rest_remove(struct mover *mover)
{
    struct mover_rest *rest = STAILQ_FIRST(&mover->rest);

    STAILQ_REMOVE_HEAD(&mover->rest, entry);
    mover->rest_count--;
    free(rest);
}

static void tell_unfinished(size_t count)
{
    log_write(LOG_WARNING, "move_unfinished", log_number("people", (int64_t)count),
              log_text("effect", "they are told codes as if they were new"));
}

/* A step for the first that waits has ended. Those behind one that failed are done again after it,
 * when they are told again: they may be of the same person. */
static void own_settle(struct mover *mover, enum store_status status)
{
    struct mover_delivery *first = STAILQ_FIRST(&mover->waiting);
    const struct meta_move *move = &first->moves[first->next];

    if (status == STORE_OK && !mover->move.has_own)
        return;
    if (status != STORE_OK || (!mover->move.was_done && rest_add(mover) != 0))
        first->failed++;
    else if (first->failed == 0)
        done_add(move->key);
    first->next++;
}

/* The same of the rest. */
static void rest_settle(struct mover *mover, enum store_status status)
{
    if (status == STORE_OK && mover->move.more) {
        STAILQ_FIRST(&mover->rest)->after_id = mover->move.after_id;
        return;
    }
    if (status == STORE_OK)
        metrics_add(METRIC_META_MOVED, 1);
    else
        tell_unfinished(1);
    rest_remove(mover);
}

/* No step began: the records are away or have too much to do, and so it would be for all that
 * follow. */
static void step_refuse(struct mover *mover)
{
    struct mover_delivery *first = STAILQ_FIRST(&mover->waiting);

    if (mover->is_own) {
        first->failed += first->count - first->next;
        first->next = first->count;
        return;
    }
    tell_unfinished(mover->rest_count);
    while (!STAILQ_EMPTY(&mover->rest))
        rest_remove(mover);
}

static void on_step(struct store_ticket *ticket);

/* STORE_ABSENT: there is none. */
static enum store_status step_begin(struct mover *mover)
{
    const struct meta_move *move = move_next(mover);
    const struct mover_rest *rest = STAILQ_FIRST(&mover->rest);

    mover->is_own = move != NULL && mover->rest_count < MOVER_REST_MAX;
    if (!mover->is_own && rest == NULL)
        return STORE_ABSENT;
    if (!mover->is_own)
        rest_fill(mover, rest);
    else if (own_fill(mover, move) != 0)
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
        step_refuse(mover);
    mover->running = status == STORE_LATER;
}

static void on_step(struct store_ticket *ticket)
{
    struct mover *mover = container_of(ticket, struct mover, move.ticket);

    mover->running = false;
    if (mover->is_own)
        own_settle(mover, ticket->status);
    else
        rest_settle(mover, ticket->status);
    OPENSSL_cleanse(&mover->move, sizeof mover->move);
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
