/*
 * What all workers together allow: descriptors for connections, and what one number and one
 * internet address may do.
 */
#ifndef SERVER_SERVING_LIMITS_H
#define SERVER_SERVING_LIMITS_H

#include "server/config/config.h"

struct quota;
struct clients;
struct throttle_table;

struct limits {
    unsigned connections_max; /* open at once */
    struct quota *quota;
    struct clients *clients;
    struct throttle_table *throttle_table; /* of wrong tokens */
};

/* Lets the process have as many files open as the system allows. Returns 0, or -1 when out of
 * memory; limits_close is due in both cases. */
int limits_open(struct limits *limits, const struct config *config);
void limits_close(struct limits *limits);

#endif
