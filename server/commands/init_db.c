/* whatsapp-uic init-db: creates or migrates the tables. */
#include "server/commands/command.h"
#include "server/config/config.h"
#include "store/records.h"
#include <stdbool.h>
#include <stdio.h>

static int run(struct options *options, int argc, char *argv[]);

const struct command cmd_init_db = {
    .name = "init-db",
    .arguments = "",
    .summary = "create or migrate the tables of the database; can be repeated",
    .run = run,
};

static int run(struct options *options, int argc, char *argv[])
{
    if (command_only_options((struct command_option[]){{0}}, argc, argv) != 0)
        return COMMAND_USAGE;
    struct config config;
    char report[ERROR_MAX] = "", error[ERROR_MAX] = "";
    int status = config_load_unsalted(&config, options->env_file, stderr);
    if (status == 0) {
        status = record_store_prepare(config.database_url, report, error);
        if (status == 0)
            printf("%s\n", report);
        else
            fprintf(stderr, "DATABASE_URL: %s\n", error);
    }
    config_free(&config);
    return status == 0 ? COMMAND_OK : COMMAND_FAILED;
}
