/*
 * A command of the program: one file each, its entry on top. main.c finds it by name, answers
 * --help and --version, and takes --env out of the arguments.
 */
#ifndef SERVER_COMMANDS_COMMAND_H
#define SERVER_COMMANDS_COMMAND_H

#include <stdbool.h>

/* What a command returns, and the program then exits with. */
enum { COMMAND_OK = 0, COMMAND_FAILED = 1, COMMAND_USAGE = 2 };

/* What several commands understand. */
struct options {
    const char *env_file;  /* --env FILE, or NULL */
    const char *flow_file; /* --flow FILE, or NULL; set by the command itself */
};

struct command {
    const char *name;
    const char *arguments; /* for the line of usage */
    const char *summary;
    const char *details; /* lines for its own --help, or NULL */
    /* argv[0] is the program's and the command's name, as getopt_long wants it for its messages. */
    int (*run)(struct options *options, int argc, char *argv[]);
};

extern const struct command cmd_agreement;
extern const struct command cmd_chat;
extern const struct command cmd_check;
extern const struct command cmd_code;
extern const struct command cmd_erase;
extern const struct command cmd_export;
extern const struct command cmd_import;
extern const struct command cmd_init_db;
extern const struct command cmd_retention;
extern const struct command cmd_salt;
extern const struct command cmd_serve;
extern const struct command cmd_sessions;
extern const struct command cmd_stats;

/* For commands whose only option is --flow, or that have none (takes_flow false): 0, or -1 after
 * one line on standard error. Plain arguments are refused. */
int command_options(struct options *options, bool takes_flow, int argc, char *argv[]);

#endif
