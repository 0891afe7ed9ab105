/* OpenSSL's context and libevent's streams over it. */
#include "server/http/tls.h"

#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* TLS 1.2 with forward secrecy and authenticated encryption only; of TLS 1.3 all are such. */
#define CIPHERS "ECDHE+AESGCM:ECDHE+CHACHA20"

struct tls {
    char *cert_file;
    char *key_file;
    pthread_mutex_t lock; /* of context: sessions begin while it is replaced */
    SSL_CTX *context;
};

static int explain(const char *what, const char *file, char error[ERROR_MAX])
{
    const char *reason = ERR_reason_error_string(ERR_peek_last_error());

    snprintf(error, ERROR_MAX, "%s %.120s: %s", what, file,
             reason != NULL ? reason : "it cannot be used");
    ERR_clear_error();
    return -1;
}

static SSL_CTX *context_create(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());

    if (context == NULL)
        return NULL;
    /* What was decrypted is not left in OpenSSL's buffers. */
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_NO_COMPRESSION | SSL_OP_CLEANSE_PLAINTEXT);
    SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS);
    if (SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
        SSL_CTX_set_cipher_list(context, CIPHERS) == 1)
        return context;
    SSL_CTX_free(context);
    return NULL;
}

static SSL_CTX *context_load(const struct tls *tls, char error[ERROR_MAX])
{
    SSL_CTX *context = context_create();
    int status = 0;

    if (context == NULL) {
        snprintf(error, ERROR_MAX, "the cryptographic library failed");
        return NULL;
    }
    if (SSL_CTX_use_certificate_chain_file(context, tls->cert_file) != 1)
        status = explain("TLS_CERT_FILE", tls->cert_file, error);
    else if (SSL_CTX_use_PrivateKey_file(context, tls->key_file, SSL_FILETYPE_PEM) != 1 ||
             SSL_CTX_check_private_key(context) != 1)
        status = explain("TLS_KEY_FILE", tls->key_file, error);
    if (status == 0)
        return context;
    SSL_CTX_free(context);
    return NULL;
}

struct tls *tls_open(const char *cert_file, const char *key_file, char error[ERROR_MAX])
{
    struct tls *tls = calloc(1, sizeof *tls);

    snprintf(error, ERROR_MAX, "out of memory");
    if (tls == NULL)
        return NULL;
    pthread_mutex_init(&tls->lock, NULL);
    tls->cert_file = strdup(cert_file);
    tls->key_file = strdup(key_file);
    if (tls->cert_file != NULL && tls->key_file != NULL)
        tls->context = context_load(tls, error);
    if (tls->context != NULL)
        return tls;
    tls_close(tls);
    return NULL;
}

void tls_close(struct tls *tls)
{
    if (tls == NULL)
        return;
    SSL_CTX_free(tls->context);
    pthread_mutex_destroy(&tls->lock);
    free(tls->cert_file);
    free(tls->key_file);
    free(tls);
}

int tls_reload(struct tls *tls, char error[ERROR_MAX])
{
    SSL_CTX *context = context_load(tls, error);

    if (context == NULL)
        return -1;
    pthread_mutex_lock(&tls->lock);
    SSL_CTX *old = tls->context;
    tls->context = context;
    pthread_mutex_unlock(&tls->lock);
    SSL_CTX_free(old);
    return 0;
}

void tls_describe(struct tls *tls, char text[ERROR_MAX])
{
    const X509 *certificate = SSL_CTX_get0_certificate(tls->context);
    BIO *out = BIO_new(BIO_s_mem());
    int length = 0;

    if (out != NULL && ASN1_TIME_print(out, X509_get0_notAfter(certificate)) == 1)
        length = BIO_read(out, text, ERROR_MAX - 1);
    text[length > 0 ? length : 0] = '\0';
    BIO_free(out);
}

struct bufferevent *tls_stream(struct tls *tls, struct event_base *base)
{
    pthread_mutex_lock(&tls->lock);
    SSL *session = SSL_new(tls->context);
    pthread_mutex_unlock(&tls->lock);
    if (session == NULL)
        return NULL;
    struct bufferevent *stream = bufferevent_openssl_socket_new(
        base, -1, session, BUFFEREVENT_SSL_ACCEPTING, BEV_OPT_CLOSE_ON_FREE);
    if (stream == NULL)
        SSL_free(session);
    else /* many clients just close; a request says itself where it ends */
        bufferevent_openssl_set_allow_dirty_shutdown(stream, 1);
    return stream;
}

bool tls_is_established(struct bufferevent *stream)
{
    return SSL_is_init_finished(bufferevent_openssl_get_ssl(stream));
}

void tls_send_last(struct bufferevent *stream, const char *bytes, size_t length)
{
    SSL *session = bufferevent_openssl_get_ssl(stream);

    if (SSL_is_init_finished(session) && SSL_write(session, bytes, (int)length) > 0)
        SSL_shutdown(session);
    ERR_clear_error();
}
