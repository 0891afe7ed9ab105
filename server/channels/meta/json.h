/* What the readers of Meta's JSON ask of a value. */
#ifndef SERVER_CHANNELS_META_JSON_H
#define SERVER_CHANNELS_META_JSON_H

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

/* The text below key; NULL when it is empty, or there is none. */
static inline const char *meta_json_text(const json_t *object, const char *key, size_t *length)
{
    const json_t *value = json_object_get(object, key);

    *length = json_string_length(value);
    return *length > 0 ? json_string_value(value) : NULL;
}

static inline bool meta_json_is(const json_t *value, const char *expected)
{
    return json_is_string(value) && json_string_length(value) == strlen(expected) &&
           memcmp(json_string_value(value), expected, strlen(expected)) == 0;
}

/* A number such as that of an error; 0: none that we can read. */
static inline int meta_json_number(const json_t *object, const char *key)
{
    const json_int_t number = json_integer_value(json_object_get(object, key));

    return number > 0 && number < 1000000000 ? (int)number : 0;
}

#endif
