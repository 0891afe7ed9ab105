/* Writes beside, renames at the end. */
#include "server/commands/whole_file.h"
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    stopped = number;
}

static void signals_set(void (*handler)(int))
{
    struct sigaction action = {.sa_handler = handler};

    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGHUP, &action, NULL);
}

static int fail(const struct whole_file *file, const char *why)
{
    fprintf(stderr, "%s: %s\n", file->path ? file->path : "standard output", why);
    return -1;
}

/* A new file that the shell made of standard output, where it is ours: like one of our own. */
static void close_to_others(int fd)
{
    struct stat found;

    if (fstat(fd, &found) == 0 && S_ISREG(found.st_mode) && found.st_size == 0)
        (void)!fchmod(fd, S_IRUSR | S_IWUSR);
}

int whole_file_open(struct whole_file *file, const char *path)
{
    int fd;

    *file = (struct whole_file){.stream = stdout, .path = path};
    if (!path) {
        close_to_others(STDOUT_FILENO);
        return 0;
    }
    file->temporary = malloc(strlen(path) + 8);
    if (!file->temporary)
        return fail(file, "out of memory");
    sprintf(file->temporary, "%s.XXXXXX", path);
    fd = mkstemp(file->temporary); /* 0600 */
    file->stream = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!file->stream) {
        fail(file, strerror(errno));
        if (fd >= 0)
            close(fd);
        free(file->temporary);
        return -1;
    }
    stopped = 0;
    signals_set(on_signal);
    return 0;
}

bool whole_file_good(const struct whole_file *file)
{
    return !stopped && !ferror(file->stream);
}

/* Into its place, and on the disk before that. */
static bool file_place(const struct whole_file *file)
{
    bool good = fsync(fileno(file->stream)) == 0;

    good = fclose(file->stream) == 0 && good;
    return good && rename(file->temporary, file->path) == 0;
}

int whole_file_close(struct whole_file *file, bool complete)
{
    bool good = complete && fflush(file->stream) == 0 && whole_file_good(file);
    int error = stopped ? EINTR : errno;

    if (file->path) {
        if (good) {
            good = file_place(file);
            error = errno;
        } else {
            fclose(file->stream);
        }
        if (!good)
            unlink(file->temporary);
        free(file->temporary);
        signals_set(SIG_DFL);
    }
    return good || !complete ? 0 : fail(file, strerror(error));
}
