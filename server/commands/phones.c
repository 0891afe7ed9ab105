/* whatsapp-uic phones: the numbers in the database, from clear to sealed or back. */
#include "server/commands/command.h"
#include "server/commands/progress.h"
#include "server/commands/stats_view.h"
#include "server/security/phone_numbers.h"
#include "server/serving/setup.h"
#include "store/base/seal.h"
#include "store/outbox.h"
#include "store/record_tools.h"
#include "store/redis.h"
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static int run(struct options *options, int argc, char *argv[]);

const struct command cmd_phones = {
    .name = "phones",
    .arguments = "--seal | --open",
    .summary = "seal the numbers in the database, or open them again",
    .details =
        "  whatsapp-uic phones --seal\n\n"
        "With PHONE_NUMBERS=sealed the numbers of new records are sealed (AES-256-SIV, under a\n"
        "key made of UIC_SALT): who has the database without the salt reads none, and equal\n"
        "numbers are still equal, for who counts them. Those that were there before are sealed by\n"
        "--seal. First the setting, on every server; then restart them; then this. It goes in\n"
        "small steps while servers run, may be interrupted, and goes on when it is said again.\n"
        "Until it is done, an imported record may be told to its own number as a new one.\n"
        "Backups from before hold the numbers as they were.\n\n"
        "  --seal       those that stand in clear; PHONE_NUMBERS must be sealed\n"
        "  --open       those that are sealed; PHONE_NUMBERS must be clear\n"
        "  --flow FILE  as for serve\n",
    .run = run,
};

/* Numbers may come in the old form meanwhile, from a server with older settings: so often all are
 * looked at. */
#define ROUNDS 3
/* For one Redis command. */
#define REDIS_MS 3000

struct move {
    struct setup setup;
    bool seals;
    struct phone_numbers *numbers; /* in the mode that is wanted */
    struct progress progress;
    int64_t moved, left; /* numbers */
};

static int convert(void *arg, const char *kept, char wanted[RECORD_PHONE_MAX])
{
    struct move *move = arg;
    char clear[RECORD_PHONE_MAX];

    return phone_number_open(move->numbers, kept, clear) == 0 &&
                   phone_number_keep(move->numbers, clear, wanted) == 0 && strcmp(kept, wanted) != 0
               ? 0
               : -1;
}

/* All that stand in the form that is to go. */
static int numbers_move(struct move *move, char error[ERROR_MAX])
{
    struct record_phones *phones =
        record_phones_open(move->setup.config.database_url, !move->seals, error);
    struct record_phones_done done = {.more = true};
    int status = phones != NULL ? 0 : -1;

    move->left = 0;
    while (status == 0 && done.more) {
        status = record_phones_step(phones, convert, move, &done, error);
        if (status == 0) {
            move->moved += done.seen - done.left;
            move->left += done.left;
            progress_show(&move->progress, move->moved);
        }
    }
    record_phones_close(phones);
    return status;
}

static void on_entry(void *arg, const struct outbox_seen *seen)
{
    *(int64_t *)arg += seen->key == OUTBOX_OURS;
}

/* What waits in the outbox has its number in the form of when it was told. Where Redis is away or
 * not ours to read, the command has done all the same what it is for. */
static void outbox_tell(const struct move *move)
{
    const char *url = move->setup.config.redis_url;
    char error[ERROR_MAX];
    int64_t count = 0;
    struct redis_call *redis = url != NULL ? redis_call_open(url, REDIS_MS, error) : NULL;
    struct seal_keys *keys = redis != NULL ? seal_keys_create(move->setup.keys.outbox_seal) : NULL;

    if (url != NULL && (keys == NULL || outbox_list(redis, keys, on_entry, &count, error) != 0))
        puts(
            SAYS("note : la file d’attente n’a pas pu être lue ; ce qui y attend garde son numéro "
                 "sous l’ancienne forme",
                 "hint: the outbox could not be read; what waits there keeps its number in the old "
                 "form"));
    else if (count > 0)
        printf(SAYS("note : fiches qui attendent encore la base, avec leur numéro sous l’ancienne "
                    "forme : %" PRId64
                    " ; quand « whatsapp-uic outbox » n’en montre plus, relancez "
                    "cette commande\n",
                    "hint: records that still wait for the database, with their numbers in the old "
                    "form: %" PRId64 "; when “whatsapp-uic outbox” shows none, say this again\n"),
               count);
    seal_keys_free(keys);
    redis_call_close(redis);
}

/* What became of it. Returns 0, or -1 when some are left. */
static int tell(const struct move *move, int64_t others)
{
    printf(move->seals ? SAYS("numéros scellés : %" PRId64 "\n", "numbers sealed: %" PRId64 "\n")
                       : SAYS("numéros ouverts : %" PRId64 "\n", "numbers opened: %" PRId64 "\n"),
           move->moved);
    if (move->left > 0)
        printf(SAYS("laissés tels quels, illisibles (un autre sel, un texte abîmé) : %" PRId64 "\n",
                    "left as they are, unreadable (another salt, a damaged text): %" PRId64 "\n"),
               move->left);
    if (others > move->left)
        printf(SAYS("arrivés entre-temps sous l’ancienne forme : %" PRId64
                    " ; un serveur tourne encore avec l’ancien réglage : redémarrez-le, puis "
                    "relancez cette commande\n",
                    "came in the old form meanwhile: %" PRId64
                    "; a server still runs with the older setting: restart it, then say this "
                    "again\n"),
               others - move->left);
    else if (move->moved > 0 && move->seals)
        puts(SAYS("note : les sauvegardes d’avant contiennent encore les numéros en clair",
                  "hint: backups from before still hold the numbers in clear"));
    outbox_tell(move);
    return others == 0 ? 0 : -1;
}

static int move_run(struct move *move)
{
    const char *url = move->setup.config.database_url, *subject;
    char error[ERROR_MAX];
    int64_t others;

    /* Under another salt what is sealed would be lost. */
    if (setup_check_salt(&move->setup, false, &subject, error) != 0 &&
        strcmp(subject, "FLOW_FILE") != 0)
        return command_fail(subject, error);
    move->numbers = phone_numbers_create(&move->setup.keys, move->seals);
    if (move->numbers == NULL)
        return command_fail("phones", "the cryptographic library failed");
    int status = record_phones_count(url, !move->seals, &others, error);
    progress_begin(&move->progress, "phones", others);
    for (int round = 0; status == 0 && others > move->left && round < ROUNDS; round++) {
        status = numbers_move(move, error);
        if (status == 0)
            status = record_phones_count(url, !move->seals, &others, error);
    }
    progress_end(&move->progress);
    return status == 0 ? tell(move, others) : command_fail("DATABASE_URL", error);
}

/* The setting first: or what is written meanwhile stands in the form that is to go. */
static int setting_check(const struct move *move)
{
    if (move->setup.config.phone_numbers_sealed == move->seals)
        return 0;
    return command_fail(
        "PHONE_NUMBERS",
        move->seals
            ? SAYS("vaut « clear » : les nouveaux numéros resteraient en clair. Mettez d’abord "
                   "PHONE_NUMBERS=sealed dans les réglages de chaque serveur, redémarrez-les, puis "
                   "relancez « phones --seal »",
                   "is clear: new numbers would go on standing in clear. First set "
                   "PHONE_NUMBERS=sealed in the settings of every server, restart them, then say "
                   "phones --seal again")
            : SAYS("vaut « sealed » : les nouveaux numéros seraient encore scellés. Mettez d’abord "
                   "PHONE_NUMBERS=clear dans les réglages de chaque serveur, redémarrez-les, puis "
                   "relancez « phones --open »",
                   "is sealed: new numbers would go on being sealed. First set "
                   "PHONE_NUMBERS=clear in the settings of every server, restart them, then say "
                   "phones --open again"));
}

static int run(struct options *options, int argc, char *argv[])
{
    struct move move = {0};
    bool opens = false;
    int status = -1;
    const struct command_option known[] = {{"seal", .flag = &move.seals},
                                           {"open", .flag = &opens},
                                           {"flow", .text = &options->flow_file},
                                           {0}};

    if (command_only_options(known, argc, argv) != 0)
        return COMMAND_USAGE;
    if (move.seals == opens) {
        command_expected(argv[0], "--seal or --open");
        return COMMAND_USAGE;
    }
    if (setup_open(&move.setup, options->env_file, options->flow_file, stderr) == 0 &&
        setting_check(&move) == 0)
        status = move_run(&move);
    phone_numbers_free(move.numbers);
    setup_close(&move.setup);
    return status == 0 && fflush(stdout) == 0 ? COMMAND_OK : COMMAND_FAILED;
}
