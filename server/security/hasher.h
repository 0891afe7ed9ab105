/*
 * Addresses, message ids and what messages say as numbers, by keyed hashes. The contexts are armed
 * with their keys once, which saves most of the time that a single hash takes; so a hasher is one
 * thread's.
 */
#ifndef SERVER_HASHER_H
#define SERVER_HASHER_H

#include <stddef.h>
#include <stdint.h>

struct keys;
struct hasher;

/* Copies what it needs of the keys. NULL when the cryptographic library fails. */
struct hasher *hasher_create(const struct keys *keys);
void hasher_free(struct hasher *hasher);

/* Eight hexadecimal digits that stand for an address in the log. Returns the number that they are
 * the beginning of, which stands for the address in memory. */
#define HASHER_TAG_MAX 9
uint64_t hasher_address(struct hasher *hasher, const char *address, size_t length,
                        char tag[HASHER_TAG_MAX]);

/* A provider's message id as a number, never 0 but when the cryptographic library fails. */
uint64_t hasher_message_id(struct hasher *hasher, const char *id, size_t length);

/* What a message says as a number; 0 when the cryptographic library fails. */
uint64_t hasher_message_text(struct hasher *hasher, const char *text, size_t length);

#endif
