/*
 * A SQLite file: URL, creation, connection. What stands in it is sqlite_schema.c's affair.
 */
#include "store/sqlite/sqlite_database.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MEMORY ":memory:"

/* Of a path in an error text; the rest of the line needs its room too. */
#define PATH_SHOWN 120

const char *sqlite_path(const char *url, char error[STORE_ERROR_MAX])
{
    static const char prefix[] = "sqlite:///";
    const char *path = strncmp(url, prefix, strlen(prefix)) == 0 ? url + strlen(prefix) : "";

    if (path[0] == '\0') {
        snprintf(error, STORE_ERROR_MAX,
                 "the database URL names no file: sqlite:///./relative.db, sqlite:////absolute.db");
        return NULL;
    }
    if (strchr(path, '?')) {
        snprintf(error, STORE_ERROR_MAX, "a sqlite:/// URL takes no options behind '?'");
        return NULL;
    }
    return path;
}

bool sqlite_path_is_memory(const char *path)
{
    return strcmp(path, MEMORY) == 0;
}

int sqlite_file_create(const char *path, char error[STORE_ERROR_MAX])
{
    if (sqlite_path_is_memory(path))
        return 0;
    /* O_EXCL: an existing file is not opened, because closing it again would drop the locks that
     * other connections of this process hold on it. */
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, S_IRUSR | S_IWUSR);

    if (fd < 0 && errno != EEXIST) {
        snprintf(error, STORE_ERROR_MAX, "%.*s: %s", PATH_SHOWN, path, strerror(errno));
        return -1;
    }
    if (fd >= 0)
        close(fd);
    return 0;
}

static int open_explain(const char *path, sqlite3 *database, char error[STORE_ERROR_MAX])
{
    int system = database ? sqlite3_system_errno(database) : ENOMEM;
    const char *why = system ? strerror(system) : sqlite3_errmsg(database);

    snprintf(error, STORE_ERROR_MAX, "%.*s: %s", PATH_SHOWN, path, why);
    return -1;
}

sqlite3 *sqlite_open(const char *path, char error[STORE_ERROR_MAX])
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
    sqlite3 *database = NULL;

    if (sqlite3_open_v2(path, &database, flags, NULL) != SQLITE_OK) {
        open_explain(path, database, error);
        goto failed;
    }
    if (sqlite3_db_readonly(database, "main") == 1) {
        snprintf(error, STORE_ERROR_MAX, "%.*s: the file is read-only", PATH_SHOWN, path);
        goto failed;
    }
    sqlite3_busy_timeout(database, SQLITE_BUSY_MS);
    /* FULL: a commit returns when the log is on the disk. */
    if (sqlite3_exec(database, "PRAGMA synchronous = FULL", NULL, NULL, NULL) != SQLITE_OK) {
        sqlite_explain(database, error);
        goto failed;
    }
    return database;

failed:
    sqlite3_close(database);
    return NULL;
}

static int journal_mode_set(sqlite3 *database, bool *is_wal)
{
    sqlite3_stmt *statement = NULL;
    int code = sqlite3_prepare_v2(database, "PRAGMA journal_mode = WAL", -1, &statement, NULL);

    if (code == SQLITE_OK)
        code = sqlite3_step(statement);
    if (code == SQLITE_ROW) {
        const char *mode = (const char *)sqlite3_column_text(statement, 0);
        *is_wal = mode && (strcmp(mode, "wal") == 0 || strcmp(mode, "memory") == 0);
    }
    sqlite3_finalize(statement);
    return code;
}

int sqlite_use_wal(sqlite3 *database, char error[STORE_ERROR_MAX])
{
    bool is_wal = false;
    int code = journal_mode_set(database, &is_wal);

    /* The switch does not wait for the busy timeout when another process switches at once. */
    for (int waited = 0; (code & 0xff) == SQLITE_BUSY && waited < SQLITE_BUSY_MS; waited += 10) {
        sqlite3_sleep(10);
        code = journal_mode_set(database, &is_wal);
    }
    if (code != SQLITE_ROW)
        return sqlite_explain(database, error);
    if (!is_wal) {
        snprintf(error, STORE_ERROR_MAX, "%.*s: this file system has no write-ahead logging",
                 PATH_SHOWN, sqlite3_db_filename(database, "main"));
        return -1;
    }
    return 0;
}

int sqlite_explain(sqlite3 *database, char error[STORE_ERROR_MAX])
{
    const char *path = sqlite3_db_filename(database, "main");

    snprintf(error, STORE_ERROR_MAX, "%.*s: %s", PATH_SHOWN, path && path[0] ? path : MEMORY,
             sqlite3_errmsg(database));
    return -1;
}
