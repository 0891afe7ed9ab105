/* "*2\r\n$3\r\nGET\r\n$1\r\nx\r\n": the number of arguments, and each with its length. */
#include "store/redis/command.h"

#include <string.h>

/* A mark, a number of at most 20 digits, and the ends of two lines. */
#define FRAME_MAX 25

size_t redis_command_room(int argc, const size_t *lengths)
{
    size_t room = FRAME_MAX;

    for (int i = 0; i < argc; i++)
        room += FRAME_MAX + lengths[i];
    return room;
}

static char *put_number(char *out, char mark, size_t number)
{
    char digits[20];
    size_t at = sizeof digits;

    do
        digits[--at] = (char)('0' + number % 10);
    while ((number /= 10) > 0);
    *out++ = mark;
    memcpy(out, digits + at, sizeof digits - at);
    out += sizeof digits - at;
    *out++ = '\r';
    *out++ = '\n';
    return out;
}

size_t redis_command_write(char *out, int argc, const char *const *argv, const size_t *lengths)
{
    char *at = put_number(out, '*', (size_t)argc);

    for (int i = 0; i < argc; i++) {
        at = put_number(at, '$', lengths[i]);
        memcpy(at, argv[i], lengths[i]);
        at += lengths[i];
        *at++ = '\r';
        *at++ = '\n';
    }
    return (size_t)(at - out);
}
