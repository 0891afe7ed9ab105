/* The program: finds the command, and answers --help and --version for all of them. */
#include "server/commands/command.h"
#include "server/config/config.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct command *const commands[] = {
    &cmd_serve,      &cmd_check,     &cmd_init_db, &cmd_salt,     &cmd_code,      &cmd_chat,
    &cmd_import,     &cmd_export,    &cmd_erase,   &cmd_outbox,   &cmd_records,   &cmd_phones,
    &cmd_duplicates, &cmd_retention, &cmd_stats,   &cmd_sessions, &cmd_agreement,
};
enum { COMMAND_COUNT = sizeof commands / sizeof *commands };

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(name, commands[i]->name) == 0)
            return commands[i];
    return NULL;
}

static void print_help(void)
{
    printf("Usage: whatsapp-uic [COMMAND] [OPTIONS]\n"
           "Unique Identifier Codes over WhatsApp.\n\n"
           "Commands (serve when none is given):\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        printf("  %-10s  %s\n", commands[i]->name, commands[i]->summary);
    printf("  %-10s  %s\n\n"
           "Options of every command:\n"
           "  --env FILE  settings from FILE instead of .env\n"
           "  --help      this text, or a command's own\n"
           "  --version   the version\n\n"
           "Settings, from the environment or .env:\n",
           "help", "this text");
    config_help(stdout);
    printf(
        "\nExit code: 0 done, 1 failed, 2 wrong usage, 3 the stores belong to another salt or flow.\n");
}

static void print_command_help(const struct command *command)
{
    printf("Usage: whatsapp-uic %s%s%s\n%c%s\n\n%s", command->name, *command->arguments ? " " : "",
           command->arguments, command->summary[0] & ~0x20, command->summary + 1,
           command->details ? command->details : "");
    printf("  --env FILE   settings from FILE instead of .env\n");
}

static int print_and_leave(void (*print)(void))
{
    print();
    return fflush(stdout) == 0 ? COMMAND_OK : COMMAND_FAILED;
}

static void print_version(void)
{
    printf("whatsapp-uic %s\n", PROGRAM_VERSION);
}

/* What main itself takes out of the arguments. */
struct request {
    struct options options;
    const char *command; /* the first plain argument, or NULL */
    bool help, version;
};

/* Moves what the command is to see to the front of argv, behind argv[0]; returns their number, or
 * -1. Behind "--" everything belongs to the command. */
static int sort_arguments(struct request *request, int argc, char *argv[])
{
    int kept = 1;
    bool ended = false;
    for (int i = 1; i < argc; i++) {
        char *argument = argv[i];
        if (ended) {
            argv[kept++] = argument;
        } else if (strcmp(argument, "--help") == 0 || strcmp(argument, "-h") == 0) {
            request->help = true;
        } else if (strcmp(argument, "--version") == 0) {
            request->version = true;
        } else if (strncmp(argument, "--env=", 6) == 0) {
            request->options.env_file = argument + 6;
        } else if (strcmp(argument, "--env") == 0) {
            if (++i == argc) {
                fputs("whatsapp-uic: option '--env' requires an argument\n", stderr);
                return -1;
            }
            request->options.env_file = argv[i];
        } else if (request->command == NULL && kept == 1 && argument[0] != '-') {
            request->command = argument;
        } else {
            ended = strcmp(argument, "--") == 0;
            argv[kept++] = argument;
        }
    }
    argv[kept] = NULL;
    return kept;
}

int main(int argc, char *argv[])
{
    struct request request = {0};
    int count = sort_arguments(&request, argc, argv);
    if (count < 0)
        return COMMAND_USAGE;
    if (request.version)
        return print_and_leave(print_version);
    const char *name = request.command != NULL ? request.command : "serve";
    if (strcmp(name, "help") == 0) { /* help COMMAND is COMMAND --help */
        request.help = true;
        request.command = name = count > 1 ? argv[1] : NULL;
    }
    if (request.help && request.command == NULL)
        return print_and_leave(print_help);

    const struct command *command = find_command(name);
    if (command == NULL) {
        fprintf(stderr, "whatsapp-uic: unknown command '%s'; see whatsapp-uic --help\n", name);
        return COMMAND_USAGE;
    }
    if (request.help) {
        print_command_help(command);
        return fflush(stdout) == 0 ? COMMAND_OK : COMMAND_FAILED;
    }
    char title[64];
    snprintf(title, sizeof title, "whatsapp-uic %s", command->name);
    argv[0] = title;
    return command->run(&request.options, count, argv);
}
