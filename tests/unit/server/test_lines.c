/* Lines of a stream: whole however the reads fall, bounded, and one for one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "server/commands/lines.h"
#include <cmocka.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define MAX 16

struct source {
    int fd;
    const char *text;
    size_t length, step;
};

/* Writes the text in pieces of step bytes. */
static void *write_pieces(void *arg)
{
    struct source *source = arg;
    for (size_t at = 0; at < source->length; at += source->step) {
        size_t left = source->length - at;
        if (write(source->fd, source->text + at, left < source->step ? left : source->step) < 0)
            break;
    }
    close(source->fd);
    return NULL;
}

/* What lines_next gives, as "line|line|!" with ! for a line that is too long. */
static void check(const char *text, size_t length, const char *expected)
{
    for (size_t step = 1; step <= 64; step++) {
        int ends[2];
        assert_int_equal(pipe(ends), 0);
        struct source source = {ends[1], text, length, step};
        pthread_t writer;
        pthread_create(&writer, NULL, write_pieces, &source);
        struct lines lines;
        assert_int_equal(lines_open(&lines, ends[0], MAX), 0);
        char got[400] = "";
        const char *line;
        size_t size, used = 0;
        int found;
        while ((found = lines_next(&lines, &line, &size)) > 0) {
            if (found == LINES_TOO_LONG) {
                got[used++] = '!';
            } else {
                assert_true(size <= MAX);
                memcpy(got + used, line, size);
                used += size;
            }
            got[used++] = '|';
        }
        assert_int_equal(found, LINES_END);
        assert_int_equal(lines_next(&lines, &line, &size), LINES_END);
        got[used] = '\0';
        assert_string_equal(got, expected);
        lines_close(&lines);
        pthread_join(writer, NULL);
        close(ends[0]);
    }
}

static void lines_are_given_one_by_one(void **state)
{
    (void)state;
    check("one\ntwo\nthree\n", 14, "one|two|three|");
    check("last has no feed", 16, "last has no feed|");
    check("\n\na\n\n", 5, "||a||");
    check("", 0, "");
}

static void lines_that_are_too_long_are_told_and_skipped(void **state)
{
    (void)state;
    static const char fits[] = "0123456789abcdef\nb\n";
    check(fits, sizeof fits - 1, "0123456789abcdef|b|");
    static const char over[] = "0123456789abcdefg\nb\n";
    check(over, sizeof over - 1, "!|b|");
    static const char much[] = "a\n0123456789012345678901234567890123456789012345678901234\nb\n";
    check(much, sizeof much - 1, "a|!|b|");
    static const char last[] = "b\n01234567890123456789012345678901234567890123456789";
    check(last, sizeof last - 1, "b|!|");
}

static void a_stream_that_fails_says_so(void **state)
{
    (void)state;
    struct lines lines;
    const char *line;
    size_t size;
    assert_int_equal(lines_open(&lines, -1, MAX), 0);
    assert_int_equal(lines_next(&lines, &line, &size), LINES_FAILED);
    lines_close(&lines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_given_one_by_one),
        cmocka_unit_test(lines_that_are_too_long_are_told_and_skipped),
        cmocka_unit_test(a_stream_that_fails_says_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
