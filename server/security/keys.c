/* Derives the secrets from the salt. */
#include "server/security/keys.h"
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/params.h>
#include <string.h>

/* Changing this or a label makes every stored hash and session unreadable. */
static const char purpose[] = "whatsapp-uic 1";

static int derive(EVP_KDF_CTX *context, const char *salt, const char *label,
                  unsigned char key[KEY_SIZE])
{
    char digest[] = "SHA256";
    OSSL_PARAM params[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, (void *)salt, strlen(salt)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, (void *)purpose, strlen(purpose)),
        OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_INFO, (void *)label, strlen(label)),
        OSSL_PARAM_construct_end(),
    };
    return EVP_KDF_derive(context, key, KEY_SIZE, params) == 1 ? 0 : -1;
}

int keys_derive(struct keys *keys, const char *salt)
{
    const struct {
        const char *label;
        unsigned char *key;
    } wanted[] = {
        {"session address", keys->session_address}, {"session seal", keys->session_seal},
        {"record input", keys->record_input},       {"outbox seal", keys->outbox_seal},
        {"reply seal", keys->reply_seal},           {"reply address", keys->reply_address},
        {"message id", keys->message_id},           {"record asker", keys->record_asker},
        {"message text", keys->message_text},       {"log day", keys->log_day},
        {"record erased", keys->record_erased},     {KEY_LABEL_NEAR, keys->record_near},
        {"phone number tag", keys->phone_number},   {"phone number", keys->phone_number + KEY_SIZE},
    };
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
    int status = context != NULL ? 0 : -1;
    for (size_t i = 0; status == 0 && i < sizeof wanted / sizeof *wanted; i++) {
        EVP_KDF_CTX_reset(context);
        status = derive(context, salt, wanted[i].label, wanted[i].key);
    }
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    if (status < 0)
        keys_wipe(keys);
    return status;
}

int key_derive(unsigned char key[KEY_SIZE], const char *secret, const char *label)
{
    EVP_KDF *kdf = EVP_KDF_fetch(NULL, "HKDF", NULL);
    EVP_KDF_CTX *context = kdf != NULL ? EVP_KDF_CTX_new(kdf) : NULL;
    int status = context != NULL ? derive(context, secret, label, key) : -1;
    EVP_KDF_CTX_free(context);
    EVP_KDF_free(kdf);
    return status;
}

void keys_wipe(struct keys *keys)
{
    OPENSSL_cleanse(keys, sizeof *keys);
}
