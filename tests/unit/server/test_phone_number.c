/* Numbers as they are copied from telephones: what erase takes them for, and what it refuses. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "server/commands/phone_number.h"
#include <cmocka.h>

static void test_one_number_in_many_dresses(void **state)
{
    static const char *const written[] = {
        "+243800000001",
        "whatsapp:+243800000001",
        "WhatsApp:+243800000001",
        "+243 800-000.001",
        "(+243) 800/000/001",
        "+243\u00a0800\u00a0000\u00a0001",
        "+243\u202f800\u2009000\u2007001",
        "\u202a+243800000001\u202c",
        "\u200e+243 800 000 001\u200f",
        "\u2068+243 800\u2011000\u2013001\u2069\ufeff",
        " +243800000001\t",
        "\uff0b243800000001",
        "+\u0662\u0664\u0663800000001",
    };
    char number[PHONE_NUMBER_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof written / sizeof *written; i++) {
        assert_int_equal(phone_number_read(written[i], number), 0);
        assert_string_equal(number, "+243800000001");
    }
    assert_int_equal(phone_number_read("whatsapp:CD.ENT.1234", number), 0);
    assert_string_equal(number, "CD.ENT.1234");
}

static void test_what_cannot_be_a_number(void **state)
{
    static const char *const written[] = {
        "",
        "x",
        "+",
        "0812345678",
        "00243800000001",
        "243800000001",
        "++243800000001",
        "+243800000001+",
        "+243+800000001",
        "+2430800000001",
        "+243(0)800000001",
        "+0800000001",
        "+24380",
        "+2438000000010000",
        "+243800000001 ext. 5",
        "+243800000001, +243800000002",
        "+24380000000\xff",
        "cd.1234",
        "CD.",
        "985-KINS-15-JEA-KABI-A3F9D",
    };
    char number[PHONE_NUMBER_MAX];

    (void)state;
    for (size_t i = 0; i < sizeof written / sizeof *written; i++)
        if (phone_number_read(written[i], number) == 0)
            fail_msg("'%s' is taken for %s", written[i], number);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_one_number_in_many_dresses),
        cmocka_unit_test(test_what_cannot_be_a_number),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
