/* Commands are written as Redis reads them, whatever their arguments hold. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "store/redis/command.h"
#include <cmocka.h>
#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

static void check(int argc, const char *const *argv, const size_t *lengths)
{
    char *written = malloc(redis_command_room(argc, lengths)), *expected;
    size_t length = redis_command_write(written, argc, argv, lengths);
    long long wanted =
        redisFormatCommandArgv(&expected, argc, (const char **)(uintptr_t)argv, lengths);

    assert_int_equal(length, wanted);
    assert_memory_equal(written, expected, length);
    assert_true(length <= redis_command_room(argc, lengths));
    redisFreeCommand(expected);
    free(written);
}

static void arguments_are_framed_as_hiredis_does(void **state)
{
    const char *const argv[] = {"EVALSHA", "", "a\r\nb\0c", "0123456789"};
    const size_t lengths[] = {7, 0, 6, 10};

    (void)state;
    for (int argc = 1; argc <= 4; argc++)
        check(argc, argv, lengths);
}

static void a_large_argument_fits_into_the_room(void **state)
{
    char *large = calloc(1, 1 << 20);
    const char *const argv[] = {"SET", large};

    (void)state;
    for (size_t length = 1; length <= 1 << 20; length = length * 10 - 1 + (length == 1)) {
        const size_t lengths[] = {3, length};
        check(2, argv, lengths);
    }
    free(large);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_are_framed_as_hiredis_does),
        cmocka_unit_test(a_large_argument_fits_into_the_room),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
