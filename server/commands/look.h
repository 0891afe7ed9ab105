/*
 * For commands that look at the stores which the servers share: a snapshot of figures and totals,
 * taken on a loop of its own. And the words for it, in French or English.
 */
#ifndef SERVER_COMMANDS_LOOK_H
#define SERVER_COMMANDS_LOOK_H

#include "server/commands/command.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* What is to be looked at. */
struct look {
    unsigned days;
    bool totals; /* of the database too */
};

/*
 * Opens the configured stores, asks them once and closes them. *json is the snapshot, as
 * GET /admin/stats gives it without what only a server knows; what could not be read is null in it.
 * What is wrong is said on standard error. Returns COMMAND_OK; COMMAND_FAILED, with *json NULL when
 * there is nothing to show.
 */
int look_at_stores(const struct options *options, const struct look *look, json_t **json);

/* Which of two texts people read: French, unless their locale is an English one. */
bool look_is_english(void);
#define LOOK_SAYS(french, english) (look_is_english() ? (english) : (french))

/* A number with its thousands apart, on the right of `width` columns; " –" for a JSON null. */
void look_print_number(const json_t *number, int width);
/* A text on the left of `width` columns, or on the right. */
void look_print_text(const char *text, int width);
void look_print_head(const char *text, int width);

/* Prints json for programs. Returns 0, or -1 when out of memory. */
int look_print_json(const json_t *json);

#endif
