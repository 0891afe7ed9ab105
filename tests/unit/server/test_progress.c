/* The progress bar: on a terminal only, drawn at once and taken away again. */
#include "server/commands/progress.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

/* Standard error, led somewhere else for a while. */
struct elsewhere {
    int standard_error, reading;
};

static void lead_to(struct elsewhere *elsewhere, int writing, int reading)
{
    fflush(stderr);
    elsewhere->standard_error = dup(STDERR_FILENO);
    elsewhere->reading = reading;
    assert_true(dup2(writing, STDERR_FILENO) == STDERR_FILENO);
    close(writing);
}

static void lead_to_terminal(struct elsewhere *elsewhere)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(master >= 0);
    assert_int_equal(grantpt(master), 0);
    assert_int_equal(unlockpt(master), 0);
    int terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(terminal >= 0);
    lead_to(elsewhere, terminal, master);
}

static void lead_to_pipe(struct elsewhere *elsewhere)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    lead_to(elsewhere, ends[1], ends[0]);
}

/* What was written there, an end mark being written last, and standard error as it was. */
static void come_back(struct elsewhere *elsewhere, char *text, size_t size)
{
    size_t length = 0;

    fputc('$', stderr);
    fflush(stderr);
    do {
        ssize_t got = read(elsewhere->reading, text + length, size - 1 - length);
        assert_true(got > 0);
        length += (size_t)got;
    } while (text[length - 1] != '$');
    text[length - 1] = '\0';
    dup2(elsewhere->standard_error, STDERR_FILENO);
    close(elsewhere->standard_error);
    close(elsewhere->reading);
}

static void a_terminal_sees_how_far_it_is(void **state)
{
    struct elsewhere elsewhere;
    struct progress progress;
    char text[512];

    (void)state;
    lead_to_terminal(&elsewhere);
    progress_begin(&progress, "import", 100);
    progress_show(&progress, 50);
    progress_end(&progress);
    come_back(&elsewhere, text, sizeof text);
    assert_string_equal(text, "\rimport [###############...............] 50 of 100\033[K\r\033[K");
}

static void it_is_drawn_again_after_it_was_taken_away(void **state)
{
    struct elsewhere elsewhere;
    struct progress progress;
    char text[512];

    (void)state;
    lead_to_terminal(&elsewhere);
    progress_begin(&progress, "x", 1);
    progress_show(&progress, 0);
    progress_end(&progress);
    progress_show(&progress, 1);
    come_back(&elsewhere, text, sizeof text);
    assert_non_null(strstr(text, "0 of 1"));
    assert_non_null(strstr(text, "[##############################] 1 of 1"));
}

static void more_than_was_expected_and_nothing_at_all_fit(void **state)
{
    struct elsewhere elsewhere;
    struct progress progress;
    char text[512];

    (void)state;
    lead_to_terminal(&elsewhere);
    progress_begin(&progress, "x", 3);
    progress_show(&progress, 9);
    progress_begin(&progress, "y", 0);
    progress_show(&progress, 0);
    come_back(&elsewhere, text, sizeof text);
    assert_non_null(strstr(text, "[##############################] 9 of 9"));
    assert_non_null(strstr(text, "[..............................] 0 of 0"));
}

static void it_may_be_called_for_every_row(void **state)
{
    struct elsewhere elsewhere;
    struct progress progress;
    char text[4096];
    size_t drawn = 0;

    (void)state;
    lead_to_terminal(&elsewhere);
    progress_begin(&progress, "x", 10);
    progress_show(&progress, 1);
    progress.shown_ms += INT32_MAX; /* so that no time passes, however slow the machine */
    for (int i = 0; i < 1000; i++)
        progress_show(&progress, i);
    come_back(&elsewhere, text, sizeof text);
    for (const char *at = text; (at = strstr(at, " of ")) != NULL; at++)
        drawn++;
    assert_int_equal(drawn, 1);
}

static void a_file_or_pipe_sees_nothing(void **state)
{
    struct elsewhere elsewhere;
    struct progress progress;
    char text[512];

    (void)state;
    lead_to_pipe(&elsewhere);
    progress_begin(&progress, "import", 100);
    progress_show(&progress, 50);
    progress_end(&progress);
    come_back(&elsewhere, text, sizeof text);
    assert_string_equal(text, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_terminal_sees_how_far_it_is),
        cmocka_unit_test(it_is_drawn_again_after_it_was_taken_away),
        cmocka_unit_test(more_than_was_expected_and_nothing_at_all_fit),
        cmocka_unit_test(it_may_be_called_for_every_row),
        cmocka_unit_test(a_file_or_pipe_sees_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
