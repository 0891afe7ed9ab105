/* TLS by hiredis_ssl and OpenSSL; hiredis does not compare names, so that is told to OpenSSL. */
#include "store/redis/tls.h"

#include <hiredis/async.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

#ifdef HAVE_HIREDIS_SSL

#include <hiredis/hiredis_ssl.h>

const char *redis_tls_missing(void)
{
    return NULL;
}

#else

#define TEXT(number) #number
#define VERSION(major, minor) TEXT(major) "." TEXT(minor)

const char *redis_tls_missing(void)
{
    return "this build's hiredis " VERSION(
        HIREDIS_MAJOR, HIREDIS_MINOR) " has no TLS: use redis:// "
                                      "through a tunnel, or a build with hiredis_ssl 1.0 or newer";
}

/* Nobody comes here: redis_url_parse refuses rediss://. */
static int redisInitiateSSL(redisContext *context, SSL *connection)
{
    (void)context;
    (void)connection;
    return REDIS_ERR;
}

#endif

struct redis_tls {
    SSL_CTX *context;
    SSL *connection; /* the last one, which hiredis holds too */
};

struct redis_tls *redis_tls_create(char error[ERROR_MAX])
{
    struct redis_tls *tls = calloc(1, sizeof *tls);

    if (tls == NULL) {
        snprintf(error, ERROR_MAX, "out of memory");
        return NULL;
    }
    tls->context = SSL_CTX_new(TLS_client_method());
    if (tls->context == NULL || SSL_CTX_set_min_proto_version(tls->context, TLS1_2_VERSION) != 1 ||
        SSL_CTX_set_default_verify_paths(tls->context) != 1) {
        snprintf(error, ERROR_MAX, "cannot prepare TLS for Redis");
        redis_tls_free(tls);
        return NULL;
    }
    SSL_CTX_set_verify(tls->context, SSL_VERIFY_PEER, NULL);
    return tls;
}

void redis_tls_free(struct redis_tls *tls)
{
    if (tls == NULL)
        return;
    SSL_free(tls->connection);
    SSL_CTX_free(tls->context);
    free(tls);
}

/* The certificate must be for this name, or for this address; only a name is told in clear. */
static int expect_host(SSL *connection, const char *host)
{
    if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(connection), host) == 1)
        return 1;
    ERR_clear_error(); /* it is a name: no error of this connection */
    return SSL_set1_host(connection, host) == 1 && SSL_set_tlsext_host_name(connection, host) == 1;
}

/* A hiredis that fails here leaves the connection to us. */
int redis_tls_start(struct redis_tls *tls, struct redisAsyncContext *context, const char *host)
{
    SSL_free(tls->connection);
    tls->connection = SSL_new(tls->context);
    if (tls->connection == NULL || expect_host(tls->connection, host) != 1)
        return -1;
    SSL_up_ref(tls->connection);
    if (redisInitiateSSL(&context->c, tls->connection) == REDIS_OK)
        return 0;
    SSL_free(tls->connection);
    return -1;
}

const char *redis_tls_objection(const struct redis_tls *tls)
{
    long result = tls->connection != NULL ? SSL_get_verify_result(tls->connection) : X509_V_OK;

    return result != X509_V_OK ? X509_verify_cert_error_string(result) : NULL;
}
