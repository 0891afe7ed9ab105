/* Reads the settings from the environment and the file. */
#include "server/config/config_parts.h"
#include "server/config/file.h"
#include <errno.h>
#include <openssl/crypto.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistr.h>

/* What a file of which not all was read (not whole) does not say is not missing; nor is the salt
 * for who needs none, or has it in a file of its own. */
static int read_setting(struct config *config, const struct setting *setting,
                        const struct dotenv *file, bool whole, bool salted, FILE *errors)
{
    const char *value = config_lookup(file, setting->name);
    if (value == NULL && setting->need == REQUIRED &&
        (!salted || config_lookup(file, "UIC_SALT_FILE")))
        return 0;
    if (value == NULL && setting->need == REQUIRED) {
        if (whole)
            setting_explain(setting, NULL, errors);
        return -1;
    }
    if (value == NULL && !setting->fallback)
        return 0;
    const char *text = value != NULL ? value : setting->fallback;
    if (u8_check((const uint8_t *)text, strlen(text)) ||
        !setting->parse(setting, text, (char *)config + setting->offset)) {
        setting_explain(setting, text, errors);
        return -1;
    }
    if (strstr(text, "${"))
        fprintf(errors, "warning: %s: ${...} is taken as it stands\n", setting->name);
    return 0;
}

static unsigned count_cores(void)
{
    cpu_set_t cores;
    if (sched_getaffinity(0, sizeof cores, &cores) < 0)
        return 1;
    unsigned count = (unsigned)CPU_COUNT(&cores);
    return count > 256 ? 256 : count;
}

static void cut_slashes(char *url)
{
    size_t length = url != NULL ? strlen(url) : 0;
    while (length > 0 && url[length - 1] == '/')
        url[--length] = '\0';
}

/* What follows from other settings. */
static void derive(struct config *config)
{
    config->production = config->environment && strcmp(config->environment, "production") == 0;
    if (config->debug)
        config->log_level = LOG_DEBUG;
    if (config->workers == 0)
        config->workers = count_cores();
    cut_slashes(config->public_url);
    cut_slashes(config->meta_graph_url);
}

/* Without a name, the .env file of the working directory may be absent. */
static int read_file(struct dotenv *file, const char *env_file, FILE *errors)
{
    const char *path = env_file != NULL ? env_file : ".env";
    size_t length;
    char *text = file_read(path, DOTENV_FILE_MAX, &length);
    if (text == NULL) {
        if (env_file == NULL && errno == ENOENT)
            return 0;
        if (errno == EFBIG)
            fprintf(errors, "%s: is longer than %d bytes\n", path, DOTENV_FILE_MAX);
        else
            fprintf(errors, "%s: cannot be read: %s\n", path, strerror(errno));
        return -1;
    }
    int status = dotenv_parse(file, path, text, length, errors);
    OPENSSL_cleanse(text, length);
    free(text);
    return status;
}

static void warn_unknown(const struct dotenv *file, const char *env_file, FILE *errors)
{
    for (size_t i = 0; i < file->count; i++)
        if (!setting_is_known(file->entries[i].name))
            fprintf(errors, "warning: %s:%u: %.60s is not a setting of this program\n",
                    env_file != NULL ? env_file : ".env", file->entries[i].line,
                    file->entries[i].name);
}

/* The last one counts, which is not always the one that somebody looks at. */
static void warn_repeated(const struct dotenv *file, const char *env_file, FILE *errors)
{
    for (size_t i = 0; i + 1 < file->count; i++)
        for (size_t k = i + 1; k < file->count; k++)
            if (strcmp(file->entries[i].name, file->entries[k].name) == 0) {
                fprintf(errors, "warning: %s:%u: %.60s is set again in line %u, which counts\n",
                        env_file != NULL ? env_file : ".env", file->entries[i].line,
                        file->entries[i].name, file->entries[k].line);
                break;
            }
}

static int load(struct config *config, const char *env_file, bool salted, FILE *errors)
{
    *config = (struct config){0};
    struct dotenv file = {0};
    int status = read_file(&file, env_file, errors);
    const bool whole = status == 0;
    warn_unknown(&file, env_file, errors);
    warn_repeated(&file, env_file, errors);
    for (size_t i = 0; i < config_setting_count; i++)
        if ((salted || config_settings[i].offset != offsetof(struct config, uic_salt_file)) &&
            read_setting(config, &config_settings[i], &file, whole, salted, errors) != 0)
            status = -1;
    if (salted && config_read_salt(config, &file, errors) != 0)
        status = -1;
    derive(config);
    if (whole && config_check_needs(config, &file, errors) != 0)
        status = -1;
    dotenv_free(&file);
    return status;
}

int config_load(struct config *config, const char *env_file, FILE *errors)
{
    return load(config, env_file, true, errors);
}

int config_load_unsalted(struct config *config, const char *env_file, FILE *errors)
{
    return load(config, env_file, false, errors);
}

int config_load_code(struct config *config, const char *env_file, FILE *errors)
{
    *config = (struct config){0};
    struct dotenv file = {0};
    int status = read_file(&file, env_file, errors);
    for (size_t i = 0; i < config_setting_count; i++) {
        if (!config_settings[i].makes_code || !config_lookup(&file, config_settings[i].name))
            continue;
        if (read_setting(config, &config_settings[i], &file, true, true, errors) != 0)
            status = -1;
    }
    if (config_read_salt(config, &file, errors) != 0)
        status = -1;
    dotenv_free(&file);
    return status;
}

void config_free(struct config *config)
{
    for (size_t i = 0; i < config_setting_count; i++) {
        if (!setting_is_text(&config_settings[i]))
            continue;
        char *text = *(char **)((char *)config + config_settings[i].offset);
        if (text != NULL && config_settings[i].privacy == SECRET)
            OPENSSL_cleanse(text, strlen(text));
        free(text);
    }
    *config = (struct config){0};
}
