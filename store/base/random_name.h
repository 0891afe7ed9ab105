/* Names that no other process or thread has. */
#ifndef STORE_BASE_RANDOM_NAME_H
#define STORE_BASE_RANDOM_NAME_H

#include <stddef.h>

#define RANDOM_NAME_BYTES_MAX 16

/* Fills in size - 1 hexadecimal digits, an even number of RANDOM_NAME_BYTES_MAX * 2 at most, and a
 * NUL. Returns 0, or -1 without randomness. */
int random_name(char *name, size_t size);

#endif
