/* whatsapp-uic code: answers to codes without a server, one person or a stream of JSON lines. What
 * an answer or a code is, flow/ and uic/ know. */
#include "server/commands/command.h"
#include "server/commands/lines.h"
#include "server/security/keys.h"
#include "server/serving/setup.h"
#include "store/base/hex.h"
#include "uic/keyed_number.h"
#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static int run(struct options *options, int argc, char *argv[]);

const struct command cmd_code = {
    .name = "code",
    .arguments = "[--no-check] [--flow FILE] (ANSWER... | --jsonl [--near])",
    .summary = "answers to codes, without a server",
    .details =
        "  whatsapp-uic code 1985 Kinshasa Jean 15 Kabila\n"
        "  whatsapp-uic code --jsonl <answers.jsonl >codes.jsonl\n\n"
        "With --jsonl each line of input, at most 1 MB, gives one line of output:\n"
        "  {\"answers\":[\"1985\",\"Kinshasa\",\"Jean\",\"15\",\"Kabila\"]}\n"
        "  {\"code\":\"...\",\"normalized\":[\"1985\",...]}  or  {\"error\":\"...\",\"field\":\"birth_day\"}\n"
        "Answers are read as in the conversation. \"doubt\":[...] names the answers that it would\n"
        "read back before it gives the code, \"choices\":[...] the names to choose from where it\n"
        "would ask which.\n"
        "field is null when the fault is not one answer's. A member \"salt\" in the line takes the\n"
        "place of UIC_SALT for it. Exit code 1 when a line gave no code.\n\n"
        "The salt is UIC_SALT, or in UIC_SALT_FILE, from the environment or .env. An answer that\n"
        "starts with - goes behind a -- of its own.\n\n"
        "  --jsonl      read JSON lines from standard input\n"
        "  --near       add \"near\":[5 keyed hashes]: equal ones but for the first name's are near answers\n"
        "  --no-check   take answers as they are: no reading, no checks, only normalise\n"
        "  --flow FILE  questions and form of the code from FILE instead of FLOW_FILE\n",
    .run = run,
};

#define LINE_MAX_BYTES (1u << 20)

/* What is the same for every person. */
struct coder {
    const struct flow *flow;
    const char *salt; /* NULL: each line brings its own */
    bool check;
    bool near;
    int64_t now_s;
};

/* One person: the answers, and what came of them. */
struct coding {
    struct uic_text answers[FLOW_STEPS_MAX]; /* as they were said; then as they were read */
    char read[FLOW_STEPS_MAX][FLOW_READING_MAX];
    const char *salt;
    size_t salt_length;
    char bytes[FLOW_ANSWERS_MAX];
    struct uic_text normalized[FLOW_STEPS_MAX];
    char code[UIC_CODE_MAX];
    unsigned char near[FLOW_NEAR_SIZE];
    const char *field;           /* of the wrong answer, or NULL */
    bool doubt[FLOW_STEPS_MAX];  /* these would be read back before the code */
    struct flow_reading reading; /* of the last answer that was read */
    char error[160];
};

static int fail(struct coding *coding, const char *why)
{
    snprintf(coding->error, sizeof coding->error, "%s", why);
    return -1;
}

/* One answer as the conversation takes it, or as it stands. */
static int take_answer(const struct coder *coder, struct coding *coding, size_t step, char *out,
                       size_t capacity, size_t *length)
{
    const struct uic_text *said = &coding->answers[step];
    if (!coder->check)
        return flow_answer(coder->flow, step, said->bytes, said->length, false, coder->now_s, out,
                           capacity, length, coding->error);
    if (flow_read(coder->flow, step, said->bytes, said->length, coder->now_s, &coding->reading, out,
                  capacity, length, coding->error) != 0)
        return -1;
    if (coding->reading.kind == FLOW_READ_WHICH)
        return fail(coding, "expected one answer; which of these?");
    coding->doubt[step] = coding->reading.kind == FLOW_READ_DOUBTFUL &&
                          flow_confirm(coder->flow) != FLOW_CONFIRM_NEVER;
    memcpy(coding->read[step], coding->reading.text, coding->reading.length);
    coding->answers[step] = (struct uic_text){coding->read[step], coding->reading.length};
    return 0;
}

/* With the key that a server with this salt has. */
static int make_near(const struct coder *coder, struct coding *coding)
{
    unsigned char key[KEY_SIZE];
    struct keyed_number *keyed = NULL;
    int status = -1;

    if (key_derive(key, coding->salt, KEY_LABEL_NEAR) == 0)
        keyed = keyed_number_create(key);
    if (keyed != NULL)
        status = flow_near(coder->flow, coding->normalized, coding->answers, keyed, coding->near);
    keyed_number_free(keyed);
    OPENSSL_cleanse(key, sizeof key);
    return status == 0 ? 0 : fail(coding, "near: cannot be computed");
}

static int make_code(const struct coder *coder, struct coding *coding)
{
    size_t used = 0;
    for (size_t i = 0; i < flow_step_count(coder->flow); i++) {
        struct uic_text *text = &coding->normalized[i];
        text->bytes = coding->bytes + used;
        if (take_answer(coder, coding, i, coding->bytes + used, sizeof coding->bytes - used,
                        &text->length) != 0) {
            coding->field = flow_step_key(coder->flow, i);
            return -1;
        }
        used += text->length;
    }
    int status = flow_code(coder->flow, coding->normalized, coding->salt, coding->salt_length, 0,
                           coding->code);
    if (status != UIC_OK)
        return fail(coding, uic_strerror(status));
    return coder->near ? make_near(coder, coding) : 0;
}

/* ANSWER... */
static int code_arguments(const struct coder *coder, size_t count, char *answers[])
{
    size_t wanted = flow_step_count(coder->flow);
    if (count != wanted) {
        fprintf(stderr, "whatsapp-uic code: expected %zu answers:", wanted);
        for (size_t i = 0; i < wanted; i++)
            fprintf(stderr, " %s", flow_step_key(coder->flow, i));
        fputc('\n', stderr);
        return COMMAND_USAGE;
    }
    if (coder->salt == NULL) {
        fputs("UIC_SALT: is not set (see: whatsapp-uic salt)\n", stderr);
        return COMMAND_FAILED;
    }
    struct coding coding = {.salt = coder->salt, .salt_length = strlen(coder->salt)};
    for (size_t i = 0; i < count; i++)
        coding.answers[i] = (struct uic_text){answers[i], strlen(answers[i])};
    if (make_code(coder, &coding) != 0) {
        fprintf(stderr, "%s%s%s", coding.field != NULL ? coding.field : "",
                coding.field != NULL ? ": " : "", coding.error);
        for (size_t i = 0; i < coding.reading.candidate_count; i++)
            fprintf(stderr, "%s%s", i == 0 ? " " : ", ", coding.reading.candidates[i]);
        fputc('\n', stderr);
        return COMMAND_FAILED;
    }
    printf("%s\n", coding.code);
    return COMMAND_OK;
}

/* The members of one line; the texts stay json's. */
static int take_answers(const struct coder *coder, struct coding *coding, json_t *json)
{
    json_t *salt = json_object_get(json, "salt"), *answers = json_object_get(json, "answers");
    size_t wanted = flow_step_count(coder->flow);
    if (salt != NULL && json_string_length(salt) == 0)
        return fail(coding, "salt: expected a text");
    if (salt != NULL) {
        coding->salt = json_string_value(salt);
        coding->salt_length = json_string_length(salt);
    }
    if (coding->salt == NULL)
        return fail(coding, "UIC_SALT is not set, and the line has no salt");
    if (!json_is_array(answers))
        return fail(coding, "expected {\"answers\":[...]}");
    if (json_array_size(answers) != wanted) {
        snprintf(coding->error, sizeof coding->error, "expected %zu answers, there are %zu", wanted,
                 json_array_size(answers));
        return -1;
    }
    for (size_t i = 0; i < wanted; i++) {
        json_t *answer = json_array_get(answers, i);
        if (!json_is_string(answer)) {
            coding->field = flow_step_key(coder->flow, i);
            return fail(coding, "expected a text");
        }
        coding->answers[i] =
            (struct uic_text){json_string_value(answer), json_string_length(answer)};
    }
    return 0;
}

static json_t *near_as_json(const unsigned char near[FLOW_NEAR_SIZE])
{
    json_t *hashes = json_array();
    char hex[2 * FLOW_NEAR_HASH_SIZE + 1];

    for (size_t at = 0; at < FLOW_NEAR_SIZE; at += FLOW_NEAR_HASH_SIZE) {
        hex_write(near + at, FLOW_NEAR_HASH_SIZE, hex);
        json_array_append_new(hashes, json_string(hex));
    }
    return hashes;
}

/* Takes json. */
static void write_line(json_t *json)
{
    json_dumpf(json, stdout, JSON_COMPACT);
    putc_unlocked('\n', stdout);
    json_decref(json);
}

static void write_code(const struct coder *coder, const struct coding *coding)
{
    json_t *normalized = json_array(), *doubt = json_array();
    for (size_t i = 0; i < flow_step_count(coder->flow); i++) {
        const struct uic_text *text = &coding->normalized[i];
        json_array_append_new(normalized, json_stringn(text->bytes, text->length));
        if (coding->doubt[i])
            json_array_append_new(doubt, json_string(flow_step_key(coder->flow, i)));
    }
    json_t *json = json_pack("{s:s, s:o}", "code", coding->code, "normalized", normalized);
    if (json_array_size(doubt) > 0)
        json_object_set(json, "doubt", doubt);
    json_decref(doubt);
    if (coder->near)
        json_object_set_new(json, "near", near_as_json(coding->near));
    write_line(json);
}

static void write_error(const struct coding *coding)
{
    json_t *json = json_pack("{s:s, s:s?}", "error", coding->error, "field", coding->field);
    json_t *choices = json_array();
    for (size_t i = 0; i < coding->reading.candidate_count; i++)
        json_array_append_new(choices, json_string(coding->reading.candidates[i]));
    if (json_array_size(choices) > 0)
        json_object_set(json, "choices", choices);
    json_decref(choices);
    write_line(json);
}

static int code_line(const struct coder *coder, const char *line, size_t length)
{
    struct coding coding = {.salt = coder->salt,
                            .salt_length = coder->salt != NULL ? strlen(coder->salt) : 0};
    json_error_t error;
    json_t *json = json_loadb(line, length, JSON_ALLOW_NUL | JSON_REJECT_DUPLICATES, &error);
    int status = -1;
    if (json == NULL)
        snprintf(coding.error, sizeof coding.error, "not JSON, at byte %d", error.position);
    else if (take_answers(coder, &coding, json) == 0)
        status = make_code(coder, &coding);
    if (status == 0)
        write_code(coder, &coding);
    else
        write_error(&coding);
    json_decref(json);
    return status;
}

static int code_lines(const struct coder *coder)
{
    static char buffer[65536];
    struct lines lines;
    const char *line;
    size_t length;
    int status = COMMAND_OK, found;
    setvbuf(stdout, buffer, _IOFBF, sizeof buffer);
    if (lines_open(&lines, STDIN_FILENO, LINE_MAX_BYTES) != 0)
        return COMMAND_FAILED;
    while ((found = lines_next(&lines, &line, &length)) > 0) {
        if (found == LINES_TOO_LONG)
            write_error(&(struct coding){.error = "the line is longer than 1 MB"});
        if (found == LINES_TOO_LONG || code_line(coder, line, length) != 0)
            status = COMMAND_FAILED;
    }
    if (found < 0) {
        perror("whatsapp-uic code: standard input");
        status = COMMAND_FAILED;
    }
    lines_close(&lines);
    return status;
}

struct request {
    bool jsonl;
    bool no_check;
    bool near;
};

static int read_options(struct request *request, struct options *options, int argc, char *argv[])
{
    const struct command_option known[] = {{"jsonl", .flag = &request->jsonl},
                                           {"no-check", .flag = &request->no_check},
                                           {"near", .flag = &request->near},
                                           {"flow", .text = &options->flow_file},
                                           {0}};
    if (command_options(known, argc, argv) != 0)
        return -1;
    if (request->jsonl && optind < argc) {
        fprintf(stderr, "%s: --jsonl takes no answers\n", argv[0]);
        return -1;
    }
    if (request->near && !request->jsonl) {
        fprintf(stderr, "%s: --near goes with --jsonl\n", argv[0]);
        return -1;
    }
    return 0;
}

static int run(struct options *options, int argc, char *argv[])
{
    struct request request = {0};
    if (read_options(&request, options, argc, argv) != 0)
        return COMMAND_USAGE;
    struct config config;
    struct flow *flow = NULL;
    int status = COMMAND_FAILED;
    if (config_load_code(&config, options->env_file, stderr) != 0)
        goto out;
    flow = setup_flow(options->flow_file ? options->flow_file : config.flow_file, stderr);
    if (flow == NULL)
        goto out;
    if (request.near && !flow_has_near(flow)) {
        fprintf(stderr, "%s: --near: the flow has not %d questions\n", argv[0], FLOW_NEAR_STEPS);
        goto out;
    }
    struct coder coder = {flow, config.uic_salt, !request.no_check, request.near, time(NULL)};
    if (request.jsonl)
        status = code_lines(&coder);
    else
        status = code_arguments(&coder, (size_t)(argc - optind), argv + optind);
    if (fflush(stdout) != 0 || ferror(stdout)) {
        perror("whatsapp-uic code: standard output");
        status = COMMAND_FAILED;
    }
out:
    flow_free(flow);
    config_free(&config);
    return status;
}
