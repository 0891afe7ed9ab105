/* By libcurl: the name, the proxy in front, its certificate and the service behind it, in one. */
#include "server/commands/public_check.h"

#include "store/base/clock.h"
#include <curl/curl.h>
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

struct answer {
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

static CURLcode get(CURL *curl, const struct config *config, struct answer *answer, long *status)
{
    char url[1024];
    CURLcode code;

    if ((size_t)snprintf(url, sizeof url, "%s/health", config->public_url) >= sizeof url)
        return CURLE_URL_MALFORMAT;
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
    code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
    return code;
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
                 "its certificate is over: sudo certbot renew, systemctl status certbot.timer");
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

int public_check(const struct config *config, int64_t *days, char text[PUBLIC_CHECK_MAX])
{
    struct answer answer = {0};
    char certificate[256];
    CURL *curl = curl_easy_init();
    long status = 0;
    int result = -1;

    *days = -1;
    if (curl == NULL) {
        snprintf(text, PUBLIC_CHECK_MAX, "out of memory");
        return -1;
    }
    const CURLcode code = get(curl, config, &answer, &status);
    if (code == CURLE_PEER_FAILED_VERIFICATION) {
        explain_certificate(curl, config, certificate, sizeof certificate);
        snprintf(text, PUBLIC_CHECK_MAX, "%.200s: %s", config->public_url, certificate);
    } else if (code != CURLE_OK) {
        snprintf(text, PUBLIC_CHECK_MAX, "%.200s: %s", config->public_url, explain(code));
    } else if (status != 200 || strstr(answer.bytes, "\"healthy\"") == NULL) {
        snprintf(text, PUBLIC_CHECK_MAX, "%.200s: answers %ld, and not as this service does",
                 config->public_url, status);
    } else {
        *days = certificate_days(curl);
        snprintf(text, PUBLIC_CHECK_MAX, "%.200s answers", config->public_url);
        result = 0;
    }
    curl_easy_cleanup(curl);
    return result;
}
