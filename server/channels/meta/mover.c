/* One record_move for each person, whose steps follow each other. */
#include "server/channels/meta/mover.h"

#include "server/exchange/person.h"
#include "server/security/phone_numbers.h"
#include "server/telemetry/log.h"
#include "server/telemetry/metrics.h"
#include "store/base/clock.h"
#include "store/base/container_of.h"
#include "store/records.h"
#include <openssl/crypto.h>
#include <stdlib.h>
#include <string.h>

struct run {
    struct record_move move;
    struct mover *mover;
    struct delivery *delivery; /* NULL: it was let go */
};

static void run_end(struct run *run, enum store_status status)
{
    if (run->delivery != NULL)
        delivery_release(run->delivery, status == STORE_OK);
    else if (status != STORE_OK)
        log_write(LOG_WARNING, "move_unfinished",
                  log_text("effect", "somebody is told a code as if it were new"));
    if (status == STORE_OK)
        metrics_add(METRIC_META_MOVED, 1);
    run->mover->running--;
    OPENSSL_cleanse(run, sizeof *run);
    free(run);
}

/* What a finished step means, and the next one. */
static void run_go_on(struct run *run, enum store_status status)
{
    while (status == STORE_OK && run->move.more) {
        if (run->move.has_own && run->delivery != NULL) {
            delivery_release(run->delivery, true);
            run->delivery = NULL;
        }
        status = record_move(run->mover->records, &run->move);
    }
    if (status != STORE_LATER)
        run_end(run, status);
}

static void on_step(struct store_ticket *ticket)
{
    run_go_on(container_of(ticket, struct run, move.ticket), ticket->status);
}

/* Who it is on one side, as a message would bring it. */
static int side_fill(struct run *run, enum record_move_side side, const struct meta_move *move)
{
    const char *number = move->numbers[side], *user_id = move->user_ids[side];
    struct message message = {.scheme_length = sizeof META_SCHEME - 1};

    if (number[0] == '\0' && user_id[0] == '\0')
        return 0;
    strcpy(message.phone_number, number);
    strcpy(message.address, META_SCHEME);
    strncat(message.address, user_id[0] != '\0' ? user_id : number,
            MESSAGE_ADDRESS_MAX - (sizeof META_SCHEME - 1));
    return person_read_user_id(run->mover->hashes, &message, &run->move.people[side]) == 0
               ? person_read_number(run->mover->hashes, &message, &run->move.people[side])
               : -1;
}

/* A text as records may hold it before, in clear and sealed, and as they are to hold it; nothing where it
 * stays the same. */
static int text_fill(struct run *run, const char *const texts[2], char fill[2][RECORD_PHONE_MAX],
                     char sealed[RECORD_PHONE_MAX])
{
    struct phone_numbers *numbers = run->mover->numbers;

    if (texts[0][0] == '\0' || texts[1][0] == '\0' || strcmp(texts[0], texts[1]) == 0)
        return 0;
    strcpy(fill[RECORD_MOVE_FROM], texts[0]);
    return phone_number_seal(numbers, texts[0], sealed) == 0 &&
                   phone_number_keep(numbers, texts[1], fill[RECORD_MOVE_TO]) == 0
               ? 0
               : -1;
}

static int texts_fill(struct run *run, const struct meta_move *move)
{
    const char *const numbers[2] = {move->numbers[0], move->numbers[1]};
    const char *const user_ids[2] = {move->user_ids[0], move->user_ids[1]};

    return text_fill(run, numbers, run->move.numbers, run->move.sealed[0]) == 0 &&
                   text_fill(run, user_ids, run->move.hidden, run->move.sealed[1]) == 0
               ? 0
               : -1;
}

void mover_begin(struct mover *mover, struct delivery *delivery, const struct meta_move *move)
{
    /* Only a user id tells whose the records of a number are. */
    if (move->user_ids[0][0] == '\0' && move->user_ids[1][0] == '\0') {
        metrics_add(METRIC_META_UNMOVED, 1);
        return;
    }
    const int64_t now_s = clock_wall_s();
    struct run *run = mover->running < MOVER_MAX ? calloc(1, sizeof *run) : NULL;

    if (run == NULL) {
        delivery->failed = true;
        return;
    }
    mover->running++;
    run->mover = mover;
    run->delivery = delivery;
    run->move.ticket.done = on_step;
    run->move.at_us = 1000000 * (move->sent_s > 0 && move->sent_s < now_s ? move->sent_s : now_s);
    delivery_hold(delivery);
    run->move.more = true;
    run_go_on(run, side_fill(run, RECORD_MOVE_FROM, move) == 0 &&
                           side_fill(run, RECORD_MOVE_TO, move) == 0 && texts_fill(run, move) == 0
                       ? STORE_OK
                       : STORE_DOWN);
}
