/* whatsapp-uic sessions: how many conversations are open, by the question they are at. Never
 * whose. */
#include "server/commands/stats_view.h"

#include <stdio.h>

static int run(struct options *options, int argc, char *argv[]);

const struct command cmd_sessions = {
    .name = "sessions",
    .arguments = "[--json]",
    .summary = "count the open conversations by question",
    .details = "  --json       for programs: {\"total\": n, \"by_step\": {question: n, ...}}\n",
    .run = run,
};

#define LABEL 28
#define NUMBER 10

static void print_table(const json_t *json, const json_t *active)
{
    const json_t *steps = json_object_get(json_object_get(json, "flow"), "steps");
    const json_t *by_step = json_object_get(active, "by_step");

    for (size_t i = 0; i < json_array_size(steps); i++) {
        const char *step = json_string_value(json_array_get(steps, i));
        stats_view_print_text(step, LABEL);
        stats_view_print_number(json_object_get(by_step, step), NUMBER);
        putchar('\n');
    }
    stats_view_print_text(SAYS("En cours", "Open now"), LABEL);
    stats_view_print_number(json_object_get(active, "total"), NUMBER);
    putchar('\n');
}

/* Without Redis there is nothing to be seen from here. */
static void print_nothing(void)
{
    fputs(SAYS("Sans REDIS_URL, les conversations sont dans la mémoire du serveur : lui seul les "
               "connaît (GET /admin/stats).\n",
               "Without REDIS_URL, conversations are in the server's memory: only the running "
               "server knows them (GET /admin/stats).\n"),
          stderr);
}

static int run(struct options *options, int argc, char *argv[])
{
    const struct stats_view view = {.days = 1, .totals = false};
    bool for_programs = false;
    json_t *json;

    const struct command_option known[] = {{"json", .flag = &for_programs}, {0}};
    if (command_only_options(known, argc, argv) != 0)
        return COMMAND_USAGE;
    int status = stats_view_read(options, &view, &json);
    if (json == NULL)
        return COMMAND_FAILED;
    const json_t *active = json_object_get(json, "active");
    if (json_is_null(active)) {
        if (status == COMMAND_OK)
            print_nothing();
        status = COMMAND_FAILED;
    } else if (for_programs) {
        status = stats_view_print_json(active) == 0 ? status : COMMAND_FAILED;
    } else {
        print_table(json, active);
    }
    json_decref(json);
    return fflush(stdout) == 0 ? status : COMMAND_FAILED;
}
