/*
 * Sessions in a Redis behind TLS: only a server whose certificate is trusted and for its name is
 * taken. Skipped where hiredis has no TLS.
 */
#include "store/redis_server.h"
#include "store/session_bench.h"

#include "store/redis/tls.h"

static struct redis_server server;
static struct bench bench;
static char url[160];

/* A self-signed certificate for some names, as files of this name. */
static void certificate_make(const char *name, const char *names)
{
    char command[512];
    snprintf(command, sizeof command,
             "openssl req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=redis -addext "
             "subjectAltName=%s -keyout %s/%s.key -out %s/%s.crt 2>/dev/null",
             names, server.directory, name, server.directory, name);
    assert_int_equal(system(command), 0);
}

static void trust(const char *name)
{
    char path[128];
    snprintf(path, sizeof path, "%s/%s.crt", server.directory, name);
    setenv("SSL_CERT_FILE", path, 1);
}

static void server_run(const char *certificate)
{
    char port[16], crt[128], key[128];
    snprintf(port, sizeof port, "%u", server.port);
    snprintf(crt, sizeof crt, "%s/%s.crt", server.directory, certificate);
    snprintf(key, sizeof key, "%s/%s.key", server.directory, certificate);
    server.pid = fork();
    if (server.pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(open("/dev/null", O_RDWR), STDOUT_FILENO);
        execlp("redis-server", "redis-server", "--port", "0", "--tls-port", port, "--bind",
               "127.0.0.1", "--tls-cert-file", crt, "--tls-key-file", key, "--tls-auth-clients",
               "no", "--unixsocket", server.socket, "--dir", server.directory, "--save", "",
               (char *)NULL);
        _exit(127);
    }
    for (int i = 0; i < 2000 && !redis_server_answers(&server); i++)
        nap();
    assert_true(redis_server_answers(&server));
}

static int start(void **state)
{
    (void)state;
    server = (struct redis_server){.port = free_port()};
    temporary_folder("tls", server.directory);
    snprintf(server.socket, sizeof server.socket, "%s/redis", server.directory);
    certificate_make("good", "DNS:localhost,IP:127.0.0.1");
    certificate_make("other", "DNS:elsewhere.example,IP:127.0.0.2");
    return 0;
}

static int stop(void **state)
{
    (void)state;
    redis_server_stop(&server);
    return 0;
}

static void attach(const char *scheme, const char *host)
{
    snprintf(url, sizeof url, "%s://%s:%u/2", scheme, host, server.port);
    struct session_settings settings = bench_settings(url);
    bench_attach(&bench, &settings);
}

static void assert_down(const char *why)
{
    bench_until(&bench, bench.changes > 0);
    assert_false(bench.up);
    if (strstr(bench.why, why) == NULL)
        fail_msg("%s", bench.why);
    bench_close(&bench);
}

static void a_trusted_server_is_taken(void **state)
{
    static const char *const hosts[] = {"127.0.0.1", "localhost"};
    (void)state;
    server_run("good");
    trust("good");
    for (size_t i = 0; i < 2; i++) {
        struct visit visit;
        attach("rediss", hosts[i]);
        bench_until(&bench, bench.up);
        visit_init(&bench, &visit, "somebody");
        (void)visit_load(&bench, &visit);
        visit_say(&visit, "Kabila");
        assert_status(visit_save(&bench, &visit), STORE_OK);
        redis_server_kill(&server);
        bench_until(&bench, !bench.up);
        server_run("good");
        bench_until(&bench, bench.up);
        assert_status(visit_load(&bench, &visit), STORE_ABSENT);
        bench_close(&bench);
    }
}

static void a_server_that_nobody_vouches_for_is_not(void **state)
{
    (void)state;
    server_run("good");
    trust("other");
    attach("rediss", "127.0.0.1");
    assert_down("self-signed certificate");
}

static void a_certificate_for_another_name_is_not_good(void **state)
{
    (void)state;
    server_run("other");
    trust("other");
    attach("rediss", "127.0.0.1");
    assert_down("IP address mismatch");
    attach("rediss", "localhost");
    assert_down("ostname mismatch");
}

static void tls_and_no_tls_do_not_meet(void **state)
{
    (void)state;
    server_run("good");
    trust("good");
    attach("redis", "127.0.0.1");
    assert_down("Redis at ");
    redis_server_kill(&server);
    redis_server_run(&server); /* on the same port, in clear */
    attach("rediss", "127.0.0.1");
    assert_down("Redis at ");
}

#define SKIPPED 77 /* as CMake knows it */
#define CASE(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(a_trusted_server_is_taken),
        CASE(a_server_that_nobody_vouches_for_is_not),
        CASE(a_certificate_for_another_name_is_not_good),
        CASE(tls_and_no_tls_do_not_meet),
    };
    if (redis_tls_missing() != NULL) {
        puts(redis_tls_missing());
        return SKIPPED;
    }
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
