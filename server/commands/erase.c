/* whatsapp-uic erase: a person's number, or code, or old codes, everywhere. */
#include "server/commands/author.h"
#include "server/commands/command.h"
#include "server/commands/erasing.h"
#include "server/commands/person.h"
#include "server/commands/phone_number.h"
#include "server/security/phone_numbers.h"
#include "server/serving/setup.h"
#include "store/base/clock.h"
#include "store/record_tools.h"
#include <glob.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int run(struct options *options, int argc, char *argv[]);

const struct command cmd_erase = {
    .name = "erase",
    .arguments = "(--phone NUMBER [--all] | --code CODE | --older-than DAYS | --again) [OPTION]...",
    .summary = "remove a person's number, or codes",
    .details =
        "  whatsapp-uic erase --phone +243999999999\n"
        "  whatsapp-uic erase --code 985-KINS-15-JEA-KABI-A3F9D --delete\n"
        "  whatsapp-uic erase --older-than 1825 --dry-run\n\n"
        "The number is taken out of the records, their notes, what other records remember of who\n"
        "asked for them, the conversation that may be going on, unsent replies, and records on\n"
        "their way to the database; the codes stay, so that files of clinics keep their meaning.\n"
        "With --delete the codes go too: the same answers make them anew.\n"
        "Whoever wrote with this number is known to the records by a user id of WhatsApp's, too:\n"
        "what came from the same person while the number was hidden goes with the rest. A number may\n"
        "have been given out again: when its records are some user id's, it is said how many, and\n"
        "since when. Of one user id, whoever is asked before deletion decides, --yes wants --all; of\n"
        "several nothing is done without --all.\n"
        "The table uic_audit tells when, how many and by whom, but not whose. Backups hold the\n"
        "number until they are replaced, and what a restore put aside until it is deleted; the\n"
        "table uic_erased, of keyed hashes, keeps it from coming back by them or by the outbox.\n"
        "The server may run meanwhile; when what is known of her changes in between (another number), nothing\n"
        "is erased in the records, and it says so.\n\n"
        "  --phone NUMBER     of everything with this number, written as people or WhatsApp write it,\n"
        "                     with + in front\n"
        "                     or a user id (CD.1234), a former one too: of what came by it,\n"
        "                     with number or without, and what its numbers registered before it came\n"
        "  --all              all that is under the number, of whoever had it\n"
        "  --code CODE        of this code only\n"
        "  --older-than DAYS  delete the codes that nobody asked for in so many days, as\n"
        "                     RETENTION_DAYS does by itself\n"
        "  --again            what an older backup brought back of those who were erased since, as\n"
        "                     whatsapp-uic-restore does by itself\n"
        "  --keep-code        the codes stay without their number; so it is without --delete\n"
        "  --delete           the codes go too\n"
        "  --dry-run          only say how many there are\n"
        "  --yes              do not ask; needed where there is no terminal\n"
        "  --flow FILE        as for serve\n",
    .run = run,
};

/* How long a server may take to write what it took out of the outbox before. */
#define UNDER_WAY_SECONDS 8

struct request {
    char phone[PHONE_NUMBER_MAX];
    const char *code;
    unsigned days;
    bool older, again;
    bool all, delete, keep, dry_run, yes;
};

struct erase {
    struct setup setup;
    struct record_erasure records;
    struct record_identifiers person;
    struct erasing elsewhere;
    char author[AUTHOR_MAX];
};

static int ask(const struct request *request, int64_t records)
{
    const char *many_fr = records > 1 ? "s" : "", *many_en = records == 1 ? "" : "s";
    char what[256];

    if (request->yes)
        return 0;
    if (request->older || request->delete)
        snprintf(what, sizeof what,
                 "%" PRId64 " code%s, à effacer pour de bon.\n"
                 "%" PRId64 " code%s will be deleted for good.\n",
                 records, many_fr, records, many_en);
    else
        snprintf(what, sizeof what,
                 "Le numéro sera retiré de %" PRId64 " fiche%s, pour de bon.\n"
                 "The number will be removed from %" PRId64 " record%s for good.\n",
                 records, many_fr, records, many_en);
    return command_confirm("erase", what);
}

static void tell_count(const char *what, int64_t count)
{
    if (count > 0)
        printf("%s: %" PRId64 "\n", what, count);
}

static void tell_nobody(const struct request *request)
{
    if (request->phone[0] != '\0')
        printf("personne n’a ce numéro : est-il écrit comme dans les fiches ? Qui ne l’a jamais "
               "montré se trouve par son identifiant : --phone CD.…\n"
               "nobody has this number: is it written as in the records? Who never showed it is "
               "found by her user id: --phone CD.…\n");
    else if (request->code != NULL)
        printf("aucune fiche n’a ce code\n"
               "no record has this code\n");
}

/* What restores put aside stays until somebody takes it away, and no sweep of backups sees it. */
static void tell_copies(const char *database_url)
{
    static const char scheme[] = "sqlite:///";
    char pattern[1024];
    glob_t found = {0};

    printf(
        "note : les sauvegardes, et leurs copies sur d’autres machines, le contiennent jusqu’à ce "
        "qu’elles soient remplacées\n"
        "hint: backups, and their copies on other machines, hold it until they are replaced\n");
    if (strncmp(database_url, scheme, sizeof scheme - 1) != 0 ||
        (size_t)snprintf(pattern, sizeof pattern, "%s.before-restore-*",
                         database_url + sizeof scheme - 1) >= sizeof pattern)
        return;
    if (glob(pattern, 0, NULL, &found) == 0)
        for (size_t i = 0; i < found.gl_pathc; i++)
            printf("note : ceci reste d’une restauration et peut le contenir, à effacer : %s\n"
                   "hint: this is left of a restore and may hold it, to be deleted: %s\n",
                   found.gl_pathv[i], found.gl_pathv[i]);
    globfree(&found);
}

static void tell(const struct erase *erase, const struct request *request,
                 const struct record_erased *erased, bool nobody)
{
    const bool deletes = request->older || request->delete;

    if (request->dry_run)
        printf("serait fait / would be done:\n");
    printf("%s: %" PRId64 "\n",
           deletes ? "codes effacés / codes deleted"
                   : "fiches désormais sans leur numéro / records without their number now",
           erased->records);
    tell_count("autres fiches qui ont oublié qu’il a demandé / "
               "records of others that forgot that it asked",
               erased->asked);
    tell_count("notes d’autres, désormais sans le numéro / notes of others without the number now",
               erased->notes);
    tell_count("conversations oubliées / conversations forgotten", erase->elsewhere.sessions);
    tell_count("réponses non envoyées / replies unsent", erase->elsewhere.replies);
    tell_count("enregistrements en route vers la base / records on their way to the database",
               erase->elsewhere.outbox);
    if (nobody)
        tell_nobody(request);
    if (erase->elsewhere.unreadable > 0)
        printf(
            "note : entrées de la file d’attente sous un autre sel, dont personne ne peut dire à "
            "qui elles sont / hint: entries of the outbox under another salt, nobody can tell "
            "whose they are: %" PRId64 "\n",
            erase->elsewhere.unreadable);
    if (request->older || request->dry_run || nobody)
        return;
    if (!erase->setup.config.redis_url)
        printf("note : une conversation dans la mémoire du serveur finit d’elle-même, %u minutes "
               "après son dernier message\n"
               "hint: a conversation in the server's memory ends by itself, %u minutes after its "
               "last message\n",
               erase->setup.config.session_timeout_minutes,
               erase->setup.config.session_timeout_minutes);
    tell_copies(erase->setup.config.database_url);
}

/* Whether what was counted is nothing at all. */
static bool is_nobody(const struct erase *erase, const struct record_erased *found)
{
    return found->records + found->asked + found->notes + found->names + erase->elsewhere.sessions +
               erase->elsewhere.replies + erase->elsewhere.outbox ==
           0;
}

static struct erasing elsewhere_of(const struct erase *erase, const struct request *request,
                                   bool dry_run)
{
    return (struct erasing){
        .setup = &erase->setup,
        .person = request->phone[0] ? &erase->person : NULL,
        .code = request->code,
        .delete = request->delete,
        .dry_run = dry_run,
    };
}

/* What is on its way first: it might become a record meanwhile. */
static int erase_all(struct erase *erase, const struct request *request, int64_t *records,
                     char error[ERROR_MAX])
{
    erase->elsewhere = elsewhere_of(erase, request, false);
    if (!request->older && erasing_run(&erase->elsewhere, error) != 0)
        return command_fail("REDIS_URL", error);
    if (erase->elsewhere.outbox > 0) {
        printf("on attend %d secondes les enregistrements qu’un serveur est en train d’écrire\n"
               "waiting %d seconds for records that a server is writing just now\n",
               UNDER_WAY_SECONDS, UNDER_WAY_SECONDS);
        fflush(stdout);
        sleep(UNDER_WAY_SECONDS);
    }
    erase->records.elsewhere = erase->elsewhere.outbox;
    if (request->code != NULL && erase->elsewhere.has_answers)
        erase->records.answers = erase->elsewhere.answers;
    const int status =
        record_erase(erase->setup.config.database_url, &erase->records, records, error);
    if (status == RECORD_MEANWHILE)
        fprintf(stderr,
                "erase: ce qu’on sait de cette personne a changé entre-temps (un autre numéro ?) : "
                "rien n’a été effacé des fiches, recommencez dans une minute\n");
    return status == 0 ? 0
                       : command_fail(status == RECORD_MEANWHILE ? "erase" : "DATABASE_URL", error);
}

/* By what else the records know the person. Of a number with one user id, whoever is asked before
 * it goes knows what she answers. */
static int find_person(struct erase *erase, const struct request *request)
{
    const struct record_identifiers *person = &erase->person;
    const int status = person_find(&erase->setup, request->phone, &erase->person);

    if (status != 0 || request->all || !person_is_doubtful(person))
        return status;
    person_tell_user_ids("erase", person);
    return person->user_id_count > 1 || (request->yes && !request->dry_run) ? person_refuse("erase")
                                                                            : 0;
}

/* With another salt, sessions and outbox would keep what is to go. Returns 0 or the exit code,
 * told. */
static int salt_check(const struct erase *erase)
{
    char error[ERROR_MAX];
    const char *subject;
    const int salt = setup_check_salt(&erase->setup, false, &subject, error);

    if (salt == 0 || strcmp(subject, "FLOW_FILE") == 0)
        return 0;
    command_fail(subject, error);
    return salt == RECORD_DIFFERS ? COMMAND_OTHER_SALT : -1;
}

static int erase_run(struct erase *erase, const struct request *request)
{
    const struct config *config = &erase->setup.config;
    const char *phone = request->phone[0] ? request->phone : NULL;
    char error[ERROR_MAX];
    int64_t earlier_us = clock_wall_us(), clock_us;
    struct record_erased erased;

    if (record_clock(config->database_url, &clock_us, error) > 0 && clock_us < earlier_us)
        earlier_us = clock_us;
    author_find(erase->author);
    erase->records = (struct record_erasure){
        .person = phone != NULL ? &erase->person : NULL,
        .code = request->code,
        .erased_key = erase->setup.keys.record_erased,
        .erased_us = earlier_us,
        .before_us = earlier_us - (int64_t)request->days * 24 * 3600 * INT64_C(1000000),
        .delete = request->delete,
        .author = erase->author,
        .now_us = clock_wall_us(),
    };
    erase->elsewhere = elsewhere_of(erase, request, true);
    const int salt = salt_check(erase);
    if (salt != 0)
        return salt;
    if (phone != NULL && find_person(erase, request) != 0)
        return -1;
    if (record_erase_count(config->database_url, &erase->records, &erased, error) != 0)
        return command_fail("DATABASE_URL", error);
    erase->records.counted = erased;
    if (!request->older && erasing_run(&erase->elsewhere, error) != 0)
        return command_fail("REDIS_URL", error);
    const bool nobody = is_nobody(erase, &erased);
    if (!nobody && !request->dry_run &&
        (ask(request, erased.records) != 0 ||
         erase_all(erase, request, &erased.records, error) != 0))
        return -1;
    tell(erase, request, &erased, nobody);
    return 0;
}

static int number_open(void *arg, const char *kept, char clear[RECORD_PHONE_MAX])
{
    return phone_number_open(arg, kept, clear);
}

/* Nothing is asked: it was decided then. */
static int again_run(struct erase *erase, bool dry_run)
{
    const struct setup *setup = &erase->setup;
    struct phone_numbers *numbers = phone_numbers_create(&setup->keys, true);
    const struct record_again again = {
        .phone_open = number_open,
        .arg = numbers,
        .asker_key = setup->keys.record_asker,
        .erased_key = setup->keys.record_erased,
        .author = erase->author,
        .now_us = clock_wall_us(),
        .dry_run = dry_run,
    };
    char error[ERROR_MAX];
    int64_t records;

    if (numbers == NULL)
        return command_fail("erase", "the cryptographic library fails");
    author_find(erase->author);
    int status = salt_check(erase);
    if (status == 0) {
        status = record_erase_again(setup->config.database_url, &again, &records, error);
        if (dry_run)
            printf("serait fait / would be done:\n");
        printf("fiches effacées de nouveau / records erased again: %" PRId64 "\n", records);
        if (status != 0)
            command_fail("DATABASE_URL", error);
    }
    phone_numbers_free(numbers);
    return status;
}

static int read_options(struct request *request, struct options *options, int argc, char *argv[])
{
    const char *phone = NULL, *days = NULL;
    const struct command_option known[] = {{"phone", .text = &phone},
                                           {"code", .text = &request->code},
                                           {"older-than", .text = &days},
                                           {"again", .flag = &request->again},
                                           {"all", .flag = &request->all},
                                           {"keep-code", .flag = &request->keep},
                                           {"delete", .flag = &request->delete},
                                           {"dry-run", .flag = &request->dry_run},
                                           {"yes", .flag = &request->yes},
                                           {"flow", .text = &options->flow_file},
                                           {0}};
    if (command_only_options(known, argc, argv) != 0)
        return -1;
    if (phone != NULL && phone_number_read(phone, request->phone) != 0)
        return command_expected(argv[0],
                                "--phone with + and the country's number, +243999999999 (avec + et "
                                "l’indicatif du pays, sans le 0 qui suit)");
    request->older = days != NULL;
    if (days != NULL && command_number(&request->days, days, 36500) != 0)
        return command_expected(argv[0], "--older-than with a number of days from 1 to 36500");
    if ((phone != NULL) + (request->code != NULL) + request->older + request->again != 1)
        return command_expected(argv[0], "one of --phone, --code, --older-than and --again");
    if (request->again && (request->keep || request->delete))
        return command_expected(argv[0], "--again alone: each goes as it went then");
    if (request->all && phone == NULL)
        return command_expected(argv[0], "--all with --phone only");
    if (request->keep && (request->delete || request->older))
        return command_expected(argv[0], "--keep-code or --delete, not both");
    return 0;
}

static int run(struct options *options, int argc, char *argv[])
{
    struct request request = {0};
    struct erase erase = {0};
    int status = -1;

    if (read_options(&request, options, argc, argv) != 0)
        return COMMAND_USAGE;
    if (setup_open(&erase.setup, options->env_file, options->flow_file, stderr) == 0)
        status = request.again ? again_run(&erase, request.dry_run) : erase_run(&erase, &request);
    setup_close(&erase.setup);
    return status < 0 ? COMMAND_FAILED : status;
}
