/* The log: a line stays one line, JSON stays JSON, and a pipe that nobody reads holds nobody. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include "server/telemetry/log.h"
#include "server/telemetry/log_line.h"
#include "server/telemetry/metrics.h"
#include <cmocka.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define TIME_LENGTH 24 /* 2026-11-23T14:16:38.123Z */

#define fields(...) ((const struct log_field[]){__VA_ARGS__, {0}})

static const char *text_line(const struct log_field *fields)
{
    static struct log_line line;
    log_line_format(&line, false, LOG_INFO, "event", fields);
    assert_int_equal(line.bytes[line.length - 1], '\n');
    line.bytes[line.length - 1] = '\0';
    assert_memory_equal(line.bytes + TIME_LENGTH - 1, "Z INFO  event", 13);
    return line.bytes + TIME_LENGTH + 12;
}

static void text_lines_quote_what_needs_it(void **state)
{
    (void)state;
    assert_string_equal(text_line(NULL), "");
    assert_string_equal(text_line(fields(log_text("host", "0.0.0.0"), log_number("port", 8000))),
                        " host=0.0.0.0 port=8000");
    assert_string_equal(text_line(fields(log_text("a", NULL), log_number("b", -1))), " b=-1");
    assert_string_equal(text_line(fields(log_text("a", ""))), " a=\"\"");
    assert_string_equal(text_line(fields(log_text("a", "b=c"))), " a=\"b=c\"");
    assert_string_equal(text_line(fields(log_text("a", "say \"no\" \\"))),
                        " a=\"say \\\"no\\\" \\\\\"");
    assert_string_equal(text_line(fields(log_text("a", "été"))), " a=\"été\"");
}

static void control_characters_cannot_break_a_line(void **state)
{
    (void)state;
    assert_string_equal(text_line(fields(log_text("a", "1\n2026-01-01 INFO forged"))),
                        " a=\"1\\u000a2026-01-01 INFO forged\"");
    assert_string_equal(text_line(fields(log_text("a", "\x1b[2J\x7f\r"))),
                        " a=\"\\u001b[2J\\u007f\\u000d\"");
    assert_string_equal(text_line(fields(log_text("a", "\xC2\x85\u2028\u202e"))),
                        " a=\"\\u0085\\u2028\\u202e\"");
    assert_string_equal(text_line(fields(log_text("a", "x\xff\xc3"))), " a=\"x\uFFFD\uFFFD\"");
}

static json_t *json_line(const struct log_field *fields)
{
    static struct log_line line;
    log_line_format(&line, true, LOG_ERROR, "event", fields);
    assert_int_equal(line.bytes[line.length - 1], '\n');
    assert_null(memchr(line.bytes, '\n', line.length - 1));
    json_t *json = json_loadb(line.bytes, line.length, 0, NULL);
    assert_non_null(json);
    return json;
}

static const char *member(json_t *json, const char *name)
{
    return json_string_value(json_object_get(json, name));
}

static void json_lines_give_every_text_back(void **state)
{
    (void)state;
    const char *odd = "\"q\" \\ \n\t\x01 é \U0001F600 \u2028";
    json_t *json = json_line(fields(log_text("odd", odd), log_number("port", INT64_MIN)));
    assert_string_equal(member(json, "level"), "ERROR");
    assert_string_equal(member(json, "event"), "event");
    assert_string_equal(member(json, "odd"), odd);
    assert_int_equal(strlen(member(json, "time")), TIME_LENGTH);
    assert_true(json_integer_value(json_object_get(json, "port")) == INT64_MIN);
    json_decref(json);
}

static void long_lines_are_cut_cleanly(void **state)
{
    (void)state;
    static const char *const units[] = {"x", "é", "\n", "\U0001F600", "\"", "\xff"};
    for (size_t u = 0; u < sizeof units / sizeof *units; u++)
        for (size_t shift = 0; shift < 12; shift++) {
            char text[9000] = "";
            memset(text, 'y', shift);
            for (size_t i = 0; i < 2000; i++)
                strcat(text + i, units[u]);
            json_t *json = json_line(fields(log_text("long", text), log_text("next", "n")));
            const char *kept = member(json, "long");
            assert_true(strlen(kept) > 300);
            assert_string_equal(kept + strlen(kept) - strlen("…"), "…");
            assert_null(json_object_get(json, "next"));
            json_decref(json);
        }
}

static void long_text_lines_are_cut_too(void **state)
{
    (void)state;
    char text[5000] = "";
    memset(text, 'x', sizeof text - 1);
    const char *line = text_line(fields(log_text("long", text), log_text("next", "n")));
    assert_true(strlen(line) > 1900);
    assert_memory_equal(line, " long=\"xxx", 10);
    assert_string_equal(line + strlen(line) - strlen("x…\""), "x…\"");
}

static void many_fields_are_cut_between_two(void **state)
{
    (void)state;
    for (size_t width = 100; width < 140; width++) {
        char text[200] = "";
        memset(text, 'z', width);
        struct log_field many[40] = {{0}};
        for (int i = 0; i < 39; i++)
            many[i] = log_text("n", text);
        json_decref(json_line(many));
        text_line(many);
    }
}

/* Puts a pipe in the place of standard error; returns its reading end. */
static int replace_stderr(int *saved)
{
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    *saved = dup(STDERR_FILENO);
    dup2(ends[1], STDERR_FILENO);
    close(ends[1]);
    return ends[0];
}

static void restore_stderr(int saved)
{
    dup2(saved, STDERR_FILENO);
    close(saved);
}

static size_t count_lines(int fd, const char *event)
{
    size_t count = 0;
    char line[LOG_LINE_MAX + 1];
    FILE *file = fdopen(fd, "r");
    while (fgets(line, sizeof line, file)) {
        assert_int_equal(line[strlen(line) - 1], '\n');
        count += strstr(line, event) != NULL;
    }
    fclose(file);
    return count;
}

struct reading {
    int fd;
    size_t lines;
};

static void *read_lines(void *arg)
{
    struct reading *reading = arg;
    reading->lines = count_lines(reading->fd, " counted number=");
    return NULL;
}

static void *write_lines(void *unused)
{
    for (int i = 0; i < 500; i++)
        log_write(LOG_INFO, "counted", log_number("number", i));
    return unused;
}

static void every_thread_s_lines_arrive_whole(void **state)
{
    (void)state;
    int saved;
    struct reading reading = {.fd = replace_stderr(&saved)};
    pthread_t reader, writers[4];
    uint64_t dropped = metrics_sum(METRIC_LOG_LINES_DROPPED);
    assert_int_equal(log_start(LOG_INFO, false), 0);
    pthread_create(&reader, NULL, read_lines, &reading);
    for (int i = 0; i < 4; i++)
        pthread_create(&writers[i], NULL, write_lines, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(writers[i], NULL);
    log_stop();
    restore_stderr(saved);
    pthread_join(reader, NULL);
    assert_int_equal(reading.lines, 2000);
    assert_int_equal(metrics_sum(METRIC_LOG_LINES_DROPPED), dropped);
}

static void *check_patterns(void *arg)
{
    struct reading *reading = arg;
    char line[LOG_LINE_MAX + 1];
    int number, length;
    FILE *file = fdopen(reading->fd, "r");
    while (fgets(line, sizeof line, file)) {
        if (strstr(line, " log_lines_dropped "))
            continue;
        assert_int_equal(
            sscanf(line + TIME_LENGTH, " INFO pattern number=%d text=%n", &number, &length), 1);
        const char *text = line + TIME_LENGTH + length;
        char wanted[101];
        memset(wanted, 'a' + number % 26, sizeof wanted);
        wanted[number % 100] = '\n';
        assert_int_equal(strlen(text), number % 100 + 1);
        assert_memory_equal(text, wanted, number % 100 + 1);
        reading->lines++;
    }
    fclose(file);
    return NULL;
}

/* Several times what the queue holds, in lines of every length from 1 to 99. */
static void lines_stay_whole_where_the_queue_wraps(void **state)
{
    enum { LINES = 60000 };
    (void)state;
    int saved;
    struct reading reading = {.fd = replace_stderr(&saved)};
    pthread_t reader;
    uint64_t before = metrics_sum(METRIC_LOG_LINES_DROPPED);
    log_start(LOG_INFO, false);
    pthread_create(&reader, NULL, check_patterns, &reading);
    for (int i = 0; i < LINES; i++) {
        int number = i % 100 == 0 ? 1 : i;
        char text[101] = "";
        memset(text, 'a' + number % 26, number % 100);
        log_write(LOG_INFO, "pattern", log_number("number", number), log_text("text", text));
    }
    log_stop();
    restore_stderr(saved);
    pthread_join(reader, NULL);
    uint64_t dropped = metrics_sum(METRIC_LOG_LINES_DROPPED) - before;
    assert_int_equal(reading.lines + dropped, LINES);
    assert_true(reading.lines > 2000); /* how many more depends on the machine's load */
}

static void levels_below_the_chosen_one_are_left_out(void **state)
{
    (void)state;
    int saved, fd = replace_stderr(&saved);
    log_start(LOG_WARNING, false);
    log_write(LOG_INFO, "whispered");
    log_write(LOG_WARNING, "said");
    log_stop();
    log_write(LOG_ERROR, "said"); /* written directly */
    restore_stderr(saved);
    assert_false(log_enabled(LOG_INFO));
    assert_true(log_enabled(LOG_CRITICAL));
    char said[1000] = "";
    assert_true(read(fd, said, sizeof said - 1) > 0);
    close(fd);
    assert_null(strstr(said, "whispered"));
    assert_non_null(strstr(said, "Z WARNING said\n"));
    assert_non_null(strstr(said, "Z ERROR said\n"));
}

static void a_pipe_that_nobody_reads_holds_nobody(void **state)
{
    (void)state;
    char text[1000];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    int saved, fd = replace_stderr(&saved);
    log_start(LOG_INFO, false);
    uint64_t before = metrics_sum(METRIC_LOG_LINES_DROPPED);
    for (int i = 0; i < 3000; i++) /* three times what the queue holds */
        log_write(LOG_INFO, "filler", log_text("text", text));
    uint64_t dropped = metrics_sum(METRIC_LOG_LINES_DROPPED) - before;
    assert_true(dropped > 1000);
    log_stop(); /* gives up after its two seconds */
    restore_stderr(saved);
    close(fd);
}

static void lost_lines_are_announced_once_there_is_room(void **state)
{
    (void)state;
    char text[1000], line[LOG_LINE_MAX + 1];
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    int saved, fd = replace_stderr(&saved);
    log_start(LOG_INFO, false);
    uint64_t before = metrics_sum(METRIC_LOG_LINES_DROPPED);
    for (int i = 0; i < 3000; i++)
        log_write(LOG_INFO, "filler", log_text("text", text));
    unsigned long long dropped = metrics_sum(METRIC_LOG_LINES_DROPPED) - before;
    FILE *file = fdopen(fd, "r");
    unsigned long long announced = 0;
    while (announced < dropped && fgets(line, sizeof line, file)) {
        if (strstr(line, " filler text=")) /* whole, though the queue was full */
            assert_int_equal(strspn(strchr(line, '=') + 2, "x"), 999);
        const char *lines = strstr(line, " log_lines_dropped lines=");
        if (lines != NULL)
            announced += strtoull(strchr(lines, '=') + 1, NULL, 10);
    }
    assert_true(announced == dropped);
    fclose(file);
    log_stop();
    restore_stderr(saved);
}

static void a_closed_pipe_does_not_kill(void **state)
{
    (void)state;
    int saved, fd = replace_stderr(&saved);
    close(fd);
    log_start(LOG_INFO, false);
    log_write(LOG_INFO, "unheard");
    log_stop();
    restore_stderr(saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(text_lines_quote_what_needs_it),
        cmocka_unit_test(control_characters_cannot_break_a_line),
        cmocka_unit_test(json_lines_give_every_text_back),
        cmocka_unit_test(long_lines_are_cut_cleanly),
        cmocka_unit_test(long_text_lines_are_cut_too),
        cmocka_unit_test(many_fields_are_cut_between_two),
        cmocka_unit_test(every_thread_s_lines_arrive_whole),
        cmocka_unit_test(lines_stay_whole_where_the_queue_wraps),
        cmocka_unit_test(levels_below_the_chosen_one_are_left_out),
        cmocka_unit_test(a_pipe_that_nobody_reads_holds_nobody),
        cmocka_unit_test(lost_lines_are_announced_once_there_is_room),
        cmocka_unit_test(a_closed_pipe_does_not_kill),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
