/* Several processes that prepare one database at the same moment. */
#ifndef PREPARE_RACE_H
#define PREPARE_RACE_H

#include "record_bench.h"
#include <sys/wait.h>

enum { PREPARE_RACERS = 4 };

/* Waits at the pipe for the start, prepares, and exits with 1 if it created, 2 if it came second, 9
 * if it failed. */
static pid_t prepare_racer(const char *url, const int starting_line[2])
{
    char report[ERROR_MAX], error[ERROR_MAX], byte;
    pid_t child = fork();

    assert_true(child >= 0);
    if (child > 0)
        return child;
    close(starting_line[1]);
    (void)!read(starting_line[0], &byte, 1);
    if (record_store_prepare(url, report, error) != 0) {
        fprintf(stderr, "%s\n", error);
        _exit(9);
    }
    _exit(strncmp(report, "created", 7) == 0 ? 1 : 2);
}

/* Asserts that all succeed. Returns how many say that they created the tables. */
static int prepare_race(const char *url)
{
    pid_t children[PREPARE_RACERS];
    int starting_line[2], created = 0;

    assert_int_equal(pipe(starting_line), 0);
    for (int i = 0; i < PREPARE_RACERS; i++)
        children[i] = prepare_racer(url, starting_line);
    close(starting_line[0]);
    close(starting_line[1]);
    for (int i = 0; i < PREPARE_RACERS; i++) {
        int status;

        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status));
        assert_in_range(WEXITSTATUS(status), 1, 2);
        created += WEXITSTATUS(status) == 1;
    }
    return created;
}

#endif
