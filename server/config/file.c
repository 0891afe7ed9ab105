/* Reads a whole file, bounded; looks at who else may. */
#include "server/config/file.h"
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* Fills up to capacity bytes; returns their number or -1. */
static ssize_t read_all(int fd, char *bytes, size_t capacity)
{
    size_t filled = 0;
    while (filled < capacity) {
        ssize_t n = read(fd, bytes + filled, capacity - filled);
        if (n == 0)
            break;
        if (n > 0)
            filled += (size_t)n;
        else if (errno != EINTR)
            return -1;
    }
    return (ssize_t)filled;
}

/* Closes fd, -1 included: errno is set then. */
static char *read_whole(int fd, size_t max, size_t *length)
{
    if (fd < 0)
        return NULL;
    char *bytes = malloc(max + 1); /* one byte more than allowed tells that there is more */
    ssize_t n = bytes != NULL ? read_all(fd, bytes, max + 1) : -1;
    int why = errno;
    close(fd);
    if (n > (ssize_t)max) {
        n = -1;
        why = EFBIG;
    }
    if (n < 0) {
        free(bytes);
        errno = why;
        return NULL;
    }
    bytes[n] = '\0';
    *length = (size_t)n;
    return bytes;
}

char *file_read(const char *path, size_t max, size_t *length)
{
    return read_whole(open(path, O_RDONLY | O_CLOEXEC), max, length);
}

char *file_read_regular(const char *path, size_t max, size_t *length)
{
    struct stat status;
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd >= 0 && (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode))) {
        close(fd);
        errno = EISDIR;
        return NULL;
    }
    return read_whole(fd, max, length);
}

bool file_is_exposed(const char *path, char why[FILE_EXPOSED_MAX])
{
    struct stat status;
    if (stat(path, &status) != 0)
        return false;
    const unsigned mode = status.st_mode & 07777;
    const bool root = geteuid() == 0;
    const bool ours = root || status.st_uid == geteuid() || status.st_uid == 0;
    const bool group = (mode & 0040) && !root && status.st_uid != 0 && status.st_gid != getegid();
    if (ours && !group && !(mode & 0027))
        return false;
    if (!ours)
        snprintf(why, FILE_EXPOSED_MAX, "belongs to another user of this machine (%ju): sudo chown",
                 (uintmax_t)status.st_uid);
    else
        snprintf(why, FILE_EXPOSED_MAX,
                 "has the mode %04o, so that others on this machine may read or change it: "
                 "chmod %04o",
                 mode, mode & (group ? 0700 : 0750));
    return true;
}
