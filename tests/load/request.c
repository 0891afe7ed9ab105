/* Fields are written in the order of their names, so that body and signed text grow together. */
#include "tests/load/request.h"

#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BODY_MAX 2048
#define HEAD_MAX 1024
#define DIGEST_SIZE 20

struct request_writer {
    const struct request_settings *settings;
    EVP_MAC_CTX *mac; /* NULL: nothing is signed */
    char head[HEAD_MAX];
    size_t head_length;
    bool plain[256]; /* characters that stand for themselves in a form */
    char body[BODY_MAX];
    size_t body_length;
    char text[BODY_MAX]; /* what is signed */
    size_t text_length;
    char bytes[HEAD_MAX + BODY_MAX];
};

static EVP_MAC_CTX *mac_create(const char *token)
{
    char digest[] = "SHA1";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string("digest", digest, 0),
        OSSL_PARAM_construct_end(),
    };
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);
    EVP_MAC_CTX *mac = EVP_MAC_CTX_new(algorithm);

    EVP_MAC_free(algorithm);
    if (mac != NULL &&
        EVP_MAC_init(mac, (const unsigned char *)token, strlen(token), parameters) != 1) {
        EVP_MAC_CTX_free(mac);
        return NULL;
    }
    return mac;
}

struct request_writer *request_writer_create(const struct request_settings *settings)
{
    struct request_writer *writer = calloc(1, sizeof *writer);
    int length;

    if (writer == NULL)
        return NULL;
    writer->settings = settings;
    for (const char *c = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz-._"; *c;
         c++)
        writer->plain[(unsigned char)*c] = true;
    length = snprintf(writer->head, sizeof writer->head,
                      "POST %s HTTP/1.1\r\nHost: %s\r\nUser-Agent: TwilioProxy/1.1\r\n"
                      "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: ",
                      settings->path, settings->host);
    writer->head_length = (size_t)length;
    if (settings->token != NULL)
        writer->mac = mac_create(settings->token);
    if ((size_t)length >= sizeof writer->head / 2 ||
        (settings->token != NULL && writer->mac == NULL) ||
        strlen(settings->public_url) + strlen(settings->path) > BODY_MAX / 4) {
        request_writer_free(writer);
        return NULL;
    }
    return writer;
}

void request_writer_free(struct request_writer *writer)
{
    if (writer == NULL)
        return;
    EVP_MAC_CTX_free(writer->mac);
    free(writer);
}

static void add_signed(struct request_writer *writer, const char *text, size_t length)
{
    memcpy(writer->text + writer->text_length, text, length);
    writer->text_length += length;
}

static void add_encoded(struct request_writer *writer, const char *text, size_t length)
{
    static const char digits[] = "0123456789ABCDEF";
    char *out = writer->body + writer->body_length;

    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (writer->plain[c]) {
            *out++ = (char)c;
        } else {
            *out++ = '%';
            *out++ = digits[c >> 4];
            *out++ = digits[c & 15];
        }
    }
    writer->body_length = (size_t)(out - writer->body);
}

static void add_field(struct request_writer *writer, const char *name, const char *value)
{
    size_t name_length = strlen(name), value_length = strlen(value);

    if (writer->body_length > 0)
        writer->body[writer->body_length++] = '&';
    memcpy(writer->body + writer->body_length, name, name_length);
    writer->body_length += name_length;
    writer->body[writer->body_length++] = '=';
    add_encoded(writer, value, value_length);
    add_signed(writer, name, name_length);
    add_signed(writer, value, value_length);
}

/* SM and 32 hexadecimal digits, as Twilio's. */
static void print_sid(uint32_t run, uint64_t id, char sid[35])
{
    static const char digits[] = "0123456789abcdef";

    memset(sid, '0', 34);
    sid[0] = 'S';
    sid[1] = 'M';
    for (int i = 33; i >= 18; i--, id >>= 4)
        sid[i] = digits[id & 15];
    for (int i = 17; i >= 10; i--, run >>= 4)
        sid[i] = digits[run & 15];
    sid[34] = '\0';
}

static void write_body(struct request_writer *writer, const struct crowd *crowd, uint64_t serial,
                       const struct line *line)
{
    char from[sizeof "whatsapp:" + CROWD_NUMBER_MAX] = "whatsapp:", sid[35];
    const char *number = from + sizeof "whatsapp:" - 1;

    crowd_number(crowd, serial, from + sizeof "whatsapp:" - 1);
    print_sid(crowd->run, line->id, sid);
    writer->body_length = 0;
    writer->text_length = 0;
    add_signed(writer, writer->settings->public_url, strlen(writer->settings->public_url));
    add_signed(writer, writer->settings->path, strlen(writer->settings->path));
    add_field(writer, "AccountSid", "AC00000000000000000000000000000000");
    add_field(writer, "ApiVersion", "2010-04-01");
    add_field(writer, "Body", line->text);
    add_field(writer, "From", from);
    add_field(writer, "MessageSid", sid);
    add_field(writer, "MessageType", "text");
    add_field(writer, "NumMedia", "0");
    add_field(writer, "NumSegments", "1");
    add_field(writer, "ProfileName", "Somebody");
    add_field(writer, "ReferralNumMedia", "0");
    add_field(writer, "SmsMessageSid", sid);
    add_field(writer, "SmsSid", sid);
    add_field(writer, "SmsStatus", "received");
    add_field(writer, "To", "whatsapp:+14155238886");
    add_field(writer, "WaId", number + 1);
}

/* The signature's header at `out`. Returns its length, 0 when nothing is signed. */
static size_t write_signature(struct request_writer *writer, char *out)
{
    static const char name[] = "\r\nX-Twilio-Signature: ";
    unsigned char digest[DIGEST_SIZE];
    size_t size;

    if (writer->mac == NULL || EVP_MAC_init(writer->mac, NULL, 0, NULL) != 1 ||
        EVP_MAC_update(writer->mac, (const unsigned char *)writer->text, writer->text_length) !=
            1 ||
        EVP_MAC_final(writer->mac, digest, &size, sizeof digest) != 1)
        return 0;
    memcpy(out, name, sizeof name - 1);
    return sizeof name - 1 +
           (size_t)EVP_EncodeBlock((unsigned char *)out + sizeof name - 1, digest, DIGEST_SIZE);
}

const char *request_write(struct request_writer *writer, const struct crowd *crowd, uint64_t serial,
                          const struct line *line, size_t *length)
{
    char *out = writer->bytes;
    char digits[5];

    write_body(writer, crowd, serial, line);
    memcpy(out, writer->head, writer->head_length);
    out += writer->head_length;
    /* A body of 100 to 2047 bytes. */
    for (int i = 3, rest = (int)writer->body_length; i >= 0; i--, rest /= 10)
        digits[i] = (char)('0' + rest % 10);
    memcpy(out, digits[0] == '0' ? digits + 1 : digits, digits[0] == '0' ? 3 : 4);
    out += digits[0] == '0' ? 3 : 4;
    out += write_signature(writer, out);
    memcpy(out, "\r\n\r\n", 4);
    memcpy(out + 4, writer->body, writer->body_length);
    *length = (size_t)(out + 4 - writer->bytes) + writer->body_length;
    return writer->bytes;
}
