/*
 * libpq reads the URL; what it says about a bad one is not shown, because it quotes the password.
 */
#include "store/postgres/postgres_url.h"
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PARAMETERS_MAX 96

struct postgres_url {
    PQconninfoOption *options;
    /* The URL's lists, cut up in place: */
    char *names;
    char *addresses;
    char *ports;
    struct postgres_host hosts[POSTGRES_HOSTS_MAX];
    size_t host_count;
    char place[128];
};

/* For what the URL does not say. */
static const struct {
    const char *keyword, *value;
} defaults[] = {
    {"fallback_application_name", "whatsapp-uic"},
    {"connect_timeout", "5"},  /* of connections that block; links have their own deadlines */
    {"gssencmode", "disable"}, /* asks a Kerberos server, and waits for it */
    {"keepalives_idle", "10"},
    {"keepalives_interval", "5"},
    {"keepalives_count", "3"},
    {"tcp_user_timeout", "10000"},
};

static const char *option_value(const struct postgres_url *url, const char *keyword)
{
    for (const PQconninfoOption *option = url->options; option->keyword; option++) {
        if (strcmp(option->keyword, keyword) == 0)
            return option->val;
    }
    return NULL;
}

/* The next of a comma-separated list; "" when there is none. */
static const char *list_next(char **list)
{
    const char *item = *list ? strsep(list, ",") : NULL;

    return item ? item : "";
}

static size_t list_length(const char *list)
{
    size_t length = 1;

    for (; list && *list; list++)
        length += *list == ',';
    return length;
}

static int list_copy(const char *list, char **copy)
{
    *copy = list ? strdup(list) : NULL;
    return !list || *copy ? 0 : -1;
}

/* Cuts the lists up: as many hosts as there are names or addresses, and a port for each, or one
 * port for all. */
static int hosts_read(struct postgres_url *url, char error[STORE_ERROR_MAX])
{
    const char *names = option_value(url, "host");
    const char *addresses = option_value(url, "hostaddr");
    const char *ports = option_value(url, "port");
    size_t port_count = list_length(ports);

    if (!names && !addresses)
        names = getenv("PGHOST");
    url->host_count = list_length(addresses ? addresses : names);
    if (url->host_count > POSTGRES_HOSTS_MAX ||
        (names && addresses && list_length(names) != url->host_count) ||
        (port_count != 1 && port_count != url->host_count)) {
        snprintf(error, STORE_ERROR_MAX,
                 "the database URL has too many hosts, or not as many ports or addresses as hosts");
        return -1;
    }
    if (list_copy(names, &url->names) != 0 || list_copy(addresses, &url->addresses) != 0 ||
        list_copy(ports, &url->ports) != 0) {
        snprintf(error, STORE_ERROR_MAX, "out of memory");
        return -1;
    }
    char *name = url->names, *address = url->addresses, *port = url->ports;
    for (size_t i = 0; i < url->host_count; i++) {
        struct postgres_host *host = &url->hosts[i];
        host->name = list_next(&name);
        snprintf(host->address, sizeof host->address, "%s", list_next(&address));
        host->port = i == 0 || port_count > 1 ? list_next(&port) : url->hosts[0].port;
    }
    return 0;
}

/* A '@', '/' or ':' of the password that is not encoded cuts the URL in the wrong place: what
 * follows would stand in errors as the name of a host or database. */
static bool is_cut_well(const struct postgres_url *url)
{
    const char *host = option_value(url, "host"), *port = option_value(url, "port");
    const char *database = option_value(url, "dbname");

    return !(host && strchr(host + (host[0] == '@'), '@')) &&
           !(database && strchr(database, '@')) &&
           (!port || port[strspn(port, "0123456789,")] == '\0');
}

static int url_explain(char error[STORE_ERROR_MAX])
{
    snprintf(error, STORE_ERROR_MAX,
             "the database URL is not as postgresql://user:password@host:port/database, with %%40 "
             "for @ and %%2F for / in the password, or has an option behind '?' that libpq does "
             "not know");
    return -1;
}

struct postgres_url *postgres_url_parse(const char *text, char error[STORE_ERROR_MAX])
{
    struct postgres_url *url = NULL;
    bool is_ours = strncmp(text, "postgresql://", 13) == 0 || strncmp(text, "postgres://", 11) == 0;
    PQconninfoOption *options = is_ours ? PQconninfoParse(text, NULL) : NULL;

    if (!options) {
        url_explain(error);
        return NULL;
    }
    url = calloc(1, sizeof *url);
    if (!url) {
        snprintf(error, STORE_ERROR_MAX, "out of memory");
        PQconninfoFree(options);
        return NULL;
    }
    url->options = options;
    if ((!is_cut_well(url) && url_explain(error) != 0) || hosts_read(url, error) != 0) {
        postgres_url_free(url);
        return NULL;
    }
    const char *host = option_value(url, "host"), *port = option_value(url, "port");
    const char *database = option_value(url, "dbname");
    snprintf(url->place, sizeof url->place, "%.60s%s%.20s/%.30s", host ? host : "localhost",
             port ? ":" : "", port ? port : "", database ? database : "");
    return url;
}

void postgres_url_free(struct postgres_url *url)
{
    if (!url)
        return;
    PQconninfoFree(url->options);
    free(url->names);
    free(url->addresses);
    free(url->ports);
    free(url);
}

const char *postgres_url_place(const struct postgres_url *url)
{
    return url->place;
}

size_t postgres_url_hosts(const struct postgres_url *url, const struct postgres_host **hosts)
{
    *hosts = url->hosts;
    return url->host_count;
}

bool postgres_host_is_name(const struct postgres_host *host)
{
    struct in6_addr address;
    const char *name = host->name;

    return host->address[0] == '\0' && name[0] != '\0' && name[0] != '/' && name[0] != '@' &&
           inet_pton(AF_INET, name, &address) != 1 && inet_pton(AF_INET6, name, &address) != 1;
}

struct parameters {
    const char *keywords[PARAMETERS_MAX + 1];
    const char *values[PARAMETERS_MAX + 1];
    size_t count;
};

static void parameter_add(struct parameters *parameters, const char *keyword, const char *value)
{
    if (!value || parameters->count == PARAMETERS_MAX)
        return;
    parameters->keywords[parameters->count] = keyword;
    parameters->values[parameters->count] = value;
    parameters->count++;
}

enum host_part { NAME, ADDRESS, PORT };

static const char *host_part(const struct postgres_host *host, enum host_part part)
{
    return part == NAME ? host->name : part == ADDRESS ? host->address : host->port;
}

/* One of libpq's lists; to be freed. NULL when there is no memory. */
static char *hosts_join(const struct postgres_host *hosts, size_t count, size_t first,
                        enum host_part part)
{
    char *list = NULL;
    size_t length;
    FILE *stream = open_memstream(&list, &length);

    if (!stream)
        return NULL;
    for (size_t i = 0; i < count; i++)
        fprintf(stream, "%s%s", i > 0 ? "," : "", host_part(&hosts[(first + i) % count], part));
    if (fclose(stream) == 0)
        return list;
    free(list);
    return NULL;
}

static bool is_of_hosts(const char *keyword)
{
    return strcmp(keyword, "host") == 0 || strcmp(keyword, "hostaddr") == 0 ||
           strcmp(keyword, "port") == 0;
}

/* All that the URL says, without its hosts if others take their place, and our defaults. */
static void parameters_fill(struct parameters *parameters, const struct postgres_url *url,
                            bool with_hosts)
{
    parameters->count = 0;
    for (const PQconninfoOption *option = url->options; option->keyword; option++) {
        if (with_hosts || !is_of_hosts(option->keyword))
            parameter_add(parameters, option->keyword, option->val);
    }
    for (size_t i = 0; i < sizeof defaults / sizeof defaults[0]; i++) {
        if (!option_value(url, defaults[i].keyword))
            parameter_add(parameters, defaults[i].keyword, defaults[i].value);
    }
    /* Of several servers, the one that takes records. */
    if (url->host_count > 1 && !option_value(url, "target_session_attrs"))
        parameter_add(parameters, "target_session_attrs", "read-write");
    parameter_add(parameters, "client_encoding", "UTF8");
}

PGconn *postgres_url_connect(const struct postgres_url *url)
{
    struct parameters parameters = {0};

    parameters_fill(&parameters, url, true);
    return PQconnectdbParams(parameters.keywords, parameters.values, 0);
}

PGPing postgres_url_ping(const struct postgres_url *url)
{
    struct parameters parameters = {0};

    parameters_fill(&parameters, url, true);
    return PQpingParams(parameters.keywords, parameters.values, 0);
}

PGconn *postgres_url_connect_start(const struct postgres_url *url,
                                   const struct postgres_host *hosts, size_t count, size_t first)
{
    static const char *const keywords[] = {
        [NAME] = "host", [ADDRESS] = "hostaddr", [PORT] = "port"};
    char *lists[] = {NULL, NULL, NULL};
    struct parameters parameters = {0};
    PGconn *connection = NULL;

    parameters_fill(&parameters, url, false);
    for (enum host_part part = NAME; part <= PORT; part++) {
        lists[part] = hosts_join(hosts, count, first, part);
        if (!lists[part])
            goto out;
        parameter_add(&parameters, keywords[part], lists[part]);
    }
    connection = PQconnectStartParams(parameters.keywords, parameters.values, 0);
out:
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        free(lists[i]);
    return connection;
}
