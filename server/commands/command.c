/* What several commands share: reading their arguments, asking before what cannot be undone. */
#include "server/commands/command.h"
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int command_options(const struct command_option *known, int argc, char *argv[])
{
    struct option options[COMMAND_OPTIONS_MAX + 1] = {0};
    char letters[COMMAND_OPTIONS_MAX + 1] = "";
    size_t letter_count = 0;

    for (int i = 0; i < COMMAND_OPTIONS_MAX && known[i].name != NULL; i++) {
        options[i].name = known[i].name;
        options[i].has_arg = known[i].text != NULL ? required_argument : no_argument;
        if (known[i].letter != '\0')
            letters[letter_count++] = known[i].letter;
    }
    for (int c, at = 0; (c = getopt_long(argc, argv, letters, options, &at)) != -1;) {
        if (c == '?')
            return -1;
        for (int i = 0; c != 0 && known[i].name != NULL; i++)
            if (known[i].letter == c)
                at = i;
        if (known[at].flag != NULL)
            *known[at].flag = true;
        else
            *known[at].text = optarg;
    }
    return 0;
}

int command_only_options(const struct command_option *known, int argc, char *argv[])
{
    if (command_options(known, argc, argv) != 0)
        return -1;
    if (optind == argc)
        return 0;
    fprintf(stderr, "%s: unexpected argument '%s'\n", argv[0], argv[optind]);
    return -1;
}

int command_flow_option(struct options *options, int argc, char *argv[])
{
    return command_only_options(
        (struct command_option[]){{"flow", .text = &options->flow_file}, {0}}, argc, argv);
}

/* Few digits: what does not fit must not be cut to what does. */
int command_number(unsigned *number, const char *text, unsigned max)
{
    const size_t digits = strspn(text, "0123456789");

    if (digits == 0 || digits > 6 || text[digits] != '\0')
        return -1;
    *number = (unsigned)strtoul(text, NULL, 10);
    return *number >= 1 && *number <= max ? 0 : -1;
}

int command_expected(const char *program, const char *what)
{
    fprintf(stderr, "%s: expected %s\n", program, what);
    return -1;
}

static int refuse(const char *name, const char *french, const char *english)
{
    fprintf(stderr, "%s : %s\n%s: %s\n", name, french, name, english);
    return -1;
}

int command_confirm(const char *name, const char *what)
{
    static const char *const agreed[] = {"o", "oui", "y", "yes"};
    char line[16] = "";

    if (!isatty(STDIN_FILENO))
        return refuse(name, "pas de terminal où demander : dites --yes",
                      "there is no terminal to ask on: say --yes");
    printf("%sContinuer ? / Go on? [o/N] ", what);
    fflush(stdout);
    if (fgets(line, sizeof line, stdin) == NULL)
        line[0] = '\0';
    line[strcspn(line, "\n")] = '\0';
    for (size_t i = 0; i < sizeof agreed / sizeof *agreed; i++)
        if (strcasecmp(line, agreed[i]) == 0)
            return 0;
    return refuse(name, "rien n’a été fait", "nothing was done");
}

int command_fail(const char *what, const char *why)
{
    fprintf(stderr, "%s: %s\n", what, why);
    return -1;
}
