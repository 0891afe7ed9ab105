/* The admin token, the passes that browsers get for it, and where a form may come from. */
#include "server/admin/access.h"

#include "server/admin/assets.h"
#include "server/admin/login.h"
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define TOKEN "unit-Token_8fK2mQ4x"

static const int64_t NOW = 1795449600;

static enum access_find find(const struct access *access, const char *pass, int64_t now_s)
{
    struct access_pass found;
    char cookies[256];

    snprintf(cookies, sizeof cookies, "uic_admin=%s", pass);
    return access_find_pass(access, cookies, now_s, &found);
}

static void only_the_token_is_the_token(void **state)
{
    static const char *const wrong[] = {
        "", "unit", TOKEN "x", "unit-Token_8fK2mQ4", "unit-token_8fk2mq4x", " " TOKEN, TOKEN "\n"};
    struct access *access = access_create(TOKEN);

    (void)state;
    assert_true(access_is_open(access));
    assert_true(access_takes_token(access, TOKEN, strlen(TOKEN)));
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        assert_false(access_takes_token(access, wrong[i], strlen(wrong[i])));
    access_free(access);
}

static void without_a_token_nobody_comes_in(void **state)
{
    struct access *open = access_create(TOKEN), *closed = access_create(NULL);
    struct access_pass pass;

    (void)state;
    assert_int_equal(access_make_pass(open, NOW, &pass), 0);
    assert_false(access_is_open(closed));
    assert_false(access_takes_token(closed, "", 0));
    assert_false(access_takes_token(closed, TOKEN, strlen(TOKEN)));
    assert_int_equal(find(closed, pass.text, NOW), PASS_NONE);
    access_free(open);
    access_free(closed);
}

static void a_pass_holds_for_twelve_hours_on_every_instance_with_the_token(void **state)
{
    struct access *one = access_create(TOKEN), *other = access_create(TOKEN);
    struct access *renewed = access_create(TOKEN "2");
    struct access_pass pass;

    (void)state;
    assert_int_equal(access_make_pass(one, NOW, &pass), 0);
    assert_int_equal(find(one, pass.text, NOW), PASS_VALID);
    assert_int_equal(find(other, pass.text, NOW + 12 * 60 * 60 - 1), PASS_VALID);
    assert_int_equal(find(other, pass.text, NOW + 12 * 60 * 60), PASS_OVER);
    assert_int_equal(find(renewed, pass.text, NOW), PASS_NONE);
    access_free(one);
    access_free(other);
    access_free(renewed);
}

/* Of an instance whose clock is an hour fast it is good, but of one that is years fast not for
 * years. */
static void a_pass_from_the_future_is_over(void **state)
{
    struct access *access = access_create(TOKEN);
    struct access_pass pass;

    (void)state;
    assert_int_equal(access_make_pass(access, NOW + 60 * 60, &pass), 0);
    assert_int_equal(find(access, pass.text, NOW), PASS_VALID);
    assert_int_equal(access_make_pass(access, NOW + 60 * 60 + 1, &pass), 0);
    assert_int_equal(find(access, pass.text, NOW), PASS_OVER);
    assert_int_equal(find(access, pass.text, NOW + 1), PASS_VALID);
    access_free(access);
}

static void no_two_passes_are_the_same(void **state)
{
    struct access *access = access_create(TOKEN);
    struct access_pass one, other, found;
    char cookies[300];

    (void)state;
    assert_int_equal(access_make_pass(access, NOW, &one), 0);
    assert_int_equal(access_make_pass(access, NOW, &other), 0);
    assert_string_not_equal(one.text, other.text);
    snprintf(cookies, sizeof cookies, "uic_admin=%s", one.text);
    assert_int_equal(access_find_pass(access, cookies, NOW, &found), PASS_VALID);
    assert_string_equal(found.text, one.text);
    assert_int_equal(found.end_s, NOW + ACCESS_PASS_SECONDS);
    access_free(access);
}

static void a_pass_tells_nothing_of_the_token(void **state)
{
    struct access *access = access_create(TOKEN);
    struct access_pass pass;

    (void)state;
    assert_int_equal(access_make_pass(access, NOW, &pass), 0);
    assert_null(strstr(pass.text, "Token"));
    assert_int_equal(strspn(pass.text, "0123456789abcdef."), strlen(pass.text));
    access_free(access);
}

static void a_changed_pass_is_none(void **state)
{
    struct access *access = access_create(TOKEN);
    struct access_pass pass;
    char changed[ACCESS_PASS_MAX + 8];

    (void)state;
    assert_int_equal(access_make_pass(access, NOW, &pass), 0);
    for (size_t i = 0; i < strlen(pass.text); i++) {
        strcpy(changed, pass.text);
        changed[i] = changed[i] == '1' ? '2' : '1';
        assert_int_equal(find(access, changed, NOW), PASS_NONE);
        changed[i] = '\0';
        assert_int_equal(find(access, changed, NOW), PASS_NONE);
    }
    snprintf(changed, sizeof changed, "%s0", pass.text);
    assert_int_equal(find(access, changed, NOW), PASS_NONE);
    snprintf(changed, sizeof changed, "+%s", pass.text);
    assert_int_equal(find(access, changed, NOW), PASS_NONE);
    access_free(access);
}

static void a_pass_is_found_among_other_cookies(void **state)
{
    static const char *const around[] = {"%s", "a=b; %s", "a=b;%s;c=d", "uic_admin=old; %s",
                                         "%s; uic_admin=1.00"};
    static const char *const beside[] = {"",
                                         ";",
                                         "; ;",
                                         "uic_admin",
                                         "uic_admin=",
                                         "xuic_admin=1",
                                         "uic_admin=99999999999999999999999999999999.00",
                                         "uic_admin=-5.00",
                                         "uic_admin=5",
                                         "uic_admin=1795449600.",
                                         "uic_admin=1795449600.00."};
    struct access *access = access_create(TOKEN);
    struct access_pass pass, found;
    char cookie[160], cookies[256];

    (void)state;
    assert_int_equal(access_make_pass(access, NOW, &pass), 0);
    snprintf(cookie, sizeof cookie, "uic_admin=%s", pass.text);
    for (size_t i = 0; i < sizeof around / sizeof *around; i++) {
        snprintf(cookies, sizeof cookies, around[i], cookie);
        assert_int_equal(access_find_pass(access, cookies, NOW, &found), PASS_VALID);
    }
    for (size_t i = 0; i < sizeof beside / sizeof *beside; i++)
        assert_int_equal(access_find_pass(access, beside[i], NOW, &found), PASS_NONE);
    assert_int_equal(access_find_pass(access, NULL, NOW, &found), PASS_NONE);
    access_free(access);
}

static void a_form_comes_from_a_page_of_ours(void **state)
{
    static const struct login_origin here[] = {
        {.fetch_site = "same-origin"},
        {.fetch_site = "same-origin", .origin = "null"},
        {.origin = "http://localhost:8000", .host = "localhost:8000"},
        {.origin = "https://ciu.example.org", .host = "CIU.example.org"},
        {.origin = "http://[::1]:8000", .host = "[::1]:8000"},
        {.origin = "https://ciu.example.org",
         .host = "app",
         .public_url = "https://ciu.example.org"},
        {.host = "localhost:8000"},
    };
    static const struct login_origin elsewhere[] = {
        {.fetch_site = "cross-site", .origin = "http://localhost", .host = "localhost"},
        {.fetch_site = "same-site", .host = "localhost"},
        {.fetch_site = "none", .host = "localhost"},
        {.origin = "null", .host = "localhost"},
        {.origin = "", .host = ""},
        {.origin = "https://evil.example", .host = "ciu.example.org"},
        {.origin = "https://ciu.example.org.evil.example", .host = "ciu.example.org"},
        {.origin = "https://ciu.example", .host = "ciu.example.org"},
        {.origin = "http://[::2]:8000", .host = "[::1]:8000"},
        {.origin = "https://evil.example", .public_url = "https://ciu.example.org"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof here / sizeof *here; i++)
        assert_true(login_is_from_here(&here[i]));
    for (size_t i = 0; i < sizeof elsewhere / sizeof *elsewhere; i++)
        if (login_is_from_here(&elsewhere[i]))
            fail_msg("taken for ours: number %zu", i);
}

static void gzip_is_sent_to_those_who_take_it(void **state)
{
    static const char *const yes[] = {
        "gzip", "GZIP", "deflate, gzip, br", "gzip;q=0.5", "br;q=1.0, gzip ; q=0.001", " ,gzip"};
    static const char *const no[] = {
        NULL,           "",      "identity", "gzip;q=0", "gzip; q=0.000",
        "br, gzip;Q=0", "xgzip", "gzipx",    "x-gzip"};

    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++)
        if (!asset_accepts_gzip(yes[i]))
            fail_msg("refused: %s", yes[i]);
    for (size_t i = 0; i < sizeof no / sizeof *no; i++)
        assert_false(asset_accepts_gzip(no[i]));
}

static void a_browser_says_which_file_it_has(void **state)
{
    static const char *const known[] = {"\"abc\"", "W/\"abc\"", "\"x\", \"abc\"", "*", " \"abc\" "};
    static const char *const other[] = {NULL, "", "abc", "\"ab\"", "\"abcd\"", "W/", "\"ABC\""};

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!asset_is_known(known[i], "\"abc\""))
            fail_msg("not known: %s", known[i]);
    for (size_t i = 0; i < sizeof other / sizeof *other; i++)
        assert_false(asset_is_known(other[i], "\"abc\""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_token_is_the_token),
        cmocka_unit_test(without_a_token_nobody_comes_in),
        cmocka_unit_test(a_pass_holds_for_twelve_hours_on_every_instance_with_the_token),
        cmocka_unit_test(a_pass_from_the_future_is_over),
        cmocka_unit_test(no_two_passes_are_the_same),
        cmocka_unit_test(a_pass_tells_nothing_of_the_token),
        cmocka_unit_test(a_changed_pass_is_none),
        cmocka_unit_test(a_pass_is_found_among_other_cookies),
        cmocka_unit_test(a_form_comes_from_a_page_of_ours),
        cmocka_unit_test(gzip_is_sent_to_those_who_take_it),
        cmocka_unit_test(a_browser_says_which_file_it_has),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
