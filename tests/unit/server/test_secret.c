/* Comparing with a secret: nothing but the secret is the secret. */
#include "server/security/secret.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define SECRET "unit-Secret_8fK2mQ4x"

static void only_the_secret_is_the_secret(void **state)
{
    const size_t length = strlen(SECRET);
    char changed[64];

    (void)state;
    assert_true(secret_is(SECRET, SECRET, length));
    assert_true(secret_is(SECRET, SECRET "and more", length));
    for (size_t i = 0; i < length; i++) {
        strcpy(changed, SECRET);
        assert_false(secret_is(SECRET, changed, i));
        changed[i] ^= 1;
        assert_false(secret_is(SECRET, changed, length));
    }
    assert_false(secret_is(SECRET, SECRET, length + 1)); /* its NUL is no part of it */
    assert_false(secret_is(SECRET, SECRET SECRET, 2 * length));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(only_the_secret_is_the_secret)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
