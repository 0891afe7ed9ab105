/* The outbox while Redis's clock jumps: a Redis that has a clock of its own. */
#include "store/outbox_bench.h"

#include <fcntl.h>

#define HOUR 3600

static char clock_path[TEMPORARY_FOLDER_MAX + 8];

/* Redis's clock is so many seconds ahead from now on. */
static void redis_shift(int64_t seconds)
{
    const int file = open(clock_path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

    assert_true(file >= 0);
    assert_int_equal(pwrite(file, &seconds, sizeof seconds, 0), sizeof seconds);
    close(file);
}

static int start_shifted(void **state)
{
    char folder[TEMPORARY_FOLDER_MAX];

    temporary_folder("clock", folder);
    snprintf(clock_path, sizeof clock_path, "%s/clock", folder);
    redis_shift(HOUR);
    setenv("SHIFTED_CLOCK", clock_path, 1);
    setenv("LD_PRELOAD", SHIFTED_CLOCK_LIBRARY, 1);
    start(state);
    unsetenv("LD_PRELOAD");
    return 0;
}

static int stop_shifted(void **state)
{
    stop(state);
    unlink(clock_path);
    *strrchr(clock_path, '/') = '\0';
    return rmdir(clock_path);
}

/* What they took counts as taken when the clock was set back, not an hour later. */
static void the_dead_are_dead_after_the_clock_was_set_back(void **state)
{
    (void)state;
    struct outbox outbox;
    struct letter letters[3];
    struct outbox_pace pace = quick;

    for (int i = 0; i < 3; i++)
        letters[i] = letter_number(i);
    put_aside(letters, 3);
    tell("XGROUP CREATE " STREAM " %s 0", group);
    tell("XREADGROUP GROUP %s dead COUNT 2 STREAMS " STREAM " >", group);
    redis_shift(0);
    outbox_open(&outbox);
    until(outbox.written == 1);
    const unsigned lengths = outbox.lengths;
    until(outbox.lengths > lengths + 5);
    assert_int_equal(outbox.written, 1); /* they may live */
    pace.dead_ms = 1;
    outbox_set_pace(outbox.link, &pace);
    until(outbox.written == 3);
    assert_int_equal(entries(), 0);
    assert_sql(&bench, ROWS, "3 3");
    outbox_close(&outbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_dead_are_dead_after_the_clock_was_set_back,
                                        start_shifted, stop_shifted),
    };
    signal(SIGPIPE, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
