/*
 * Who gives a command, for the audit: the account that it runs as, and who logged in before
 * becoming that account. The kernel knows both. Where nobody logged in (a container, a timer)
 * SUDO_USER is quoted as what it is: a variable that anybody can set.
 */
#ifndef SERVER_COMMANDS_AUTHOR_H
#define SERVER_COMMANDS_AUTHOR_H

#define AUTHOR_MAX 160

/* Who gives this command:
 *     command line (alice)                              as herself
 *     command line (root, logged in as alice)           after su or sudo
 *     command line (root, SUDO_USER says alice)         unproved */
void author_find(char author[AUTHOR_MAX]);

/* The same out of names: login and sudo_user may be NULL. Pure. */
void author_write(char author[AUTHOR_MAX], const char *account, const char *login,
                  const char *sudo_user);

#endif
