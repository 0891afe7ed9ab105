/* whatsapp-uic serve: the server. */
#include "server/commands/command.h"

#include "server/http/listening.h"
#include "server/serving/server.h"
#include "server/serving/setup.h"
#include "server/telemetry/log.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int run(struct options *options, int argc, char *argv[]);

const struct command cmd_serve = {
    .name = "serve",
    .arguments = "[--flow FILE]",
    .summary = "answer WhatsApp messages (also without a command)",
    .details = "  --flow FILE  questions from FILE instead of FLOW_FILE\n",
    .run = run,
};

/* "NAME: what is wrong" as a line of the log. */
static void log_finding(char *line)
{
    static const char warning[] = "warning: ";
    const bool warns = strncmp(line, warning, sizeof warning - 1) == 0;

    if (warns)
        line += sizeof warning - 1;
    char *reason = strstr(line, ": ");
    if (reason != NULL)
        *reason = '\0';
    log_write(warns ? LOG_WARNING : LOG_CRITICAL, warns ? "setting_doubtful" : "start_failed",
              log_text("what", reason != NULL ? line : "settings"),
              log_text("reason", reason != NULL ? reason + 2 : line));
}

/* What people read of a service is its log: so what is wrong with the settings stands there, as all
 * that stops a start. */
static int open_logged(struct setup *setup, const struct options *options)
{
    char *lines = NULL, *rest;
    size_t length;
    FILE *errors = open_memstream(&lines, &length);

    if (errors == NULL)
        return setup_open(setup, options->env_file, options->flow_file, stderr);
    int status = setup_open(setup, options->env_file, options->flow_file, errors);
    fclose(errors);
    log_set(status == 0 ? setup->config.log_level : LOG_INFO, setup->config.log_json);
    for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        log_finding(line);
    free(lines);
    return status;
}

static int run(struct options *options, int argc, char *argv[])
{
    struct setup setup = {0};
    int code = COMMAND_FAILED;

    if (command_flow_option(options, argc, argv) != 0)
        code = COMMAND_USAGE;
    else if (open_logged(&setup, options) == 0)
        code = server_run(&setup);
    if (code != COMMAND_OK)
        listening_refuse();
    setup_close(&setup);
    return code;
}
