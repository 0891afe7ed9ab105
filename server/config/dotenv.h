/*
 * The .env file: NAME=value lines as python-dotenv reads them, without ${...} in values.
 */
#ifndef SERVER_CONFIG_DOTENV_H
#define SERVER_CONFIG_DOTENV_H

#include <stddef.h>
#include <stdio.h>

/* Bytes that a .env file can have at most. */
#define DOTENV_FILE_MAX 65536

struct dotenv_entry {
    char *name;
    char *value;
    unsigned line;
};

struct dotenv {
    struct dotenv_entry *entries;
    size_t count;
};

/*
 * Understands NAME=value, export NAME=value, 'single' and "double" quotes (the latter with \n, \"
 * and \\, and over several lines), comments, blank lines, CRLF and a byte order mark. Prints
 * "name:line: what is wrong" for every bad line, never its text, which may be a secret. Returns 0,
 * or -1 when a line was bad; dotenv_free is due in both cases.
 */
int dotenv_parse(struct dotenv *dotenv, const char *file_name, const char *text, size_t length,
                 FILE *errors);
/* The value of a name, the last one if there are several; NULL when there is none. */
const char *dotenv_get(const struct dotenv *dotenv, const char *name);
/* Wipes the values. */
void dotenv_free(struct dotenv *dotenv);

#endif
