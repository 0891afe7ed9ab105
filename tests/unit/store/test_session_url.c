/* Which Redis URLs are understood, and how, and what is said of the others. */
#include "store/redis/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_text(const char *actual, const char *expected)
{
    if (expected == NULL)
        assert_null(actual);
    else
        assert_string_equal(actual != NULL ? actual : "(none)", expected);
}

static void good_urls(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        struct redis_url expected;
    } rows[] = {
        {"redis://localhost", {.host = "localhost", .port = 6379}},
        {"redis://localhost/", {.host = "localhost", .port = 6379}},
        {"redis://10.0.0.1:7000/15", {.host = "10.0.0.1", .port = 7000, .db = 15}},
        {"redis://[::1]", {.host = "::1", .port = 6379}},
        {"redis://[fd00::2]:7000/1", {.host = "fd00::2", .port = 7000, .db = 1}},
        {"redis://:secret@redis.example:6380/2",
         {.host = "redis.example", .port = 6380, .password = "secret", .db = 2}},
        {"redis://uic:secret@h", {.host = "h", .port = 6379, .user = "uic", .password = "secret"}},
        {"redis://u%3ax:p%40%2F%25:@h",
         {.host = "h", .port = 6379, .user = "u:x", .password = "p@/%:"}},
        {"redis://:p@ss@h", {.host = "h", .port = 6379, .password = "p@ss"}},
        {"redis://:%C3%A9@h", {.host = "h", .port = 6379, .password = "é"}},
        {"unix:///run/redis.sock", {.path = "/run/redis.sock", .port = 6379}},
        {"unix:///run/my%20redis?db=3", {.path = "/run/my redis", .port = 6379, .db = 3}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct redis_url *expected = &rows[i].expected;
        struct redis_url url;
        char error[ERROR_MAX] = "";
        if (redis_url_parse(&url, rows[i].text, error) != 0)
            fail_msg("%s: %s", rows[i].text, error);
        assert_text(url.host, expected->host);
        assert_text(url.path, expected->path);
        assert_text(url.user, expected->user);
        assert_text(url.password, expected->password);
        assert_int_equal(url.port, expected->port);
        assert_int_equal(url.db, expected->db);
        redis_url_deinit(&url);
    }
}

/* Each error tells what is wrong, and nothing of the password, wherever it slipped to. */
static void bad_urls(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *error;
    } rows[] = {
        {"", "begins with redis://"},
        {"localhost:6379", "begins with redis://"},
        {"http://hunter2@h", "begins with redis://"},
        {"REDIS://h", "begins with redis://"},
        {"redis://", "host is missing"},
        {"redis:///0", "host is missing"},
        {"redis://:hunter2@", "host is missing"},
        {"redis://:6379", "host is missing"},
        {"redis://hunter2@h", "user:password"},
        {"redis://:@h", "password is empty"},
        {"redis://:hunter2%@h", "password has a broken"},
        {"redis://:hunter2%4@h", "password has a broken"},
        {"redis://:hunter2%zz@h", "password has a broken"},
        {"redis://:hunter2%00@h", "password has a broken"},
        {"redis://u%x:hunter2@h", "user has a broken"},
        {"redis://:/hunter2@h:6379/0", "host is missing"},
        {"redis://:#hunter2@h:6379/0", "host is missing"},
        {"redis://h ost", "not a name"},
        {"redis://h\nost", "not a name"},
        {"redis://h%6fst", "not a name"},
        {"redis://[::1", "[ without ]"},
        {"redis://[::1]6379", "after [host]"},
        {"redis://[localhost]", "IPv6"},
        {"redis://[::g]", "not a name"},
        {"redis://h:", "port"},
        {"redis://h:0", "port"},
        {"redis://h:65536", "port"},
        {"redis://h:6379x", "port"},
        {"redis://h:-1", "port"},
        {"redis://user:hunter2", "port"},
        {"redis://h/zero", "database"},
        {"redis://h/0/1", "database"},
        {"redis://h/99999", "database"},
        {"redis://h?db=1", "database"},
        {"unix://run/redis", "begins with /"},
        {"unix:///run/redis?password=hunter2", "?db="},
        {"unix:///run/redis?db=", "?db="},
        {"unix:///run/%", "path has a broken"},
        {"unix:///"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
         "longer"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct redis_url url;
        char error[ERROR_MAX] = "";
        if (redis_url_parse(&url, rows[i].text, error) == 0)
            fail_msg("%s was taken", rows[i].text);
        if (strstr(error, rows[i].error) == NULL)
            fail_msg("%s: %s", rows[i].text, error);
        assert_null(strstr(error, "hunter2"));
        redis_url_deinit(&url);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_urls),
        cmocka_unit_test(bad_urls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
