/* Chunks' frames byte by byte. */
#include "server/http/chunks.h"

#include "store/base/hex.h"

enum state {
    AT_SIZE, /* its first digit */
    IN_SIZE,
    AT_LINE_FEED, /* behind a size */
    BEHIND_CHUNK, /* the carriage return */
    AT_CHUNK_LINE_FEED,
    BEHIND_LAST_SIZE, /* where trailers would stand */
    AT_LAST_LINE_FEED,
};

static enum chunk_step in_size(struct chunk_scanner *scanner, unsigned char c, uint64_t size_max)
{
    const int digit = hex_digit((char)c);

    if (digit >= 0) {
        scanner->state = IN_SIZE;
        scanner->size = scanner->size * 16 + (uint64_t)digit;
        return scanner->size <= size_max ? CHUNK_MORE : CHUNK_LARGE;
    }
    if (c != '\r' || scanner->state == AT_SIZE)
        return CHUNK_BAD;
    scanner->state = AT_LINE_FEED;
    return CHUNK_MORE;
}

/* The one byte that may stand here. */
static enum chunk_step expect(struct chunk_scanner *scanner, unsigned char c, unsigned char wanted,
                              enum state next)
{
    scanner->state = (int)next;
    return c == wanted ? CHUNK_MORE : CHUNK_BAD;
}

enum chunk_step chunk_add(struct chunk_scanner *scanner, unsigned char c, uint64_t size_max)
{
    switch (scanner->state) {
    case AT_SIZE:
    case IN_SIZE:
        return in_size(scanner, c, size_max);
    case AT_LINE_FEED:
        if (c != '\n')
            return CHUNK_BAD;
        scanner->state = scanner->size > 0 ? BEHIND_CHUNK : BEHIND_LAST_SIZE;
        return scanner->size > 0 ? CHUNK_BEGINS : CHUNK_MORE;
    case BEHIND_CHUNK:
        return expect(scanner, c, '\r', AT_CHUNK_LINE_FEED);
    case AT_CHUNK_LINE_FEED:
        scanner->size = 0;
        return expect(scanner, c, '\n', AT_SIZE);
    case BEHIND_LAST_SIZE:
        return expect(scanner, c, '\r', AT_LAST_LINE_FEED);
    default:
        return c == '\n' ? CHUNK_LAST : CHUNK_BAD;
    }
}
