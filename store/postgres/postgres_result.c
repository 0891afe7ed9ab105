/* Errors, in the server's words. What to do about them is the callers' to know. */
#include "store/postgres/postgres_result.h"

#include <stdio.h>
#include <string.h>

void postgres_line_clean(char *line)
{
    for (char *c = line; *c != '\0'; c++) {
        if ((unsigned char)*c < ' ' || *c == 0x7f)
            *c = ' ';
    }
}

void postgres_result_explain(const PGresult *result, char why[STORE_ERROR_MAX])
{
    const char *text = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    if (text && code)
        snprintf(why, STORE_ERROR_MAX, "%.160s (%.5s)", text, code);
    else
        snprintf(why, STORE_ERROR_MAX, "%.200s", PQresultErrorMessage(result));
    postgres_line_clean(why);
}

bool postgres_result_is(const PGresult *result, const char *sqlstate)
{
    const char *code = PQresultErrorField(result, PG_DIAG_SQLSTATE);

    return code && strcmp(code, sqlstate) == 0;
}
