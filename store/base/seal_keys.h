/*
 * The keys of sealed values: 4,096 subkeys of one key, so that few random nonces are drawn under
 * one of them, however many values there are. Derived once for the process; nothing changes them,
 * so that all threads may read.
 */
#ifndef STORE_BASE_SEAL_KEYS_H
#define STORE_BASE_SEAL_KEYS_H

#include <stdint.h>

#define SEAL_KEY_SIZE 32
#define SEAL_SUBKEYS 4096

struct seal_keys {
    uint32_t id;                      /* 20 bits that tell the key, and with it the salt */
    unsigned char old[SEAL_KEY_SIZE]; /* the only one, before there were subkeys */
    unsigned char subkeys[SEAL_SUBKEYS][SEAL_KEY_SIZE];
};

/* Takes some milliseconds. Returns NULL when the cryptographic library fails. */
struct seal_keys *seal_keys_create(const unsigned char key[SEAL_KEY_SIZE]);
/* After every seal with them. */
void seal_keys_free(struct seal_keys *keys);

#endif
