/* whatsapp-uic stats: how the programme goes, from the configured stores. The same as
 * GET /admin/stats, as a table or as JSON. */
#include "server/commands/stats_view.h"

#include "server/admin/stats.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int run(struct options *options, int argc, char *argv[]);

const struct command cmd_stats = {
    .name = "stats",
    .arguments = "[--days N] [--json]",
    .summary = "codes, conversations and where people stop, from the stores",
    .details = "  --days N     look back N days, 1 to 365 (default 30)\n"
               "  --json       for programs: as GET /admin/stats\n",
    .run = run,
};

#define LABEL 28
#define NUMBER 14
#define BAR 24

static void print_bar(json_int_t value, json_int_t whole)
{
    const json_int_t length = whole > 0 ? (value * BAR + whole - 1) / whole : 0;

    for (json_int_t i = 0; i < BAR && i < length; i++)
        fputs("█", stdout);
}

static void print_row(const char *label, const json_t *one, const json_t *two, const json_t *three)
{
    stats_view_print_text(label, LABEL);
    stats_view_print_number(one, NUMBER);
    if (two != NULL)
        stats_view_print_number(two, NUMBER);
    if (three != NULL)
        stats_view_print_number(three, NUMBER);
    putchar('\n');
}

static void print_heading(const char *label, unsigned days, const char *last)
{
    char period[32];

    snprintf(period, sizeof period, SAYS("%u jours", "%u days"), days);
    putchar('\n');
    stats_view_print_text(label, LABEL);
    stats_view_print_head(SAYS("aujourd’hui", "today"), NUMBER);
    stats_view_print_head(period, NUMBER);
    if (last != NULL)
        stats_view_print_head(last, NUMBER);
    putchar('\n');
}

/* The days together; null when they are not known. */
static json_t *sum_of_days(const json_t *json, const char *name)
{
    const json_t *days = json_object_get(json, "by_day");
    json_int_t sum = 0;

    for (size_t i = 0; i < json_array_size(days); i++) {
        const json_t *number = json_object_get(json_array_get(days, i), name);
        if (!json_is_integer(number))
            return json_null();
        sum += json_integer_value(number);
    }
    return json_integer(sum);
}

static void print_codes(const json_t *json, unsigned days)
{
    const json_t *today = json_object_get(json, "today");
    const json_t *totals = json_object_get(json, "totals");
    json_t *new = sum_of_days(json, "new");
    json_t *repeated = sum_of_days(json, "repeated");

    print_heading("Codes", days, SAYS("en tout", "in all"));
    print_row(SAYS("Nouveaux", "New"), json_object_get(today, "new"), new,
              json_object_get(totals, "codes"));
    print_row(SAYS("Redemandés", "Asked for again"), json_object_get(today, "repeated"), repeated,
              json_object_get(totals, "repeated"));
    stats_view_print_text(SAYS("Numéros différents", "Different numbers"), LABEL + 2 * NUMBER);
    stats_view_print_number(json_object_get(totals, "numbers"), NUMBER);
    putchar('\n');
    stats_view_print_text(SAYS("Doublons possibles à trancher", "Possible duplicates, undecided"),
                          LABEL + 2 * NUMBER);
    stats_view_print_number(json_object_get(totals, "possible_duplicates"), NUMBER);
    putchar('\n');
    json_decref(new);
    json_decref(repeated);
}

/* A member of what was counted, and its names. */
struct row {
    const char *name, *french, *english;
};

/* Of an object: today, and in the period. */
static void print_rows(const json_t *counted, const struct row *rows, size_t count)
{
    const json_t *today = json_object_get(counted, "today");
    const json_t *period = json_object_get(counted, "period");

    for (size_t i = 0; i < count; i++)
        print_row(SAYS(rows[i].french, rows[i].english), json_object_get(today, rows[i].name),
                  json_object_get(period, rows[i].name), NULL);
}

static void print_conversations(const json_t *json, unsigned days)
{
    static const struct row rows[] = {
        {"started", "Commencées", "Started"},
        {"read_back", "Relues avant le code", "Read back before it"},
        {"finished", "Terminées par un code", "Finished with a code"},
        {"expired", "Reprises après expiration", "Begun again after expiry"},
        {"stopped", "Arrêtées (STOP)", "Stopped (STOP)"},
    };

    print_heading("Conversations", days < 90 ? days : 90, NULL);
    print_rows(json_object_get(json, "funnel"), rows, sizeof rows / sizeof *rows);
    print_row(SAYS("En cours", "Open now"),
              json_object_get(json_object_get(json, "active"), "total"), NULL, NULL);
}

static void print_replies(const json_t *json, unsigned days)
{
    static const struct row rows[] = {
        {"delivered", "Parvenues", "Delivered"},
        {"read", "Lues", "Read"},
        {"failed", "Non parvenues", "Not delivered"},
    };

    print_heading(SAYS("Réponses (Meta)", "Replies (Meta)"), days < 90 ? days : 90, NULL);
    print_rows(json_object_get(json, "replies"), rows, sizeof rows / sizeof *rows);
}

/* For each question: conversations that reached it, as a bar of those that started; and those that
 * wait there now. */
static void print_questions(const json_t *json)
{
    const json_t *period = json_object_get(json_object_get(json, "funnel"), "period");
    const json_t *active = json_object_get(json_object_get(json, "active"), "by_step");
    const json_int_t started = json_integer_value(json_object_get(period, "started"));
    const json_t *steps = json_object_get(json_object_get(json, "flow"), "steps");

    putchar('\n');
    stats_view_print_text("Questions", LABEL);
    stats_view_print_head(SAYS("posée", "asked"), NUMBER);
    stats_view_print_head(SAYS("en cours", "open now"), NUMBER);
    putchar('\n');
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const char *step = json_string_value(json_array_get(steps, i));
        const json_t *reached = json_object_get(json_object_get(period, "reached"), step);
        stats_view_print_text(step, LABEL);
        stats_view_print_number(reached, NUMBER);
        stats_view_print_number(json_object_get(active, step), NUMBER);
        fputs("  ", stdout);
        print_bar(json_integer_value(reached), started);
        putchar('\n');
    }
}

/* For each question: what became of the answers to it. */
static void print_answers(const json_t *json)
{
    static const struct {
        const char *name, *french, *english;
    } columns[] = {
        {"wrong", "reposée", "asked again"},    {"not_known", "ne sait pas", "not known"},
        {"asked_which", "quel nom", "which"},   {"doubtful", "en doute", "in doubt"},
        {"corrected", "corrigée", "corrected"},
    };
    const size_t count = sizeof columns / sizeof *columns;
    const json_t *period = json_object_get(json_object_get(json, "funnel"), "period");
    const json_t *steps = json_object_get(json_object_get(json, "flow"), "steps");

    putchar('\n');
    stats_view_print_text(SAYS("Réponses", "Answers"), LABEL);
    for (size_t i = 0; i < count; i++)
        stats_view_print_head(SAYS(columns[i].french, columns[i].english), NUMBER);
    putchar('\n');
    for (size_t i = 0; i < json_array_size(steps); i++) {
        const char *step = json_string_value(json_array_get(steps, i));
        stats_view_print_text(step, LABEL);
        for (size_t j = 0; j < count; j++)
            stats_view_print_number(json_object_get(json_object_get(period, columns[j].name), step),
                                    NUMBER);
        putchar('\n');
    }
}

static void print_table(const json_t *json, unsigned days)
{
    const json_t *sessions = json_object_get(json_object_get(json, "stores"), "sessions");
    const char *kind = json_string_value(json_object_get(sessions, "kind"));

    printf(SAYS("%s, le %s (jours de %s)\n", "%s, %s (days of %s)\n"),
           json_string_value(json_object_get(json, "service")),
           json_string_value(json_object_get(json, "as_of")),
           json_string_value(json_object_get(json, "time_zone")));
    print_codes(json, days);
    if (!json_is_null(json_object_get(json, "funnel"))) {
        print_conversations(json, days);
        print_questions(json);
        print_answers(json);
        print_replies(json, days);
    } else if (strcmp(kind, "memory") == 0) {
        puts(SAYS("\nLes conversations : sans REDIS_URL, seul le serveur en marche les connaît "
                  "(GET /admin/stats).",
                  "\nConversations: without REDIS_URL, only the running server knows them "
                  "(GET /admin/stats)."));
    }
}

static int parse(unsigned *days, bool *for_programs, int argc, char *argv[])
{
    const char *text = NULL;
    const struct command_option known[] = {
        {"days", .text = &text}, {"json", .flag = for_programs}, {0}};

    if (command_only_options(known, argc, argv) != 0)
        return -1;
    if (text == NULL)
        return 0;
    if (command_number(days, text, STATS_DAYS_MAX) == 0)
        return 0;
    fprintf(stderr, "%s: --days takes a number from 1 to %d\n", argv[0], STATS_DAYS_MAX);
    return -1;
}

static int run(struct options *options, int argc, char *argv[])
{
    struct stats_view view = {.days = 30, .totals = true};
    bool for_programs = false;
    json_t *json;

    if (parse(&view.days, &for_programs, argc, argv) != 0)
        return COMMAND_USAGE;
    int status = stats_view_read(options, &view, &json);
    if (json == NULL)
        return COMMAND_FAILED;
    if (for_programs)
        status = stats_view_print_json(json) == 0 ? status : COMMAND_FAILED;
    else
        print_table(json, view.days);
    json_decref(json);
    return fflush(stdout) == 0 ? status : COMMAND_FAILED;
}
