/*
 * Phone numbers and user ids as records hold them: in clear, or sealed by AES-256-SIV (RFC 5297)
 * under a key of their own, so that equal numbers are equal text, and the database compares and
 * counts them without reading one.
 *
 *     sealed = "siv:" and base64url of tag (16) and ciphertext
 *
 * What begins with siv: is sealed, in either mode: a clear text that began so would be sealed, too.
 * An empty text is no number and stays empty. Belongs to one thread.
 */
#ifndef SERVER_SECURITY_PHONE_NUMBERS_H
#define SERVER_SECURITY_PHONE_NUMBERS_H

#include "store/records.h"
#include <stdbool.h>

struct keys;
struct phone_numbers;

/* In clear, with its NUL: of an address the longest number or user id. */
#define PHONE_NUMBER_MAX 161

#define PHONE_NUMBER_SEAL "siv:"

/* sealed: how numbers are to stand in records. Copies what it needs of the keys. NULL when the
 * cryptographic library fails. */
struct phone_numbers *phone_numbers_create(const struct keys *keys, bool sealed);
/* NULL is allowed. */
void phone_numbers_free(struct phone_numbers *numbers);

bool phone_number_is_sealed(const char *kept);

/* What records are to hold of a clear number, by the mode. Returns 0, or -1 when it is too long or
 * the cryptographic library fails; the caller's text is "" then. */
int phone_number_keep(struct phone_numbers *numbers, const char *clear,
                      char kept[RECORD_PHONE_MAX]);
/* Sealed, whatever the mode. Returns the same. */
int phone_number_seal(struct phone_numbers *numbers, const char *clear,
                      char sealed[RECORD_PHONE_MAX]);
/* The number in clear, of either form. Returns 0, or -1 with "" when it was not sealed under this
 * salt. */
int phone_number_open(struct phone_numbers *numbers, const char *kept,
                      char clear[RECORD_PHONE_MAX]);

#endif
