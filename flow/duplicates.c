/*
 * Keys that stand twice in one object of a flow file, each with its path: jansson, which reads the
 * file, keeps the last one in silence or stops at the first. Runs over text that jansson accepted,
 * so nothing else needs to be checked here.
 */
#include "flow/check.h"

#include <string.h>

static const char *scan_value(struct report *report, const struct place *place, const char *at);

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t\r\n");
}

/* From an opening quote to behind the closing one. */
static const char *skip_string(const char *at)
{
    for (at++; *at != '"' && *at != '\0'; at++)
        if (*at == '\\' && at[1] != '\0')
            at++;
    return *at == '"' ? at + 1 : at;
}

static const char *scan_object(struct report *report, const struct place *place, const char *at)
{
    json_t *seen = json_object();

    for (at = skip_space(at + 1); *at == '"'; at = skip_space(*at == ',' ? at + 1 : at)) {
        const char *end = skip_string(at);
        json_t *key = json_loadb(at, (size_t)(end - at), JSON_DECODE_ANY, NULL);
        struct place here = place_key(place, key != NULL ? json_string_value(key) : "");

        if (json_object_get(seen, here.key) != NULL)
            report_mistake(report, &here, "expected only once; it stands here twice");
        json_object_set_new(seen, here.key, json_true());
        at = skip_space(scan_value(report, &here, skip_space(end) + 1));
        json_decref(key);
    }
    json_decref(seen);
    return *at == '}' ? at + 1 : at;
}

static const char *scan_array(struct report *report, const struct place *place, const char *at)
{
    at = skip_space(at + 1);
    for (size_t i = 0; *at != ']' && *at != '\0'; i++) {
        struct place here = place_index(place, i);

        at = skip_space(scan_value(report, &here, at));
        at = skip_space(*at == ',' ? at + 1 : at);
    }
    return *at == ']' ? at + 1 : at;
}

static const char *scan_value(struct report *report, const struct place *place, const char *at)
{
    at = skip_space(at);
    switch (*at) {
    case '{':
        return scan_object(report, place, at);
    case '[':
        return scan_array(report, place, at);
    case '"':
        return skip_string(at);
    default:
        return at + strcspn(at, ",]} \t\r\n");
    }
}

void check_duplicates(struct report *report, const char *json)
{
    const struct place root = {0};

    scan_value(report, &root, json);
}
