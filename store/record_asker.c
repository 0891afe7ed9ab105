/* HMAC-SHA256 of the number, cut short: forty bits are enough to find one of sixteen. */
#include "store/record_asker.h"

#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <stdlib.h>
#include <string.h>

struct record_asker {
    EVP_MAC_CTX *mac;
};

struct record_asker *record_asker_create(const unsigned char key[RECORD_ASKER_KEY_SIZE])
{
    char digest[] = "SHA256";
    const OSSL_PARAM parameters[] = {
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
        OSSL_PARAM_construct_end(),
    };
    struct record_asker *asker = calloc(1, sizeof *asker);
    EVP_MAC *algorithm = EVP_MAC_fetch(NULL, "HMAC", NULL);

    if (asker)
        asker->mac = EVP_MAC_CTX_new(algorithm);
    EVP_MAC_free(algorithm);
    if (asker && asker->mac &&
        EVP_MAC_init(asker->mac, key, RECORD_ASKER_KEY_SIZE, parameters) == 1)
        return asker;
    record_asker_free(asker);
    return NULL;
}

void record_asker_free(struct record_asker *asker)
{
    if (!asker)
        return;
    EVP_MAC_CTX_free(asker->mac);
    free(asker);
}

int record_asker_number(struct record_asker *asker, const char *phone_number,
                        unsigned char number[RECORD_ASKER_NUMBER_SIZE])
{
    unsigned char hash[EVP_MAX_MD_SIZE];
    size_t size;

    if (EVP_MAC_init(asker->mac, NULL, 0, NULL) != 1 ||
        EVP_MAC_update(asker->mac, (const unsigned char *)phone_number, strlen(phone_number)) !=
            1 ||
        EVP_MAC_final(asker->mac, hash, &size, sizeof hash) != 1)
        return -1;
    memcpy(number, hash, RECORD_ASKER_NUMBER_SIZE);
    return 0;
}

/* Event ids are keyed hashes already: they need only be shortened (FNV-1a). Never 0, which is of no
 * message. */
static uint32_t event_shorten(const char *event_id)
{
    uint32_t hash = 2166136261u;

    for (; *event_id; event_id++)
        hash = (hash ^ (unsigned char)*event_id) * 16777619u;
    return (hash >> 8) | 1;
}

void record_asker_sign(struct record_asker *asker, struct record_claim *claim)
{
    const uint32_t event = event_shorten(claim->event_id);
    unsigned char *bytes = claim->asker;

    claim->is_signed = asker && claim->phone_number[0] != '\0' &&
                       record_asker_number(asker, claim->phone_number, bytes) == 0;
    for (int i = 0; i < RECORD_ASKER_SIZE - RECORD_ASKER_NUMBER_SIZE; i++)
        bytes[RECORD_ASKER_NUMBER_SIZE + i] = (unsigned char)(event >> (16 - 8 * i));
}
