/* The audit's author: what the kernel knows, and SUDO_USER only where it knows nothing. */
#include "server/commands/author.h"

#include <pwd.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

static void the_account_comes_first_and_only_a_login_proves_who_it_is(void **state)
{
    static const struct {
        const char *account, *login, *sudo_user, *expected;
    } rows[] = {
        {"alice", NULL, NULL, "command line (alice)"},
        {"alice", "alice", NULL, "command line (alice)"},
        {"root", "alice", NULL, "command line (root, logged in as alice)"},
        {"root", "alice", "bob", "command line (root, logged in as alice)"},
        {"alice", "alice", "bob", "command line (alice)"},
        {"root", NULL, "alice", "command line (root, SUDO_USER says alice)"},
        {"mallory", NULL, "alice", "command line (mallory, SUDO_USER says alice)"},
        {"mallory", NULL, "", "command line (mallory)"},
        {"mallory", NULL, "alice)", "command line (mallory)"},
        {"mallory", NULL, "alice, logged in as root", "command line (mallory)"},
        {"mallory", NULL, "alice\nbob", "command line (mallory)"},
        {"mallory", NULL, "a123456789012345678901234567890123", "command line (mallory)"},
    };
    char author[AUTHOR_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        author_write(author, rows[i].account, rows[i].login, rows[i].sudo_user);
        assert_string_equal(author, rows[i].expected);
    }
}

static void a_variable_alone_names_nobody(void **state)
{
    const struct passwd *user = getpwuid(getuid());
    char author[AUTHOR_MAX], expected[AUTHOR_MAX];

    (void)state;
    assert_non_null(user);
    setenv("SUDO_USER", "somebody-else", 1);
    author_find(author);
    snprintf(expected, sizeof expected, "command line (%s", user->pw_name);
    assert_memory_equal(author, expected, strlen(expected));
    assert_string_not_equal(author, "command line (somebody-else)");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_account_comes_first_and_only_a_login_proves_who_it_is),
        cmocka_unit_test(a_variable_alone_names_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
