/* Writes beside, renames at the end; into what is no file, at once. */
#include "server/commands/atomic_file.h"
#include <errno.h>
#include <fcntl.h>
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

static int fail(const struct atomic_file *file, const char *why)
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

/* Only a regular file is replaced. A device or a pipe is written to, as by any program; a link is
 * not followed, for its target may be anybody's, and not replaced, for its owner counts on it. */
static int special_open(struct atomic_file *file)
{
    struct stat found;

    if (lstat(file->path, &found) != 0 || S_ISREG(found.st_mode))
        return 0;
    if (S_ISLNK(found.st_mode) && (stat(file->path, &found) != 0 || S_ISREG(found.st_mode)))
        return fail(file, "c’est un lien : donnez le fichier même / it is a link: give the file");
    if (!S_ISCHR(found.st_mode) && !S_ISFIFO(found.st_mode))
        return fail(file, "ce n’est pas un fichier / it is no file");
    int fd = open(file->path, O_WRONLY | O_NOCTTY | O_CLOEXEC);
    file->stream = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!file->stream)
        return fail(file, strerror(errno));
    return 1;
}

static int temporary_open(struct atomic_file *file)
{
    file->temporary = malloc(strlen(file->path) + 8);
    if (!file->temporary)
        return fail(file, "out of memory");
    sprintf(file->temporary, "%s.XXXXXX", file->path);
    int fd = mkstemp(file->temporary); /* 0600 */
    file->stream = fd >= 0 ? fdopen(fd, "w") : NULL;
    if (!file->stream) {
        fail(file, strerror(errno));
        if (fd >= 0)
            close(fd);
        free(file->temporary);
        return -1;
    }
    return 0;
}

int atomic_file_open(struct atomic_file *file, const char *path)
{
    if (path != NULL && strcmp(path, "/dev/stdout") == 0)
        path = NULL;
    *file = (struct atomic_file){.stream = stdout, .path = path};
    if (path == NULL) {
        close_to_others(STDOUT_FILENO);
        return 0;
    }
    const int special = special_open(file);
    if (special < 0 || (special == 0 && temporary_open(file) != 0))
        return -1;
    stopped = 0;
    signals_set(on_signal);
    return 0;
}

bool atomic_file_good(const struct atomic_file *file)
{
    return !stopped && !ferror(file->stream);
}

/* Into its place, and on the disk before that. */
static bool file_commit(const struct atomic_file *file)
{
    bool good = !file->temporary || fsync(fileno(file->stream)) == 0;

    good = fclose(file->stream) == 0 && good;
    return good && (!file->temporary || rename(file->temporary, file->path) == 0);
}

int atomic_file_close(struct atomic_file *file, bool complete)
{
    bool good = complete && fflush(file->stream) == 0 && atomic_file_good(file);
    int error = stopped ? EINTR : errno;

    if (file->path) {
        if (good) {
            good = file_commit(file);
            error = errno;
        } else {
            fclose(file->stream);
        }
        if (!good && file->temporary)
            unlink(file->temporary);
        free(file->temporary);
        signals_set(SIG_DFL);
    }
    return good || !complete ? 0 : fail(file, strerror(error));
}
