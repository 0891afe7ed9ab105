/* whatsapp-uic agreement: how often people who were registered twice got the same code, from a
 * table of their two codes. Never prints one. */
#include "flow/agreement.h"
#include "server/commands/command.h"
#include "server/commands/lines.h"
#include "server/commands/stats_view.h"
#include "server/serving/setup.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int run(struct options *options, int argc, char *argv[]);

const struct command cmd_agreement = {
    .name = "agreement",
    .arguments = "[--flow FILE] FILE.csv",
    .summary = "how often people who came twice got the same code",
    .details =
        "  whatsapp-uic agreement pairs.csv\n\n"
        "A line of the file is a person: the code of the first visit and that of the second, with\n"
        "a comma, a semicolon or a tab between them. A heading is not needed. Prints the share of\n"
        "the same codes with its interval at 95 % (Wilson), and which parts of the others differ;\n"
        "lines that cannot be read by their number, never a code. Under 30 people it tells the\n"
        "interval and no rate (exit code 1); 200 make it about seven points wide on either side.\n\n"
        "  --flow FILE  the form of the codes from FILE instead of FLOW_FILE\n",
    .run = run,
};

#define LINE_MAX_BYTES 4096
#define PEOPLE_MIN 30     /* under them there is no rate */
#define PEOPLE_ENOUGH 200 /* what docs/identite.md asks for */
#define UNREADABLE_TOLD 10

struct survey {
    const struct flow *flow;
    struct agreement agreement;
    size_t line; /* number of the one that is read */
    bool begun;  /* a line that is not empty was read */
    size_t unreadable;
    size_t unreadable_lines[UNREADABLE_TOLD];
};

static bool is_one_of(char c, const char *characters)
{
    return c != '\0' && strchr(characters, c) != NULL;
}

/* A cell without spaces and quotes around it. */
static struct uic_text trim(const char *first, const char *end)
{
    while (first < end && is_one_of(*first, " \"\r"))
        first++;
    while (end > first && is_one_of(end[-1], " \"\r"))
        end--;
    return (struct uic_text){first, (size_t)(end - first)};
}

/* The first two cells of a line; false when it has not two, or more that are not empty. */
static bool take_cells(const char *line, size_t length, struct uic_text cells[2])
{
    const char *end = line + length;
    size_t count = 0;

    for (const char *at = line; at <= end; count++) {
        const char *stop = at;

        while (stop < end && !is_one_of(*stop, ",;\t"))
            stop++;
        const struct uic_text cell = trim(at, stop);
        if (count < 2)
            cells[count] = cell;
        else if (cell.length > 0)
            return false;
        at = stop + 1;
    }
    return count >= 2;
}

static void note_unreadable(struct survey *survey)
{
    if (survey->unreadable < UNREADABLE_TOLD)
        survey->unreadable_lines[survey->unreadable] = survey->line;
    survey->unreadable++;
}

static bool is_heading(const struct survey *survey, const struct uic_text cells[2])
{
    return !survey->begun && !agreement_is_code(survey->flow, cells[0].bytes, cells[0].length) &&
           !agreement_is_code(survey->flow, cells[1].bytes, cells[1].length);
}

static void take_line(struct survey *survey, const char *line, size_t length)
{
    static const char bom[] = "\xef\xbb\xbf";
    struct uic_text cells[2] = {{"", 0}, {"", 0}};

    if (survey->line == 1 && length >= 3 && memcmp(line, bom, 3) == 0) {
        line += 3;
        length -= 3;
    }
    const bool two = take_cells(line, length, cells);
    if (cells[0].length == 0 && cells[1].length == 0)
        return; /* an empty line */
    if (!is_heading(survey, cells) &&
        (!two || agreement_count(&survey->agreement, survey->flow, cells[0].bytes, cells[0].length,
                                 cells[1].bytes, cells[1].length) != 0))
        note_unreadable(survey);
    survey->begun = true;
}

static int read_file(struct survey *survey, const char *path)
{
    struct lines lines = {0};
    const char *line;
    size_t length;
    int found = LINES_FAILED, fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd >= 0 && lines_open(&lines, fd, LINE_MAX_BYTES) == 0) {
        while ((found = lines_next(&lines, &line, &length)) > 0) {
            survey->line++;
            if (found == LINES_TOO_LONG)
                note_unreadable(survey);
            else
                take_line(survey, line, length);
        }
    }
    if (found < 0)
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
    if (lines.buffer != NULL)
        explicit_bzero(lines.buffer, 2 * lines.max + 1);
    lines_close(&lines);
    if (fd >= 0)
        close(fd);
    return found < 0 ? -1 : 0;
}

/* "67,0" or "67.0" */
static void percent(double share, char text[16])
{
    const unsigned tenths = (unsigned)(share * 1000 + 0.5);

    snprintf(text, 16, "%u%s%u", tenths / 10, SAYS(",", "."), tenths % 10);
}

static void print_unreadable(const struct survey *survey)
{
    if (survey->unreadable == 0)
        return;
    printf(SAYS("lignes illisibles, non comptées : %zu (n° ",
                "lines that cannot be read, not counted: %zu (no. "),
           survey->unreadable);
    for (size_t i = 0; i < survey->unreadable && i < UNREADABLE_TOLD; i++)
        printf("%s%zu", i == 0 ? "" : ", ", survey->unreadable_lines[i]);
    puts(survey->unreadable > UNREADABLE_TOLD ? " …)" : ")");
}

static void print_row(const char *label, size_t number)
{
    fputs("  ", stdout);
    stats_view_print_text(label, 34);
    printf("%8zu\n", number);
}

static void print_differences(const struct survey *survey)
{
    const struct agreement *agreement = &survey->agreement;

    if (agreement->different == 0)
        return;
    if (agreement->unknown > 0) {
        puts(SAYS(
            "\nles parties de ces codes n’ont pas de longueur fixe : on ne sait pas lesquelles "
            "diffèrent",
            "\nthe parts of these codes have no fixed length: which of them differ is not known"));
        return;
    }
    puts(SAYS("\nce qui diffère dans ces autres codes, en personnes :",
              "\nwhat differs in the other codes, in people:"));
    for (size_t i = 0; i < flow_step_count(survey->flow); i++)
        print_row(flow_step_key(survey->flow, i), agreement->by_step[i]);
    print_row(SAYS("rien de ce que le code montre", "nothing that the code shows"),
              agreement->hidden);
}

/* Returns the command's status: a rate of a few people would be taken for one. */
static int print_survey(const struct survey *survey)
{
    const size_t same = survey->agreement.same, people = same + survey->agreement.different;
    char rate[16], from[16], to[16];
    double low, high;

    print_unreadable(survey);
    if (people == 0) {
        fputs(SAYS("aucune ligne n’a deux codes de ce fichier de questions\n",
                   "no line has two codes of this flow file\n"),
              stderr);
        return COMMAND_FAILED;
    }
    agreement_interval(same, people, &low, &high);
    percent((double)same / (double)people, rate);
    percent(low, from);
    percent(high, to);
    printf(SAYS("personnes : %zu\nmême code : %zu\nautre code : %zu\n",
                "people: %zu\nsame code: %zu\nanother code: %zu\n"),
           people, same, survey->agreement.different);
    if (people < PEOPLE_MIN)
        printf(SAYS("trop peu de personnes pour un taux : il serait entre %s et %s %%\n",
                    "too few people for a rate: it would be between %s and %s %%\n"),
               from, to);
    else
        printf(SAYS("taux : %s %%, à 95 %% entre %s et %s %%\n",
                    "rate: %s%%, at 95%% between %s and %s%%\n"),
               rate, from, to);
    if (people < PEOPLE_ENOUGH)
        printf(SAYS("(avec %d personnes, on en sait davantage)\n", "(%d people would tell more)\n"),
               PEOPLE_ENOUGH);
    print_differences(survey);
    return people < PEOPLE_MIN ? COMMAND_FAILED : COMMAND_OK;
}

/* Returns the file's path, or NULL after a line on standard error. */
static const char *read_options(struct options *options, int argc, char *argv[])
{
    const struct command_option known[] = {{"flow", .text = &options->flow_file}, {0}};

    if (command_options(known, argc, argv) != 0)
        return NULL;
    if (optind + 1 == argc)
        return argv[optind];
    command_expected(argv[0], "one file");
    return NULL;
}

static int run(struct options *options, int argc, char *argv[])
{
    const char *path = read_options(options, argc, argv);
    struct survey survey = {0};
    struct config config;
    struct flow *flow = NULL;
    int status = COMMAND_FAILED;

    if (path == NULL)
        return COMMAND_USAGE;
    if (config_load_code(&config, options->env_file, stderr) != 0)
        goto out;
    flow = setup_flow(options->flow_file ? options->flow_file : config.flow_file, stderr);
    survey.flow = flow;
    if (flow != NULL && read_file(&survey, path) == 0)
        status = print_survey(&survey);
    if (fflush(stdout) != 0)
        status = COMMAND_FAILED;
out:
    flow_free(flow);
    config_free(&config);
    return status;
}
