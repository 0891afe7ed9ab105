/* Memory of libevent: wiped when it is given back, kept for the next use, and nobody's until then.
 */
#include "server/security/zeroing_allocator.h"
#include "store/base/poison.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <event2/buffer.h>
#include <pthread.h>

#ifdef __SANITIZE_ADDRESS__
#define SANITIZED true
#define is_poisoned(memory) (__asan_address_is_poisoned(memory) == 1)
#else
#define SANITIZED false
#define is_poisoned(memory) ((void)(memory), false)
#endif

#define SECRET "Kabila, née à Kananga"

/* A buffer that holds the secret, and where it holds it. */
static struct evbuffer *buffer_make(unsigned char **bytes)
{
    struct evbuffer *buffer = evbuffer_new();

    assert_non_null(buffer);
    assert_int_equal(evbuffer_add(buffer, SECRET, sizeof SECRET), 0);
    *bytes = evbuffer_pullup(buffer, -1);
    return buffer;
}

static void what_was_given_back_is_wiped_and_used_again(void **state)
{
    static const unsigned char nothing[sizeof SECRET];
    unsigned char *first, *second;

    (void)state;
    evbuffer_free(buffer_make(&first));
    memory_unpoison(first, sizeof SECRET);
    assert_memory_equal(first, nothing, sizeof SECRET);
    memory_poison(first, sizeof SECRET);
    struct evbuffer *buffer = buffer_make(&second);
    assert_ptr_equal(first, second);
    assert_memory_equal(second, SECRET, sizeof SECRET);
    evbuffer_free(buffer);
}

static void nobody_touches_it_until_then(void **state)
{
    unsigned char *bytes;

    (void)state;
    struct evbuffer *buffer = buffer_make(&bytes);
    assert_false(is_poisoned(bytes));
    evbuffer_free(buffer);
    if (!SANITIZED)
        skip();
    assert_true(is_poisoned(bytes));
}

static void *buffer_come_and_go(void *arg)
{
    unsigned char *bytes;

    evbuffer_free(buffer_make(&bytes));
    return arg;
}

/* The leak sanitizer looks for it. */
static void what_a_thread_kept_goes_with_it(void **state)
{
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, buffer_come_and_go, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_given_back_is_wiped_and_used_again),
        cmocka_unit_test(nobody_touches_it_until_then),
        cmocka_unit_test(what_a_thread_kept_goes_with_it),
    };

    zeroing_allocator_start();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
