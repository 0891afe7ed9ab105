/* Asks the kernel. */
#include "server/commands/author.h"

#include <inttypes.h>
#include <pwd.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define LOGIN_FILE "/proc/self/loginuid"
#define NAME_MAX_LENGTH 32 /* of an account, in Linux */

/* Nothing that could look like the rest of the line. */
static bool is_name(const char *text)
{
    const size_t length = strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                       "0123456789._-@");

    return length > 0 && length <= NAME_MAX_LENGTH && text[length] == '\0';
}

void author_write(char author[AUTHOR_MAX], const char *account, const char *login,
                  const char *sudo_user)
{
    if (login != NULL && strcmp(login, account) != 0)
        snprintf(author, AUTHOR_MAX, "command line (%.40s, logged in as %.40s)", account, login);
    else if (login == NULL && sudo_user != NULL && is_name(sudo_user))
        snprintf(author, AUTHOR_MAX, "command line (%.40s, SUDO_USER says %.40s)", account,
                 sudo_user);
    else
        snprintf(author, AUTHOR_MAX, "command line (%.40s)", account);
}

/* An account's name, or its number when it has none. */
static void name_find(char name[48], uid_t uid)
{
    const struct passwd *user = getpwuid(uid);

    if (user != NULL)
        snprintf(name, 48, "%s", user->pw_name);
    else
        snprintf(name, 48, "%" PRIu32, (uint32_t)uid);
}

/* Who logged in, which stays through su and sudo, and which only root can change. Returns false
 * when nobody did. */
static bool login_find(uid_t *uid)
{
    FILE *file = fopen(LOGIN_FILE, "re");

    if (file == NULL)
        return false;
    bool found = fscanf(file, "%" SCNu32, uid) == 1 && *uid != (uid_t)-1;
    fclose(file);
    return found;
}

void author_find(char author[AUTHOR_MAX])
{
    char account[48], login[48];
    uid_t uid;
    const bool logged_in = login_find(&uid);

    name_find(account, getuid());
    if (logged_in)
        name_find(login, uid);
    author_write(author, account, logged_in ? login : NULL, getenv("SUDO_USER"));
}
