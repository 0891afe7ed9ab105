/* Prints findings, or remembers the worst of them. */
#include "server/commands/finding.h"

#include <stdio.h>
#include <string.h>

/* For --quiet: the worst that was found so far, instead of a line for each. */
static struct {
    bool wanted;
    int worst; /* one of PLUGIN_… */
    char text[1024];
} summary;

void findings_summarize(void)
{
    summary.wanted = true;
}

bool findings_are_summarized(void)
{
    return summary.wanted;
}

static void summarize(int level, const char *subject, const char *text)
{
    if (level < summary.worst || level == PLUGIN_OK)
        return;
    if (level > summary.worst)
        summary.text[0] = '\0';
    summary.worst = level;
    size_t length = strlen(summary.text);
    snprintf(summary.text + length, sizeof summary.text - length, "%s%s%s%s",
             length > 0 ? "; " : "", subject, *subject ? ": " : "", text);
}

void print_finding(const char *verdict, const char *subject, const char *text)
{
    const bool bad = strcmp(verdict, "bad") == 0, hint = strcmp(verdict, "hint") == 0;

    if (summary.wanted)
        summarize(bad ? PLUGIN_CRITICAL : hint ? PLUGIN_WARNING : PLUGIN_OK, subject, text);
    else if (*subject)
        printf("%-4s  %s: %s\n", verdict, subject, text);
    else
        printf("%-4s  %s\n", verdict, text);
}

void note_unknown(const char *subject, const char *text)
{
    summarize(PLUGIN_UNKNOWN, subject, text);
}

int print_summary(void)
{
    static const char *const names[] = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};

    printf("whatsapp-uic %s: %s\n", names[summary.worst],
           summary.worst == PLUGIN_OK ? "configuration, flow, sessions and database"
                                      : summary.text);
    return fflush(stdout) == 0 ? summary.worst : PLUGIN_UNKNOWN;
}

void print_lines(const char *verdict, char *lines)
{
    static const char warning[] = "warning: ";
    char *rest;
    for (char *line = strtok_r(lines, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        bool warns = strncmp(line, warning, sizeof warning - 1) == 0;
        print_finding(warns ? "hint" : verdict, "", warns ? line + sizeof warning - 1 : line);
    }
}
