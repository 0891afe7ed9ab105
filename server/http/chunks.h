/*
 * Strict reading of what frames a body in chunks (RFC 9112, 7.1): sizes in hexadecimal, CR LF
 * behind each size and each chunk; no extensions and no trailers, which nobody here would use.
 * Pure.
 */
#ifndef SERVER_HTTP_CHUNKS_H
#define SERVER_HTTP_CHUNKS_H

#include <stdint.h>

enum chunk_step {
    CHUNK_MORE,   /* the frame goes on */
    CHUNK_BEGINS, /* scanner.size bytes of the body come next, and then the frame goes on */
    CHUNK_LAST,   /* the body is complete */
    CHUNK_LARGE,  /* more than size_max */
    CHUNK_BAD
};

/* Zeroed at first. */
struct chunk_scanner {
    int state;
    uint64_t size;
};

/* One byte more of the frame. */
enum chunk_step chunk_add(struct chunk_scanner *scanner, unsigned char c, uint64_t size_max);

#endif
