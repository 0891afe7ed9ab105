/* A command of the program: one file each, its entry on top. */
#ifndef SERVER_COMMANDS_COMMAND_H
#define SERVER_COMMANDS_COMMAND_H

#include <stdbool.h>

/* What a command returns, and the program then exits with. */
enum { COMMAND_OK = 0, COMMAND_FAILED = 1, COMMAND_USAGE = 2, COMMAND_OTHER_SALT = 3 };

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
extern const struct command cmd_duplicates;
extern const struct command cmd_erase;
extern const struct command cmd_export;
extern const struct command cmd_import;
extern const struct command cmd_init_db;
extern const struct command cmd_outbox;
extern const struct command cmd_phones;
extern const struct command cmd_records;
extern const struct command cmd_retention;
extern const struct command cmd_salt;
extern const struct command cmd_serve;
extern const struct command cmd_sessions;
extern const struct command cmd_stats;

/* An option of a command: a flag, which it sets, or a text, which it takes from the next argument.
 */
struct command_option {
    const char *name; /* without its dashes; NULL ends a list */
    bool *flag;
    const char **text;
    char letter; /* of a flag that has a short form */
};

#define COMMAND_OPTIONS_MAX 9

/* Returns 0, with the first plain argument at argv[optind], or -1 after one line on standard
 * error. */
int command_options(const struct command_option *known, int argc, char *argv[]);
/* The same where plain arguments are refused. */
int command_only_options(const struct command_option *known, int argc, char *argv[]);
/* For commands whose only option is --flow. */
int command_flow_option(struct options *options, int argc, char *argv[]);
/* A number from 1 to max, at most 999,999, in decimal digits alone. Returns 0, or -1. */
int command_number(unsigned *number, const char *text, unsigned max);
/* Says on standard error what was expected instead; returns -1. */
int command_expected(const char *program, const char *what);
/* Says what will be done, in whole lines, and asks on the terminal whether to go on. Returns 0, or
 * -1 when the answer is no, or there is no terminal, having said so. */
int command_confirm(const char *name, const char *what);
/* Says on standard error what is wrong with what; returns -1. */
int command_fail(const char *what, const char *why);

#endif
