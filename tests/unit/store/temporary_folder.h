/*
 * A folder of a test's own: in TMPDIR, or in /tmp where that is too long for the paths of sockets.
 */
#ifndef TEMPORARY_FOLDER_H
#define TEMPORARY_FOLDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEMPORARY_FOLDER_MAX 64

/* Makes it, empty; to be removed by the caller. */
static inline void temporary_folder(const char *name, char folder[TEMPORARY_FOLDER_MAX])
{
    const char *parent = getenv("TMPDIR");

    if (parent == NULL || strlen(parent) > 32)
        parent = "/tmp";
    snprintf(folder, TEMPORARY_FOLDER_MAX, "%.32s/uic-%.16s-XXXXXX", parent, name);
    assert_non_null(mkdtemp(folder));
}

#endif
