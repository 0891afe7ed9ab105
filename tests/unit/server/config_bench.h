/*
 * What the tests of the configuration share: a clean environment with a file of its own, and what
 * loading them says.
 */
#ifndef CONFIG_BENCH_H
#define CONFIG_BENCH_H

#include "server/config/config.h"
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SALT "Zr4u7x-A_DG9KbPeShVmYq3t6w9zCkFJ"

static char env_file[] = "/tmp/test_config.XXXXXX";

static void write_file(const char *text)
{
    FILE *file = fopen(env_file, "w");
    assert_non_null(file);
    fputs(text, file);
    fclose(file);
}

static struct config config;
static char *said;

typedef int loader(struct config *config, const char *path, FILE *errors);

static int run_loader(loader *load)
{
    size_t size;
    free(said);
    FILE *errors = open_memstream(&said, &size);
    config_free(&config);
    int status = load(&config, env_file, errors);
    fclose(errors);
    return status;
}

static int load(void)
{
    return run_loader(config_load);
}

/* A clean environment with a good salt, an empty file. */
static int begin(void **state)
{
    (void)state;
    clearenv();
    setenv("UIC_SALT", SALT, 1);
    write_file("");
    return 0;
}

static int bench_open(void)
{
    int fd = mkstemp(env_file);
    return fd < 0 ? -1 : close(fd);
}

static void bench_close(void)
{
    unlink(env_file);
    config_free(&config);
    free(said);
}

#define test(name) cmocka_unit_test_setup(name, begin)

#endif
