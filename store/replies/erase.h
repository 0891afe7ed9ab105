/*
 * Erasing a person's replies that wait in Redis. Blocks: for the command line; servers may run
 * meanwhile, and what one of them has in hand just now may still be sent.
 */
#ifndef STORE_REPLIES_ERASE_H
#define STORE_REPLIES_ERASE_H

#include "store/replies.h"
#include <stdbool.h>

struct redis_call;

/* With dry_run they are only counted. Returns 0 with *found, or -1 with error. */
int replies_erase(const struct replies_settings *settings, struct redis_call *call,
                  const char *address, bool dry_run, size_t *found, char error[STORE_ERROR_MAX]);

#endif
