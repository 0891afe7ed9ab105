/* From a member to the struct that it is embedded in. */
#ifndef STORE_BASE_CONTAINER_OF_H
#define STORE_BASE_CONTAINER_OF_H

#include <stddef.h>

#define container_of(member_pointer, type, member) \
    ((type *)((char *)(member_pointer)-offsetof(type, member)))

#endif
