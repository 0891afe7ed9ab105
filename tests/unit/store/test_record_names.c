/*
 * A name server that does not answer: libpq waits for it, but nobody else does, neither those who
 * claim nor who stops the program.
 */
#include "record_bench.h"

#include "store/sql/sql.h"
#include <dlfcn.h>
#include <netdb.h>
#include <pthread.h>
#include <stdatomic.h>

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static unsigned asking; /* wait for the name server, and */
static bool answers;    /* it does */

/* In place of the system's, for libpq too. */
int getaddrinfo(const char *restrict node, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict result)
{
    int (*system)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = NULL;

    if (node == NULL || !strstr(node, "silent.invalid")) {
        *(void **)&system = dlsym(RTLD_NEXT, "getaddrinfo");
        return system(node, service, hints, result);
    }
    pthread_mutex_lock(&mutex);
    asking++;
    pthread_cond_broadcast(&changed);
    while (!answers)
        pthread_cond_wait(&changed, &mutex);
    asking--;
    pthread_cond_broadcast(&changed);
    pthread_mutex_unlock(&mutex);
    return EAI_AGAIN;
}

#define URL "postgresql://uic:s3cret@silent.invalid/uic"

static struct bench bench;

static int setup(void **state)
{
    (void)state;
    pthread_mutex_lock(&mutex);
    answers = false;
    pthread_mutex_unlock(&mutex);
    strcpy(bench.url, URL);
    return 0;
}

/* Only now it answers: whatever waits for it hangs. */
static int teardown(void **state)
{
    (void)state;
    pthread_mutex_lock(&mutex);
    answers = true;
    pthread_cond_broadcast(&changed);
    while (asking > 0)
        pthread_cond_wait(&changed, &mutex);
    pthread_mutex_unlock(&mutex);
    return 0;
}

static void assert_asking(void)
{
    pthread_mutex_lock(&mutex);
    assert_true(asking > 0);
    pthread_mutex_unlock(&mutex);
}

static void opening_has_its_deadline(void **state)
{
    (void)state;
    char error[ERROR_MAX];
    bool away = false;

    assert_null(sql_open(URL, SQL_WRITE, 200, &away, error));
    assert_true(away);
    assert_non_null(strstr(error, "silent.invalid/uic: no connection within 200 ms"));
    assert_null(strstr(error, "s3cret"));
    assert_asking();
}

static void claims_are_refused_and_the_store_closes(void **state)
{
    (void)state;
    struct asked jean = asked_by("jean", "+1", "SM1", "code");

    bench_attach(&bench);
    assert_int_equal(claimed(&bench, &jean), STORE_DOWN);
    assert_false(bench.up);
    assert_non_null(strstr(bench.why, "no connection within 3000 ms"));
    assert_int_equal(record_claim(bench.link, &jean.claim), STORE_DOWN);
    bench_detach(&bench);
    assert_asking();
}

static void the_store_closes_in_its_first_attempt(void **state)
{
    (void)state;
    struct asked jean = asked_by("jean", "+1", "SM1", "code");

    bench_attach(&bench);
    assert_int_equal(record_claim(bench.link, &jean.claim), STORE_LATER);
    bench_detach(&bench);
    assert_true(jean.finished);
    assert_int_equal(jean.claim.ticket.status, STORE_DOWN);
    assert_asking();
}

/* However often it is tried again: threads that are left behind are counted. */
static void attempts_have_a_limit(void **state)
{
    (void)state;
    char error[ERROR_MAX];

    for (int i = 0; i < 70; i++)
        assert_null(sql_open(URL, SQL_WRITE, 10, NULL, error));
    assert_non_null(strstr(error, "no thread to look names up"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(opening_has_its_deadline),
        TEST(claims_are_refused_and_the_store_closes),
        TEST(the_store_closes_in_its_first_attempt),
        TEST(attempts_have_a_limit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
