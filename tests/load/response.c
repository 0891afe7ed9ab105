/* Reads an answer that stands in one buffer from its beginning. */
#include "tests/load/response.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Takes from a header line what we want to know. */
static void read_header(struct response *response, const char *line, size_t length)
{
    static const char length_name[] = "content-length:", connection[] = "connection: close";

    if ((*line | 0x20) != 'c')
        return;
    if (length >= sizeof length_name && strncasecmp(line, length_name, sizeof length_name - 1) == 0)
        response->body_length = strtoul(line + sizeof length_name - 1, NULL, 10);
    else if (length >= sizeof connection - 1 &&
             strncasecmp(line, connection, sizeof connection - 1) == 0)
        response->closes = true;
}

int response_read(struct response *response, const char *bytes, size_t length)
{
    const char *end = memmem(bytes, length, "\r\n\r\n", 4);
    const char *line;

    if (end == NULL)
        return 0;
    if (end - bytes < 12 || memcmp(bytes, "HTTP/1.", 7) != 0)
        return -1;
    *response = (struct response){.status = atoi(bytes + 9), .body = end + 4};
    for (line = memchr(bytes, '\n', length); line != NULL && line < end;
         line = memchr(line + 1, '\n', length - (size_t)(line + 1 - bytes)))
        read_header(response, line + 1, (size_t)(end - line - 1));
    if ((size_t)(bytes + length - response->body) < response->body_length)
        return 0;
    return (size_t)(bytes + length - response->body) == response->body_length ? 1 : -1;
}
