/* Tries what a start does first. */
#include "server/commands/start_check.h"

#include "server/commands/ask_ready.h"
#include "server/http/listening.h"
#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>

int start_check_address(const struct config *config, const char **subject,
                        char text[START_CHECK_MAX])
{
    struct listening listening;
    char error[ERROR_MAX], answer[ERROR_MAX];
    int64_t started_ms;

    if (listening_take(&listening, config->host, config->port, subject, error) == 0)
        return 0;
    if (strstr(error, strerror(EADDRINUSE)) == NULL) {
        snprintf(text, START_CHECK_MAX, "%s", error);
        return -1;
    }
    if (ask_ready(config, config->port, &started_ms, answer) == 0)
        return 0;
    snprintf(text, START_CHECK_MAX, "%s: %s (who is it: sudo ss -ltnp 'sport = :%u')", error,
             answer, config->port);
    return 1;
}

bool start_check_user(const struct config *config)
{
    return config->run_as_user == NULL || getpwnam(config->run_as_user) != NULL;
}
