/* The table of settings, what a value of each may be, and how both are told to people. */
#include "server/config/config_parts.h"
#include "server/config/local_day.h"
#include "server/config/networks.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unictype.h>
#include <unistd.h>
#include <unistr.h>

static bool parse_text(const struct setting *setting, const char *value, void *member)
{
    if (setting->accepts && !setting->accepts(value))
        return false;
    char *copy = strdup(value);
    *(char **)member = copy;
    return copy != NULL;
}

static bool parse_boolean(const struct setting *setting, const char *value, void *member)
{
    static const char *const words[][2] = {{"false", "true"}, {"0", "1"}, {"no", "yes"},
                                           {"off", "on"},     {"f", "t"}, {"n", "y"}};
    (void)setting;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        bool *flag = member;
        *flag = strcasecmp(value, words[i][1]) == 0;
        if (*flag || strcasecmp(value, words[i][0]) == 0)
            return true;
    }
    return false;
}

static bool parse_number(const struct setting *setting, const char *value, void *member)
{
    size_t digits = strspn(value, "0123456789");
    if (digits == 0 || digits > 9 || value[digits])
        return false;
    unsigned number = (unsigned)strtoul(value, NULL, 10);
    *(unsigned *)member = number;
    return number >= setting->min && number <= setting->max;
}

static bool parse_level(const struct setting *setting, const char *value, void *member)
{
    static const char *const names[] = {"DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"};
    (void)setting;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(value, names[i]) == 0) {
            *(enum log_level *)member = (enum log_level)i;
            return true;
        }
    return false;
}

static bool parse_phone_numbers(const struct setting *setting, const char *value, void *member)
{
    bool *sealed = member;
    (void)setting;
    *sealed = strcmp(value, "sealed") == 0;
    return *sealed || strcmp(value, "clear") == 0;
}

static bool starts_with(const char *text, const char *head)
{
    return strncmp(text, head, strlen(head)) == 0;
}

/* Whether every byte is visible ASCII: what can stand in a URL, a header, a host name. */
static bool is_visible(const char *text)
{
    for (; *text; text++)
        if (*text <= ' ' || *text > '~')
            return false;
    return true;
}

static bool accepts_environment(const char *value)
{
    return strcmp(value, "development") == 0 || strcmp(value, "production") == 0;
}

static bool accepts_visible(const char *value)
{
    return is_visible(value);
}

static bool accepts_redis_url(const char *value)
{
    static const char *const schemes[] = {"redis://", "rediss://", "sentinel://", "unix:///"};
    for (size_t i = 0; i < sizeof schemes / sizeof *schemes; i++)
        if (starts_with(value, schemes[i]))
            return is_visible(value) && value[strlen(schemes[i])];
    return false;
}

static bool accepts_database_url(const char *value)
{
    return (starts_with(value, "sqlite:///") && value[10]) ||
           (starts_with(value, "postgresql://") && value[13]) ||
           (starts_with(value, "postgres://") && value[11]);
}

static bool accepts_readable_file(const char *value)
{
    struct stat status;
    return stat(value, &status) == 0 && !S_ISDIR(status.st_mode) && access(value, R_OK) == 0;
}

static bool accepts_public_url(const char *value)
{
    const char *host = starts_with(value, "https://")  ? value + 8
                       : starts_with(value, "http://") ? value + 7
                                                       : "";
    return is_visible(value) && *host && !strchr("/:", *host) && !strpbrk(host, "?#@");
}

static bool accepts_path(const char *value)
{
    return value[0] == '/' && is_visible(value) && !strpbrk(value, "?#%");
}

static bool accepts_token(const char *value)
{
    return is_visible(value) && strlen(value) >= 16;
}

/* One token, or two while one replaces the other. */
static bool accepts_auth_tokens(const char *value)
{
    const char *comma = strchr(value, ',');
    return is_visible(value) && *value != ',' &&
           (comma == NULL || (comma[1] && !strchr(comma + 1, ',')));
}

static bool accepts_digits(const char *value)
{
    size_t digits = strspn(value, "0123456789");
    return digits > 0 && digits <= 32 && !value[digits];
}

/* v25.0 */
static bool accepts_graph_version(const char *value)
{
    size_t major = *value == 'v' ? strspn(value + 1, "0123456789") : 0;
    const char *rest = value + 1 + major;
    if (major < 1 || major > 3 || *rest++ != '.')
        return false;
    size_t minor = strspn(rest, "0123456789");
    return minor >= 1 && minor <= 2 && !rest[minor];
}

#define MEMBER(member) offsetof(struct config, member)

const struct setting config_settings[] = {
    {"APP_NAME", MEMBER(app_name), parse_text, .fallback = "Générateur de CIU WhatsApp",
     .allowed = "any text", .about = "name of the service, as its health page tells it"},
    {"ENVIRONMENT", MEMBER(environment), parse_text, accepts_environment, .fallback = "development",
     .allowed = "development or production",
     .about = "production closes the simulator and requires signatures, PUBLIC_URL, ADMIN_TOKEN"},
    {"DEBUG", MEMBER(debug), parse_boolean, .fallback = "False", .allowed = "True or False",
     .about = "sets the log level to DEBUG"},
    {"LOG_LEVEL", MEMBER(log_level), parse_level, .fallback = "INFO",
     .allowed = "DEBUG, INFO, WARNING, ERROR or CRITICAL", .about = "lines below it are left out"},
    {"LOG_JSON", MEMBER(log_json), parse_boolean, .fallback = "False", .allowed = "True or False",
     .about = "log lines as JSON, for machines"},
    {"HOST", MEMBER(host), parse_text, accepts_visible, .fallback = "0.0.0.0",
     .allowed = "an address of this machine", .about = "address to listen on"},
    {"PORT", MEMBER(port), parse_number, .min = 1, .max = 65535, .fallback = "8000",
     .allowed = "a number from 1 to 65535", .about = "port to listen on"},
    {"WORKERS", MEMBER(workers), parse_number, .min = 0, .max = 256, .fallback = "0",
     .allowed = "a number from 0 to 256", .about = "worker threads; 0: one for each core"},
    {"UIC_SALT", MEMBER(uic_salt), parse_text, config_accepts_salt, .privacy = SECRET,
     .need = REQUIRED, .makes_code = true,
     .allowed = "at least 16 characters, not all letters, not all digits (see: whatsapp-uic salt)",
     .about = "secret that goes into every code; never change it once codes were given"},
    {"UIC_SALT_FILE", MEMBER(uic_salt_file), parse_text, accepts_readable_file, .makes_code = true,
     .allowed = "a file that can be read, with the salt on one line",
     .about = "takes the place of UIC_SALT, for a secret of systemd's or a container's"},
    {"UIC_SALT_WEAK", MEMBER(uic_salt_weak), parse_boolean, .fallback = "False",
     .allowed = "True or False",
     .about = "lets production have the easily guessed salt of an older programme"},
    {"REDIS_URL", MEMBER(redis_url), parse_text, accepts_redis_url, .privacy = SECRET,
     .allowed = "redis://[:password@]host:port/db, rediss://..., unix:///path or "
                "sentinel://host:port,.../master/db",
     .about = "where sessions are kept; unset: in memory, for one instance only"},
    {"DATABASE_URL", MEMBER(database_url), parse_text, accepts_database_url, .privacy = SECRET,
     .fallback = "sqlite:///./uic_database.db",
     .allowed = "sqlite:///path or postgresql://user:password@host/database",
     .about = "where codes are kept"},
    {"PHONE_NUMBERS", MEMBER(phone_numbers_sealed), parse_phone_numbers, .fallback = "clear",
     .allowed = "clear or sealed",
     .about = "how numbers stand in the database (existing ones: whatsapp-uic phones)"},
    {"SESSION_TIMEOUT_MINUTES", MEMBER(session_timeout_minutes), parse_number, .min = 1,
     .max = 1440, .fallback = "15", .allowed = "a number from 1 to 1440",
     .about = "a conversation is forgotten after so long a silence"},
    {"FLOW_FILE", MEMBER(flow_file), parse_text, accepts_readable_file, .makes_code = true,
     .allowed = "a file that can be read",
     .about = "questions and form of the code; unset: the built-in ciu-rdc"},
    {"PUBLIC_URL", MEMBER(public_url), parse_text, accepts_public_url,
     .need = REQUIRED_IN_PRODUCTION, .allowed = "https://host, without ? and #",
     .about = "public address of this server, which Twilio signs"},
    {"TWILIO_ACCOUNT_SID", MEMBER(twilio_account_sid), parse_text, accepts_visible,
     .allowed = "the account's id, AC...", .about = "Twilio account"},
    {"TWILIO_AUTH_TOKEN", MEMBER(twilio_auth_token), parse_text, accepts_auth_tokens,
     .privacy = SECRET, .need = REQUIRED_IN_PRODUCTION,
     .allowed = "the account's token, or two with a comma between them",
     .about = "when set, every Twilio request must be signed with it (needs PUBLIC_URL)"},
    {"TWILIO_WHATSAPP_NUMBER", MEMBER(twilio_whatsapp_number), parse_text, accepts_visible,
     .allowed = "whatsapp:+14155238886", .about = "our WhatsApp number at Twilio"},
    {"WEBHOOK_PATH", MEMBER(webhook_path), parse_text, accepts_path,
     .fallback = "/whatsapp/webhook", .allowed = "a path that starts with /, without ?, # and %",
     .about = "where Twilio sends messages"},
    {"META_WHATSAPP_TOKEN", MEMBER(meta_whatsapp_token), parse_text, accepts_visible,
     .privacy = SECRET, .allowed = "a token without spaces",
     .about = "access token of a system user at Meta; with it the next three are needed"},
    {"META_PHONE_NUMBER_ID", MEMBER(meta_phone_number_id), parse_text, accepts_digits,
     .allowed = "the number's id, 1 to 32 digits", .about = "our WhatsApp number at Meta"},
    {"META_VERIFY_TOKEN", MEMBER(meta_verify_token), parse_text, accepts_visible, .privacy = SECRET,
     .allowed = "a text without spaces, of your own choice",
     .about = "what Meta says when it asks for /whatsapp/meta the first time"},
    {"META_APP_SECRET", MEMBER(meta_app_secret), parse_text, accepts_auth_tokens, .privacy = SECRET,
     .allowed = "the app's secret, or two with a comma between them",
     .about = "with it Meta signs every request"},
    {"META_GRAPH_URL", MEMBER(meta_graph_url), parse_text, accepts_public_url,
     .fallback = "https://graph.facebook.com", .allowed = "https://host, without ? and #",
     .about = "where replies are sent"},
    {"META_GRAPH_VERSION", MEMBER(meta_graph_version), parse_text, accepts_graph_version,
     .fallback = "v25.0", .allowed = "a version like v25.0", .about = "of Meta's Graph API"},
    {"META_MESSAGES_PER_SECOND", MEMBER(meta_messages_per_second), parse_number, .max = 1000,
     .fallback = "80", .allowed = "a number from 0 to 1000; 0: no limit",
     .about = "replies sent to Meta, as many as our number may send there"},
    {"META_CA_FILE", MEMBER(meta_ca_file), parse_text, accepts_readable_file,
     .allowed = "a file that can be read",
     .about = "authorities that vouch for META_GRAPH_URL, PEM; unset: the system's"},
    {"ADMIN_TOKEN", MEMBER(admin_token), parse_text, accepts_token, .privacy = SECRET,
     .need = REQUIRED_IN_PRODUCTION, .allowed = "at least 16 visible ASCII characters",
     .about = "opens the admin pages; unset: they are closed"},
    {"METRICS_TOKEN", MEMBER(metrics_token), parse_text, accepts_token, .privacy = SECRET,
     .allowed = "at least 16 visible ASCII characters",
     .about = "what Prometheus must bring to /metrics; unset: in production this machine alone "
              "reads it"},
    {"TIME_ZONE", MEMBER(time_zone), parse_text, local_day_accepts, .fallback = "Africa/Kinshasa",
     .allowed = "a name of the system's time zone database (package tzdata), or UTC",
     .about = "in whose days statistics are counted"},
    {"TLS_CERT_FILE", MEMBER(tls_cert_file), parse_text, accepts_readable_file,
     .allowed = "a file that can be read",
     .about = "certificates for TLS on PORT, PEM, ours first; unset: no TLS here"},
    {"TLS_KEY_FILE", MEMBER(tls_key_file), parse_text, accepts_readable_file,
     .allowed = "a file that can be read", .about = "the certificate's private key, PEM"},
    {"RUN_AS_USER", MEMBER(run_as_user), parse_text, accepts_visible,
     .allowed = "the name of a user of this machine",
     .about = "whom to become when started as root; unset: the working directory's owner"},
    {"MESSAGES_PER_MINUTE", MEMBER(messages_per_minute), parse_number, .max = 1000000,
     .fallback = "3000", .allowed = "a number from 0 to 1000000; 0: no limit",
     .about = "messages of one number; then it is asked to wait, once"},
    {"CODES_PER_DAY", MEMBER(codes_per_day), parse_number, .max = 1000000, .fallback = "200",
     .allowed = "a number from 0 to 1000000; 0: no limit",
     .about = "codes told to one number; then it is asked to wait, once"},
    {"CONNECTIONS_PER_ADDRESS", MEMBER(connections_per_address), parse_number, .max = 1000000,
     .fallback = "1000", .allowed = "a number from 0 to 1000000; 0: no limit",
     .about = "connections of one internet address, or its requests behind a trusted proxy"},
    {"TRUSTED_PROXIES", MEMBER(trusted_proxies), parse_text, networks_accept,
     .fallback = "127.0.0.1,::1",
     .allowed = "addresses or networks like 10.0.0.0/8 with commas between them, or none",
     .about = "who may say in X-Forwarded-For for whom it speaks"},
    {"HEAD_TIMEOUT_SECONDS", MEMBER(head_timeout_seconds), parse_number, .min = 1, .max = 3600,
     .fallback = "10", .allowed = "a number from 1 to 3600",
     .about = "for a request to come up to the end of its headers"},
    {"BODY_TIMEOUT_SECONDS", MEMBER(body_timeout_seconds), parse_number, .min = 1, .max = 3600,
     .fallback = "20", .allowed = "a number from 1 to 3600",
     .about = "for the rest of a request to come"},
    {"IDLE_TIMEOUT_SECONDS", MEMBER(idle_timeout_seconds), parse_number, .min = 1, .max = 3600,
     .fallback = "75", .allowed = "a number from 1 to 3600",
     .about = "a connection may rest between two requests"},
    {"MAX_HEAD_BYTES", MEMBER(max_head_bytes), parse_number, .min = 1024, .max = 65536,
     .fallback = "8192", .allowed = "a number from 1024 to 65536",
     .about = "request line and headers of one request"},
    {"MAX_URL_BYTES", MEMBER(max_url_bytes), parse_number, .min = 128, .max = 16384,
     .fallback = "4096", .allowed = "a number from 128 to 16384",
     .about = "path and query of one request"},
    {"MAX_BODY_BYTES", MEMBER(max_body_bytes), parse_number, .min = 1024, .max = 1048576,
     .fallback = "65536", .allowed = "a number from 1024 to 1048576",
     .about = "body of one request"},
    {"MAX_PARAMETERS", MEMBER(max_parameters), parse_number, .min = 16,
     .max = CONFIG_PARAMETERS_MAX, .fallback = "256", .allowed = "a number from 16 to 256",
     .about = "fields of one form"},
    {"MAX_CONNECTIONS", MEMBER(max_connections), parse_number, .min = 1, .max = 1000000,
     .fallback = "10000", .allowed = "a number from 1 to 1000000",
     .about = "connections open at once"},
    {"MAX_IN_FLIGHT", MEMBER(max_in_flight), parse_number, .min = 1, .max = 1000000,
     .fallback = "2000", .allowed = "a number from 1 to 1000000",
     .about = "messages handled at once; more are answered 503"},
    {"RETENTION_DAYS", MEMBER(retention_days), parse_number, .min = 0, .max = 36500,
     .fallback = "0", .allowed = "a number from 0 to 36500",
     .about = "codes that nobody asked for in so many days are removed; 0: never"},
    {"OUTBOX_ALARM", MEMBER(outbox_alarm), parse_number, .min = 1, .max = 100000000,
     .fallback = "1000", .allowed = "a number from 1 to 100000000",
     .about = "more records than these waiting for the database are reported"},
    {"OUTBOX_MAX", MEMBER(outbox_max), parse_number, .min = 1, .max = 100000000,
     .fallback = "1000000", .allowed = "a number from 1 to 100000000",
     .about = "with so many waiting, people are asked to try again later"},
    {"OUTBOX_REPLICAS", MEMBER(outbox_replicas), parse_number, .max = 16, .fallback = "0",
     .allowed = "a number from 0 to 16",
     .about = "replicas of Redis that must have a waiting record before its code is told"},
    {"SESSION_REPLICAS", MEMBER(session_replicas), parse_number, .max = 16, .fallback = "0",
     .allowed = "a number from 0 to 16",
     .about = "replicas of Redis that must have what a person said before the answer"},
    {"STOP_DELAY_SECONDS", MEMBER(stop_delay_seconds), parse_number, .min = 0, .max = 60,
     .fallback = "0", .allowed = "a number from 0 to 60",
     .about = "told to stop, /ready answers 503 for so long before the port closes"},
};

const size_t config_setting_count = sizeof config_settings / sizeof *config_settings;

/* Names that a .env file may hold although nothing here reads them: what the Python version had. */
static const char *const accepted_names[] = {"APP_VERSION"};

bool setting_is_known(const char *name)
{
    for (size_t i = 0; i < config_setting_count; i++)
        if (strcmp(name, config_settings[i].name) == 0)
            return true;
    for (size_t i = 0; i < sizeof accepted_names / sizeof *accepted_names; i++)
        if (strcmp(name, accepted_names[i]) == 0)
            return true;
    return false;
}

bool setting_is_text(const struct setting *setting)
{
    return setting->parse == parse_text;
}

/* Where what follows "scheme://user:password" begins, or value itself. */
static const char *behind_password(const char *value)
{
    const char *host = strstr(value, "://"), *at = host != NULL ? strrchr(host, '@') : NULL;
    return at != NULL ? at : value;
}

void setting_print_value(const char *value, FILE *out)
{
    const uint8_t *at = (const uint8_t *)behind_password(value);
    fputc('"', out);
    if (at != (const uint8_t *)value)
        fprintf(out, "%.*s://...", (int)strcspn(value, ":"), value);
    for (int i = 0; *at && i < 60; i++) {
        ucs4_t character;
        const uint8_t *next = u8_next(&character, at);
        if (uc_is_cntrl(character))
            fputc('?', out);
        else
            fwrite(at, 1, (size_t)(next - at), out);
        at = next;
    }
    fputs(*at ? "...\"" : "\"", out);
}

/* Why a file is none that can be read. */
static void explain_file(const struct setting *setting, const char *value, FILE *errors)
{
    struct stat status;

    if (setting->accepts != accepts_readable_file)
        return;
    if (stat(value, &status) == 0 && S_ISDIR(status.st_mode))
        errno = EISDIR;
    else if (access(value, R_OK) == 0)
        return;
    fprintf(errors, ", which cannot be read: %s", strerror(errno));
}

void setting_explain(const struct setting *setting, const char *value, FILE *errors)
{
    fprintf(errors, "%s: ", setting->name);
    if (value == NULL)
        fputs("is not set", errors);
    else if (u8_check((const uint8_t *)value, strlen(value)))
        fputs("holds bytes that are not UTF-8", errors);
    else if (setting->privacy == SECRET)
        fprintf(errors, "holds %zu characters that are not shown",
                u8_mbsnlen((const uint8_t *)value, strlen(value)));
    else {
        fputs("holds ", errors);
        setting_print_value(value, errors);
        explain_file(setting, value, errors);
    }
    if (value == NULL && setting->need == REQUIRED_IN_PRODUCTION)
        fputs(", but production requires it", errors);
    fprintf(errors, "; allowed: %s\n", setting->allowed);
}

void config_help(FILE *out)
{
    for (size_t i = 0; i < config_setting_count; i++) {
        const struct setting *setting = &config_settings[i];
        static const char *const needs[] = {"", " (required)", " (required in production)"};
        fprintf(out, "  %-24s %s%s\n", setting->name, setting->about, needs[setting->need]);
        fprintf(out, "  %-24s %s", "", setting->allowed);
        if (setting->fallback)
            fprintf(out, "; default %s", setting->fallback);
        fputc('\n', out);
    }
}
