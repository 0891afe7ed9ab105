/* A snapshot from outside a server: waits for Redis to be reached, or not, and then takes it. */
#include "server/commands/look.h"

#include "server/admin/snapshot.h"
#include "server/config/local_day.h"
#include "server/serving/setup.h"
#include "server/telemetry/funnel.h"
#include "store/records.h"
#include "store/redis.h"
#include "store/redis/url.h"
#include <event2/event.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>
#include <uniwidth.h>

struct looking {
    struct setup setup;
    struct funnel funnel;
    struct event_base *base;
    struct redis_url url;
    struct redis_links redis;
    struct counters *counters;
    struct counters_link *counters_link;
    struct record_store *records;
    struct record_link *records_link;
    struct snapshot *snapshot;
    bool heard; /* of Redis */
    char why[STORE_ERROR_MAX];
};

static void on_redis(void *arg, bool up, const char *why)
{
    struct looking *looking = arg;

    looking->heard = true;
    snprintf(looking->why, sizeof looking->why, "%s", up ? "" : why);
    event_base_loopbreak(looking->base);
}

static void on_taken(void *arg)
{
    event_base_loopbreak(((struct looking *)arg)->base);
}

static int open_counters(struct looking *looking)
{
    const struct store_watch watch = {on_redis, looking};
    struct counters_settings settings;
    char error[STORE_ERROR_MAX];

    setup_counters(&looking->setup, &looking->funnel, &settings);
    if (redis_url_parse(&looking->url, looking->setup.config.redis_url, error) == 0 &&
        redis_links_open(&looking->redis, looking->base, &looking->url, error) == 0)
        looking->counters = counters_open(&settings, error);
    if (looking->counters != NULL)
        looking->counters_link =
            counters_attach(looking->counters, looking->base, looking->redis.prompt, &watch, error);
    if (looking->counters_link != NULL)
        return 0;
    fprintf(stderr, "REDIS_URL: %s\n", error);
    return -1;
}

static int open_records(struct looking *looking)
{
    char error[STORE_ERROR_MAX];

    looking->records = record_store_open(looking->setup.config.database_url,
                                         looking->setup.keys.record_asker, error);
    if (looking->records != NULL)
        looking->records_link = record_attach(looking->records, looking->base, NULL, error);
    if (looking->records_link != NULL)
        return 0;
    fprintf(stderr, "DATABASE_URL: %s\n", error);
    return -1;
}

static int open_all(struct looking *looking, const struct options *options, bool totals)
{
    int status = 0;

    if (setup_open(&looking->setup, options->env_file, options->flow_file, stderr) != 0)
        return -1;
    local_day_use(looking->setup.config.time_zone);
    funnel_init(&looking->funnel, looking->setup.flow);
    looking->base = event_base_new();
    if (looking->base == NULL)
        return -1;
    if (looking->setup.config.redis_url != NULL)
        status |= open_counters(looking);
    if (totals)
        status |= open_records(looking);
    looking->snapshot = snapshot_create(&(struct snapshot_settings){
        .base = looking->base,
        .config = &looking->setup.config,
        .funnel = &looking->funnel,
        .counters = looking->counters_link,
        .records = looking->records_link,
    });
    return looking->snapshot != NULL ? status : -1;
}

static void close_all(struct looking *looking)
{
    record_detach(looking->records_link);
    counters_detach(looking->counters_link);
    snapshot_free(looking->snapshot);
    record_store_close(looking->records);
    counters_close(looking->counters);
    redis_links_close(&looking->redis);
    redis_url_deinit(&looking->url);
    if (looking->base != NULL)
        event_base_free(looking->base);
    setup_close(&looking->setup);
}

/* Says what could not be read. */
static int judge(const struct looking *looking, bool totals)
{
    int status = COMMAND_OK;

    if (looking->counters_link != NULL && !snapshot_has_counters(looking->snapshot)) {
        fprintf(stderr, "REDIS_URL: %s\n", looking->why[0] ? looking->why : "no answer");
        status = COMMAND_FAILED;
    }
    if (totals && !snapshot_has_totals(looking->snapshot)) {
        fprintf(stderr, "DATABASE_URL: the totals cannot be read; whatsapp-uic check says why\n");
        status = COMMAND_FAILED;
    }
    return status;
}

int look_at_stores(const struct options *options, const struct look *look, json_t **json)
{
    struct looking looking = {0};
    int status = COMMAND_FAILED;

    *json = NULL;
    signal(SIGPIPE, SIG_IGN);
    if (open_all(&looking, options, look->totals) == 0) {
        while (looking.counters_link != NULL && !looking.heard)
            event_base_dispatch(looking.base);
        snapshot_take(looking.snapshot, look->days, on_taken, &looking);
        event_base_dispatch(looking.base);
        status = judge(&looking, look->totals);
        *json = snapshot_json(looking.snapshot);
    }
    close_all(&looking);
    return *json != NULL ? status : COMMAND_FAILED;
}

bool look_is_english(void)
{
    static const char *const names[] = {"LC_ALL", "LC_MESSAGES", "LANG"};

    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const char *value = getenv(names[i]);
        if (value != NULL && *value != '\0')
            return strncmp(value, "en", 2) == 0;
    }
    return false;
}

static void print_padding(const char *text, int width)
{
    for (int left = width - u8_strwidth((const uint8_t *)text, "UTF-8"); left > 0; left--)
        putchar(' ');
}

void look_print_text(const char *text, int width)
{
    fputs(text, stdout);
    print_padding(text, width);
}

void look_print_head(const char *text, int width)
{
    print_padding(text, width);
    fputs(text, stdout);
}

void look_print_number(const json_t *number, int width)
{
    /* A narrow no-break space in French. */
    const char *separator = LOOK_SAYS("\u202f", ",");
    char digits[24], text[96] = "–";
    size_t at = 0;

    if (json_is_integer(number)) {
        int length =
            snprintf(digits, sizeof digits, "%" PRId64, (int64_t)json_integer_value(number));
        for (int i = 0; i < length; i++) {
            text[at++] = digits[i];
            if (i + 1 < length && (length - i - 1) % 3 == 0 && digits[i] != '-')
                at = (size_t)(stpcpy(text + at, separator) - text);
        }
        text[at] = '\0';
    }
    look_print_head(text, width);
}

int look_print_json(const json_t *json)
{
    char *text = json_dumps(json, JSON_INDENT(2));

    if (text == NULL)
        return -1;
    puts(text);
    free(text);
    return 0;
}
