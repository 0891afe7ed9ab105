/* Replies that another salt has sealed, in the same Redis. */
#include "store/replies_bench.h"

/* Whoever has not their salt neither sends nor drops them, however often he finds them. */
static void another_salts_replies_are_left_to_its_own(void **state)
{
    (void)state;
    struct replies_link *clerk = clerk_open();
    struct replies_store *ours = store;

    put(clerk, "+1", "a");
    settings.seal_key[0] ^= 1;
    store_open();
    struct replies_store *others = store;
    struct postman *postman = postman_open();
    put(postman->link, "+2", "b");
    until(postman->notes.count == 1); /* its own */
    for (int64_t end = wall_now_ms() + 20 * settings.look_ms; wall_now_ms() < end;)
        event_base_loop(base, EVLOOP_ONCE);
    assert_string_equal(postman->notes.text, "+2 b ");
    assert_int_equal(postman->damaged, 0);
    assert_int_equal(waiting(), 1);
    postman_close(postman);
    replies_close(others);

    store = ours;
    postman = postman_open();
    until(postman->notes.count == 1);
    assert_string_equal(postman->notes.text, "+1 a ");
    until(waiting() == 0);
    postman_close(postman);
    replies_detach(clerk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {REDIS(another_salts_replies_are_left_to_its_own)};

    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
