/* What several commands share in reading their arguments. */
#include "server/commands/command.h"
#include <getopt.h>
#include <stddef.h>
#include <stdio.h>

int command_options(struct options *options, bool takes_flow, int argc, char *argv[])
{
    static const struct option flow[] = {{"flow", required_argument, NULL, 'f'}, {0}};
    static const struct option none[] = {{0}};
    for (int c; (c = getopt_long(argc, argv, "", takes_flow ? flow : none, NULL)) != -1;) {
        if (c != 'f')
            return -1;
        options->flow_file = optarg;
    }
    if (optind < argc) {
        fprintf(stderr, "%s: unexpected argument '%s'\n", argv[0], argv[optind]);
        return -1;
    }
    return 0;
}
