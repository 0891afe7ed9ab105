/* whatsapp-uic retention: what RETENTION_DAYS would remove, what holds it back, and to let it
 * go. */
#include "server/commands/author.h"
#include "server/commands/command.h"
#include "server/commands/stats_view.h"
#include "server/config/config.h"
#include "server/serving/retention_guard.h"
#include "store/base/clock.h"
#include "store/record_tools.h"
#include <inttypes.h>
#include <stdio.h>

static int run(struct options *options, int argc, char *argv[]);

const struct command cmd_retention = {
    .name = "retention",
    .arguments = "[--run]",
    .summary = "what RETENTION_DAYS would remove, and what holds it back",
    .details =
        "The server removes them each hour, but not in the first hour after its start, and not\n"
        "when its clock may be wrong or too many would go: when the clock is more than 30 days\n"
        "beyond the newest record, or beyond what it was at the last sweeps, or when more than\n"
        "a tenth of all records and more than 100 are due. The earlier of this machine's clock\n"
        "and the database's counts.\n\n"
        "  --run        remove them now, this once, whatever holds them back\n",
    .run = run,
};

#define DAY_US INT64_C(86400000000)

/* A time to the second, in UTC. */
static void print_time(const char *label, int64_t time_us)
{
    char text[RECORD_TIME_MAX];

    if (time_us == INT64_MIN)
        return;
    record_time_format(time_us, text);
    printf(SAYS("%s : %.19s UTC\n", "%s: %.19s UTC\n"), label, text);
}

static void print_survey(const struct record_survey *survey, unsigned days, int64_t ours_us)
{
    const enum retention_hold hold = retention_judge(survey);

    printf(SAYS("codes que personne n’a demandés depuis %u jours : %" PRId64 " sur %" PRId64 "\n",
                "codes that nobody asked for in %u days: %" PRId64 " of %" PRId64 "\n"),
           days, survey->due, survey->records);
    print_time(SAYS("horloge de cette machine", "clock of this machine"), ours_us);
    print_time(SAYS("horloge prise en compte", "clock that counts"), survey->now_us);
    print_time(SAYS("dernière demande d’un code", "a code was last asked for"), survey->newest_us);
    print_time(SAYS("horloge admise par le serveur", "clock that the server believed"),
               survey->trusted_us);
    if (survey->due > 0)
        printf(SAYS("ce qui les retient : %s\n", "held back by: %s\n"),
               retention_hold_name(hold, locale_is_english()));
}

/* Says which of it was done. */
static int remove_due(const struct config *config, const struct record_survey *survey)
{
    char author[AUTHOR_MAX], error[ERROR_MAX];
    struct record_erasure due = {
        .before_us = survey->now_us - config->retention_days * DAY_US,
        .delete = true,
        .author = author,
        .now_us = survey->now_us,
        .trusts = true,
    };
    int64_t removed = 0;

    author_find(author);
    const int status = record_erase(config->database_url, &due, &removed, error);
    if (status == 0 || removed > 0)
        printf(SAYS("codes supprimés : %" PRId64 "\n", "codes deleted: %" PRId64 "\n"), removed);
    return status == 0 ? 0 : command_fail("DATABASE_URL", error);
}

static int retention(const struct config *config, bool runs)
{
    const int64_t ours_us = clock_wall_us();
    struct record_survey survey;
    char error[ERROR_MAX];

    if (config->retention_days == 0)
        return runs ? command_fail("RETENTION_DAYS", "is 0: no code is ever removed")
                    : puts(SAYS("RETENTION_DAYS est à 0 : aucun code n’est jamais supprimé",
                                "RETENTION_DAYS is 0: no code is ever removed")) < 0;
    if (record_survey(config->database_url, ours_us, config->retention_days * DAY_US, &survey,
                      error) != 0)
        return command_fail("DATABASE_URL", error);
    print_survey(&survey, config->retention_days, ours_us);
    if (runs)
        return remove_due(config, &survey);
    if (survey.due > 0)
        puts(SAYS("à faire : « whatsapp-uic retention --run » les supprime pour de bon",
                  "to do: “whatsapp-uic retention --run” removes them for good"));
    return 0;
}

static int run(struct options *options, int argc, char *argv[])
{
    struct config config;
    bool runs = false;
    const struct command_option known[] = {{"run", .flag = &runs}, {0}};

    if (command_only_options(known, argc, argv) != 0)
        return COMMAND_USAGE;
    int status = config_load_unsalted(&config, options->env_file, stderr);
    if (status == 0)
        status = retention(&config, runs);
    config_free(&config);
    return status == 0 && fflush(stdout) == 0 ? COMMAND_OK : COMMAND_FAILED;
}
