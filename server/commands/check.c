/* whatsapp-uic check: would the server run as it is configured? One line a finding: "ok", "bad",
 * or "hint" for what is good enough for now. */
#include "server/commands/command.h"
#include "server/commands/graph_check.h"
#include "server/http/tls.h"
#include "server/salt_check.h"
#include "server/setup.h"
#include "store/record.h"
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int run(struct options *options, int argc, char *argv[]);

const struct command cmd_check = {
    .name = "check",
    .arguments = "[--flow FILE]",
    .summary = "check configuration and flow, reach Redis, the database and Meta",
    .details = "  --flow FILE  questions from FILE instead of FLOW_FILE\n",
    .run = run,
};

static void print_finding(const char *verdict, const char *subject, const char *text)
{
    printf("%-4s  %s: %s\n", verdict, subject, text);
}

/* Each line as a finding; those that only warn are hints. */
static void print_lines(const char *verdict, char *lines)
{
    static const char warning[] = "warning: ";
    char *rest;
    for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        bool warns = strncmp(line, warning, sizeof warning - 1) == 0;
        printf("%-4s  %s\n", warns ? "hint" : verdict, warns ? line + sizeof warning - 1 : line);
    }
}

static int check_setup(struct setup *setup, const struct options *options)
{
    char *lines = NULL;
    size_t length;
    FILE *errors = open_memstream(&lines, &length);
    if (!errors)
        abort();
    int status = setup_open(setup, options, errors);
    fclose(errors);
    print_lines("bad", lines);
    free(lines);
    if (status == 0)
        print_finding("ok", "configuration", setup->config.environment);
    return status;
}

static void describe_flow(const struct flow *flow)
{
    char text[256];
    int length =
        snprintf(text, sizeof text, "%s, %zu questions in", flow_id(flow), flow_step_count(flow));
    for (size_t i = 0; i < flow_language_count(flow); i++)
        length +=
            snprintf(text + length, sizeof text - (size_t)length, " %.8s", flow_language(flow, i));
    print_finding("ok", "flow", text);
}

static int check_sessions(const struct setup *setup)
{
    char error[STORE_ERROR_MAX] = "";
    struct session_settings settings;
    setup_session(setup, &settings);
    struct session_store *store = session_store_open(&settings, error);
    int status = store ? session_store_probe(store, error) : -1;
    if (store)
        session_store_close(store);
    OPENSSL_cleanse(&settings, sizeof settings);
    if (status < 0)
        print_finding("bad", "sessions", error);
    else
        print_finding("ok", "sessions", setup->config.redis_url ? "Redis answers" : "in memory");
    return status;
}

static int check_database(const struct setup *setup)
{
    char error[STORE_ERROR_MAX] = "";
    if (record_store_probe(setup->config.database_url, error) == 0) {
        const char *subject;
        print_finding("ok", "database", "ready");
        if (salt_check(setup, false, &subject, error) == 0)
            return 0;
        print_finding("bad", subject, error);
        return -1;
    }
    print_finding("bad", "database", error);
    print_finding("hint", "database", "whatsapp-uic init-db creates or migrates its tables");
    return -1;
}

static int check_tls(const struct config *config)
{
    char text[TLS_ERROR_MAX], until[TLS_ERROR_MAX + 16];
    struct tls *tls = tls_open(config->tls_cert_file, config->tls_key_file, text);
    if (!tls) {
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
    int status = graph_check(config, text);

    print_finding(status == 0 ? "ok" : "bad", "Meta", text);
    return status;
}

/* Salts of examples and guides, which others know too. */
static bool is_example(const char *salt)
{
    return strcasestr(salt, "change_me") || strcasestr(salt, "change-me") || salt[0] == '[';
}

static void give_hints(const struct config *config)
{
    char *lines = NULL;
    size_t length;
    FILE *missing = open_memstream(&lines, &length);
    if (!missing)
        abort();
    if (is_example(config->uic_salt))
        fputs("UIC_SALT: looks like that of an example; make your own before the first code "
              "(whatsapp-uic salt)\n",
              missing);
    if (!config->redis_url)
        fputs("REDIS_URL: is not set; a second instance, or a restart, needs Redis to keep "
              "sessions\n",
              missing);
    if (!config->production)
        config_check_production(config, missing);
    fclose(missing);
    print_lines("hint", lines);
    free(lines);
}

static int run(struct options *options, int argc, char *argv[])
{
    if (command_options(options, true, argc, argv) < 0)
        return COMMAND_USAGE;
    struct setup setup;
    int status = check_setup(&setup, options);
    if (status == 0) {
        describe_flow(setup.flow);
        if (check_sessions(&setup) < 0)
            status = -1;
        if (check_database(&setup) < 0)
            status = -1;
        if (setup.config.tls_cert_file && check_tls(&setup.config) < 0)
            status = -1;
        if (config_has_meta(&setup.config) && check_meta(&setup.config) < 0)
            status = -1;
        give_hints(&setup.config);
    }
    setup_close(&setup);
    return status == 0 ? COMMAND_OK : COMMAND_FAILED;
}
