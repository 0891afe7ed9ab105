/* Preparing a SQLite file. */
#include "store/record_backend.h"
#include "store/sqlite/sqlite_database.h"
#include "store/sqlite/sqlite_schema.h"
#include <stdio.h>

static int sqlite_prepare(const char *url, char report[STORE_ERROR_MAX],
                          char error[STORE_ERROR_MAX])
{
    const char *path = sqlite_path(url, error);

    if (!path || sqlite_file_create(path, error) != 0)
        return -1;
    sqlite3 *database = sqlite_open(path, error);
    if (!database)
        return -1;
    int status = sqlite_schema_migrate(database, &sqlite_record_migrations, report, error);
    sqlite3_close(database);
    return status;
}

static int sqlite_probe(const char *url, char error[STORE_ERROR_MAX])
{
    const char *path = sqlite_path(url, error);
    sqlite3 *database = path ? sqlite_open(path, error) : NULL;
    int status = database ? sqlite_schema_check(database, &sqlite_record_migrations, error) : -1;

    sqlite3_close(database);
    return status;
}

static int sqlite_mark(const char *url, const char *name, const char *value, bool remember,
                       char error[STORE_ERROR_MAX])
{
    const char *path = sqlite_path(url, error);

    if (path && sqlite_path_is_memory(path))
        return 0;
    sqlite3 *database = path ? sqlite_open(path, error) : NULL;
    if (!database)
        return -1;
    int status = sqlite_schema_mark(database, name, value, remember, error);
    sqlite3_close(database);
    return status;
}

const struct record_backend record_sqlite = {
    .scheme = "sqlite://",
    .prepare = sqlite_prepare,
    .probe = sqlite_probe,
    .mark = sqlite_mark,
    .reader = &sqlite_reader,
    .importer = &sqlite_importer,
    .eraser = &sqlite_eraser,
};
