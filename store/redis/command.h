/*
 * A command as the bytes that Redis reads, so that a link can write it without the many small
 * steps that hiredis takes for each argument.
 */
#ifndef STORE_REDIS_COMMAND_H
#define STORE_REDIS_COMMAND_H

#include <stddef.h>

/* Bytes that hold a command of these arguments, and perhaps some more. */
size_t redis_command_room(int argc, const size_t *lengths);

/* Writes the command. Returns its length. */
size_t redis_command_write(char *out, int argc, const char *const *argv, const size_t *lengths);

#endif
