/* What `check` finds: a line each, or with --quiet one line in all and an exit code. */
#ifndef SERVER_COMMANDS_FINDING_H
#define SERVER_COMMANDS_FINDING_H

#include <stdbool.h>

/* Exit codes of monitoring plugins. */
enum { PLUGIN_OK, PLUGIN_WARNING, PLUGIN_CRITICAL, PLUGIN_UNKNOWN };

/* From now on the worst is kept for print_summary, instead of a line for each. */
void findings_summarize(void);
bool findings_are_summarized(void);

/* verdict is "ok", "bad", or "hint" for what is good enough for now; subject may be "". */
void print_finding(const char *verdict, const char *subject, const char *text);
/* Each line as a finding; those that only warn are hints. The text is taken apart. */
void print_lines(const char *verdict, char *lines);
/* Nobody can tell how it is. */
void note_unknown(const char *subject, const char *text);
/* Returns the exit code. */
int print_summary(void);

#endif
