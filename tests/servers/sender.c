/*
 * The sender of replies without the server around it, for tests: puts each line of standard input
 * into the queue, sends what waits there as a worker does, and ends when its input has ended and
 * nothing waits any more. Settings as the server's; standard input is a file.
 *
 *     line = key (hexadecimal), TAB, address, TAB, body
 *
 * On standard output: "put KEY" for each reply that is safely in the queue; at the end the metrics.
 */
#include "server/channels/meta/sender.h"
#include "server/config/config.h"
#include "server/security/keyed_hashes.h"
#include "server/security/keys.h"
#include "server/telemetry/log.h"
#include "server/telemetry/metrics_text.h"
#include "store/base/clock.h"
#include "store/redis.h"
#include "store/redis/url.h"
#include "store/replies.h"

#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LINE_MAX_LENGTH (REPLY_BODY_MAX + REPLY_ADDRESS_MAX + 64)
#define LOOK_MS 20

enum put_state { READING, PUTTING, AGAIN, ENDED };

struct drive {
    struct event_base *base;
    struct sender *sender;
    struct event *timer;
    enum put_state state;
    bool resting;
    unsigned quiet; /* looks in a row that saw nothing waiting */
    struct replies_entry entry;
    char line[LINE_MAX_LENGTH];
};

static void put_ended(struct drive *drive, enum store_status status)
{
    drive->state = status == STORE_LATER ? PUTTING : status == STORE_OK ? READING : AGAIN;
    if (status != STORE_OK)
        return;
    printf("put %" PRIx64 "\n", drive->entry.key);
    fflush(stdout);
}

static void on_put(struct store_ticket *ticket)
{
    struct drive *drive = (struct drive *)((char *)ticket - offsetof(struct drive, entry.ticket));

    put_ended(drive, ticket->status);
    if (drive->state == READING)
        event_active(drive->timer, EV_TIMEOUT, 0);
}

static void entry_put(struct drive *drive)
{
    put_ended(drive, replies_put(sender_replies(drive->sender), &drive->entry));
}

static void line_next(struct drive *drive)
{
    if (fgets(drive->line, sizeof drive->line, stdin) == NULL) {
        drive->state = ENDED;
        return;
    }
    char *key = strtok(drive->line, "\t"), *address = strtok(NULL, "\t"),
         *body = strtok(NULL, "\n");
    if (key == NULL || address == NULL || body == NULL)
        exit(2);
    drive->entry = (struct replies_entry){
        .ticket.done = on_put,
        .address = address,
        .address_length = strlen(address),
        .body = body,
        .body_length = strlen(body),
        .created_ms = clock_wall_ms(),
        .key = strtoull(key, NULL, 16),
    };
    entry_put(drive);
}

static char *metrics_read(void)
{
    size_t length;
    char *text = metrics_text(&(struct metrics_build){"", "", 0}, &length);

    if (text == NULL)
        abort();
    return text;
}

/* The queue tells its length each second or so. */
static bool is_quiet(struct drive *drive)
{
    char *text = metrics_read();

    drive->quiet = strstr(text, "\nuic_replies_waiting 0\n") != NULL ? drive->quiet + 1 : 0;
    free(text);
    return drive->quiet > 1600 / LOOK_MS;
}

static void on_timer(evutil_socket_t fd, short what, void *arg)
{
    struct drive *drive = arg;

    (void)fd;
    (void)what;
    event_add(drive->timer, &(struct timeval){0, LOOK_MS * 1000});
    if (drive->state == AGAIN)
        entry_put(drive);
    for (int i = 0; i < 64 && drive->state == READING; i++)
        line_next(drive);
    if (drive->state == ENDED && !drive->resting && is_quiet(drive)) {
        drive->resting = true;
        sender_rest(drive->sender);
    }
    if (drive->resting && sender_at_rest(drive->sender))
        event_base_loopexit(drive->base, NULL);
}

int main(void)
{
    struct config config;
    struct keys keys;
    struct replies_settings settings;
    struct drive drive = {0};
    struct redis_url url = {0};
    struct redis_links redis;
    char error[ERROR_MAX];

    signal(SIGPIPE, SIG_IGN);
    if (config_load(&config, NULL, stderr) != 0 || keys_derive(&keys, config.uic_salt) != 0 ||
        log_start(config.log_level, false) != 0)
        return 1;
    drive.base = event_base_new();
    sender_store_settings(&config, &keys, &settings);
    struct replies_store *store = replies_open(&settings, error);
    if (store == NULL)
        return 1;
    struct keyed_hashes *hashes = keyed_hashes_create(&keys);
    if (hashes == NULL)
        return 1;
    if ((config.redis_url != NULL && redis_url_parse(&url, config.redis_url, error) != 0) ||
        redis_links_open(&redis, drive.base, config.redis_url != NULL ? &url : NULL, error) != 0)
        return 1;
    drive.sender =
        sender_create(&(struct sender_settings){&config, hashes, store, &redis}, drive.base, error);
    if (drive.sender == NULL)
        return 1;
    drive.timer = evtimer_new(drive.base, on_timer, &drive);
    event_active(drive.timer, EV_TIMEOUT, 0);
    event_base_dispatch(drive.base);

    char *text = metrics_read();
    fputs(text, stdout);
    free(text);
    sender_free(drive.sender);
    redis_links_close(&redis);
    redis_url_deinit(&url);
    keyed_hashes_free(hashes);
    replies_close(store);
    event_free(drive.timer);
    event_base_free(drive.base);
    log_stop();
    keys_wipe(&keys);
    config_free(&config);
    return 0;
}
