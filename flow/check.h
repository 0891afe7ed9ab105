/*
 * Checking a flow file: where we are in it, what is wrong there, and the checked values. Every
 * mistake is one line of the report; checking goes on behind it, so that all are told at once.
 */
#ifndef FLOW_CHECK_H
#define FLOW_CHECK_H

#include "flow/definition.h"
#include <stdio.h>

/* A place in the file: a chain on the stack, from here up to the root (key NULL, above NULL). */
struct place {
    const struct place *above;
    const char *key; /* NULL: the element `index` of an array */
    size_t index;
};

struct report {
    const char *file_name;
    FILE *lines; /* a stream in memory */
    size_t count;
};

struct place place_key(const struct place *above, const char *key);
struct place place_index(const struct place *above, size_t index);

/* Adds a line: file, path, and the sentence, which begins with "expected". */
void report_mistake(struct report *report, const struct place *place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* The same, followed by what was found instead. */
void report_found(struct report *report, const struct place *place, const json_t *found,
                  const char *format, ...) __attribute__((format(printf, 4, 5)));

/* Says how many mistakes were too many to be told. */
void report_end(struct report *report);

/* json must be an object with no other keys than these (NULL-terminated). False if no object. */
bool check_object(struct report *report, const struct place *place, const json_t *json,
                  const char *const *keys);
/* json must be an array of min to max elements. Returns how many of them to look at. */
size_t check_array(struct report *report, const struct place *place, const json_t *json, size_t min,
                   size_t max, const char *of_what);
/* A whole number from min to max; returns whether it is. */
bool check_integer(struct report *report, const struct place *place, const json_t *json,
                   int64_t min, int64_t max, int64_t *value);
/* A word of 1 to max characters, each of them in allowed, which `of_what` says in words; NULL if it
 * is not. */
const char *check_word(struct report *report, const struct place *place, const json_t *json,
                       size_t max, const char *allowed, const char *of_what);
/* One of these words (NULL-terminated); returns its index, -1 if it is not. */
int check_one_of(struct report *report, const struct place *place, const json_t *json,
                 const char *const *words);
/* A text for people with at most these placeholders; NULL if it is not. */
const char *check_text(struct report *report, const struct place *place, const json_t *json,
                       size_t max, unsigned placeholders);

/* The parts of flow_load. */
void load_languages(struct flow *flow, struct report *report);
/* Whether a text may be missing in a language: then it is said in the first one. */
bool language_may_lack(const struct flow *flow, size_t language);
void load_steps(struct flow *flow, struct report *report);
void load_code(struct flow *flow, struct report *report);
/* After the steps: the words that careful ones are read with. */
void load_words(struct flow *flow, struct report *report);
void load_messages(struct flow *flow, struct report *report);
const char *message_key(enum message_name message);
bool message_is_optional(enum message_name message);
/* After all parts: no reply may be longer than a message. */
void check_reply_lengths(const struct flow *flow, struct report *report);
/* Reports each key that stands twice in an object. json is known to be valid. */
void check_duplicates(struct report *report, const char *json, size_t length);

/* Makes text out of a file fit for a line: control characters and what is no UTF-8 become "?". */
void text_clean(char *text);
/* UTF-16 units of valid UTF-8. */
size_t text_units(const char *text);

#define CHECK_TEXT_MAX 1000

#endif
