/* Looks at the salt, and at who else may read the settings. */
#include "server/commands/check_secrets.h"

#include "server/config/file.h"
#include <string.h>

/* Salts of examples and guides, which others know too. */
static bool is_example(const char *salt)
{
    return strcasestr(salt, "change_me") || strcasestr(salt, "change-me") || salt[0] == '[';
}

void check_secrets(const struct config *config, const char *settings, bool urgent_only, FILE *lines)
{
    char why[FILE_EXPOSED_MAX];

    if (is_example(config->uic_salt))
        fputs("UIC_SALT: looks like that of an example; make your own before the first code "
              "(whatsapp-uic salt)\n",
              lines);
    if (file_is_exposed(settings, why))
        fprintf(lines, "settings: %s %s\n", settings, why);
    if (!urgent_only && config->uic_salt_weak && !config_salt_is_strong(config->uic_salt))
        fputs("UIC_SALT_WEAK: the salt is easily guessed by whoever has some codes, and then all "
              "their answers; a new programme makes its own (whatsapp-uic salt)\n",
              lines);
}
