/*
 * Checking a flow file: where we are in it, what is wrong there, and the checked values. Every
 * mistake is one line of the report; checking goes on behind it, so that all are told at once.
 */
#ifndef FLOW_CHECK_H
#define FLOW_CHECK_H

#include "flow/definition.h"
#include <stdio.h>

struct report {
    const char *file_name;
    FILE *lines; /* a stream in memory */
    size_t count;
};

/* A value of the file, or where one is missing: a chain on the stack, from here up to the root
 * (above and key NULL), so that a mistake can tell its path. */
struct node {
    struct report *report;
    const struct node *above;
    const char *key; /* NULL: the element `index` of an array */
    size_t index;
    const json_t *json; /* NULL: it is missing */
};

struct node node_root(struct report *report, const json_t *json);
struct node node_member(const struct node *above, const char *key);
struct node node_element(const struct node *above, size_t index);

/* Adds a line: file, path, and the sentence, which begins with "expected". */
void report_mistake(const struct node *node, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* The same, followed by what was found instead. */
void report_found(const struct node *node, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Says how many mistakes were too many to be told. */
void report_end(struct report *report);

/* It must be an object with no other keys than these (NULL-terminated). False if no object. */
bool check_object(const struct node *node, const char *const *keys);
/* It must be an array of min to max elements. Returns how many of them to look at. */
size_t check_array(const struct node *node, size_t min, size_t max, const char *of_what);
/* A whole number from min to max; returns whether it is. */
bool check_integer(const struct node *node, int64_t min, int64_t max, int64_t *value);
/* A word of 1 to max characters, each of them in allowed, which `of_what` says in words; NULL if it
 * is not. */
const char *check_word(const struct node *node, size_t max, const char *allowed,
                       const char *of_what);
/* One of these words (NULL-terminated); returns its index, -1 if it is not. */
int check_one_of(const struct node *node, const char *const *words);
/* One of uic's normalizations; instead when it is not. */
enum uic_normalization check_normalization(const struct node *node, enum uic_normalization instead);
/* A text for people with at most these placeholders; NULL if it is not. */
const char *check_text(const struct node *node, size_t max, unsigned placeholders);

/* The parts of flow_load; file is the root. */
void load_languages(struct flow *flow, const struct node *file);
/* Whether a text may be missing in a language: then it is said in the first one. */
bool language_may_lack(const struct flow *flow, size_t language);
void load_steps(struct flow *flow, const struct node *file);
void load_code(struct flow *flow, const struct node *file);
/* After the steps: whether it is asked about near answers. */
void load_near(struct flow *flow, const struct node *file);
/* After that: the words that careful steps and a yes or no are read with. */
void load_words(struct flow *flow, const struct node *file);
void load_messages(struct flow *flow, const struct node *file);
const char *message_key(enum message_name message);
bool message_is_optional(enum message_name message);
bool message_is_in_file(const struct flow *flow, size_t language, enum message_name message);
/* After all parts: no reply may be longer than a message. */
void check_reply_lengths(const struct flow *flow, const struct node *file);

/* Makes text out of a file fit for a line: control characters and what is no UTF-8 become "?". */
void text_clean(char *text);
/* UTF-16 units of valid UTF-8. */
size_t text_units(const char *text);

#define CHECK_TEXT_MAX 1000

#endif
