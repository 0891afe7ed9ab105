/* whatsapp-uic outbox: what waits for the database and what was refused, to put the latter back,
 * and to take away what another salt left. Never whose it is, nor which code. */
#include "store/outbox.h"
#include "server/commands/command.h"
#include "server/commands/stats_view.h"
#include "server/serving/setup.h"
#include "store/base/seal.h"
#include "store/marks.h"
#include "store/records.h"
#include "store/redis.h"
#include <inttypes.h>
#include <stdio.h>

static int run(struct options *options, int argc, char *argv[]);

const struct command cmd_outbox = {
    .name = "outbox",
    .arguments = "[--show] [--retry | --delete-foreign [--yes]]",
    .summary = "what waits for the database, and what was refused",
    .details =
        "While the database is away, the codes that were told wait in Redis. What can never be\n"
        "written is refused, and kept there. What another UIC_SALT has sealed is left alone.\n\n"
        "  --show       a line for each: id, age, \"waits\" or why it was refused, and whether\n"
        "               this salt opens it; nothing of what it holds\n"
        "  --retry      puts what was refused back; a running server tries it again\n"
        "  --delete-foreign\n"
        "               deletes what another salt, or a later version, has sealed, for good: the codes\n"
        "               in it were told, and will stand nowhere\n"
        "  --yes        do not ask before; needed where there is no terminal\n",
    .run = run,
};

/* For one Redis command. */
#define DEADLINE_MS 3000

struct request {
    bool shows, retries, deletes, yes;
};

struct count {
    bool shows;
    int64_t waiting, refused, foreign, oldest_s;
};

static void print_age(int64_t age_s)
{
    if (age_s < 120)
        printf("%4" PRId64 " s  ", age_s);
    else if (age_s < 2 * 3600)
        printf("%4" PRId64 " min", age_s / 60);
    else if (age_s < 2 * 86400)
        printf("%4" PRId64 " h  ", age_s / 3600);
    else
        printf(SAYS("%4" PRId64 " j  ", "%4" PRId64 " d  "), age_s / 86400);
}

static const char *key_name(enum outbox_key key)
{
    switch (key) {
    case OUTBOX_OURS:
        return SAYS("ce sel", "this salt");
    case OUTBOX_FOREIGN:
        return SAYS("un autre sel, ou une version plus récente",
                    "another salt, or a later version");
    default:
        return SAYS("abîmée", "damaged");
    }
}

static void on_seen(void *arg, const struct outbox_seen *seen)
{
    struct count *count = arg;

    if (seen->refused)
        count->refused++;
    else if (count->waiting++ == 0)
        count->oldest_s = seen->age_s;
    count->foreign += seen->key == OUTBOX_FOREIGN;
    if (!count->shows)
        return;
    printf("%-20s  ", seen->id);
    print_age(seen->age_s);
    printf("  %-10s  %s\n",
           !seen->refused      ? SAYS("attend", "waits")
           : seen->why != NULL ? seen->why
                               : SAYS("refusée", "refused"),
           key_name(seen->key));
}

static void print_count(const struct count *count)
{
    printf(SAYS("en attente : %" PRId64 "\n", "waiting: %" PRId64 "\n"), count->waiting);
    if (count->waiting > 0) {
        fputs(SAYS("la plus ancienne :", "the oldest:"), stdout);
        print_age(count->oldest_s);
        putchar('\n');
    }
    printf(SAYS("refusées : %" PRId64 "\n", "refused: %" PRId64 "\n"), count->refused);
    if (count->foreign > 0)
        printf(SAYS("d’un autre sel, ou d’une version plus récente, laissées : %" PRId64 "\n",
                    "of another salt, or a later version, left alone: %" PRId64 "\n"),
               count->foreign);
    if (count->refused > 0)
        puts(SAYS("à faire : la cause corrigée, « whatsapp-uic outbox --retry » les remet en "
                  "attente",
                  "to do: once the cause is mended, “whatsapp-uic outbox --retry” puts them back"));
}

/* By mistake it would be with a wrong salt, to which all is foreign: Redis has to know this one. */
static int check_salt(const struct setup *setup)
{
    char error[ERROR_MAX], mark[MARKS_TEXT_MAX];
    struct record_marks marks;

    if (setup_marks(setup, &marks, error) != 0)
        return command_fail("UIC_SALT", error);
    marks_write(mark, &marks);
    const int status = marks_check(setup->config.redis_url, DEADLINE_MS, mark, error);
    if (status == MARKS_ABSENT)
        snprintf(
            error, sizeof error, "%s",
            SAYS("uic:marks n’y est pas, donc rien ne dit de quel sel sont les codes : démarrez "
                 "le service avec la base de données, puis relancez la commande",
                 "uic:marks is not there, so nothing says of which salt the codes are: start the "
                 "server with its database, then say this again"));
    return status == 0 ? 0 : command_fail("REDIS_URL", error);
}

static int delete_foreign(const struct setup *setup, struct redis_call *redis,
                          const struct seal_keys *keys, const struct request *request,
                          const struct count *count)
{
    char error[ERROR_MAX], what[256];
    size_t deleted = 0;

    if (count->foreign == 0)
        return 0;
    snprintf(what, sizeof what,
             SAYS("%" PRId64
                  " entrées d’un autre sel ou d’une version plus récente, à effacer pour "
                  "de bon, avec les codes dits.\n",
                  "%" PRId64 " entries of another salt, or a later version, will be deleted for "
                  "good, with the codes that were told.\n"),
             count->foreign);
    if (check_salt(setup) != 0 || (!request->yes && command_confirm("outbox", what) != 0))
        return -1;
    const int status = outbox_delete_foreign(redis, keys, &deleted, error);
    if (status == 0 || deleted > 0)
        printf(SAYS("effacées : %zu\n", "deleted: %zu\n"), deleted);
    return status == 0 ? 0 : command_fail("REDIS_URL", error);
}

static int outbox(const struct setup *setup, struct redis_call *redis, const struct seal_keys *keys,
                  const struct request *request)
{
    struct count count = {.shows = request->shows};
    char error[ERROR_MAX];
    size_t put_back = 0;

    if (request->retries) {
        const int status = outbox_retry(redis, keys, setup->config.outbox_max, &put_back, error);
        if (status == 0 || put_back > 0)
            printf(SAYS("remises en attente : %zu\n", "put back: %zu\n"), put_back);
        if (status != 0)
            return command_fail("REDIS_URL", error);
    }
    if (outbox_list(redis, keys, on_seen, &count, error) != 0)
        return command_fail("REDIS_URL", error);
    print_count(&count);
    return request->deletes ? delete_foreign(setup, redis, keys, request, &count) : 0;
}

static int outbox_open(const struct setup *setup, const struct request *request)
{
    char error[ERROR_MAX];

    if (setup->config.redis_url == NULL)
        return command_fail("REDIS_URL", SAYS("n’est pas réglé : il n’y a pas de file d’attente",
                                              "is not set: there is no outbox"));
    struct redis_call *redis = redis_call_open(setup->config.redis_url, DEADLINE_MS, error);
    if (redis == NULL)
        return command_fail("REDIS_URL", error);
    struct seal_keys *keys = seal_keys_create(setup->keys.outbox_seal);
    const int status = keys != NULL ? outbox(setup, redis, keys, request)
                                    : command_fail("UIC_SALT", "the cryptographic library fails");
    seal_keys_free(keys);
    redis_call_close(redis);
    return status;
}

static int run(struct options *options, int argc, char *argv[])
{
    struct request request = {0};
    struct setup setup = {0};
    int status = -1;
    const struct command_option known[] = {{"show", .flag = &request.shows},
                                           {"retry", .flag = &request.retries},
                                           {"delete-foreign", .flag = &request.deletes},
                                           {"yes", .flag = &request.yes},
                                           {0}};

    if (command_only_options(known, argc, argv) != 0)
        return COMMAND_USAGE;
    if (request.retries && request.deletes) {
        command_expected(argv[0], "--retry or --delete-foreign, not both");
        return COMMAND_USAGE;
    }
    if (setup_open(&setup, options->env_file, options->flow_file, stderr) == 0)
        status = outbox_open(&setup, &request);
    setup_close(&setup);
    return status == 0 && fflush(stdout) == 0 ? COMMAND_OK : COMMAND_FAILED;
}
