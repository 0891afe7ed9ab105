/* Random enough that two are never the same. */
#include "store/base/random_name.h"

#include "store/base/hex.h"
#include <openssl/rand.h>

int random_name(char *name, size_t size)
{
    unsigned char bytes[RANDOM_NAME_BYTES_MAX];
    const size_t count = (size - 1) / 2;

    if (count > sizeof bytes || RAND_bytes(bytes, (int)count) != 1)
        return -1;
    hex_write(bytes, count, name);
    return 0;
}
