/* whatsapp-uic import: the Python version's records into our database. */
#include "server/commands/command.h"
#include "server/commands/progress.h"
#include "server/commands/python_record.h"
#include "server/security/phone_numbers.h"
#include "server/serving/setup.h"
#include "store/record_tools.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static int run(struct options *options, int argc, char *argv[]);

const struct command cmd_import = {
    .name = "import",
    .arguments = "--from URL [--dry-run] [--flow FILE]",
    .summary = "take over the records of the Python version; can be repeated",
    .details =
        "  whatsapp-uic import --from sqlite:////opt/old/uic_database.db --dry-run\n"
        "  whatsapp-uic import --from postgresql://reader@localhost/whatsapp_uic_db\n\n"
        "Reads the table uic_records, in the form of the first release (normalized_first_name ...)\n"
        "or of the ten-character codes (normalized_last_name_code ...), and writes it to\n"
        "DATABASE_URL, which must be another database. The old one is only read. Codes, numbers,\n"
        "dates, counts, notes and inactive records stay as they are; PHONE_NUMBERS=sealed seals\n"
        "the numbers on their way. With the old UIC_SALT, and FLOW_FILE set to\n"
        "reference-initial.json or lllfffycg.json, everybody who comes back gets the old code.\n\n"
        "A record that is there already is left alone, so a second run takes only what is new. One\n"
        "that cannot be taken is named by its id with the reason, and the exit code is then 1.\n"
        "The server may run meanwhile. A password is better kept in ~/.pgpass than written into the\n"
        "URL or the command, where other users of the machine and the journal of sudo see it.\n\n"
        "  --from URL   the old database: sqlite:///... or postgresql://...\n"
        "  --dry-run    write nothing, and say what would be done\n"
        "  --flow FILE  questions from FILE instead of FLOW_FILE\n",
    .run = run,
};

struct request {
    const char *from;
    bool dry_run;
};

struct import {
    struct setup setup;
    struct python_record_rules rules;
    struct phone_numbers *numbers;
    struct record_reader *reader;
    struct record_importer *importer;
    struct progress progress;
    /* Rows to be written, and room for their notes, which else live but until the next row: */
    struct record_row rows[RECORD_IMPORT_MAX];
    char *notes[RECORD_IMPORT_MAX];
    struct python_record_caveat caveats[RECORD_IMPORT_MAX];
    enum record_import results[RECORD_IMPORT_MAX];
    size_t waiting;
    /* The report: */
    int64_t read, taken, there, refused, other_codes, unsayable;
};

static void refuse(struct import *import, int64_t id, const char *why)
{
    progress_end(&import->progress);
    fprintf(stderr, "id %" PRId64 ": refused: %s\n", id, why);
    import->refused++;
}

/* Writes the rows that wait. */
static int rows_flush(struct import *import)
{
    static const char *const reasons[] = {
        [RECORD_ANSWERS_HELD] = "these answers have another code already",
        [RECORD_CODE_HELD] = "the code belongs to other answers already",
    };
    char error[ERROR_MAX];
    size_t taken, refused = 0;
    int status = record_importer_put(import->importer, import->rows, import->waiting,
                                     import->results, &taken, error);

    for (size_t i = 0; i < import->waiting; i++) {
        if (status == 0 && import->results[i] != RECORD_IMPORTED) {
            refuse(import, import->rows[i].id, reasons[import->results[i]]);
            refused++;
        } else if (status == 0) {
            import->other_codes += import->caveats[i].other_code;
            import->unsayable += import->caveats[i].unsayable;
        }
        free(import->notes[i]);
    }
    if (status == 0) {
        import->taken += (int64_t)taken;
        import->there += (int64_t)(import->waiting - taken - refused);
    } else {
        progress_end(&import->progress);
        command_fail("DATABASE_URL", error);
    }
    import->waiting = 0;
    return status;
}

/* As PHONE_NUMBERS says. */
static const char *number_keep(struct import *import, struct record_row *row)
{
    char kept[RECORD_PHONE_MAX];

    if (phone_number_keep(import->numbers, row->phone_number, kept) != 0)
        return "the phone number cannot be sealed";
    strcpy(row->phone_number, kept);
    return NULL;
}

/* Makes a record of the row at the end of those that wait, and keeps it there if it is one. */
static int row_take(struct import *import)
{
    struct record_row *row = &import->rows[import->waiting];
    char error[ERROR_MAX];
    const bool ours =
        python_record_convert(&import->rules, row, &import->caveats[import->waiting], error) == 0;
    const char *why = ours ? NULL : error;

    import->read++;
    if (why == NULL)
        why = number_keep(import, row);
    if (why != NULL) {
        refuse(import, row->id, why);
        return 0;
    }
    import->notes[import->waiting] = NULL;
    if (row->notes) {
        row->notes = import->notes[import->waiting] = strdup(row->notes);
        if (!row->notes)
            return command_fail("import", "out of memory");
    }
    import->waiting++;
    return import->waiting == RECORD_IMPORT_MAX ? rows_flush(import) : 0;
}

static int rows_import(struct import *import)
{
    char error[ERROR_MAX];
    int64_t total;
    int found = -1, status = 0;

    if (record_reader_count(import->reader, &total, error) != 0 ||
        record_reader_begin(import->reader, INT64_MIN, error) != 0)
        return command_fail("--from", error);
    progress_begin(&import->progress, "import", total);
    while (status == 0 && (found = record_reader_next(import->reader,
                                                      &import->rows[import->waiting], error)) > 0) {
        status = row_take(import);
        progress_show(&import->progress, import->read);
    }
    if (status == 0 && found == 0)
        status = rows_flush(import);
    progress_end(&import->progress);
    for (size_t i = 0; i < import->waiting; i++)
        free(import->notes[i]);
    return found < 0 && status == 0 ? command_fail("--from", error) : status;
}

static void report(const struct import *import, bool dry_run)
{
    printf("%" PRId64 " rows read, %" PRId64 " %s, %" PRId64 " already there, %" PRId64
           " refused\n",
           import->read, import->taken, dry_run ? "would be taken" : "taken", import->there,
           import->refused);
    if (import->other_codes > 0)
        printf("hint: %" PRId64 " of these codes are not those that UIC_SALT and the flow make of "
               "these answers today; they stay as they are\n",
               import->other_codes);
    if (import->unsayable > 0)
        printf("hint: %" PRId64 " people gave an answer that the flow does not take today: nobody "
               "can ask for their codes by conversation\n",
               import->unsayable);
}

/* A database of another salt or flow would give nobody the old code. */
static int target_prepare(const struct import *import, bool dry_run)
{
    const char *url = import->setup.config.database_url, *subject;
    char text[ERROR_MAX], error[ERROR_MAX];

    if (!dry_run && record_store_prepare(url, text, error) != 0)
        return command_fail("DATABASE_URL", error);
    if (dry_run && record_store_probe(url, error) != 0)
        return command_fail("DATABASE_URL", error);
    int status = setup_check_salt(&import->setup, !dry_run, &subject, error);
    if (status == 0)
        return 0;
    command_fail(status == RECORD_AWAY ? "DATABASE_URL" : subject, error);
    return status == RECORD_DIFFERS ? COMMAND_OTHER_SALT : -1;
}

static int import_run(struct import *import, const struct request *request)
{
    char error[ERROR_MAX];

    import->rules = (struct python_record_rules){import->setup.flow, &import->setup.keys,
                                                 import->setup.config.uic_salt, time(NULL)};
    import->numbers =
        phone_numbers_create(&import->setup.keys, import->setup.config.phone_numbers_sealed);
    if (import->numbers == NULL)
        return command_fail("import", "the cryptographic library failed");
    import->reader = record_reader_open(request->from, RECORD_READ_OLD, error);
    if (import->reader == NULL)
        return command_fail("--from", error);
    if (python_record_check_flow(record_reader_form(import->reader), import->setup.flow, error) !=
        0)
        return command_fail("FLOW_FILE", error);
    const int prepared = target_prepare(import, request->dry_run);
    if (prepared != 0)
        return prepared;
    import->importer =
        record_importer_open(import->setup.config.database_url, request->dry_run, error);
    if (import->importer == NULL)
        return command_fail("DATABASE_URL", error);
    int status = rows_import(import);
    report(import, request->dry_run);
    return status == 0 && import->refused == 0 ? 0 : -1;
}

static int read_options(struct request *request, struct options *options, int argc, char *argv[])
{
    const struct command_option known[] = {{"from", .text = &request->from},
                                           {"dry-run", .flag = &request->dry_run},
                                           {"flow", .text = &options->flow_file},
                                           {0}};
    if (command_only_options(known, argc, argv) != 0)
        return -1;
    return request->from != NULL ? 0 : command_expected(argv[0], "--from URL");
}

static int run(struct options *options, int argc, char *argv[])
{
    struct request request = {0};
    struct import *import;
    int status = -1;

    if (read_options(&request, options, argc, argv) != 0)
        return COMMAND_USAGE;
    import = calloc(1, sizeof *import);
    if (import == NULL) {
        command_fail("import", "out of memory");
        return COMMAND_FAILED;
    }
    if (setup_open(&import->setup, options->env_file, options->flow_file, stderr) == 0)
        status = import_run(import, &request);
    record_importer_close(import->importer);
    record_reader_close(import->reader);
    phone_numbers_free(import->numbers);
    setup_close(&import->setup);
    free(import);
    return status < 0 ? COMMAND_FAILED : status;
}
