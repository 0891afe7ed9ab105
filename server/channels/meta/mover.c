/* One record_move for each person, whose steps follow each other. */
#include "server/channels/meta/mover.h"

#include "server/exchange/person.h"
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
    strcpy(run->move.numbers[side], number);
    strcpy(run->move.hidden[side], user_id);
    return person_read_user_id(run->mover->hashes, &message, &run->move.people[side]) == 0
               ? person_read_number(run->mover->hashes, &message, &run->move.people[side])
               : -1;
}

void mover_begin(struct mover *mover, struct delivery *delivery, const struct meta_move *move)
{
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
                           side_fill(run, RECORD_MOVE_TO, move) == 0
                       ? STORE_OK
                       : STORE_DOWN);
}
