/* whatsapp-uic serve: the server. */
#include "server/commands/command.h"

#include "server/configuration/setup.h"
#include "server/server.h"
#include <stdio.h>

static int run(struct options *options, int argc, char *argv[]);

const struct command cmd_serve = {
    .name = "serve",
    .arguments = "[--flow FILE]",
    .summary = "answer WhatsApp messages (also without a command)",
    .details = "  --flow FILE  questions from FILE instead of FLOW_FILE\n",
    .run = run,
};

static int run(struct options *options, int argc, char *argv[])
{
    struct setup setup;
    int code = COMMAND_FAILED;

    if (command_options(options, true, argc, argv) != 0)
        return COMMAND_USAGE;
    if (setup_open(&setup, options, stderr) == 0)
        code = server_run(&setup);
    setup_close(&setup);
    return code;
}
