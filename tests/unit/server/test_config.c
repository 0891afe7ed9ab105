/* Configuration: what the environment and .env say, and every mistake told at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "server/config_bench.h"

static void a_salt_is_all_that_is_needed(void **state)
{
    (void)state;
    assert_int_equal(load(), 0);
    assert_string_equal(said, "");
    assert_string_equal(config.app_name, "Générateur de CIU WhatsApp");
    assert_string_equal(config.environment, "development");
    assert_false(config.production);
    assert_false(config.debug);
    assert_int_equal(config.log_level, LOG_INFO);
    assert_false(config.log_json);
    assert_string_equal(config.host, "0.0.0.0");
    assert_int_equal(config.port, 8000);
    assert_in_range(config.workers, 1, 256);
    assert_string_equal(config.uic_salt, SALT);
    assert_null(config.redis_url);
    assert_string_equal(config.database_url, "sqlite:///./uic_database.db");
    assert_int_equal(config.session_timeout_minutes, 15);
    assert_null(config.flow_file);
    assert_null(config.public_url);
    assert_null(config.twilio_auth_token);
    assert_string_equal(config.webhook_path, "/whatsapp/webhook");
    assert_null(config.admin_token);
    assert_int_equal(config.max_connections, 10000);
    assert_int_equal(config.max_in_flight, 2000);
}

static void the_environment_goes_before_the_file(void **state)
{
    (void)state;
    write_file("PORT=9000\nHOST=127.0.0.1\nREDIS_URL=redis://file/0\n");
    setenv("PORT", "9001", 1);
    setenv("REDIS_URL", "", 1); /* set to nothing: as if it were nowhere */
    assert_int_equal(load(), 0);
    assert_int_equal(config.port, 9001);
    assert_string_equal(config.host, "127.0.0.1");
    assert_null(config.redis_url);
}

static void an_empty_value_in_the_file_means_unset(void **state)
{
    (void)state;
    write_file("PORT=\nADMIN_TOKEN=\"\"\nAPP_NAME='CIU'\n");
    assert_int_equal(load(), 0);
    assert_int_equal(config.port, 8000);
    assert_null(config.admin_token);
    assert_string_equal(config.app_name, "CIU");
}

static void booleans_are_python_s(void **state)
{
    static const char *const yes[] = {"True", "true", "TRUE", "1", "yes", "On", "t", "Y"};
    static const char *const no[] = {"False", "false", "0", "No", "off", "f", "n"};
    (void)state;
    for (size_t i = 0; i < sizeof yes / sizeof *yes; i++) {
        setenv("LOG_JSON", yes[i], 1);
        assert_int_equal(load(), 0);
        assert_true(config.log_json);
    }
    for (size_t i = 0; i < sizeof no / sizeof *no; i++) {
        setenv("LOG_JSON", no[i], 1);
        assert_int_equal(load(), 0);
        assert_false(config.log_json);
    }
}

static void debug_lowers_the_log_level(void **state)
{
    (void)state;
    setenv("LOG_LEVEL", "error", 1);
    assert_int_equal(load(), 0);
    assert_int_equal(config.log_level, LOG_ERROR);
    setenv("DEBUG", "True", 1);
    assert_int_equal(load(), 0);
    assert_int_equal(config.log_level, LOG_DEBUG);
}

struct value {
    const char *name, *text;
};

static void values_at_the_edge_are_taken(void **state)
{
    static const struct value values[] = {
        {"PORT", "1"},
        {"PORT", "65535"},
        {"PORT", "08000"},
        {"SESSION_TIMEOUT_MINUTES", "1"},
        {"SESSION_TIMEOUT_MINUTES", "1440"},
        {"WORKERS", "256"},
        {"UIC_SALT", "kP3nTqX9vL2mZ8rW"},
        {"UIC_SALT", "salt with spaces 123"},
        {"UIC_SALT", "sel-très-salé-2024-œ"},
        {"UIC_SALT", "éèàùéèàùéèàùéèà-"},
        {"REDIS_URL", "redis://:pass@localhost:6379/0"},
        {"REDIS_URL", "rediss://:pass@redis.example:6380"},
        {"REDIS_URL", "sentinel://:pass@h1:26379,h2:26379/uic/0?sentinel_password=x"},
        {"REDIS_URL", "unix:///run/redis.sock"},
        {"DATABASE_URL", "sqlite:////var/lib/uic/uic.db"},
        {"DATABASE_URL", "postgresql://user:pass@localhost/uic"},
        {"DATABASE_URL", "postgres://user:pass@localhost/uic"},
        {"PUBLIC_URL", "https://uic.example.org:8443/prefix"},
        {"PUBLIC_URL", "http://localhost:8000"},
        {"ADMIN_TOKEN", "0123456789abcdef"},
        {"WEBHOOK_PATH", "/"},
        {"FLOW_FILE", SOURCE_DIR "/CMakeLists.txt"},
        {"TWILIO_WHATSAPP_NUMBER", "whatsapp:+14155238886"},
        {"MESSAGES_PER_MINUTE", "0"},
        {"CODES_PER_DAY", "1000000"},
        {"TRUSTED_PROXIES", "none"},
        {"TRUSTED_PROXIES", "10.0.0.0/8,2001:db8::1"},
        {"MAX_BODY_BYTES", "1048576"},
        {"MAX_PARAMETERS", "16"},
        {"ENVIRONMENT", "development"},
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        begin(state);
        setenv(values[i].name, values[i].text, 1);
        assert_int_equal(load(), 0);
        assert_string_equal(said, "");
    }
}

static void values_beyond_the_edge_are_refused(void **state)
{
    static const struct value values[] = {
        {"PORT", "0"},
        {"PORT", "65536"},
        {"PORT", "-1"},
        {"PORT", "80x"},
        {"PORT", " 80"},
        {"PORT", "4294967376"},
        {"SESSION_TIMEOUT_MINUTES", "0"},
        {"SESSION_TIMEOUT_MINUTES", "1441"},
        {"WORKERS", "257"},
        {"LOG_LEVEL", "TRACE"},
        {"LOG_JSON", "maybe"},
        {"DEBUG", "2"},
        {"ENVIRONMENT", "Production"},
        {"UIC_SALT", "abcdefghijklmnopqrst"},
        {"UIC_SALT", "éèàùéèàùéèàùéèàù"},
        {"UIC_SALT", "12345678901234567890"},
        {"UIC_SALT", "kP3nTqX9vL2mZ8r"},
        {"UIC_SALT", "é-é-é-é-"}, /* 12 bytes of which 8 characters */
        {"UIC_SALT", "kP3nTqX9vL2mZ8rW\xff"},
        {"REDIS_URL", "rediss://"},
        {"REDIS_URL", "sentinel://"},
        {"REDIS_URL", "valkey://localhost"},
        {"REDIS_URL", "unix://run/redis.sock"},
        {"DATABASE_URL", "mysql://localhost/x"},
        {"DATABASE_URL", "sqlite:///"},
        {"PUBLIC_URL", "uic.example.org"},
        {"PUBLIC_URL", "https://"},
        {"PUBLIC_URL", "https://host/?a=b"},
        {"PUBLIC_URL", "https://user@host"},
        {"ADMIN_TOKEN", "0123456789abcde"},
        {"ADMIN_TOKEN", "0123456789 abcdef"},
        {"TWILIO_AUTH_TOKEN", "[À COMPLÉTER]"},
        {"TWILIO_AUTH_TOKEN", "old,new,newer"},
        {"TWILIO_AUTH_TOKEN", "old,"},
        {"TWILIO_AUTH_TOKEN", ",new"},
        {"WEBHOOK_PATH", "webhook"},
        {"WEBHOOK_PATH", "/a b"},
        {"FLOW_FILE", "/no/such/file.json"},
        {"FLOW_FILE", "/"},
        {"MAX_CONNECTIONS", "0"},
        {"MAX_IN_FLIGHT", "many"},
        {"MESSAGES_PER_MINUTE", "-1"},
        {"CODES_PER_DAY", "1000001"},
        {"TRUSTED_PROXIES", "localhost"},
        {"TRUSTED_PROXIES", "10.0.0.0/33"},
        {"HEAD_TIMEOUT_SECONDS", "0"},
        {"MAX_HEAD_BYTES", "1023"},
        {"MAX_URL_BYTES", "16385"},
        {"MAX_BODY_BYTES", "1048577"},
        {"MAX_PARAMETERS", "257"},
        {"META_GRAPH_URL", "graph.facebook.com"},
        {"META_GRAPH_VERSION", "25.0"},
        {"META_GRAPH_VERSION", "v25"},
        {"META_GRAPH_VERSION", "v25.0/../x"},
        {"META_MESSAGES_PER_SECOND", "1001"},
    };
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        begin(state);
        setenv(values[i].name, values[i].text, 1);
        assert_int_equal(load(), -1);
        size_t length = strlen(values[i].name);
        assert_memory_equal(said, values[i].name, length);
        assert_memory_equal(said + length, ": holds ", 8);
        assert_non_null(strstr(said, "; allowed: "));
        assert_ptr_equal(strchr(said, '\n'), said + strlen(said) - 1); /* one line */
    }
}

static void every_mistake_is_told_at_once(void **state)
{
    (void)state;
    setenv("PORT", "70000", 1);
    setenv("LOG_LEVEL", "loud", 1);
    unsetenv("UIC_SALT");
    write_file("ENVIRONMENT=staging\nthis line\n");
    assert_int_equal(load(), -1);
    char expected[1000];
    snprintf(expected, sizeof expected,
             "%s:2: expected NAME=value\n"
             "ENVIRONMENT: holds \"staging\"; allowed: development or production\n"
             "LOG_LEVEL: holds \"loud\"; allowed: DEBUG, INFO, WARNING, ERROR or CRITICAL\n"
             "PORT: holds \"70000\"; allowed: a number from 1 to 65535\n",
             env_file);
    assert_string_equal(said, expected); /* the salt may stand in the line that was not read */
}

static void secrets_are_never_told(void **state)
{
    static const char *const names[] = {
        "UIC_SALT",          "REDIS_URL",           "DATABASE_URL",      "ADMIN_TOKEN",
        "TWILIO_AUTH_TOKEN", "META_WHATSAPP_TOKEN", "META_VERIFY_TOKEN", "META_APP_SECRET"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        setenv(names[i], "hunter 2é", 1);
    assert_int_equal(load(), -1);
    assert_null(strstr(said, "hunter"));
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char expected[100];
        snprintf(expected, sizeof expected, "%s: holds 9 characters that are not shown", names[i]);
        assert_non_null(strstr(said, expected));
    }
}

static void a_bad_value_cannot_steer_the_terminal(void **state)
{
    (void)state;
    setenv("LOG_LEVEL", "\x1b[2J\nPORT: fine\xC2\x9B", 1);
    assert_int_equal(load(), -1);
    assert_ptr_equal(strstr(said, "LOG_LEVEL: holds \"?[2J?PORT: fine?\"; allowed"), said);
}

static void unknown_names_in_the_file_get_a_warning(void **state)
{
    (void)state;
    write_file("PROT=9000\nAPP_VERSION=\"0.1.0\"\n");
    assert_int_equal(load(), 0);
    char expected[200];
    snprintf(expected, sizeof expected, "warning: %s:1: PROT is not a setting of this program\n",
             env_file);
    assert_string_equal(said, expected);
}

static void interpolation_is_not_done_silently(void **state)
{
    (void)state;
    write_file("APP_NAME=\"${USER} CIU\"\n");
    assert_int_equal(load(), 0);
    assert_string_equal(config.app_name, "${USER} CIU");
    assert_string_equal(said, "warning: APP_NAME: ${...} is taken as it stands\n");
}

static void a_named_file_must_be_there(void **state)
{
    (void)state;
    FILE *nowhere = fopen("/dev/null", "w");
    config_free(&config);
    assert_int_equal(config_load(&config, "/no/such/.env", nowhere), -1);
    config_free(&config);
    assert_int_equal(config_load(&config, "/", nowhere), -1);
    config_free(&config);
    assert_int_equal(config_load(&config, NULL, nowhere), 0); /* none in this directory */
    fclose(nowhere);
}

static void a_large_file_is_refused(void **state)
{
    (void)state;
    FILE *file = fopen(env_file, "w");
    for (int i = 0; i < 65537; i++)
        fputc('\n', file);
    fclose(file);
    assert_int_equal(load(), -1);
    assert_non_null(strstr(said, "is longer than 65536 bytes"));
}

static void a_code_needs_salt_and_flow_file_alone(void **state)
{
    (void)state;
    write_file("PORT=none\nPROT=1\nENVIRONMENT=production\nUIC_SALT=ignored\n");
    setenv("FLOW_FILE", SOURCE_DIR "/CMakeLists.txt", 1);
    assert_int_equal(run_loader(config_load_code), 0);
    assert_string_equal(said, "");
    assert_string_equal(config.uic_salt, SALT);
    assert_string_equal(config.flow_file, SOURCE_DIR "/CMakeLists.txt");
    clearenv();
    assert_int_equal(run_loader(config_load_code), -1); /* the file's salt is short */
    write_file("PORT=none\n");
    assert_int_equal(run_loader(config_load_code), 0);
    assert_null(config.uic_salt);
}

static void the_example_file_names_every_setting(void **state)
{
    (void)state;
    char *help, line[300], name[100];
    size_t size;
    FILE *out = open_memstream(&help, &size);
    config_help(out);
    fclose(out);
    FILE *example = fopen(SOURCE_DIR "/.env.example", "r");
    assert_non_null(example);
    static char text[16384];
    assert_in_range(fread(text, 1, sizeof text - 1, example), 1, sizeof text - 2);
    fclose(example);
    FILE *rows = fmemopen(help, size, "r");
    size_t count = 0;
    while (fgets(line, sizeof line, rows)) {
        if (sscanf(line, "  %99[A-Z_] ", name) != 1)
            continue;
        char wanted[110];
        snprintf(wanted, sizeof wanted, "%s=", name);
        if (!strstr(text, wanted))
            fail_msg("%s is not in .env.example", name);
        count++;
    }
    assert_true(count >= 20);
    fclose(rows);
    free(help);
}

static void the_example_file_with_a_salt_is_a_good_one(void **state)
{
    (void)state;
    config_free(&config);
    free(said);
    size_t size;
    FILE *errors = open_memstream(&said, &size);
    assert_int_equal(config_load(&config, SOURCE_DIR "/.env.example", errors), 0);
    fclose(errors);
    assert_string_equal(said, "");
    clearenv(); /* without one it is not */
    FILE *nowhere = fopen("/dev/null", "w");
    config_free(&config);
    assert_int_equal(config_load(&config, SOURCE_DIR "/.env.example", nowhere), -1);
    fclose(nowhere);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        test(a_salt_is_all_that_is_needed),
        test(the_environment_goes_before_the_file),
        test(an_empty_value_in_the_file_means_unset),
        test(booleans_are_python_s),
        test(debug_lowers_the_log_level),
        test(values_at_the_edge_are_taken),
        test(values_beyond_the_edge_are_refused),
        test(every_mistake_is_told_at_once),
        test(secrets_are_never_told),
        test(a_bad_value_cannot_steer_the_terminal),
        test(unknown_names_in_the_file_get_a_warning),
        test(interpolation_is_not_done_silently),
        test(a_named_file_must_be_there),
        test(a_large_file_is_refused),
        test(a_code_needs_salt_and_flow_file_alone),
        test(the_example_file_names_every_setting),
        test(the_example_file_with_a_salt_is_a_good_one),
    };
    if (bench_open() < 0)
        return 1;
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    bench_close();
    return failed;
}
