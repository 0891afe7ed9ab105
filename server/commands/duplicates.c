/* whatsapp-uic duplicates: pairs of codes that may be one person's, and what an administrator
 * decides of them. */
#include "store/duplicates.h"
#include "server/commands/author.h"
#include "server/commands/command.h"
#include "server/commands/stats_view.h"
#include "server/config/config.h"
#include "store/base/clock.h"
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int run(struct options *options, int argc, char *argv[]);

const struct command cmd_duplicates = {
    .name = "duplicates",
    .arguments = "[--all|--decided] [--json] | --same|--different|--undo (PAIR | CODE CODE)",
    .summary = "codes that may be one person's, and which of them counts",
    .details =
        "  whatsapp-uic duplicates\n"
        "  whatsapp-uic duplicates --same 12\n"
        "  whatsapp-uic duplicates --different 985-KINS-15-JEA-KABI-A3F9D 985-KINS-16-JEA-KABI-0B7C2\n\n"
        "The server compares new codes with all others, once a minute: those whose answers sound\n"
        "alike but for the place, the year or the day, those that only spelling keeps apart, those\n"
        "of which all that can be read is equal, and those of which somebody said that they are one\n"
        "person. Of eight that agree in one way, a ninth is not listed for it. Codes are personal\n"
        "data: the list is for whoever may read an export.\n"
        "Of two codes that are the same person's the older one counts: export says so in\n"
        "counted_as. Both stay valid, and nobody who writes learns of it. All can be undone. The\n"
        "table uic_audit tells when and by whom it was decided, but not of whom.\n\n"
        "  --all        the pairs that are decided, too\n"
        "  --decided    these alone\n"
        "  --json       a line of JSON for each pair\n"
        "  --same       one person: the pair of this number, or of these two codes, listed or not\n"
        "  --different  two persons\n"
        "  --undo       neither is decided any more\n",
    .run = run,
};

/* How many registrations in a hundred look like somebody else's, in tenths, as simulated. */
static const struct {
    int64_t records;
    unsigned tenths;
} false_alarms[] = {{100000000, 160}, {10000000, 53}, {1000000, 10}};

static void print_false_alarms(int64_t records)
{
    for (size_t i = 0; i < sizeof false_alarms / sizeof false_alarms[0]; i++) {
        if (records < false_alarms[i].records)
            continue;
        const unsigned whole = false_alarms[i].tenths / 10, tenths = false_alarms[i].tenths % 10;
        fprintf(
            stderr,
            SAYS("attention : à %" PRId64 " codes, %u,%u %% au moins des nouveaux ressemblent par "
                 "hasard au code de quelqu’un d’autre.\n"
                 "Ne dites --same qu’après vérification, avec la personne ou son dossier.\n",
                 "note: with %" PRId64 " codes, at least %u.%u%% of new ones look like somebody "
                 "else's by chance.\n"
                 "Say --same only after checking, with the person or her file.\n"),
            records, whole, tenths);
        return;
    }
}

static const char *why_text(const char *why)
{
    static const struct {
        const char *why, *french, *english;
    } texts[] = {
        {"place", "le lieu", "the place"},
        {"year", "l’année", "the year"},
        {"day", "le jour", "the day"},
        {"spelling", "l’orthographe seule", "spelling alone"},
        {"code", "rien de lisible dans le code", "nothing that the code shows"},
        {"said", "dit par la personne", "said by the person"},
        {"hand", "notée à la main", "noted by hand"},
    };

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (why != NULL && strcmp(why, texts[i].why) == 0)
            return SAYS(texts[i].french, texts[i].english);
    return "";
}

static bool is_same(const char *answer)
{
    return answer != NULL && strcmp(answer, "same") == 0;
}

#define NUMBER_WIDTH 8
#define CODE_WIDTH 30
#define WHY_WIDTH 30

static void print_head(void)
{
    stats_view_print_text(SAYS("paire", "pair"), NUMBER_WIDTH);
    stats_view_print_text(SAYS("code", "code"), CODE_WIDTH);
    stats_view_print_text(SAYS("autre code", "other code"), CODE_WIDTH);
    puts(SAYS("ce qui diffère", "what differs"));
}

static void print_pair(const struct duplicates_pair *pair)
{
    char number[24];

    snprintf(number, sizeof number, "%" PRId64, pair->number);
    stats_view_print_text(number, NUMBER_WIDTH);
    stats_view_print_text(pair->codes[0], CODE_WIDTH);
    stats_view_print_text(pair->codes[1][0] ? pair->codes[1] : SAYS("(sans code)", "(no code)"),
                          CODE_WIDTH);
    stats_view_print_text(why_text(pair->why), pair->said || pair->decision ? WHY_WIDTH : 0);
    if (pair->said != NULL)
        fputs(is_same(pair->said) ? SAYS("dit : la même  ", "says: the same  ")
                                  : SAYS("dit : une autre  ", "says: another one  "),
              stdout);
    if (is_same(pair->decision))
        printf(SAYS("la même : %s compte", "the same: %s counts"), pair->counts);
    else if (pair->decision != NULL)
        fputs(SAYS("deux personnes", "two persons"), stdout);
    putchar('\n');
}

static void print_json(const struct duplicates_pair *pair)
{
    json_t *json = json_pack(
        "{s:I, s:[s, s?], s:s?, s:s?, s:s?, s:s}", "pair", (json_int_t)pair->number, "codes",
        pair->codes[0], pair->codes[1][0] ? pair->codes[1] : NULL, "differs", pair->why, "said",
        pair->said, "decision", pair->decision, "counted_as", pair->counts);

    json_dumpf(json, stdout, JSON_COMPACT);
    json_decref(json);
    putchar('\n');
}

static int list(const struct config *config, enum duplicates_filter filter, bool as_json)
{
    char error[ERROR_MAX];
    struct duplicates_pair pair;
    int64_t records, count = 0;
    int found = -1;
    struct duplicates_reader *reader = duplicates_open(config->database_url, filter, error);

    if (reader != NULL && duplicates_records(reader, &records, error) == 0) {
        while ((found = duplicates_next(reader, &pair, error)) > 0) {
            if (count++ == 0 && !as_json) {
                print_false_alarms(records);
                print_head();
            }
            (as_json ? print_json : print_pair)(&pair);
        }
    }
    duplicates_close(reader);
    if (found < 0)
        return command_fail("DATABASE_URL", error);
    if (!as_json && count == 0)
        puts(SAYS("aucune paire", "no pair"));
    return 0;
}

static int refuse(const struct duplicates_decision *decision,
                  const struct duplicates_decided *decided, int status)
{
    char why[160];

    if (status == DUPLICATES_ABSENT)
        return command_fail("duplicates",
                            decision->number > 0
                                ? SAYS("aucune paire n’a ce numéro", "no pair has this number")
                                : SAYS("aucune fiche n’a ce code", "no record has this code"));
    if (status == DUPLICATES_TOGETHER)
        return command_fail("duplicates",
                            SAYS("d’autres paires en font une seule personne : retirez-les d’abord "
                                 "(--undo)",
                                 "other pairs make one person of them: undo these first (--undo)"));
    snprintf(why, sizeof why,
             SAYS("la paire %" PRId64
                  " dit que ce sont deux personnes : retirez-la d’abord (--undo)",
                  "pair %" PRId64 " says that they are two persons: undo it first (--undo)"),
             decided->number);
    return command_fail("duplicates", why);
}

static int decide(const struct config *config, struct duplicates_decision *decision)
{
    char author[AUTHOR_MAX], error[ERROR_MAX];
    struct duplicates_decided decided;

    author_find(author);
    decision->author = author;
    decision->now_us = clock_wall_us();
    const int status = duplicates_decide(config->database_url, decision, &decided, error);
    if (status < 0)
        return command_fail("DATABASE_URL", error);
    if (status == DUPLICATES_UNCHANGED)
        return puts(SAYS("c’était déjà ainsi", "it was so already")) < 0;
    if (status != 0)
        return refuse(decision, &decided, status);
    if (decision->verdict == DUPLICATES_SAME)
        printf(SAYS("la même personne : %s compte\n", "the same person: %s counts\n"),
               decided.counts);
    else
        puts(decision->verdict == DUPLICATES_DIFFERENT
                 ? SAYS("deux personnes : chaque code compte pour lui-même",
                        "two persons: each code counts for itself")
                 : SAYS("ce n’est plus décidé", "it is not decided any more"));
    return 0;
}

/* A number of a pair alone, or two codes. */
static int read_pair(struct duplicates_decision *decision, int count, char *arguments[])
{
    if (count == 2) {
        decision->codes[0] = arguments[0];
        decision->codes[1] = arguments[1];
        return 0;
    }
    if (count != 1 || arguments[0][strspn(arguments[0], "0123456789")] != '\0' ||
        strlen(arguments[0]) > 18)
        return -1;
    decision->number = strtoll(arguments[0], NULL, 10);
    return decision->number > 0 ? 0 : -1;
}

struct request {
    bool decides, as_json;
    enum duplicates_filter filter;
    struct duplicates_decision decision;
};

static int read_options(struct request *request, int argc, char *argv[])
{
    bool same = false, different = false, undo = false, all = false, decided = false;
    const struct command_option known[] = {{"all", .flag = &all},
                                           {"decided", .flag = &decided},
                                           {"json", .flag = &request->as_json},
                                           {"same", .flag = &same},
                                           {"different", .flag = &different},
                                           {"undo", .flag = &undo},
                                           {0}};
    if (command_options(known, argc, argv) != 0)
        return -1;
    request->decides = same || different || undo;
    request->filter = all ? DUPLICATES_ALL : decided ? DUPLICATES_DECIDED : DUPLICATES_OPEN;
    request->decision.verdict = same        ? DUPLICATES_SAME
                                : different ? DUPLICATES_DIFFERENT
                                            : DUPLICATES_UNDONE;
    if (same + different + undo > 1 || all + decided > 1 ||
        (request->decides && (all || decided || request->as_json)))
        return command_expected(argv[0], "one thing at a time: a list, or one decision");
    if (!request->decides)
        return optind == argc
                   ? 0
                   : command_expected(argv[0], "--same, --different or --undo with a pair");
    if (read_pair(&request->decision, argc - optind, argv + optind) != 0)
        return command_expected(argv[0], "the number of a pair, or two codes");
    return 0;
}

static int run(struct options *options, int argc, char *argv[])
{
    struct request request = {0};
    struct config config;

    if (read_options(&request, argc, argv) != 0)
        return COMMAND_USAGE;
    int status = config_load(&config, options->env_file, stderr);
    if (status == 0)
        status = request.decides ? decide(&config, &request.decision)
                                 : list(&config, request.filter, request.as_json);
    config_free(&config);
    return status == 0 && fflush(stdout) == 0 ? COMMAND_OK : COMMAND_FAILED;
}
