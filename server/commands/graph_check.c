/* One GET by libcurl, and what its answer means in words. */
#include "server/commands/graph_check.h"

#include <ctype.h>
#include <curl/curl.h>
#include <jansson.h>
#include <openssl/x509_vfy.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define ANSWER_MAX 16384
#define CONNECT_S 5L
#define TOTAL_S 15L
#define FIELDS "id,display_phone_number,verified_name"

struct answer {
    size_t length;
    char bytes[ANSWER_MAX];
};

static size_t on_bytes(char *bytes, size_t size, size_t count, void *arg)
{
    struct answer *answer = arg;
    size_t length = size * count;

    if (length > sizeof answer->bytes - answer->length)
        return 0;
    memcpy(answer->bytes + answer->length, bytes, length);
    answer->length += length;
    return length;
}

/* What comes from outside must not steer a terminal. */
static void clean(char *text)
{
    for (; *text != '\0'; text++)
        if (iscntrl((unsigned char)*text))
            *text = '?';
}

/* Meta's numbers for what an operator can mend. */
static const char *meaning(json_int_t code, json_int_t subcode)
{
    switch (code) {
    case 190:
        return subcode == 463 ? "META_WHATSAPP_TOKEN has expired; make a new one, of a system user "
                                "and without an end"
                              : "META_WHATSAPP_TOKEN is not valid, or was revoked; make a new one";
    case 100:
        return "META_PHONE_NUMBER_ID is wrong, or its number is not one that META_WHATSAPP_TOKEN "
               "may use";
    case 3:
    case 10:
    case 200:
        return "META_WHATSAPP_TOKEN has no permission for this number: the system user needs the "
               "account with whatsapp_business_messaging and whatsapp_business_management";
    case 4:
    case 80007:
    case 130429:
        return "Meta asks us to slow down; try again in some minutes";
    case 368:
    case 131031:
        return "Meta has locked the account; see the Business Manager";
    case 2635:
    case 12:
        return "META_GRAPH_VERSION is too old; take the one that Meta's changelog names";
    default:
        return "Meta refuses";
    }
}

static int read_error(const json_t *error, char text[GRAPH_CHECK_MAX])
{
    const json_int_t code = json_integer_value(json_object_get(error, "code"));
    const json_int_t subcode = json_integer_value(json_object_get(error, "error_subcode"));
    const char *message = json_string_value(json_object_get(error, "message"));

    snprintf(text, GRAPH_CHECK_MAX, "%s (code %lld: %.200s)", meaning(code, subcode),
             (long long)code, message != NULL ? message : "without a word");
    return -1;
}

static int read_number(const json_t *root, const char *phone_number_id, char text[GRAPH_CHECK_MAX])
{
    const char *id = json_string_value(json_object_get(root, "id"));
    const char *number = json_string_value(json_object_get(root, "display_phone_number"));
    const char *name = json_string_value(json_object_get(root, "verified_name"));

    if (id == NULL || strcmp(id, phone_number_id) != 0 || number == NULL) {
        snprintf(text, GRAPH_CHECK_MAX,
                 "META_PHONE_NUMBER_ID is the id of something else than a phone number");
        return -1;
    }
    snprintf(text, GRAPH_CHECK_MAX, "%.40s, %.100s", number,
             name != NULL ? name : "without a verified name");
    return 0;
}

int graph_check_read(long status, const char *body, size_t length, const char *phone_number_id,
                     char text[GRAPH_CHECK_MAX])
{
    json_t *root = json_loadb(body, length, 0, NULL);
    const json_t *error = json_object_get(root, "error");
    int result = -1;

    if (json_is_object(error))
        read_error(error, text);
    else if (status != 200 || root == NULL)
        snprintf(text, GRAPH_CHECK_MAX,
                 "META_GRAPH_URL answers with status %ld and not as Meta does", status);
    else
        result = read_number(root, phone_number_id, text);
    json_decref(root);
    clean(text);
    return result;
}

/* verified: OpenSSL's verdict on the certificate. */
static void explain(CURLcode code, long verified, const char *details, char text[GRAPH_CHECK_MAX])
{
    const bool other_time =
        verified == X509_V_ERR_CERT_HAS_EXPIRED || verified == X509_V_ERR_CERT_NOT_YET_VALID;
    const char *what = other_time ? "the certificate of META_GRAPH_URL is of another time than our "
                                    "clock's: see timedatectl"
                       : code == CURLE_COULDNT_RESOLVE_HOST
                           ? "the host of META_GRAPH_URL is not known"
                       : code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE
                           ? "nobody we trust vouches for the certificate of META_GRAPH_URL"
                       : code == CURLE_OPERATION_TIMEDOUT ? "META_GRAPH_URL does not answer in time"
                                                          : "META_GRAPH_URL cannot be reached";

    snprintf(text, GRAPH_CHECK_MAX, "%s (%.200s)", what,
             *details != '\0' ? details : curl_easy_strerror(code));
    clean(text);
}

static int64_t read_date(CURL *curl)
{
    struct curl_header *date;

    return curl_easy_header(curl, "Date", 0, CURLH_HEADER, -1, &date) == CURLHE_OK
               ? (int64_t)curl_getdate(date->value, NULL)
               : -1;
}

static CURLcode get(CURL *curl, const struct config *config, struct answer *answer, long *status,
                    char details[CURL_ERROR_SIZE])
{
    char url[1024];

    if ((size_t)snprintf(url, sizeof url, "%s/%s/%s?fields=" FIELDS, config->meta_graph_url,
                         config->meta_graph_version, config->meta_phone_number_id) >= sizeof url)
        return CURLE_URL_MALFORMAT;
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(curl, CURLOPT_HTTPAUTH, CURLAUTH_BEARER);
    curl_easy_setopt(curl, CURLOPT_XOAUTH2_BEARER, config->meta_whatsapp_token);
    curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT, CONNECT_S);
    curl_easy_setopt(curl, CURLOPT_TIMEOUT, TOTAL_S);
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, details);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_bytes);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, answer);
    if (config->meta_ca_file != NULL)
        curl_easy_setopt(curl, CURLOPT_CAINFO, config->meta_ca_file);
    CURLcode code = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, status);
    return code;
}

int graph_check(const struct config *config, int64_t *clock_s, char text[GRAPH_CHECK_MAX])
{
    char details[CURL_ERROR_SIZE] = "";
    struct answer answer = {0};
    CURL *curl = curl_easy_init();
    long status = 0, verified = X509_V_OK;

    *clock_s = -1;
    if (curl == NULL) {
        snprintf(text, GRAPH_CHECK_MAX, "out of memory");
        return -1;
    }
    CURLcode code = get(curl, config, &answer, &status, details);
    *clock_s = read_date(curl);
    curl_easy_getinfo(curl, CURLINFO_SSL_VERIFYRESULT, &verified);
    curl_easy_cleanup(curl);
    if (code == CURLE_OK)
        return graph_check_read(status, answer.bytes, answer.length, config->meta_phone_number_id,
                                text);
    explain(code, verified, details, text);
    return -1;
}
