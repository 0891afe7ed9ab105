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
    char *expected;
    struct redis_command *command =
        redis_command_create(&(struct redis_words){.argc = argc, .argv = argv, .lengths = lengths});
    long long wanted =
        redisFormatCommandArgv(&expected, argc, (const char **)(uintptr_t)argv, lengths);

    assert_int_equal(command->length, wanted);
    assert_memory_equal(command->bytes, expected, command->length);
    redisFreeCommand(expected);
    free(command);
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

static void a_script_goes_by_its_name(void **state)
{
    static const struct redis_script script = {"return 1", 8,
                                               "e0e1f9fabfc9d4800c877a703b823ac0578ff8db"};
    const char *const argv[] = {"key", "argument"};
    const size_t lengths[] = {3, 8};
    struct redis_command *command =
        redis_command_create(&(struct redis_words){&script, 1, 2, argv, lengths});
    char *expected;
    int wanted = redisFormatCommand(&expected, "EVALSHA %s 1 key argument", script.sha);

    (void)state;
    assert_int_equal(command->length, wanted);
    assert_memory_equal(command->bytes, expected, command->length);
    assert_ptr_equal(command->script, &script);
    redisFreeCommand(expected);
    free(command);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(arguments_are_framed_as_hiredis_does),
        cmocka_unit_test(a_large_argument_fits_into_the_room),
        cmocka_unit_test(a_script_goes_by_its_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
