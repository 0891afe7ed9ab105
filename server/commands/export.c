/* whatsapp-uic export: all records as CSV or JSON lines, row by row. */
#include "server/commands/atomic_file.h"
#include "server/commands/command.h"
#include "server/commands/progress.h"
#include "server/config/config.h"
#include "server/security/keys.h"
#include "server/security/phone_numbers.h"
#include "store/record_tools.h"
#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

static int run(struct options *options, int argc, char *argv[]);

const struct command cmd_export = {
    .name = "export",
    .arguments =
        "--format csv|jsonl [--since DATE] [--no-phone] [--bom] [--separator ;] [--output FILE]",
    .summary = "write all records as CSV or JSON lines",
    .details =
        "  whatsapp-uic export --format csv --bom --output codes.csv\n"
        "  whatsapp-uic export --format jsonl --since 2026-01-01 --no-phone\n\n"
        "The columns are uic_code, phone_number, created_at, last_requested_at, is_active,\n"
        "request_count, notes, user_id (a keyed hash of WhatsApp's user id, where one came) and\n"
        "counted_as: the code that counts, the record's own but for what duplicates found to be\n"
        "the same person. The oldest record comes first, in UTF-8, with times in UTC\n"
        "(2026-01-31T23:59:59.000001Z). The file is only for its owner to read, and is there when\n"
        "it is complete. A server may run meanwhile. Numbers that PHONE_NUMBERS has sealed are\n"
        "opened: whoever reads the file reads them.\n\n"
        "In CSV (RFC 4180) a text that a spreadsheet would take for a formula, because it begins\n"
        "with = + - @ or a tab, gets a ' in front; phone numbers (+ and digits) are left alone.\n"
        "JSON lines hold every text as it is.\n\n"
        "  --format FORMAT  csv or jsonl\n"
        "  --since DATE     only codes made since then: 2026-01-31 or 2026-01-31T08:00:00, in UTC\n"
        "  --no-phone       without the phone numbers, and without user_id\n"
        "  --bom            begin the CSV with a byte order mark, by which Excel knows UTF-8\n"
        "  --separator ';'  between cells, for a French Excel; or ','\n"
        "  --output FILE    into FILE instead of standard output; a device or a named pipe is written to,\n"
        "                   a link is refused\n",
    .run = run,
};

struct request;

typedef void row_write(FILE *out, const struct record_row *row, const struct request *request);

struct request {
    row_write *write;
    bool is_csv;
    bool with_phone;
    bool bom;
    char separator;
    int64_t since_us;
    const char *output;
    struct phone_numbers *numbers;
};

/* "2026-01-31T23:59:59.000001Z" */
static void time_text(int64_t unix_us, char text[RECORD_TIME_MAX])
{
    record_time_format(unix_us, text);
    *strchr(text, ' ') = 'T';
    strcat(text, "Z");
}

static bool is_formula(const char *text)
{
    return *text && strchr("=+-@\t\r", *text) &&
           !(*text == '+' && text[1 + strspn(text + 1, "0123456789")] == '\0');
}

/* A cell, quoted when it has to be. */
static void cell_write(FILE *out, const char *text, char separator)
{
    bool formula = is_formula(text);

    if (!strpbrk(text, "\"\r\n") && !strchr(text, separator) && !formula) {
        fputs(text, out);
        return;
    }
    fputs(formula ? "\"'" : "\"", out);
    for (; *text; text++) {
        if (*text == '"')
            putc_unlocked('"', out);
        putc_unlocked(*text, out);
    }
    putc_unlocked('"', out);
}

static void csv_head(FILE *out, const struct request *request)
{
    static const char *const columns[] = {
        "uic_code",      "phone_number", "created_at", "last_requested_at", "is_active",
        "request_count", "notes",        "user_id",    "counted_as"};

    fputs(request->bom ? "\xEF\xBB\xBF" : "", out);
    for (size_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        if ((i == 1 || i == 7) && !request->with_phone)
            continue;
        if (i > 0)
            putc_unlocked(request->separator, out);
        fputs(columns[i], out);
    }
    fputs("\r\n", out);
}

static const char *code_counted(const struct record_row *row)
{
    return row->counts != NULL ? row->counts : row->code;
}

static void csv_write(FILE *out, const struct record_row *row, const struct request *request)
{
    const char s = request->separator;
    char created[RECORD_TIME_MAX], last[RECORD_TIME_MAX];

    time_text(row->created_us, created);
    time_text(row->last_requested_us, last);
    cell_write(out, row->code, s);
    if (request->with_phone) {
        putc_unlocked(s, out);
        cell_write(out, row->phone_number, s);
    }
    fprintf(out, "%c%s%c%s%c%s%c%" PRId32 "%c", s, created, s, last, s,
            row->is_active ? "true" : "false", s, row->request_count, s);
    cell_write(out, row->notes ? row->notes : "", s);
    if (request->with_phone) {
        putc_unlocked(s, out);
        cell_write(out, row->user_id != NULL ? row->user_id : "", s);
    }
    putc_unlocked(s, out);
    cell_write(out, code_counted(row), s);
    fputs("\r\n", out);
}

static void json_write(FILE *out, const struct record_row *row, const struct request *request)
{
    char created[RECORD_TIME_MAX], last[RECORD_TIME_MAX];

    time_text(row->created_us, created);
    time_text(row->last_requested_us, last);
    json_t *json =
        json_pack("{s:s, s:s*, s:s, s:s, s:b, s:i, s:s?}", "uic_code", row->code, "phone_number",
                  request->with_phone ? row->phone_number : NULL, "created_at", created,
                  "last_requested_at", last, "is_active", row->is_active, "request_count",
                  (int)row->request_count, "notes", row->notes);
    if (request->with_phone)
        json_object_set_new(json, "user_id",
                            row->user_id != NULL ? json_string(row->user_id) : json_null());
    json_object_set_new(json, "counted_as", json_string(code_counted(row)));
    json_dumpf(json, out, JSON_COMPACT);
    json_decref(json);
    putc_unlocked('\n', out);
}

static const char *number_open(const struct request *request, struct record_row *row)
{
    char clear[RECORD_PHONE_MAX];

    if (!request->with_phone)
        return NULL;
    if (phone_number_open(request->numbers, row->phone_number, clear) != 0)
        return "its number was sealed under another UIC_SALT, or is damaged";
    memcpy(row->phone_number, clear, sizeof clear);
    return NULL;
}

/* What SQLite lets an operator write and no file of text may hold. */
static const char *row_check(const struct record_row *row)
{
    const char *texts[] = {row->code, row->phone_number, row->notes, row->user_id, row->counts};

    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i] != NULL && u8_check((const uint8_t *)texts[i], strlen(texts[i])))
            return "a text is not UTF-8";
    return NULL;
}

/* Returns 0; 1 when rows were left out; -1. */
static int rows_export(struct record_reader *reader, const struct request *request,
                       struct atomic_file *file)
{
    char error[ERROR_MAX];
    struct record_row row;
    struct progress progress;
    int64_t total, done = 0;
    int found = -1, status = 0;

    if (record_reader_count(reader, &total, error) != 0 ||
        record_reader_begin(reader, request->since_us, error) != 0)
        goto failed;
    progress_begin(&progress, "export", total);
    if (request->is_csv)
        csv_head(file->stream, request);
    while (atomic_file_good(file) && (found = record_reader_next(reader, &row, error)) > 0) {
        const char *why = row.why == NULL ? number_open(request, &row) : row.why;
        if (why == NULL)
            why = row_check(&row);
        if (why != NULL) {
            progress_end(&progress);
            fprintf(stderr, "id %" PRId64 ": left out: %s\n", row.id, why);
            status = 1;
        } else {
            request->write(file->stream, &row, request);
        }
        progress_show(&progress, ++done);
    }
    progress_end(&progress);
    if (found == 0 || !atomic_file_good(file))
        return status;
failed:
    fprintf(stderr, "DATABASE_URL: %s\n", error);
    return -1;
}

static int export_run(const struct config *config, const struct request *request)
{
    char error[ERROR_MAX];
    struct atomic_file file;
    struct record_reader *reader =
        record_reader_open(config->database_url, RECORD_READ_OURS, error);
    int status = -1;

    if (reader == NULL) {
        fprintf(stderr, "DATABASE_URL: %s\n", error);
        return -1;
    }
    if (atomic_file_open(&file, request->output) == 0) {
        status = rows_export(reader, request, &file);
        if (atomic_file_close(&file, status >= 0) != 0)
            status = -1;
    }
    record_reader_close(reader);
    return status;
}

/* Returns 0 or -1. */
static int numbers_prepare(const struct config *config, struct request *request)
{
    struct keys keys;

    if (keys_derive(&keys, config->uic_salt) == 0)
        request->numbers = phone_numbers_create(&keys, config->phone_numbers_sealed);
    keys_wipe(&keys);
    return request->numbers != NULL ? 0
                                    : command_fail("export", "the cryptographic library failed");
}

static int read_options(struct request *request, int argc, char *argv[])
{
    const char *format = "", *since = NULL, *separator = ",";
    bool no_phone = false;
    const struct command_option known[] = {{"format", .text = &format},
                                           {"since", .text = &since},
                                           {"no-phone", .flag = &no_phone},
                                           {"bom", .flag = &request->bom},
                                           {"output", .text = &request->output},
                                           {"separator", .text = &separator},
                                           {0}};
    if (command_only_options(known, argc, argv) != 0)
        return -1;
    request->with_phone = !no_phone;
    request->is_csv = strcmp(format, "csv") == 0;
    request->write = request->is_csv ? csv_write : json_write;
    request->separator = separator[0];
    if (!request->is_csv && strcmp(format, "jsonl") != 0)
        return command_expected(argv[0], "--format csv or --format jsonl");
    if (since != NULL && record_time_parse(since, &request->since_us) != 0)
        return command_expected(argv[0], "--since 2026-01-31 or 2026-01-31T08:00:00");
    if (strcmp(separator, ",") != 0 && strcmp(separator, ";") != 0)
        return command_expected(argv[0], "--separator ',' or ';'");
    return 0;
}

static int run(struct options *options, int argc, char *argv[])
{
    struct request request = {.since_us = INT64_MIN};
    struct config config;
    int status = -1;

    if (read_options(&request, argc, argv) != 0)
        return COMMAND_USAGE;
    const int loaded = request.with_phone
                           ? config_load(&config, options->env_file, stderr)
                           : config_load_unsalted(&config, options->env_file, stderr);
    if (loaded == 0 && (!request.with_phone || numbers_prepare(&config, &request) == 0))
        status = export_run(&config, &request);
    phone_numbers_free(request.numbers);
    config_free(&config);
    return status == 0 ? COMMAND_OK : COMMAND_FAILED;
}
