/* What settings need of each other: production, Twilio's signatures, TLS and Meta's channel.
 * Whether each value is good by itself was found out before. */
#include "server/config/config_parts.h"
#include <string.h>

bool config_has_meta(const struct config *config)
{
    return config->meta_app_secret != NULL;
}

/* With Meta's channel alone, Twilio's stays closed and needs no token. */
static bool is_due_in_production(const struct config *config, const struct setting *setting)
{
    return setting->need == REQUIRED_IN_PRODUCTION &&
           !(setting->offset == offsetof(struct config, twilio_auth_token) &&
             config_has_meta(config));
}

static int check_https(const char *name, const char *value, FILE *errors)
{
    if (value == NULL || strncmp(value, "https://", 8) == 0)
        return 0;
    fprintf(errors, "%s: holds ", name);
    setting_print_value(value, errors);
    fputs(", but production requires https; allowed: https://host\n", errors);
    return -1;
}

/* Whoever has the codes tries salts against them as fast as he can hash. */
static int check_salt(const struct config *config, FILE *errors)
{
    if (config->uic_salt == NULL || config->uic_salt_weak ||
        config_salt_is_strong(config->uic_salt))
        return 0;
    fprintf(
        errors,
        "%s: holds a salt that is easily guessed, but production requires 128 bits; allowed: one "
        "that whatsapp-uic salt made, or with UIC_SALT_WEAK=yes that of an older programme\n",
        config->uic_salt_file != NULL ? "UIC_SALT_FILE" : "UIC_SALT");
    return -1;
}

/* A setting with a bad value was told already: only what file (NULL: none) does not hold is
 * missing. */
static int check_production(const struct config *config, const struct dotenv *file, FILE *errors)
{
    int status = 0;
    for (size_t i = 0; i < config_setting_count; i++) {
        const struct setting *setting = &config_settings[i];
        if (!is_due_in_production(config, setting) ||
            (file != NULL && config_lookup(file, setting->name)))
            continue;
        /* Every such setting is a text. */
        if (*(char *const *)((const char *)config + setting->offset) == NULL) {
            setting_explain(setting, NULL, errors);
            status = -1;
        }
    }
    if (check_https("PUBLIC_URL", config->public_url, errors) != 0 ||
        check_https("META_GRAPH_URL", config->meta_graph_url, errors) != 0)
        status = -1;
    if (check_salt(config, errors) != 0)
        status = -1;
    return status;
}

int config_check_production(const struct config *config, FILE *errors)
{
    return check_production(config, NULL, errors);
}

static int check_twilio(const struct config *config, const struct dotenv *file, FILE *errors)
{
    if (config->production || !config->twilio_auth_token || config_lookup(file, "PUBLIC_URL"))
        return 0;
    fputs("PUBLIC_URL: is not set, but with TWILIO_AUTH_TOKEN it is what Twilio signs; "
          "allowed: https://host, without ? and #\n",
          errors);
    return -1;
}

static bool ends_with(const char *text, const char *end)
{
    const size_t length = strlen(text), end_length = strlen(end);
    return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static bool has_capitals(const char *url)
{
    const char *host = strstr(url, "://");
    host = host != NULL ? host + 3 : url;
    for (const char *end = host + strcspn(host, "/"); host < end; host++)
        if (*host >= 'A' && *host <= 'Z')
            return true;
    return false;
}

/* Twilio signs the address that its console has, to the letter: PUBLIC_URL and WEBHOOK_PATH behind
 * it. What makes another one of it is found out here rather than by a 403 for each message. */
static void warn_public_url(const struct config *config, const struct dotenv *file, FILE *errors)
{
    const char *url = config->public_url, *path = config->webhook_path;
    const char *written = config_lookup(file, "PUBLIC_URL");
    if (url == NULL || path == NULL || (!config->twilio_auth_token && config_has_meta(config)))
        return;
    if (ends_with(url, path))
        fprintf(
            errors,
            "warning: PUBLIC_URL: ends with WEBHOOK_PATH (%s), which is put behind it once more: "
            "every signature of Twilio's will be wrong (403); write it without the path\n",
            path);
    else if (written != NULL && ends_with(written, "/"))
        fprintf(errors,
                "warning: PUBLIC_URL: the slash at its end is left out; Twilio's console must have "
                "%s%s, to the letter, or its signatures will be wrong (403)\n",
                url, path);
    if (has_capitals(url))
        fprintf(errors,
                "warning: PUBLIC_URL: has capital letters in its host; Twilio's console must have "
                "%s%s, to the letter, or its signatures will be wrong (403)\n",
                url, path);
}

/* What Twilio calls our number has its channel in front. */
static void warn_number(const struct config *config, FILE *errors)
{
    const char *number = config->twilio_whatsapp_number;
    if (number != NULL && strncmp(number, "whatsapp:+", 10) != 0)
        fputs("warning: TWILIO_WHATSAPP_NUMBER: is written whatsapp:+ and the number, as in "
              "Twilio's console\n",
              errors);
}

/* An editor for letters makes them of plain ones; they become part of every code. */
static void warn_quotes(const struct config *config, FILE *errors)
{
    static const char *const quotes[] = {"“", "”", "„", "«", "‘", "’"};
    for (size_t i = 0; config->uic_salt && i < sizeof quotes / sizeof *quotes; i++)
        if (strncmp(config->uic_salt, quotes[i], strlen(quotes[i])) == 0)
            fputs("warning: UIC_SALT: begins with a typographic quotation mark, which is taken for "
                  "a part of it; plain ones are ' and \"\n",
                  errors);
}

static int check_tls(const struct dotenv *file, FILE *errors)
{
    if (!config_lookup(file, "TLS_CERT_FILE") == !config_lookup(file, "TLS_KEY_FILE"))
        return 0;
    fputs("TLS_KEY_FILE: is of use only together with TLS_CERT_FILE; allowed: both or none\n",
          errors);
    return -1;
}

/* Half of Meta's channel is none: what is missing would be found out by people who write. */
static int check_meta(const struct dotenv *file, FILE *errors)
{
    static const char *const names[] = {"META_WHATSAPP_TOKEN", "META_PHONE_NUMBER_ID",
                                        "META_VERIFY_TOKEN", "META_APP_SECRET"};
    const size_t count = sizeof names / sizeof *names;
    size_t set = 0;
    for (size_t i = 0; i < count; i++)
        set += config_lookup(file, names[i]) != NULL;
    if (set == 0 || set == count)
        return 0;
    for (size_t i = 0; i < count; i++)
        if (!config_lookup(file, names[i]))
            fprintf(errors,
                    "%s: is not set, but other settings of Meta's channel are; allowed: all of "
                    "META_WHATSAPP_TOKEN, META_PHONE_NUMBER_ID, META_VERIFY_TOKEN and "
                    "META_APP_SECRET, or none\n",
                    names[i]);
    return -1;
}

int config_check_needs(const struct config *config, const struct dotenv *file, FILE *errors)
{
    int status = 0;
    warn_public_url(config, file, errors);
    warn_number(config, errors);
    warn_quotes(config, errors);
    if (config->production && check_production(config, file, errors) != 0)
        status = -1;
    if (check_twilio(config, file, errors) != 0)
        status = -1;
    if (check_tls(file, errors) != 0)
        status = -1;
    if (check_meta(file, errors) != 0)
        status = -1;
    return status;
}
