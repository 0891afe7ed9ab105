/* whatsapp-uic records: what is kept about a number, for its owner who asks. */
#include "server/commands/command.h"
#include "server/commands/erasing.h"
#include "server/commands/person.h"
#include "server/commands/phone_number.h"
#include "server/commands/stats_view.h"
#include "server/serving/setup.h"
#include "store/record_tools.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int run(struct options *options, int argc, char *argv[]);

const struct command cmd_records = {
    .name = "records",
    .arguments = "--phone NUMBER [--all]",
    .summary = "what is kept about a number, for its owner who asks",
    .details =
        "  whatsapp-uic records --phone +243999999999\n\n"
        "The records of this number with their codes, times and notes; how many records of others\n"
        "remember that it asked; whether a conversation is open; what is on its way. Whether\n"
        "numbers stand in clear or sealed makes no difference. No other number is told, but what\n"
        "somebody wrote into the notes. What the same person wrote while the number was hidden, or\n"
        "by another number of hers, is among it. When the records of a number are some user id's, the\n"
        "number may have been given out again since: say whom you mean by the user id (CD.1234), or\n"
        "--all. Changes nothing.\n\n"
        "  --phone NUMBER  written as people or WhatsApp write it, with + in front; or a user id\n"
        "  --all           all that is under the number, of whoever had it\n"
        "  --flow FILE     as for serve\n",
    .run = run,
};

struct request {
    char phone[PHONE_NUMBER_MAX];
    bool all;
    struct record_identifiers person;
};

/* On one line. */
static void print_notes(const char *notes)
{
    fputs(SAYS("    notes : ", "    notes: "), stdout);
    for (; *notes != '\0'; notes++)
        putchar((unsigned char)*notes < ' ' || *notes == '\177' ? ' ' : *notes);
    putchar('\n');
}

static void print_record(const struct record_row *row)
{
    char created[RECORD_TIME_MAX], last[RECORD_TIME_MAX];

    if (row->why != NULL) {
        printf(SAYS("  id %" PRId64 " : illisible (%s)\n", "  id %" PRId64 ": unreadable (%s)\n"),
               row->id, row->why);
        return;
    }
    record_time_format(row->created_us, created);
    record_time_format(row->last_requested_us, last);
    printf(SAYS("  %s\n    créée le %.16s UTC, demandée la dernière fois le %.16s UTC, demandes : "
                "%" PRId32 "%s\n",
                "  %s\n    made on %.16s UTC, last asked for on %.16s UTC, requests: %" PRId32
                "%s\n"),
           row->code, created, last, row->request_count,
           row->is_active ? "" : SAYS(", désactivée", ", deactivated"));
    if (row->notes != NULL && row->notes[0] != '\0')
        print_notes(row->notes);
}

/* Returns 0 or -1 with error. */
static int records_print(const char *url, const struct request *request, char error[ERROR_MAX])
{
    struct record_reader *reader = record_reader_open(url, RECORD_READ_OURS, error);
    struct record_row row;
    int found = -1;

    if (reader != NULL && record_reader_begin_of(reader, &request->person, error) == 0)
        while ((found = record_reader_next(reader, &row, error)) > 0)
            print_record(&row);
    record_reader_close(reader);
    return found;
}

static void print_count(const char *what, int64_t count)
{
    printf(SAYS("%s : %" PRId64 "\n", "%s: %" PRId64 "\n"), what, count);
}

static void print_elsewhere(const struct erasing *elsewhere)
{
    if (elsewhere->setup->config.redis_url == NULL) {
        puts(SAYS("conversation ouverte : dans la mémoire du serveur, s’il y en a une ; lui seul "
                  "la connaît",
                  "open conversation: in the server's memory, if there is one; only the server "
                  "knows it"));
        return;
    }
    print_count(SAYS("conversations ouvertes", "open conversations"), elsewhere->sessions);
    print_count(SAYS("conversations expirées dont reste la langue, un jour au plus",
                     "expired conversations whose language is kept for a day at most"),
                elsewhere->marks);
    print_count(SAYS("réponses non envoyées", "replies unsent"), elsewhere->replies);
    print_count(
        SAYS("enregistrements en route vers la base", "records on their way to the database"),
        elsewhere->outbox);
    if (elsewhere->unreadable > 0)
        print_count(
            SAYS("entrées de la file d’attente sous un autre sel, dont personne ne peut "
                 "dire à qui elles sont",
                 "entries of the outbox under another salt, nobody can tell whose they are"),
            elsewhere->unreadable);
}

static int show(const struct setup *setup, struct request *request)
{
    const char *url = setup->config.database_url, *subject;
    const struct record_erasure whose = {.person = &request->person};
    struct erasing elsewhere = {.setup = setup, .person = &request->person, .dry_run = true};
    struct record_erased found;
    char error[ERROR_MAX];

    /* With another salt nothing would be found. */
    if (setup_check_salt(setup, false, &subject, error) != 0 && strcmp(subject, "FLOW_FILE") != 0)
        return command_fail(subject, error);
    if (person_find(setup, request->phone, &request->person) != 0)
        return -1;
    if (person_is_doubtful(&request->person) && !request->all) {
        person_tell_user_ids("records", &request->person);
        return person_refuse("records");
    }
    if (record_erase_count(url, &whose, &found, error) != 0)
        return command_fail("DATABASE_URL", error);
    if (erasing_run(&elsewhere, error) != 0)
        return command_fail("REDIS_URL", error);
    print_count(SAYS("fiches à ce numéro", "records of this number"), found.records);
    if (records_print(url, request, error) != 0)
        return command_fail("DATABASE_URL", error);
    print_count(SAYS("fiches d’autres qui se souviennent qu’il les a demandées",
                     "records of others that remember that it asked for them"),
                found.asked);
    print_count(SAYS("fiches d’autres dont les notes le citent",
                     "records of others whose notes mention it"),
                found.notes);
    print_elsewhere(&elsewhere);
    if (request->phone[0] == '+' && found.records + found.asked == 0)
        puts(SAYS(
            "note : qui n’a jamais montré son numéro se trouve par son identifiant : --phone CD.…",
            "hint: who never showed her number is found by her user id: --phone CD.…"));
    puts(SAYS("note : les sauvegardes peuvent en contenir davantage, jusqu’à ce qu’elles soient "
              "remplacées ; « whatsapp-uic erase --phone » efface",
              "hint: backups may hold more until they are replaced; whatsapp-uic erase --phone "
              "erases"));
    return 0;
}

static int run(struct options *options, int argc, char *argv[])
{
    struct request request = {0};
    struct setup setup = {0};
    const char *phone = NULL;
    int status = -1;
    const struct command_option known[] = {{"phone", .text = &phone},
                                           {"all", .flag = &request.all},
                                           {"flow", .text = &options->flow_file},
                                           {0}};

    if (command_only_options(known, argc, argv) != 0)
        return COMMAND_USAGE;
    if (phone == NULL || phone_number_read(phone, request.phone) != 0) {
        command_expected(argv[0],
                         "--phone with + and the country's number, +243999999999 (avec + et "
                         "l’indicatif du pays, sans le 0 qui suit)");
        return COMMAND_USAGE;
    }
    if (setup_open(&setup, options->env_file, options->flow_file, stderr) == 0)
        status = show(&setup, &request);
    setup_close(&setup);
    return status == 0 && fflush(stdout) == 0 ? COMMAND_OK : COMMAND_FAILED;
}
