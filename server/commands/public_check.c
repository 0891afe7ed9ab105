/* By libcurl: the name, the proxy in front, its certificate and the service behind it; then whether
 * it is this machine's, and whether messages get through to it. */
#include "server/commands/public_check.h"

#include "server/channels/meta/meta.h"
#include "server/commands/ask_ready.h"
#include "server/commands/instances.h"
#include "store/base/clock.h"
#include <curl/curl.h>
#include <jansson.h>
#include <openssl/x509_vfy.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define ANSWER_MAX 4096
#define CONNECT_S 5L
#define TOTAL_S 15L
#define DAY_S 86400

/* Of one request; what is longer is none of ours, and is not waited for. */
struct answer {
    CURLcode code;
    long status;
    size_t length;
    char bytes[ANSWER_MAX];
};

static size_t on_bytes(char *bytes, size_t size, size_t count, void *arg)
{
    struct answer *answer = arg;
    const size_t length = size * count;

    if (length >= sizeof answer->bytes - answer->length)
        return 0;
    memcpy(answer->bytes + answer->length, bytes, length);
    answer->length += length;
    answer->bytes[answer->length] = '\0';
    return length;
}

/* To the end of the chain's first certificate, which is the server's own; a day that lacks a few
 * hours is one. */
static int64_t certificate_days(CURL *curl)
{
    static const char field[] = "Expire date:";
    struct curl_certinfo *chain = NULL;

    if (curl_easy_getinfo(curl, CURLINFO_CERTINFO, &chain) != CURLE_OK || chain == NULL ||
        chain->num_of_certs < 1)
        return -1;
    for (const struct curl_slist *line = chain->certinfo[0]; line != NULL; line = line->next) {
        if (strncasecmp(line->data, field, sizeof field - 1) != 0)
            continue;
        const int64_t end_s = (int64_t)curl_getdate(line->data + sizeof field - 1, NULL);
        return end_s < 0 ? -1 : (end_s - clock_wall_s() + DAY_S / 4) / DAY_S;
    }
    return -1;
}

/* GET, or an empty POST, of a path of PUBLIC_URL. */
static void ask(CURL *curl, const struct config *config, const char *path, bool post,
                struct answer *answer)
{
    char url[1024];

    *answer = (struct answer){.code = CURLE_URL_MALFORMAT};
    if ((size_t)snprintf(url, sizeof url, "%s%s", config->public_url, path) >= sizeof url)
        return;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, TOTAL_S);
    curl_easy_setopt(curl, CURLOPT_CERTINFO, 1L);
    /* As the program curl: a test, or an organisation, has an authority of its own. */
    curl_easy_setopt(curl, CURLOPT_CAINFO, getenv("SSL_CERT_FILE"));
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    curl_easy_setopt(curl, post ? CURLOPT_POST : CURLOPT_HTTPGET, 1L);
    if (post)
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, "");
    answer->code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &answer->status);
    if (answer->code == CURLE_WRITE_ERROR)
        answer->code = CURLE_OK;
}

/* A text of an answer in JSON. Returns whether it is there. */
static bool answer_text(const struct answer *answer, const char *name, char *text, size_t size)
{
    json_t *json = json_loadb(answer->bytes, answer->length, 0, NULL);
    const char *value = json_string_value(json_object_get(json, name));

    snprintf(text, size, "%s", value != NULL ? value : "");
    json_decref(json);
    return value != NULL;
}

/* curl compares names itself, when OpenSSL has found nothing wrong. */
static void explain_certificate(CURL *curl, const struct config *config, char *text, size_t size)
{
    const char *host = strstr(config->public_url, "://");
    long found = X509_V_OK;

    host = host != NULL ? host + 3 : config->public_url;
    const int length = (int)strcspn(host, ":/");
    curl_easy_getinfo(curl, CURLINFO_SSL_VERIFYRESULT, &found);
    switch (found) {
    case X509_V_OK:
    case X509_V_ERR_UNSPECIFIED:
    case X509_V_ERR_HOSTNAME_MISMATCH:
        snprintf(text, size, "its certificate is for another name: sudo certbot --nginx -d %.*s",
                 length, host);
        break;
    case X509_V_ERR_CERT_HAS_EXPIRED:
        snprintf(text, size,
                 "its certificate is over: sudo certbot renew, systemctl status certbot.timer; "
                 "unless our clock is wrong: timedatectl");
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        snprintf(text, size, "its certificate is not good yet: see timedatectl");
        break;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        snprintf(text, size,
                 "nobody known has signed its certificate: sudo certbot --nginx -d %.*s", length,
                 host);
        break;
    default:
        snprintf(text, size, "its certificate is not valid: %s",
                 X509_verify_cert_error_string(found));
    }
}

static const char *explain(CURLcode code)
{
    switch (code) {
    case CURLE_COULDNT_RESOLVE_HOST:
        return "its name leads nowhere: see the DNS";
    case CURLE_COULDNT_CONNECT:
        return "nobody listens there: see nginx and the firewall";
    case CURLE_OPERATION_TIMEDOUT:
        return "no answer in time: see the firewall";
    default:
        return curl_easy_strerror(code);
    }
}

/* What somebody else answered: where it leads to, or that it is a page. */
static void explain_stranger(CURL *curl, const struct answer *answer, char *text, size_t size)
{
    const char *target = NULL, *type = NULL;

    curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &target);
    curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
    if (target != NULL)
        snprintf(text, size, "answers %ld and leads to %.160s: PUBLIC_URL, or the proxy, is wrong",
                 answer->status, target);
    else if (type != NULL && strncasecmp(type, "text/html", 9) == 0)
        snprintf(text, size,
                 "answers %ld with a web page, not this service: see the proxy, and the DNS",
                 answer->status);
    else
        snprintf(text, size, "answers %ld, and not as this service does", answer->status);
    for (char *at = text; *at; at++)
        if (*at < ' ' || *at > '~')
            *at = '?';
}

/* Whether one of this machine's instances began at that moment, or none of them says when. */
static bool is_ours(const struct config *config, int64_t started_ms)
{
    unsigned ports[INSTANCES_MAX + 1] = {config->port};
    const size_t count = 1 + instances_list(INSTANCES_DIRECTORY, ports + 1);
    bool heard = false;

    for (size_t i = 0; i < count; i++) {
        char error[ERROR_MAX];
        int64_t ours_ms;
        if (ask_ready(config, ports[i], &ours_ms, error) == 0 && ours_ms >= 0) {
            heard = true;
            if (ours_ms == started_ms)
                return true;
        }
    }
    return !heard;
}

/* Unsigned, so that it is refused, which only the service itself does so. */
static bool takes_messages(CURL *curl, const struct config *config, const char *path,
                           struct answer *answer)
{
    char why[64];

    ask(curl, config, path, true, answer);
    return answer->code == CURLE_OK && (answer->status == 400 || answer->status == 403) &&
           answer_text(answer, "error", why, sizeof why);
}

/* What it takes beyond an answer to /health. Returns 0; 1 or -1 with text. */
static int look_behind(CURL *curl, const struct config *config, char *text, size_t size)
{
    const bool twilio = config->twilio_auth_token != NULL || !config_has_meta(config);
    const char *const paths[] = {twilio ? config->webhook_path : NULL,
                                 config_has_meta(config) ? META_PATH : NULL};
    struct answer answer;
    char started[64];

    for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
        if (paths[i] != NULL && !takes_messages(curl, config, paths[i], &answer)) {
            snprintf(text, size, "answers, but %.100s does not take messages (%ld): see the proxy",
                     paths[i], answer.status);
            return -1;
        }
    ask(curl, config, "/ready", false, &answer);
    if (answer.code == CURLE_OK && answer_text(&answer, "started_at", started, sizeof started) &&
        !is_ours(config, started_ms_read(started))) {
        snprintf(text, size, "answers, but from another server than this machine's: see the DNS");
        return 1;
    }
    return 0;
}

static int check(CURL *curl, const struct config *config, int64_t *days, char *text, size_t size)
{
    struct answer answer;
    char status[16];

    ask(curl, config, "/health", false, &answer);
    if (answer.code == CURLE_PEER_FAILED_VERIFICATION) {
        explain_certificate(curl, config, text, size);
        return -1;
    }
    if (answer.code != CURLE_OK) {
        snprintf(text, size, "%s", explain(answer.code));
        return -1;
    }
    if (answer.status != 200 || !answer_text(&answer, "status", status, sizeof status) ||
        strcmp(status, "healthy") != 0) {
        explain_stranger(curl, &answer, text, size);
        return -1;
    }
    *days = certificate_days(curl);
    int result = look_behind(curl, config, text, size);
    if (result == 0)
        snprintf(text, size, "answers");
    return result;
}

int public_check(const struct config *config, int64_t *days, char text[PUBLIC_CHECK_MAX])
{
    CURL *curl = curl_easy_init();
    char found[300] = "";

    *days = -1;
    if (curl == NULL) {
        snprintf(text, PUBLIC_CHECK_MAX, "out of memory");
        return -1;
    }
    int result = check(curl, config, days, found, sizeof found);
    snprintf(text, PUBLIC_CHECK_MAX, "%.200s%s %s", config->public_url,
             strncmp(found, "answers", 7) == 0 ? "" : ":", found);
    curl_easy_cleanup(curl);
    return result;
}
