/* HMAC under one key: the values of RFC 4231 and RFC 2202, one after the other; and what happens
 * when the cryptographic library has no HMAC. */
#include "store/base/hex.h"
#include "store/base/keyed_hash.h"

#include <openssl/evp.h>
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

static void a_context_starts_anew_from_its_key(void **state)
{
    static const struct {
        const char *digest, *mac;
    } rows[] = {
        {"SHA1", "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"},
        {"SHA256", "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    };
    static const unsigned char text[] = "what do ya want for nothing?";

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        EVP_MAC_CTX *context = hmac_context_create("Jefe", 4, rows[i].digest);
        assert_non_null(context);
        for (int again = 0; again < 2; again++) {
            unsigned char mac[32];
            char hex[2 * sizeof mac + 1];
            size_t size;
            assert_int_equal(EVP_MAC_init(context, NULL, 0, NULL), 1);
            assert_int_equal(EVP_MAC_update(context, text, sizeof text - 1), 1);
            assert_int_equal(EVP_MAC_final(context, mac, &size, sizeof mac), 1);
            hex_write(mac, size, hex);
            assert_string_equal(hex, rows[i].mac);
        }
        EVP_MAC_CTX_free(context);
    }
}

static void without_hmac_there_is_no_context(void **state)
{
    static const unsigned char key[KEYED_HASH_KEY_SIZE];

    (void)state;
    assert_null(hmac_context_create("Jefe", 4, "SHA0"));
    assert_int_equal(EVP_set_default_properties(NULL, "provider=none"), 1);
    assert_null(hmac_context_create("Jefe", 4, "SHA256"));
    assert_null(keyed_hash_create(key));
    assert_int_equal(EVP_set_default_properties(NULL, ""), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_context_starts_anew_from_its_key),
        cmocka_unit_test(without_hmac_there_is_no_context),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
