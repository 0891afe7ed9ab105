/*
 * For commands that look at the stores which the servers share: stats, from counters and totals,
 * taken on a loop of its own. And the words for it, in French or English.
 */
#ifndef SERVER_COMMANDS_STATS_VIEW_H
#define SERVER_COMMANDS_STATS_VIEW_H

#include "server/commands/command.h"
#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* What is to be looked at. */
struct stats_view {
    unsigned days;
    bool totals; /* of the database too */
};

/*
 * Opens the configured stores, asks them once and closes them. *json is the stats, as
 * GET /admin/stats gives it without what only a server knows; what could not be read is null in it.
 * What is wrong is said on standard error. Returns COMMAND_OK; COMMAND_FAILED, with *json NULL when
 * there is nothing to show.
 */
int stats_view_read(const struct options *options, const struct stats_view *view, json_t **json);

/* Which of two texts people read: French, unless their locale is an English one. */
bool locale_is_english(void);
#define SAYS(french, english) (locale_is_english() ? (english) : (french))

/* A number with its thousands apart, on the right of `width` columns; " –" for a JSON null. */
void stats_view_print_number(const json_t *number, int width);
/* A text on the left of `width` columns, or on the right. */
void stats_view_print_text(const char *text, int width);
void stats_view_print_head(const char *text, int width);

/* Prints json for programs. Returns 0, or -1 when out of memory. */
int stats_view_print_json(const json_t *json);

#endif
