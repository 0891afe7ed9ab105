/* Private to the configuration: the table of settings, and what its files share. */
#ifndef SERVER_CONFIG_CONFIG_PARTS_H
#define SERVER_CONFIG_CONFIG_PARTS_H

#include "server/config/config.h"
#include "server/config/dotenv.h"
#include <stddef.h>
#include <stdlib.h>

/* config_settings.c */

enum need { OPTIONAL, REQUIRED, REQUIRED_IN_PRODUCTION };
enum privacy { PUBLIC, SECRET };

struct setting {
    const char *name;
    size_t offset; /* of its member in struct config */
    /* Puts the value into the member; false when it is not allowed. */
    bool (*parse)(const struct setting *setting, const char *value, void *member);
    bool (*accepts)(const char *value); /* of a text: NULL accepts everything */
    unsigned min, max;                  /* of a number */
    enum privacy privacy;
    enum need need;
    bool makes_code;      /* another value gives another code */
    const char *fallback; /* NULL: stays unset */
    const char *allowed;
    const char *about;
};

extern const struct setting config_settings[];
extern const size_t config_setting_count;

/* Whether a file may hold this name. */
bool setting_is_known(const char *name);

/* Whether its member is a string, which belongs to the configuration. */
bool setting_is_text(const struct setting *setting);

/* Prints what is wrong with a value, or with having none (NULL). */
void setting_explain(const struct setting *setting, const char *value, FILE *errors);

/* At most 60 characters of a value, with nothing in it that could steer a terminal, and of a URL
 * without user and password. */
void setting_print_value(const char *value, FILE *out);

/* config_salt.c: takes the salt out of its file, if one is named. Returns 0, or -1 with a line in
 * errors. */
int config_read_salt(struct config *config, const struct dotenv *file, FILE *errors);

/* config_needs.c: prints one line for everything that a setting needs of others and has not.
 * Returns 0, or -1 when there was something. */
int config_check_needs(const struct config *config, const struct dotenv *file, FILE *errors);

/* What the environment says, else the file; NULL when unset. An empty value means unset; set to
 * nothing in the environment, it hides the file's value. */
static inline const char *config_lookup(const struct dotenv *file, const char *name)
{
    const char *value = getenv(name);

    if (value == NULL)
        value = dotenv_get(file, name);
    return value != NULL && *value ? value : NULL;
}

#endif
