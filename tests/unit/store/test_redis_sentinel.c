/*
 * Sessions in a Redis that sentinels watch: real masters, replicas and sentinels on ports of their
 * own, killed and stopped.
 */
#include "store/redis_server.h"
#include "store/session_bench.h"

#include <sys/stat.h>

#define SENTINELS 3
#define ADDRESS "whatsapp:+243812345678"

struct process {
    pid_t pid;
    unsigned port;
    char directory[80];
};

static char folder[TEMPORARY_FOLDER_MAX];
static struct process redis[2]; /* the master first */
static struct process sentinels[SENTINELS];
static struct session_settings settings;
static struct bench bench;
static char url[256];

static void process_run(struct process *process, const char *const argv[])
{
    process->pid = fork();
    assert_true(process->pid >= 0);
    if (process->pid != 0)
        return;
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    int null = open("/dev/null", O_RDWR);
    dup2(null, STDOUT_FILENO);
    dup2(null, STDERR_FILENO);
    execvp(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}

static void process_kill(struct process *process)
{
    if (process->pid > 0) {
        kill(process->pid, SIGKILL);
        waitpid(process->pid, NULL, 0);
    }
    process->pid = 0;
}

/* Sends a command to a port; the reply is the caller's, NULL when nobody answers. */
static redisReply *ask(unsigned port, const char *password, const char *format, ...)
{
    const struct timeval patience = {1, 0};
    redisContext *context = redisConnectWithTimeout("127.0.0.1", (int)port, patience);
    va_list arguments;
    va_start(arguments, format);
    redisReply *reply = redis_ask(redis_greet(context, password), format, arguments);
    va_end(arguments);
    return reply;
}

static void redis_run(struct process *process, unsigned replica_of)
{
    char port[16], master[16];
    snprintf(port, sizeof port, "%u", process->port);
    snprintf(master, sizeof master, "127.0.0.1 %u", replica_of);
    process_run(process, (const char *const[]){"redis-server", "--port", port, "--bind",
                                               "127.0.0.1", "--dir", process->directory, "--save",
                                               "", "--repl-diskless-sync-delay", "0",
                                               "--requirepass", "open-sesame", "--masterauth",
                                               "open-sesame", replica_of > 0 ? "--replicaof" : NULL,
                                               "127.0.0.1", master + 10, NULL});
}

static void sentinel_run(struct process *process)
{
    char path[128], port[16];
    snprintf(path, sizeof path, "%s/sentinel.conf", process->directory);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fprintf(file,
            "port %u\nbind 127.0.0.1\ndir %s\nrequirepass sentinels\n"
            "sentinel monitor uic 127.0.0.1 %u 2\n"
            "sentinel auth-pass uic open-sesame\n"
            "sentinel down-after-milliseconds uic 300\n"
            "sentinel failover-timeout uic 1000\n",
            process->port, process->directory, redis[0].port);
    fclose(file);
    snprintf(port, sizeof port, "%u", process->port);
    process_run(process, (const char *const[]){"redis-server", path, "--sentinel", NULL});
}

/* Where sentinels know how (Redis 7), what they do each second or ten is done ten times as often.
 * Returns whether it answers. */
static bool sentinel_hurries(const struct process *process)
{
    redisReply *reply = ask(process->port, "sentinels",
                            "SENTINEL DEBUG info-period 200 ping-period 100 ask-period 100"
                            " publish-period 200 min-link-reconnect-period 500"
                            " election-timeout 1000");
    bool answers = reply != NULL;
    freeReplyObject(reply);
    return answers;
}

static bool sentinel_is_ready(const struct process *process)
{
    redisReply *reply = ask(process->port, "sentinels", "SENTINEL MASTER uic");
    unsigned others = 0, replicas = 0;
    for (size_t i = 0; reply != NULL && i + 1 < reply->elements; i += 2) {
        if (strcmp(reply->element[i]->str, "num-other-sentinels") == 0)
            others = (unsigned)atoi(reply->element[i + 1]->str);
        if (strcmp(reply->element[i]->str, "num-slaves") == 0)
            replicas = (unsigned)atoi(reply->element[i + 1]->str);
    }
    freeReplyObject(reply);
    return others == SENTINELS - 1 && replicas == 1;
}

static bool replica_is_in_step(const struct process *process)
{
    redisReply *reply = ask(process->port, "open-sesame", "INFO replication");
    bool in_step = reply != NULL && reply->type == REDIS_REPLY_STRING &&
                   strstr(reply->str, "master_link_status:up") != NULL;
    freeReplyObject(reply);
    return in_step;
}

static void process_init(struct process *process, const char *name, int number)
{
    *process = (struct process){.port = free_port()};
    snprintf(process->directory, sizeof process->directory, "%s/%s%d", folder, name, number);
    assert_int_equal(mkdir(process->directory, 0700), 0);
}

#define wait_for(expression)                                \
    do {                                                    \
        int left_ = PATIENCE_SECONDS * 200;                 \
        while (!(expression) && left_-- > 0)                \
            nap();                                          \
        if (left_ <= 0)                                     \
            fail_msg("waited in vain for %s", #expression); \
    } while (0)

static void url_of_all(void)
{
    snprintf(url, sizeof url,
             "sentinel://:open-sesame@127.0.0.1:%u,localhost:%u,127.0.0.1:%u/uic/3"
             "?sentinel_password=sentinels",
             sentinels[0].port, sentinels[1].port, sentinels[2].port);
    settings = bench_settings(url);
    bench_deadline_ms = 500;
}

/* Starts everything, unless the case before left it as it was. */
static int start(void **state)
{
    (void)state;
    if (folder[0] != '\0') {
        url_of_all();
        return 0;
    }
    temporary_folder("sentinel", folder);
    for (int i = 0; i < 2; i++) {
        process_init(&redis[i], "redis", i);
        redis_run(&redis[i], i == 0 ? 0 : redis[0].port);
    }
    wait_for(replica_is_in_step(&redis[1]));
    for (int i = 0; i < SENTINELS; i++) {
        process_init(&sentinels[i], "sentinel", i);
        sentinel_run(&sentinels[i]);
    }
    for (int i = 0; i < SENTINELS; i++)
        wait_for(sentinel_hurries(&sentinels[i]));
    for (int i = 0; i < SENTINELS; i++)
        wait_for(sentinel_is_ready(&sentinels[i]));
    url_of_all();
    return 0;
}

static int stop(void **state)
{
    char command[96];
    (void)state;
    for (int i = 0; i < SENTINELS; i++)
        process_kill(&sentinels[i]);
    for (int i = 0; i < 2; i++)
        process_kill(&redis[i]);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    folder[0] = '\0';
    return system(command);
}

static enum store_status save(const char *text)
{
    struct visit visit;
    visit_init(&bench, &visit, ADDRESS);
    enum store_status status = visit_load(&bench, &visit);
    if (status != STORE_OK && status != STORE_ABSENT)
        return status;
    visit_say(&visit, text);
    return visit_save(&bench, &visit);
}

/* Tries as people do, until the loop had its patience. */
static void save_at_last(const char *text)
{
    bench_until(&bench, session_link_up(bench.link) && save(text) == STORE_OK);
}

static void assert_kept_at(unsigned port, const char *what)
{
    redisReply *role = ask(port, "open-sesame", "ROLE");
    redisReply *space = ask(port, "open-sesame", "INFO keyspace");
    assert_non_null(role);
    assert_string_equal(role->element[0]->str, "master");
    assert_non_null(space);
    if (strstr(space->str, what) == NULL)
        fail_msg("%s", space->str);
    freeReplyObject(role);
    freeReplyObject(space);
}

static void the_master_is_found_and_greeted(void **state)
{
    (void)state;
    bench_open(&bench, &settings);
    assert_int_equal(bench.changes, 1);
    assert_non_null(strstr(bench.why, "Redis master uic at 127.0.0.1:"));
    assert_status(save("Kabila"), STORE_OK);
    assert_kept_at(redis[0].port, "db3:keys=1,");
    bench_close(&bench);
}

static void a_probe_finds_it_too(void **state)
{
    (void)state;
    char error[ERROR_MAX] = "";
    bench_attach(&bench, &settings);
    if (bench_probe(error) != 0)
        fail_msg("%s", error);
    bench_close(&bench);
}

static void dead_and_silent_sentinels_are_passed_over(void **state)
{
    (void)state;
    process_kill(&sentinels[0]);
    kill(sentinels[1].pid, SIGSTOP);
    bench_open(&bench, &settings);
    assert_int_equal(bench.changes, 1); /* one attempt was enough */
    assert_status(save("Kabila"), STORE_OK);
    bench_close(&bench);
}

static void without_any_sentinel_it_is_down_and_says_so(void **state)
{
    (void)state;
    char error[ERROR_MAX] = "";
    for (int i = 0; i < SENTINELS; i++)
        process_kill(&sentinels[i]);
    bench_attach(&bench, &settings);
    bench_until(&bench, bench.changes == 1);
    assert_false(bench.up);
    assert_non_null(strstr(bench.why, "Redis master uic: as sentinel, Redis at "));
    assert_non_null(strstr(bench.why, "Connection refused"));
    assert_null(strstr(bench.why, "sesame"));
    assert_int_equal(bench_probe(error), -1);
    assert_non_null(strstr(error, "Redis master uic: "));
    sentinel_run(&sentinels[2]);
    save_at_last("Kabila");
    bench_close(&bench);
}

static void an_unknown_master_and_a_wrong_password_are_said(void **state)
{
    (void)state;
    static const struct {
        const char *end;
        const char *why;
    } rows[] = {
        {"nobody?sentinel_password=sentinels", "knows no master of that name"},
        {"uic?sentinel_password=hunter2", "AUTH refused: WRONGPASS"},
        {"uic", "refused: NOAUTH"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(url, sizeof url, "sentinel://:open-sesame@127.0.0.1:%u/%s", sentinels[0].port,
                 rows[i].end);
        bench_attach(&bench, &settings);
        bench_until(&bench, bench.changes == 1);
        assert_false(bench.up);
        if (strstr(bench.why, rows[i].why) == NULL)
            fail_msg("%s", bench.why);
        assert_null(strstr(bench.why, "hunter2"));
        bench_close(&bench);
    }
}

static void a_link_may_close_while_it_asks(void **state)
{
    (void)state;
    for (int i = 0; i < 40; i++) {
        bench_attach(&bench, &settings);
        for (int j = 0; j < i; j++)
            event_base_loop(bench.base, EVLOOP_ONCE | EVLOOP_NONBLOCK);
        bench_close(&bench);
    }
}

static void a_killed_master_is_replaced(void **state)
{
    (void)state;
    bench_open(&bench, &settings);
    assert_status(save("Kabila"), STORE_OK);
    process_kill(&redis[0]);
    save_at_last("Lumumba");
    assert_kept_at(redis[1].port, "db3:keys=1,");
    bench_close(&bench);
}

static void a_silent_master_is_replaced(void **state)
{
    (void)state;
    bench_open(&bench, &settings);
    assert_status(save("Kabila"), STORE_OK);
    kill(redis[0].pid, SIGSTOP);
    save_at_last("Lumumba");
    assert_kept_at(redis[1].port, "db3:keys=1,");
    kill(redis[0].pid, SIGCONT); /* it still thinks that it is the master */
    bench_close(&bench);
    bench_open(&bench, &settings);
    assert_non_null(strstr(bench.why, "Redis master uic at 127.0.0.1:"));
    assert_status(save("Tshombe"), STORE_OK);
    assert_kept_at(redis[1].port, "db3:keys=1,");
    bench_close(&bench);
}

/* A failover by hand, while the connection is idle. */
static void a_master_that_became_a_replica_is_left(void **state)
{
    (void)state;
    redisReply *reply;
    bench_open(&bench, &settings);
    assert_status(save("Kabila"), STORE_OK);
    wait_for((reply = ask(sentinels[0].port, "sentinels", "SENTINEL FAILOVER uic"),
              reply->type == REDIS_REPLY_STATUS));
    freeReplyObject(reply);
    wait_for(replica_is_in_step(&redis[0]));
    save_at_last("Lumumba");
    assert_kept_at(redis[1].port, "db3:keys=1,");

    /* And back. */
    process_kill(&redis[1]);
    save_at_last("Tshombe");
    assert_kept_at(redis[0].port, "db3:keys=1,");
    bench_close(&bench);
}

#define CASE(name) cmocka_unit_test_setup(name, start)
#define BREAKING(name) cmocka_unit_test_setup_teardown(name, start, stop)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CASE(the_master_is_found_and_greeted),
        CASE(a_probe_finds_it_too),
        CASE(an_unknown_master_and_a_wrong_password_are_said),
        CASE(a_link_may_close_while_it_asks),
        BREAKING(dead_and_silent_sentinels_are_passed_over),
        BREAKING(without_any_sentinel_it_is_down_and_says_so),
        BREAKING(a_killed_master_is_replaced),
        BREAKING(a_silent_master_is_replaced),
        BREAKING(a_master_that_became_a_replica_is_left),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
