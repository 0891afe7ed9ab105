/* Meta's signature: what the app's secret signed passes, and nothing else. */
#include "server/channels/meta/signature.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* RFC 4231, test case 2. */
#define SECRET "Jefe"
#define BODY "what do ya want for nothing?"
#define VALUE "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"

static bool passes(const char *list, const char *body, size_t length, const char *value)
{
    struct hmac_secrets secrets;
    bool passed;

    assert_int_equal(hmac_secrets_init(&secrets, list, "SHA256"), 0);
    passed = meta_signature_matches(&secrets, body, length, value);
    assert_int_equal(meta_signature_matches(&secrets, body, length, value), passed);
    hmac_secrets_deinit(&secrets);
    return passed;
}

static void what_the_secret_signed_passes(void **state)
{
    (void)state;
    assert_true(passes(SECRET, BODY, strlen(BODY), VALUE));
    assert_false(passes("jefe", BODY, strlen(BODY), VALUE));
    assert_false(passes(SECRET, BODY, strlen(BODY) - 1, VALUE));
    assert_false(passes(SECRET, "What do ya want for nothing?", strlen(BODY), VALUE));
}

static void two_secrets_are_valid_at_once(void **state)
{
    (void)state;
    assert_true(passes("old," SECRET, BODY, strlen(BODY), VALUE));
    assert_true(passes(SECRET ",new", BODY, strlen(BODY), VALUE));
    assert_false(passes("old,new", BODY, strlen(BODY), VALUE));
}

static void a_list_without_a_secret_makes_none(void **state)
{
    static const char *const lists[] = {"", ",", "a,b,c"};
    struct hmac_secrets secrets;

    (void)state;
    for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
        assert_int_equal(hmac_secrets_init(&secrets, lists[i], "SHA256"), -1);
        hmac_secrets_deinit(&secrets);
    }
}

static void the_header_has_one_form(void **state)
{
    static const char *const values[] = {
        "",
        "sha256=",
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        "sha1=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        "SHA256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843",
        "sha256=5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec384",
        VALUE "0",
        VALUE " ",
        " " VALUE,
        VALUE "," VALUE,
        "sha256=5BDCC146BF60754E6A042426089575C75A003F089D2739839DEC58B964EC3843",
        "sha256=W9zBRr9gdU5qBCQmCJV1x1oAPwidJzmDnexYuWTsOEM=",
    };

    (void)state;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (passes(SECRET, BODY, strlen(BODY), values[i]))
            fail_msg("%s passed", values[i]);
}

/* One byte of the signature or of the body is another one. */
static void mutations_never_pass(void **state)
{
    struct hmac_secrets secrets;
    char value[] = VALUE, body[] = BODY;

    (void)state;
    srand(20260811);
    assert_int_equal(hmac_secrets_init(&secrets, SECRET, "SHA256"), 0);
    for (int i = 0; i < 20000; i++) {
        const bool of_value = i % 2 == 0;
        char *text = of_value ? value : body;
        char *at = text + (size_t)rand() % strlen(text);
        const char was = *at;

        do
            *at = (char)(1 + rand() % 255);
        while (*at == was);
        if (meta_signature_matches(&secrets, body, strlen(body), value))
            fail_msg("%s over \"%s\" passed", value, body);
        *at = was;
    }
    assert_true(meta_signature_matches(&secrets, body, strlen(body), value));
    hmac_secrets_deinit(&secrets);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_secret_signed_passes),
        cmocka_unit_test(two_secrets_are_valid_at_once),
        cmocka_unit_test(a_list_without_a_secret_makes_none),
        cmocka_unit_test(the_header_has_one_form),
        cmocka_unit_test(mutations_never_pass),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
