/*
 * What the tests of flow share: reading files, and making flows. A case's flow is a file of its
 * own, or a few changes to a definition:
 *     {"base": "ciu-rdc", "set": {"steps[0].answer.min": 5}, "remove": ["messages.fr.help"]}
 */
#ifndef TESTS_FLOW_BENCH_H
#define TESTS_FLOW_BENCH_H

#include "flow/conversation.h"

#include <jansson.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define DEFINITIONS SOURCE_DIR "/flow/definitions"
#define CASES SOURCE_DIR "/tests/cases"
/* 23 November 2026, noon, UTC. */
#define NOW INT64_C(1795435200)

/* The bytes of a file, NUL-terminated, to be freed; NULL when there is none. */
static inline char *read_file(const char *path, size_t *length)
{
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    size_t capacity = 0;
    ssize_t got;

    if (file == NULL)
        return NULL;
    got = getdelim(&text, &capacity, -1, file);
    fclose(file);
    if (got < 0) {
        free(text);
        return NULL;
    }
    *length = (size_t)got;
    return text;
}

static inline char *read_definition(const char *name, size_t *length)
{
    char path[512];

    snprintf(path, sizeof path, DEFINITIONS "/%s.json", name);
    return read_file(path, length);
}

/* Walks "steps[2].question.fr" but for its last part, which is left in last. */
static inline json_t *walk(json_t *json, char *path, char **last)
{
    char *rest = NULL;
    char *part = strtok_r(path, ".[]", &rest);

    for (char *next; (next = strtok_r(NULL, ".[]", &rest)) != NULL; part = next)
        json = json_is_array(json) ? json_array_get(json, (size_t)atoi(part))
                                   : json_object_get(json, part);
    *last = part;
    return json;
}

static inline void change(json_t *json, const char *path, json_t *value)
{
    char copy[256], *last;

    snprintf(copy, sizeof copy, "%s", path);
    json = walk(json, copy, &last);
    if (json == NULL)
        fail_msg("the case names %s, which is not there", path);
    if (json_is_array(json) && value == NULL)
        json_array_remove(json, (size_t)atoi(last));
    else if (json_is_array(json) && (size_t)atoi(last) == json_array_size(json))
        json_array_append(json, value);
    else if (json_is_array(json))
        json_array_set(json, (size_t)atoi(last), value);
    else if (value == NULL)
        json_object_del(json, last);
    else
        json_object_set(json, last, value);
}

/* The flow file that a case means: as it is, or a definition with its changes. To be freed. */
static inline char *apply_case(char *text, size_t *length)
{
    json_t *changes = json_loadb(text, *length, 0, NULL);
    const char *base = json_string_value(json_object_get(changes, "base")), *path;
    json_t *flow, *value;
    size_t index;
    char *json;

    if (base == NULL) {
        json_decref(changes);
        return text;
    }
    json = read_definition(base, length);
    flow = json_loadb(json, *length, 0, NULL);
    free(json);
    json_object_foreach(json_object_get(changes, "set"), path, value) change(flow, path, value);
    json_array_foreach(json_object_get(changes, "remove"), index, value)
        change(flow, json_string_value(value), NULL);
    json = json_dumps(flow, JSON_INDENT(2));
    *length = strlen(json);
    json_decref(flow);
    json_decref(changes);
    free(text);
    return json;
}

/* A definition by its name, or a case in tests/cases/flows. */
static inline struct flow *load_flow(const char *name)
{
    char path[512], *report;
    size_t length = 0;
    char *json = read_definition(name, &length);
    struct flow *flow;

    if (json == NULL) {
        snprintf(path, sizeof path, CASES "/flows/%s.json", name);
        json = read_file(path, &length);
        if (json == NULL)
            fail_msg("there is no flow %s", name);
        json = apply_case(json, &length);
    }
    flow = flow_load(name, json, length, &report);
    free(json);
    if (flow == NULL)
        fail_msg("%s", report);
    return flow;
}

static inline size_t utf16_units(const char *text)
{
    size_t units = 0;

    for (; *text != '\0'; text++)
        units += ((*text & 0xc0) != 0x80) + ((unsigned char)*text >= 0xf0);
    return units;
}

#endif
