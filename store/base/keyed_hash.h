/*
 * HMAC-SHA256 under one key. The context is armed with the key once, which saves most of the time
 * that a single hash takes; so it is one thread's.
 */
#ifndef STORE_BASE_KEYED_HASH_H
#define STORE_BASE_KEYED_HASH_H

#include <stddef.h>
#include <stdint.h>

#define KEYED_HASH_KEY_SIZE 32
#define KEYED_HASH_SIZE 32

struct keyed_hash;
struct evp_mac_ctx_st;

/* OpenSSL's context of an HMAC (EVP_MAC_CTX), with its key and the digest "SHA1" or "SHA256": each
 * EVP_MAC_init without a key starts anew. NULL as below. */
struct evp_mac_ctx_st *hmac_context_create(const void *key, size_t length, const char *digest);

/* Copies the key. NULL when the cryptographic library fails, or without memory. */
struct keyed_hash *keyed_hash_create(const unsigned char key[KEYED_HASH_KEY_SIZE]);
/* NULL is allowed. */
void keyed_hash_free(struct keyed_hash *keyed);

/* Returns 0, or -1 when the cryptographic library fails. */
int keyed_hash(struct keyed_hash *keyed, const void *bytes, size_t length,
               unsigned char hash[KEYED_HASH_SIZE]);
/* The first eight bytes as a number, highest first. Returns 0, or -1 with 0 for a number. */
int keyed_hash_number(struct keyed_hash *keyed, const void *bytes, size_t length, uint64_t *number);

#endif
