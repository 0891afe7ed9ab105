/*
 * Flow file to struct flow: the top of the file, and what the rest of the program asks about a
 * flow.
 */
#include "flow/check.h"
#include "flow/reading/reading.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>

#define LOWER "abcdefghijklmnopqrstuvwxyz"

extern const char flow_ciu_rdc[];
extern const size_t flow_ciu_rdc_length;

const char *flow_default_json(size_t *length)
{
    *length = flow_ciu_rdc_length;
    return flow_ciu_rdc;
}

/* Writes out what may be left out of a step, and leaves out what says no more than the top of the
 * file. Returns 0, or -1 without memory. */
static int defaults_write(json_t *step, const struct question *question,
                          enum uic_normalization normalization)
{
    json_t *answer = json_object_get(step, "answer");

    if (question->normalization == normalization)
        json_object_del(step, "normalization");
    if (question->type == ANSWER_TEXT &&
        json_object_set_new(answer, "max", json_integer(question->max)) != 0)
        return -1;
    return json_object_set_new(step, "reading",
                               json_string(question->careful ? "careful" : "plain"));
}

/* A copy of the steps, with their defaults and without what is only said about them; NULL without
 * memory. */
static json_t *steps_without_words(const struct flow *flow)
{
    json_t *steps = json_deep_copy(json_object_get(flow->json, "steps")), *step, *choice;
    size_t i, j;

    json_array_foreach(steps, i, step)
    {
        json_object_del(step, "question");
        json_object_del(step, "invalid");
        json_object_del(step, "no_answer");
        json_object_del(step, "which");
        json_array_foreach(json_object_get(json_object_get(step, "answer"), "choices"), j, choice)
        {
            json_object_del(choice, "label");
        }
        if (defaults_write(step, &flow->questions[i], flow->normalization) != 0) {
            json_decref(steps);
            return NULL;
        }
    }
    return steps;
}

/* The same for the same content, whatever its spaces and the order of its keys. */
static int digest(const json_t *json, uint64_t *value)
{
    char *text = json != NULL ? json_dumps(json, JSON_COMPACT | JSON_SORT_KEYS) : NULL;
    unsigned char bytes[EVP_MAX_MD_SIZE];
    int result = -1;

    if (text == NULL)
        return -1;
    if (EVP_Digest(text, strlen(text), bytes, NULL, EVP_sha256(), NULL) == 1) {
        for (size_t i = 0; i < sizeof *value; i++)
            *value = *value << 8 | bytes[i];
        result = 0;
    }
    free(text);
    return result;
}

/* Of what answers mean, and of the whole file. */
static int fingerprints(struct flow *flow)
{
    const json_t *json = flow->json;
    json_t *meaning =
        json_pack("{s:o, s:O*, s:O*, s:I}", "steps", steps_without_words(flow), "code",
                  json_object_get(json, "code"), "normalization",
                  json_object_get(json, "normalization"), "words", (json_int_t)flow->words_version);
    int result = digest(meaning, &flow->fingerprint);

    json_decref(meaning);
    return result == 0 ? digest(json, &flow->file_fingerprint) : result;
}

static void load_stop_words(struct flow *flow, const struct node *file)
{
    const struct node node = node_member(file, "stop_words");
    size_t count = node.json == NULL ? 0 : check_array(&node, 0, FLOW_STOP_WORDS_MAX, "words");

    for (size_t i = 0; i < count; i++) {
        const struct node here = node_element(&node, i);
        const char *word = json_string_value(here.json);

        if (word == NULL || strlen(word) > COMMAND_BYTES_MAX / 2 || !command_may_be(word))
            report_found(&here, "expected one word, which is no other command");
        else
            flow->stop_words[flow->stop_word_count++] = word;
    }
}

static void load_head(struct flow *flow, const struct node *file)
{
    static const char *const keys[] = {
        "id",         "version", "languages",   "normalization", "steps", "code", "messages",
        "stop_words", "words",   "reviewed_by", "confirm",       "near",  NULL};
    static const char *const confirms[] = {"always", "doubt", "never", NULL};
    const struct node id = node_member(file, "id");
    const struct node version = node_member(file, "version");
    const struct node normalization = node_member(file, "normalization");
    const struct node confirm = node_member(file, "confirm");
    int64_t number = 0;

    check_object(file, keys);
    flow->id = check_word(&id, 64, LOWER "0123456789-", "lower-case letters, digits or -");
    check_integer(&version, 0, 1000000, &number);
    flow->version = (unsigned)number;
    flow->normalization = check_normalization(&normalization, UIC_EXTENDED);
    const int index = confirm.json == NULL ? -1 : check_one_of(&confirm, confirms);
    flow->confirm = index < 0 ? FLOW_CONFIRM_DOUBT : (enum flow_confirm)index;
}

static void load_parts(struct flow *flow, const struct node *file)
{
    load_head(flow, file);
    load_languages(flow, file);
    load_stop_words(flow, file);
    load_steps(flow, file);
    load_near(flow, file);
    load_words(flow, file);
    load_code(flow, file);
    load_messages(flow, file);
    check_reply_lengths(flow, file);
}

static void load(struct flow *flow, struct report *report, const char *json, size_t length)
{
    json_error_t error;

    if (length <= FLOW_FILE_MAX)
        flow->json = json_loadb(json, length, JSON_REJECT_DUPLICATES, &error);
    const struct node file = node_root(report, flow->json);
    if (length > FLOW_FILE_MAX)
        report_mistake(&file, "expected at most %zu bytes", FLOW_FILE_MAX);
    else if (flow->json == NULL) {
        text_clean(error.text);
        report_mistake(&file, "line %d, column %d: expected JSON; %s", error.line, error.column,
                       error.text);
    } else if (!json_is_object(flow->json))
        report_mistake(&file, "expected an object");
    else {
        load_parts(flow, &file);
        if (report->count == 0 && fingerprints(flow) != 0)
            report_mistake(&file, "expected more memory");
    }
}

struct flow *flow_load(const char *file_name, const char *json, size_t length, char **report)
{
    struct flow *flow = calloc(1, sizeof *flow);
    struct report mistakes = {.file_name = file_name};
    size_t report_length;

    *report = NULL;
    mistakes.lines = open_memstream(report, &report_length);
    if (flow == NULL || mistakes.lines == NULL) {
        if (mistakes.lines != NULL)
            fclose(mistakes.lines);
        free(flow);
        return NULL;
    }
    load(flow, &mistakes, json, length);
    report_end(&mistakes);
    bool good = fclose(mistakes.lines) == 0 && mistakes.count == 0;
    if (good) {
        free(*report);
        *report = NULL;
        return flow;
    }
    flow_free(flow);
    return NULL;
}

void flow_free(struct flow *flow)
{
    if (flow == NULL)
        return;
    json_decref(flow->json);
    words_free(flow->words);
    free(flow);
}

const char *flow_id(const struct flow *flow)
{
    return flow->id;
}

unsigned flow_version(const struct flow *flow)
{
    return flow->version;
}

bool flow_is_draft(const struct flow *flow)
{
    return flow->version == 0;
}

uint64_t flow_fingerprint(const struct flow *flow)
{
    return flow->fingerprint;
}

uint64_t flow_file_fingerprint(const struct flow *flow)
{
    return flow->file_fingerprint;
}

enum flow_confirm flow_confirm(const struct flow *flow)
{
    return flow->confirm;
}

size_t flow_step_count(const struct flow *flow)
{
    return flow->step_count;
}

const char *flow_step_key(const struct flow *flow, size_t step)
{
    return step < flow->step_count ? flow->questions[step].key : NULL;
}

const struct uic_format *flow_format(const struct flow *flow)
{
    return &flow->format;
}

int flow_code(const struct flow *flow, const struct uic_text *answers, const char *salt,
              size_t salt_length, unsigned longer, char code[UIC_CODE_MAX])
{
    return uic_code(&flow->format, answers, salt, salt_length, longer, code);
}
