/*
 * Configuration: environment variables, and a .env file for what the environment does not hold.
 * One table feeds the parser, --help and check.
 */
#ifndef SERVER_CONFIG_CONFIG_H
#define SERVER_CONFIG_CONFIG_H

#include "server/telemetry/log.h"
#include <stdbool.h>
#include <stdio.h>

/* Fields that a form may have at most. */
#define CONFIG_PARAMETERS_MAX 256

/* Strings belong to the configuration; an unset one is NULL. */
struct config {
    char *app_name;
    char *environment; /* "development" or "production" */
    bool debug;
    enum log_level log_level; /* DEBUG=True lowers it to LOG_DEBUG */
    bool log_json;
    char *host;
    unsigned port;
    unsigned workers; /* resolved: never 0 */
    char *uic_salt;   /* out of uic_salt_file, when that is set */
    char *uic_salt_file;
    bool uic_salt_weak;
    char *redis_url;
    char *database_url;
    bool phone_numbers_sealed; /* in records, as PHONE_NUMBERS says; else in clear */
    unsigned session_timeout_minutes;
    char *flow_file;
    char *public_url;
    char *twilio_account_sid;
    char *twilio_auth_token;
    char *twilio_whatsapp_number;
    char *webhook_path;
    char *meta_whatsapp_token; /* these four: all or none */
    char *meta_phone_number_id;
    char *meta_verify_token;
    char *meta_app_secret; /* one, or two with a comma between them */
    char *meta_graph_url;  /* without a slash at its end, as public_url */
    char *meta_graph_version;
    unsigned meta_messages_per_second; /* of all instances with one Redis; 0: any number */
    char *meta_ca_file;
    char *admin_token;
    char *time_zone; /* of the days in statistics */
    char *metrics_token;
    char *run_as_user;
    char *tls_cert_file; /* both or none */
    char *tls_key_file;
    unsigned max_connections;     /* of the whole process */
    unsigned max_in_flight;       /* messages being handled, of the whole process */
    unsigned messages_per_minute; /* of one address; 0: any number, as for the next two */
    unsigned codes_per_day;
    unsigned connections_per_address;
    char *trusted_proxies; /* as clients_create takes it */
    unsigned head_timeout_seconds;
    unsigned body_timeout_seconds;
    unsigned idle_timeout_seconds;
    unsigned max_head_bytes;
    unsigned max_url_bytes;
    unsigned max_body_bytes;
    unsigned max_parameters;
    unsigned stop_delay_seconds;
    unsigned retention_days;   /* codes not asked for since are removed; 0: never */
    unsigned outbox_alarm;     /* records in the outbox: more are reported */
    unsigned outbox_max;       /* records in the outbox: no more are taken */
    unsigned outbox_replicas;  /* of Redis, that must have a record there before its code is told */
    unsigned session_replicas; /* of Redis, that must have what a person said before the answer */
    bool production;           /* environment is "production" */
};

/*
 * Reads env_file (NULL: ".env" in the working directory if there is one; a named file must exist)
 * and the environment into config. Prints one line for every bad value, and a warning for each
 * unknown name in the file, to errors. Returns 0, or -1 when a value is bad; config_free is due in
 * both cases. Secrets are never printed.
 */
int config_load(struct config *config, const char *env_file, FILE *errors);
void config_free(struct config *config);

/* The same for a command that only has to do with the database: the salt may be missing, and the
 * file that holds it is not read, for it may be one that systemd shows to the service alone. */
int config_load_unsalted(struct config *config, const char *env_file, FILE *errors);

/* The same for a command that needs only what makes a code, UIC_SALT and FLOW_FILE: no other
 * setting is read or checked, and either may be unset. */
int config_load_code(struct config *config, const char *env_file, FILE *errors);

/* Prints one line for everything that production requires and config has not. Returns 0, or -1
 * when there was something. config_load asks this when ENVIRONMENT is production. */
int config_check_production(const struct config *config, FILE *errors);

/* Whether Meta's Cloud API is a channel of this server. */
bool config_has_meta(const struct config *config);

/* Whether a text may be a salt: 16 characters or more, not all letters, not all digits. */
bool config_accepts_salt(const char *salt);

/* Whether a salt takes 2^128 tries to guess, as production wants it. What repeats or runs on (aaa,
 * 123) counts nothing, a word two bits a letter from its fourth on, every other character as one of
 * the alphabet that the salt is written in. What `whatsapp-uic salt` makes is, and 32 hexadecimal
 * digits by chance are. */
bool config_salt_is_strong(const char *salt);

/* The table for people: name, default, what it is. */
void config_help(FILE *out);

#endif
