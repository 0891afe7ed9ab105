/* Makes the check values of salt and flow and has the database compare them. */
#include "server/security/salt_check.h"

#include "store/base/hex.h"
#include "store/records.h"
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <stdio.h>
#include <string.h>

/* Whoever has the database could try salts against the value, so each try is made to cost: about
 * 40 ms and 16 MiB. */
#define COST_N 16384
#define COST_R 8
#define COST_P 1
#define COST_MEMORY_MAX (32 << 20)

#define VALUE_SIZE 16

_Static_assert(RECORD_MARK_MAX == 2 * VALUE_SIZE + 1, "a value in hexadecimal");

/* Changing this makes every database one of another salt. */
static const char purpose[] = "whatsapp-uic salt check 1";

int salt_marks(const char *secret, const char *id, struct record_marks *marks)
{
    unsigned char value[VALUE_SIZE], digest[EVP_MAX_MD_SIZE];
    int status = -1;

    if (EVP_PBE_scrypt(secret, strlen(secret), (const unsigned char *)purpose, strlen(purpose),
                       COST_N, COST_R, COST_P, COST_MEMORY_MAX, value, sizeof value) == 1 &&
        HMAC(EVP_sha256(), value, sizeof value, (const unsigned char *)id, strlen(id), digest,
             NULL) != NULL) {
        hex_write(value, VALUE_SIZE, marks->salt);
        hex_write(digest, VALUE_SIZE, marks->flow);
        status = 0;
    }
    OPENSSL_cleanse(value, sizeof value);
    return status;
}

int salt_check(const struct salt_checked *checked, bool remember, const char **subject,
               char error[ERROR_MAX])
{
    const char *url = checked->database_url;
    const struct record_marks *marks = checked->marks;

    *subject = "UIC_SALT";
    int status = record_store_mark(url, "salt", marks->salt, remember, error);
    if (status == RECORD_DIFFERS) {
        snprintf(error, ERROR_MAX,
                 "is not the salt that made the codes in this database: everybody would get "
                 "another code");
        return status;
    }
    *subject = "FLOW_FILE";
    if (status == 0)
        status = record_store_mark(url, "flow", marks->flow, remember, error);
    if (status == RECORD_DIFFERS) {
        snprintf(error, ERROR_MAX, "the codes in this database are of another flow than %.64s",
                 checked->flow_id);
        return status;
    }
    if (status != 0)
        *subject = "DATABASE_URL";
    return status;
}
