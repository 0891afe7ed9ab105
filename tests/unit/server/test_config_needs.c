/* Configuration: what settings need of each other. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/config_bench.h"

static void production_wants_signatures_a_public_url_and_an_admin_token(void **state)
{
    (void)state;
    write_file("ENVIRONMENT=production\nPUBLIC_URL=http://uic.example.org\n");
    assert_int_equal(load(), -1);
    assert_non_null(strstr(said, "TWILIO_AUTH_TOKEN: is not set, but production requires it"));
    assert_non_null(strstr(said, "ADMIN_TOKEN: is not set, but production requires it"));
    assert_non_null(strstr(said, "PUBLIC_URL: holds \"http://uic.example.org\", but production "));

    write_file("ENVIRONMENT=production\nPUBLIC_URL=https://uic.example.org\n"
               "TWILIO_AUTH_TOKEN=0123456789\nADMIN_TOKEN=0123456789abcdef\n");
    assert_int_equal(load(), 0);
    assert_string_equal(said, "");
    assert_true(config.production);
    assert_string_equal(config.public_url, "https://uic.example.org");
}

static void a_token_is_of_no_use_without_the_url_that_is_signed(void **state)
{
    (void)state;
    write_file("TWILIO_AUTH_TOKEN=0123456789,abcdef\n");
    assert_int_equal(load(), -1);
    assert_string_equal(said, "PUBLIC_URL: is not set, but with TWILIO_AUTH_TOKEN it is what "
                              "Twilio signs; allowed: https://host, without ? and #\n");
    write_file("TWILIO_AUTH_TOKEN=0123456789,abcdef\nPUBLIC_URL=http://localhost:8000\n");
    assert_int_equal(load(), 0);
    assert_string_equal(said, "");
}

/* What Twilio would sign otherwise is said, and the server starts. */
static void a_public_url_that_twilio_writes_otherwise_is_told(void **state)
{
    static const struct {
        const char *url, *read, *says;
    } rows[] = {
        {"https://uic.example.org/whatsapp/webhook", "https://uic.example.org/whatsapp/webhook",
         "warning: PUBLIC_URL: ends with WEBHOOK_PATH (/whatsapp/webhook)"},
        {"https://uic.example.org/whatsapp/webhook/", "https://uic.example.org/whatsapp/webhook",
         "warning: PUBLIC_URL: ends with WEBHOOK_PATH (/whatsapp/webhook)"},
        {"https://uic.example.org//", "https://uic.example.org",
         "warning: PUBLIC_URL: the slash at its end is left out; Twilio's console must have "
         "https://uic.example.org/whatsapp/webhook"},
        {"https://UIC.example.org", "https://UIC.example.org",
         "warning: PUBLIC_URL: has capital letters in its host"},
        {"https://uic.example.org/Prefix", "https://uic.example.org/Prefix", NULL},
    };
    char text[256];

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        snprintf(text, sizeof text, "TWILIO_AUTH_TOKEN=0123456789\nPUBLIC_URL=%s\n", rows[i].url);
        write_file(text);
        assert_int_equal(load(), 0);
        assert_string_equal(config.public_url, rows[i].read);
        if (rows[i].says == NULL ? *said != '\0' : strstr(said, rows[i].says) == NULL)
            fail_msg("%s: %s", rows[i].url, said);
    }
}

#define META_THREE \
    "META_WHATSAPP_TOKEN=EAAx\nMETA_PHONE_NUMBER_ID=106540352242922\nMETA_VERIFY_TOKEN=lualaba\n"

static void metas_channel_is_there_whole_or_not_at_all(void **state)
{
    (void)state;
    write_file("");
    assert_int_equal(load(), 0);
    assert_false(config_has_meta(&config));
    assert_string_equal(config.meta_graph_url, "https://graph.facebook.com");
    write_file(META_THREE);
    assert_int_equal(load(), -1);
    assert_non_null(strstr(said, "META_APP_SECRET: is not set, but other settings of Meta's"));
    assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1); /* one line */
    write_file(META_THREE "META_APP_SECRET=old,new\nMETA_GRAPH_URL=http://localhost:8443/\n");
    assert_int_equal(load(), 0);
    assert_string_equal(said, "");
    assert_true(config_has_meta(&config));
    assert_string_equal(config.meta_graph_url, "http://localhost:8443");
    assert_int_equal(config.meta_messages_per_second, 80);
}

static void metas_four_are_looked_at_closely(void **state)
{
    static const struct {
        const char *name, *text;
    } values[] = {
        {"META_WHATSAPP_TOKEN", "two words"},
        {"META_PHONE_NUMBER_ID", "+243812345678"},
        {"META_PHONE_NUMBER_ID", "123456789012345678901234567890123"},
        {"META_VERIFY_TOKEN", "é"},
        {"META_APP_SECRET", "one,two,three"},
        {"META_APP_SECRET", ",one"},
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        begin(state);
        write_file(META_THREE "META_APP_SECRET=secret\n");
        setenv(values[i].name, values[i].text, 1);
        assert_int_equal(load(), -1);
        assert_ptr_equal(strstr(said, values[i].name), said);
        assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1); /* one line */
    }
}

static void in_production_metas_signatures_stand_for_twilios(void **state)
{
    (void)state;
    write_file("ENVIRONMENT=production\nPUBLIC_URL=https://uic.example.org\n"
               "ADMIN_TOKEN=0123456789abcdef\n" META_THREE "META_APP_SECRET=secret\n");
    assert_int_equal(load(), 0);
    assert_string_equal(said, "");
    setenv("META_GRAPH_URL", "http://graph.example.org", 1);
    assert_int_equal(load(), -1);
    assert_non_null(strstr(said, "META_GRAPH_URL: holds \"http://graph.example.org\", but "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(production_wants_signatures_a_public_url_and_an_admin_token),
        test(a_token_is_of_no_use_without_the_url_that_is_signed),
        test(a_public_url_that_twilio_writes_otherwise_is_told),
        test(metas_channel_is_there_whole_or_not_at_all),
        test(metas_four_are_looked_at_closely),
        test(in_production_metas_signatures_stand_for_twilios),
    };
    if (bench_open() < 0)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    bench_close();
    return failed;
}
