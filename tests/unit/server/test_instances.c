/* Which instances systemd is to run, read from the names of its links. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "server/commands/instances.h"
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static void make_link(const char *directory, const char *name)
{
    char path[256];

    snprintf(path, sizeof path, "%s/%s", directory, name);
    assert_int_equal(symlink("/nowhere", path), 0);
}

static void remove_all(const char *directory)
{
    char command[256];

    snprintf(command, sizeof command, "rm -r %s", directory);
    assert_int_equal(system(command), 0);
}

static void test_every_enabled_instance_is_found(void **state)
{
    static const char *const names[] = {"whatsapp-uic@8002.service",   "whatsapp-uic@8001.service",
                                        "whatsapp-uic.service",        "whatsapp-uic@.service",
                                        "whatsapp-uic@x1.service",     "whatsapp-uic@8003.socket",
                                        "whatsapp-uic@0.service",      "whatsapp-uic@70000.service",
                                        "whatsapp-uic@8004.service.d", "other@8005.service"};
    char directory[] = "/tmp/uic-instances.XXXXXX";
    unsigned ports[INSTANCES_MAX];

    (void)state;
    assert_non_null(mkdtemp(directory));
    assert_int_equal(instances_list(directory, ports), 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        make_link(directory, names[i]);
    assert_int_equal(instances_list(directory, ports), 2);
    assert_int_equal(ports[0], 8001);
    assert_int_equal(ports[1], 8002);
    remove_all(directory);
}

static void test_no_more_are_found_than_there_is_room_for(void **state)
{
    char directory[] = "/tmp/uic-instances.XXXXXX", name[64];
    unsigned ports[INSTANCES_MAX];

    (void)state;
    assert_non_null(mkdtemp(directory));
    for (unsigned i = 0; i < INSTANCES_MAX + 3; i++) {
        snprintf(name, sizeof name, "whatsapp-uic@%u.service", 8000 + i);
        make_link(directory, name);
    }
    assert_int_equal(instances_list(directory, ports), INSTANCES_MAX);
    remove_all(directory);
}

static void test_where_there_is_no_systemd_there_are_none(void **state)
{
    unsigned ports[INSTANCES_MAX];

    (void)state;
    assert_int_equal(instances_list("/nowhere", ports), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_enabled_instance_is_found),
        cmocka_unit_test(test_no_more_are_found_than_there_is_room_for),
        cmocka_unit_test(test_where_there_is_no_systemd_there_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
