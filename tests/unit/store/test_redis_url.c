/* Redis URLs that name sentinels, and those that ask for TLS. */
#include "store/redis/tls.h"
#include "store/redis/url.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* All of a URL in one line, "-" for what is not there. */
static void describe(const struct redis_url *url, char *text, size_t size)
{
    char *at = text;
    const char *end = text + size;

    for (size_t i = 0; i < url->sentinel_count; i++)
        at += snprintf(at, (size_t)(end - at), "%s:%u ", url->sentinels[i].name,
                       url->sentinels[i].port);
    snprintf(at, (size_t)(end - at), "%s/%u %s %s %s", url->master, url->db,
             url->user ? url->user : "-", url->password ? url->password : "-",
             url->sentinel_password ? url->sentinel_password : "-");
}

static void good_sentinel_urls(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *expected;
    } rows[] = {
        {"sentinel://h/m", "h:26379 m/0 - - -"},
        {"sentinel://h1:1,h2:2,h3/my-master.1_x/3", "h1:1 h2:2 h3:26379 my-master.1_x/3 - - -"},
        {"sentinel://[::1]:1,10.0.0.1,[fd00::2]/m", "::1:1 10.0.0.1:26379 fd00::2:26379 m/0 - - -"},
        {"sentinel://:secret@h/m", "h:26379 m/0 - secret -"},
        {"sentinel://uic:p%40,ss@h1,h2/m/15", "h1:26379 h2:26379 m/15 uic p@,ss -"},
        {"sentinel://h/m?sentinel_password=a%26b", "h:26379 m/0 - - a&b"},
        {"sentinel://u:p@h/m/1?sentinel_password=q", "h:26379 m/1 u p q"},
        {"sentinel://1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16/m",
         "1:26379 2:26379 3:26379 4:26379 5:26379 6:26379 7:26379 8:26379 9:26379 10:26379 "
         "11:26379 12:26379 13:26379 14:26379 15:26379 16:26379 m/0 - - -"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct redis_url url;
        char error[ERROR_MAX] = "", text[1024];
        if (redis_url_parse(&url, rows[i].text, error) != 0)
            fail_msg("%s: %s", rows[i].text, error);
        describe(&url, text, sizeof text);
        assert_string_equal(text, rows[i].expected);
        assert_null(url.host);
        assert_null(url.path);
        redis_url_deinit(&url);
    }
}

static void bad_sentinel_urls(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        const char *error;
    } rows[] = {
        {"sentinel://", "host is missing"},
        {"sentinel:///m", "host is missing"},
        {"sentinel://h1,,h2/m", "host is missing"},
        {"sentinel://h1,/m", "host is missing"},
        {"sentinel://h", "/name"},
        {"sentinel://h/", "/name"},
        {"sentinel://h//0", "/name"},
        {"sentinel://h/m%41", "/name"},
        {"sentinel://h/aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeeffffffffffggggg", "/name"},
        {"sentinel://h:0/m", "port"},
        {"sentinel://h:x,h/m", "port"},
        {"sentinel://hunter2@h/m", "user:password"},
        {"sentinel://:@h/m", "password is empty"},
        {"sentinel://h/m/x", "database"},
        {"sentinel://h/m/", "database"},
        {"sentinel://h/m/0/1", "database"},
        {"sentinel://h/m?password=hunter2", "?sentinel_password="},
        {"sentinel://h/m/0#hunter2", "?sentinel_password="},
        {"sentinel://h/m?sentinel_password=", "sentinels' password"},
        {"sentinel://h/m?sentinel_password=hunter2%", "sentinels' password"},
        {"sentinel://1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17/m", "more than 16"},
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

static void tls_is_taken_where_there_is_any(void **state)
{
    (void)state;
    struct redis_url url;
    char error[ERROR_MAX] = "";
    int status = redis_url_parse(&url, "rediss://:hunter2@redis.example:6380/2", error);

    if (redis_tls_missing() == NULL) {
        assert_int_equal(status, 0);
        assert_true(url.tls);
        assert_string_equal(url.host, "redis.example");
        assert_int_equal(url.port, 6380);
        assert_int_equal(url.db, 2);
    } else {
        assert_int_equal(status, -1);
        assert_non_null(strstr(error, "this build's hiredis "));
        assert_non_null(strstr(error, " has no TLS"));
        assert_null(strstr(error, "hunter2"));
    }
    redis_url_deinit(&url);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_sentinel_urls),
        cmocka_unit_test(bad_sentinel_urls),
        cmocka_unit_test(tls_is_taken_where_there_is_any),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
