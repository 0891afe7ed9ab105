/* Stats from outside a server: waits for Redis to be reached, or not, and then takes them. */
#include "server/commands/stats_view.h"

#include "server/admin/stats.h"
#include "server/config/local_day.h"
#include "server/serving/setup.h"
#include "server/telemetry/counting.h"
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

struct reading {
    struct setup setup;
    struct counting counting;
    struct event_base *base;
    struct redis_url url;
    struct redis_links redis;
    struct counters *counters;
    struct counters_link *counters_link;
    struct record_store *records;
    struct record_link *records_link;
    struct stats *stats;
    bool heard; /* of Redis */
    char why[ERROR_MAX];
};

static void on_redis(void *arg, bool up, const char *why)
{
    struct reading *reading = arg;

    reading->heard = true;
    snprintf(reading->why, sizeof reading->why, "%s", up ? "" : why);
    event_base_loopbreak(reading->base);
}

static void on_taken(void *arg)
{
    event_base_loopbreak(((struct reading *)arg)->base);
}

static int open_counters(struct reading *reading)
{
    const struct store_watch watch = {on_redis, reading};
    struct counters_settings settings;
    char error[ERROR_MAX];

    setup_counters(&reading->setup, &reading->counting, &settings);
    if (redis_url_parse(&reading->url, reading->setup.config.redis_url, error) == 0 &&
        redis_links_open(&reading->redis, reading->base, &reading->url, error) == 0)
        reading->counters = counters_open(&settings, error);
    if (reading->counters != NULL)
        reading->counters_link =
            counters_attach(reading->counters, reading->base, reading->redis.prompt, &watch, error);
    if (reading->counters_link != NULL)
        return 0;
    fprintf(stderr, "REDIS_URL: %s\n", error);
    return -1;
}

static int open_records(struct reading *reading)
{
    char error[ERROR_MAX];

    reading->records = record_store_open(reading->setup.config.database_url,
                                         reading->setup.keys.record_asker, NULL, error);
    if (reading->records != NULL)
        reading->records_link = record_attach(reading->records, reading->base, NULL, error);
    if (reading->records_link != NULL)
        return 0;
    fprintf(stderr, "DATABASE_URL: %s\n", error);
    return -1;
}

static int open_all(struct reading *reading, const struct options *options, bool totals)
{
    int status = 0;

    if (setup_open(&reading->setup, options->env_file, options->flow_file, stderr) != 0)
        return -1;
    local_day_use(reading->setup.config.time_zone);
    counting_init(&reading->counting, reading->setup.flow);
    reading->base = event_base_new();
    if (reading->base == NULL)
        return -1;
    if (reading->setup.config.redis_url != NULL)
        status |= open_counters(reading);
    if (totals)
        status |= open_records(reading);
    reading->stats = stats_create(&(struct stats_settings){
        .base = reading->base,
        .config = &reading->setup.config,
        .counting = &reading->counting,
        .counters = reading->counters_link,
        .records = reading->records_link,
    });
    return reading->stats != NULL ? status : -1;
}

static void close_all(struct reading *reading)
{
    record_detach(reading->records_link);
    counters_detach(reading->counters_link);
    stats_free(reading->stats);
    record_store_close(reading->records);
    counters_close(reading->counters);
    redis_links_close(&reading->redis);
    redis_url_deinit(&reading->url);
    if (reading->base != NULL)
        event_base_free(reading->base);
    setup_close(&reading->setup);
}

/* Says what could not be read. */
static int judge(const struct reading *reading, bool totals)
{
    int status = COMMAND_OK;

    if (reading->counters_link != NULL && !stats_has_counters(reading->stats)) {
        fprintf(stderr, "REDIS_URL: %s\n", reading->why[0] ? reading->why : "no answer");
        status = COMMAND_FAILED;
    }
    if (totals && !stats_has_totals(reading->stats)) {
        fprintf(stderr, "DATABASE_URL: the totals cannot be read; whatsapp-uic check says why\n");
        status = COMMAND_FAILED;
    }
    return status;
}

int stats_view_read(const struct options *options, const struct stats_view *view, json_t **json)
{
    struct reading reading = {0};
    int status = COMMAND_FAILED;

    *json = NULL;
    signal(SIGPIPE, SIG_IGN);
    if (open_all(&reading, options, view->totals) == 0) {
        while (reading.counters_link != NULL && !reading.heard)
            event_base_dispatch(reading.base);
        stats_take(reading.stats, view->days, on_taken, &reading);
        event_base_dispatch(reading.base);
        status = judge(&reading, view->totals);
        *json = stats_json(reading.stats);
    }
    close_all(&reading);
    return *json != NULL ? status : COMMAND_FAILED;
}

bool locale_is_english(void)
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

void stats_view_print_text(const char *text, int width)
{
    fputs(text, stdout);
    print_padding(text, width);
}

void stats_view_print_head(const char *text, int width)
{
    print_padding(text, width);
    fputs(text, stdout);
}

void stats_view_print_number(const json_t *number, int width)
{
    /* A narrow no-break space in French. */
    const char *separator = SAYS("\u202f", ",");
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
    stats_view_print_head(text, width);
}

int stats_view_print_json(const json_t *json)
{
    char *text = json_dumps(json, JSON_INDENT(2));

    if (text == NULL)
        return -1;
    puts(text);
    free(text);
    return 0;
}
