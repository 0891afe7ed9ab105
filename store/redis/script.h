/*
 * A Lua script that Redis runs: its text, embedded in this program, and its SHA-1 in hexadecimal,
 * by which Redis knows it. `embed(… SCRIPT)` makes one of each file.
 */
#ifndef STORE_REDIS_SCRIPT_H
#define STORE_REDIS_SCRIPT_H

#include <stddef.h>

struct redis_script {
    const char *text;
    size_t length;
    const char *sha;
};

#endif
