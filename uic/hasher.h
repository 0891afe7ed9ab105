/*
 * What makes one code or one input hash after another: OpenSSL's contexts, fetched and armed once,
 * which costs more than to use them. uic_code and uic_input_hash make one for each call.
 *
 *     struct uic_hasher *hasher = uic_hasher_create(key, key_length);      once in each thread
 *     uic_hasher_code(hasher, &format, fields, salt, salt_length, 0, code);
 *     uic_hasher_input_hash(hasher, fields, count, hash);
 *     uic_hasher_free(hasher);
 *
 * What each gives and returns stands in uic.h.
 */
#ifndef UIC_HASHER_H
#define UIC_HASHER_H

#include "uic/uic.h"

#define UIC_CODE_HASH_SIZE 32

struct uic_hasher;

/* Copies the key; NULL is for codes alone, of which it is no part. NULL when the cryptographic
 * library fails. */
struct uic_hasher *uic_hasher_create(const unsigned char *key, size_t key_length);
/* NULL is allowed. */
void uic_hasher_free(struct uic_hasher *hasher);

int uic_hasher_code(struct uic_hasher *hasher, const struct uic_format *format,
                    const struct uic_text *fields, const char *salt, size_t salt_length,
                    unsigned longer, char code[UIC_CODE_MAX]);
int uic_hasher_input_hash(struct uic_hasher *hasher, const struct uic_text *fields, size_t count,
                          unsigned char hash[UIC_INPUT_HASH_SIZE]);

/* Of a code's digits: SHA-256 over the fields without separator, then the salt. */
int uic_hasher_code_hash(struct uic_hasher *hasher, const struct uic_text *fields, size_t count,
                         struct uic_text salt, unsigned char hash[UIC_CODE_HASH_SIZE]);

#endif
