/* whatsapp-uic check: would the server run as it is configured? One line a finding: "ok", "bad",
 * or "hint" for what is good enough for now. With --quiet one line in all, for monitoring. */
#include "server/commands/ask_ready.h"
#include "server/commands/check_redis.h"
#include "server/commands/check_secrets.h"
#include "server/commands/command.h"
#include "server/commands/finding.h"
#include "server/commands/graph_check.h"
#include "server/commands/instances.h"
#include "server/commands/public_check.h"
#include "server/commands/start_check.h"
#include "server/http/tls.h"
#include "server/serving/setup.h"
#include "store/base/clock.h"
#include "store/record_tools.h"
#include "store/records.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int run(struct options *options, int argc, char *argv[]);

const struct command cmd_check = {
    .name = "check",
    .arguments = "[--quiet] [--server] [--public] [--flow FILE]",
    .summary = "check configuration and flow, reach Redis, the database and Meta",
    .details =
        "With --quiet it prints one line and exits as monitoring plugins do: 0 all is well,\n"
        "1 warning, 2 critical, 3 unknown.\n\n"
        "  --quiet      one line, for cron and monitoring\n"
        "  --server     also ask each instance on this machine whether it is ready, and whether the\n"
        "               settings changed since it started\n"
        "  --public     also ask PUBLIC_URL as people outside do: its name, the proxy, the certificate\n"
        "               (a hint two weeks before it ends; SSL_CERT_FILE names authorities of your\n"
        "               own), the service behind, which is to be this machine's, and by an unsigned\n"
        "               message, which is refused, the webhook\n"
        "  --flow FILE  questions from FILE instead of FLOW_FILE\n",
    .run = run,
};

/* So far apart clocks may be; and so far that something is wrong. */
#define CLOCK_HINT_S 60
#define CLOCK_BAD_S 300

/* Two nights, so that one that failed is told and one that is late is not. */
#define BACKUP_DAYS 2
/* certbot renews a month before the end; what is left then did not. */
#define CERTIFICATE_DAYS 14

struct request {
    bool quiet;
    bool server;
    bool public;
};

static int check_setup(struct setup *setup, const struct options *options)
{
    char *lines = NULL;
    size_t length;
    FILE *errors = open_memstream(&lines, &length);
    if (errors == NULL)
        abort();
    int status = setup_open(setup, options->env_file, options->flow_file, errors);
    fclose(errors);
    print_lines("bad", lines);
    free(lines);
    if (status == 0)
        print_finding("ok", "configuration", setup->config.environment);
    return status;
}

/* What else stops a start. Whoever asks each instance learns who has the port. */
static int check_start(const struct config *config, const struct request *request)
{
    char text[START_CHECK_MAX];
    const char *subject;
    int status = start_check_address(config, &subject, text);

    if (status < 0)
        print_finding("bad", subject, text);
    else if (status > 0 && !request->server && !request->quiet)
        print_finding("hint", subject, text);
    if (!start_check_user(config)) {
        print_finding("bad", "RUN_AS_USER", "there is no such user");
        return -1;
    }
    return status < 0 ? -1 : 0;
}

static void describe_flow(const struct flow *flow)
{
    char text[256];
    int length =
        snprintf(text, sizeof text, "%s, %zu questions in", flow_id(flow), flow_step_count(flow));
    for (size_t i = 0; i < flow_language_count(flow); i++)
        if (flow_language_is_offered(flow, i))
            length += snprintf(text + length, sizeof text - (size_t)length, " %.8s",
                               flow_language(flow, i));
    print_finding("ok", "flow", text);
}

static void print_unproofread(const struct flow *flow, FILE *lines)
{
    for (size_t i = 0; i < flow_language_count(flow); i++)
        if (flow_language_is_unproofread(flow, i))
            fprintf(lines,
                    "language %s: nobody has reviewed its texts (reviewed_by in the flow file); "
                    "production does not offer it\n",
                    flow_language(flow, i));
}

/* Ours beside another one that was read just now. Returns 0 or -1. */
static int compare_clocks(const char *whose, int64_t other_s)
{
    const int64_t ahead_s = clock_wall_s() - other_s, apart_s = llabs(ahead_s);
    char text[128];

    snprintf(text, sizeof text, "ours is %" PRId64 " s %s %s", apart_s,
             ahead_s < 0 ? "behind" : "ahead of", whose);
    print_finding(apart_s > CLOCK_BAD_S    ? "bad"
                  : apart_s > CLOCK_HINT_S ? "hint"
                                           : "ok",
                  "clock", text);
    if (apart_s > CLOCK_HINT_S)
        print_finding("hint", "clock", "one of the two is wrong: see timedatectl on both machines");
    return apart_s > CLOCK_BAD_S ? -1 : 0;
}

static int check_sessions(const struct setup *setup)
{
    int64_t clock_s;

    if (setup->config.redis_url == NULL) {
        print_finding("ok", "sessions", "in memory");
        return 0;
    }
    const int status = check_redis(setup, &clock_s);
    return clock_s != 0 && compare_clocks("Redis's", clock_s) != 0 ? -1 : status;
}

static int check_database_clock(const struct config *config)
{
    char error[ERROR_MAX] = "";
    int64_t clock_us;
    int found = record_clock(config->database_url, &clock_us, error);

    if (found < 0)
        print_finding("bad", "database", error);
    return found > 0 ? compare_clocks("the database's", clock_us / 1000000) : found;
}

/* Of the backups that whatsapp-uic-backup makes; nothing is asked for before there is something to
 * lose. */
static int check_backup(const struct config *config)
{
    char text[128], error[ERROR_MAX] = "";
    int64_t backup_us, first_us;

    if (record_last_backup(config->database_url, &backup_us, &first_us, error) != 0) {
        print_finding("bad", "database", error);
        return -1;
    }
    const bool none = backup_us == INT64_MIN;
    const int64_t since_us = none ? first_us : backup_us;
    if (since_us == INT64_MIN)
        return 0;
    const int64_t days = (clock_wall_us() - since_us) / (INT64_C(86400) * 1000000);
    const bool good = !none && days > -BACKUP_DAYS && days < BACKUP_DAYS;
    if (none)
        snprintf(text, sizeof text,
                 "none was made yet: systemctl enable --now whatsapp-uic-backup.timer");
    else if (good)
        snprintf(text, sizeof text, "the last one is from the last two days");
    else if (days < 0)
        snprintf(text, sizeof text,
                 "the last one is dated ahead: a clock was wrong then, or is now (timedatectl)");
    else
        snprintf(text, sizeof text,
                 "the last one is %" PRId64 " days old: journalctl -u whatsapp-uic-backup", days);
    if (!none || days >= BACKUP_DAYS)
        print_finding(good ? "ok" : "hint", "backup", text);
    return 0;
}

/* In which form numbers stand, and whether some still stand in the other. */
static int check_numbers(const struct config *config)
{
    const bool sealed = config->phone_numbers_sealed;
    char text[160], error[ERROR_MAX] = "";
    int64_t others;

    if (record_phones_count(config->database_url, !sealed, &others, error) != 0) {
        print_finding("bad", "database", error);
        return -1;
    }
    print_finding("ok", "numbers", sealed ? "sealed" : "in clear");
    if (others == 0)
        return 0;
    if (sealed)
        snprintf(text, sizeof text,
                 "%" PRId64 " still stand%s in clear: run whatsapp-uic phones --seal", others,
                 others == 1 ? "s" : "");
    else
        snprintf(text, sizeof text,
                 "%" PRId64 " still stand%s sealed: run whatsapp-uic phones --open, or set "
                 "PHONE_NUMBERS=sealed",
                 others, others == 1 ? "s" : "");
    print_finding("hint", "numbers", text);
    return 0;
}

static int check_database(const struct setup *setup)
{
    char error[ERROR_MAX] = "";
    if (record_store_probe(setup->config.database_url, error) == 0) {
        const char *subject;
        print_finding("ok", "database", "ready");
        if (setup_check_salt(setup, false, &subject, error) == 0)
            return check_database_clock(&setup->config) == 0 && check_numbers(&setup->config) == 0
                       ? check_backup(&setup->config)
                       : -1;
        print_finding("bad", subject, error);
        return -1;
    }
    print_finding("bad", "database", error);
    return -1;
}

static int check_tls(const struct config *config)
{
    char text[ERROR_MAX], until[ERROR_MAX + 16];
    struct tls *tls = tls_open(config->tls_cert_file, config->tls_key_file, text);
    if (tls == NULL) {
        print_finding("bad", "TLS", text);
        return -1;
    }
    tls_describe(tls, text);
    snprintf(until, sizeof until, "good until %s", text);
    print_finding("ok", "TLS", until);
    tls_close(tls);
    return 0;
}

static int check_meta(const struct config *config)
{
    char text[GRAPH_CHECK_MAX];
    int64_t clock_s;
    int status = graph_check(config, &clock_s, text);

    print_finding(status == 0 ? "ok" : "bad", "Meta", text);
    if (clock_s >= 0 && compare_clocks("Meta's", clock_s) != 0)
        return -1;
    return status;
}

static const char *settings_file(const struct options *options)
{
    return options->env_file != NULL ? options->env_file : ".env";
}

static void give_hints(const struct options *options, const struct config *config,
                       const struct flow *flow)
{
    char *lines = NULL;
    size_t length;
    FILE *missing = open_memstream(&lines, &length);
    if (missing == NULL)
        abort();
    check_secrets(config, settings_file(options), findings_are_summarized(), missing);
    if (!findings_are_summarized()) { /* nothing to be woken for */
        if (!config->redis_url)
            fputs("REDIS_URL: is not set; a second instance, or a restart, needs Redis to keep "
                  "sessions\n",
                  missing);
        print_unproofread(flow, missing);
        if (flow_is_draft(flow))
            fprintf(missing,
                    "flow: %s is a draft (version 0): its codes may still change; try it, and give "
                    "people none yet\n",
                    flow_id(flow));
    }
    if (!config->production)
        config_check_production(config, missing);
    fclose(missing);
    print_lines("hint", lines);
    free(lines);
}

static bool changed_since(const char *path, int64_t when_ms)
{
    struct stat found;

    return path != NULL && stat(path, &found) == 0 &&
           (int64_t)found.st_mtim.tv_sec * 1000 + found.st_mtim.tv_nsec / 1000000 > when_ms;
}

/* One instance. What it was started with may be another than what the files say now. */
static int check_instance(const struct options *options, const struct config *config, unsigned port)
{
    const char *settings = settings_file(options);
    char text[ERROR_MAX];
    int64_t started_ms;

    if (ask_ready(config, port, &started_ms, text) != 0) {
        print_finding("bad", "server", text);
        return -1;
    }
    snprintf(text, sizeof text, "ready on port %u", port);
    print_finding("ok", "server", text);
    if (started_ms >= 0 &&
        (changed_since(settings, started_ms) || changed_since(config->flow_file, started_ms))) {
        snprintf(text, sizeof text,
                 "on port %u runs with older settings than the file's: restart it "
                 "(systemctl restart whatsapp-uic.target)",
                 port);
        print_finding("hint", "server", text);
    }
    return 0;
}

/* The one of PORT, and every other that systemd is to run. */
static int check_servers(const struct options *options, const struct config *config)
{
    unsigned ports[INSTANCES_MAX];
    const size_t count = instances_list(INSTANCES_DIRECTORY, ports);
    int status = check_instance(options, config, config->port);

    for (size_t i = 0; i < count; i++)
        if (ports[i] != config->port && check_instance(options, config, ports[i]) != 0)
            status = -1;
    return status;
}

/* As from outside: name, proxy, certificate, service. */
static int check_public(const struct config *config)
{
    char text[PUBLIC_CHECK_MAX];
    int64_t days;

    if (config->public_url == NULL) {
        print_finding("bad", "public", "PUBLIC_URL is not set");
        return -1;
    }
    const int status = public_check(config, &days, text);
    const bool ends_soon = status == 0 && days >= 0 && days < CERTIFICATE_DAYS;
    const size_t length = strlen(text);
    char when[32] = "within a day";
    if (days > 0)
        snprintf(when, sizeof when, "in %" PRId64 " day%s", days, days > 1 ? "s" : "");
    if (status == 0 && days >= 0)
        snprintf(text + length, sizeof text - length, "; its certificate ends %s%s", when,
                 ends_soon ? ": sudo certbot renew, systemctl status certbot.timer" : "");
    print_finding(status < 0 ? "bad" : status > 0 || ends_soon ? "hint" : "ok", "public", text);
    return status < 0 ? -1 : 0;
}

static int check_all(const struct options *options, const struct request *request)
{
    struct setup setup;
    int status = check_setup(&setup, options);
    if (status == 0) {
        describe_flow(setup.flow);
        status |= check_start(&setup.config, request);
        status |= check_sessions(&setup);
        status |= check_database(&setup);
        if (setup.config.tls_cert_file != NULL)
            status |= check_tls(&setup.config);
        if (config_has_meta(&setup.config))
            status |= check_meta(&setup.config);
        if (request->server)
            status |= check_servers(options, &setup.config);
        if (request->public)
            status |= check_public(&setup.config);
        give_hints(options, &setup.config, setup.flow);
    }
    setup_close(&setup);
    return status;
}

static bool is_readable(const char *path)
{
    struct stat found;

    return access(path, R_OK) == 0 && stat(path, &found) == 0 && !S_ISDIR(found.st_mode);
}

static int run(struct options *options, int argc, char *argv[])
{
    struct request request = {0};
    const struct command_option known[] = {{"quiet", .flag = &request.quiet, .letter = 'q'},
                                           {"server", .flag = &request.server},
                                           {"public", .flag = &request.public},
                                           {"flow", .text = &options->flow_file},
                                           {0}};
    if (command_only_options(known, argc, argv) != 0)
        return request.quiet ? PLUGIN_UNKNOWN : COMMAND_USAGE;
    if (request.quiet)
        findings_summarize();
    if (request.quiet && options->env_file && !is_readable(options->env_file))
        note_unknown(options->env_file, "the settings cannot be read");
    int status = check_all(options, &request);
    if (request.quiet)
        return print_summary();
    return status == 0 ? COMMAND_OK : COMMAND_FAILED;
}
