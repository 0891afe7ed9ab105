/*
 * Which other instances of the server this machine is to run: whatsapp-uic@PORT, as systemd has
 * them enabled.
 */
#ifndef SERVER_COMMANDS_INSTANCES_H
#define SERVER_COMMANDS_INSTANCES_H

#include <stddef.h>

/* Where systemd keeps a link for each instance that whatsapp-uic.target starts. */
#define INSTANCES_DIRECTORY "/etc/systemd/system/whatsapp-uic.target.wants"
#define INSTANCES_MAX 64

/* Their ports in ascending order, the first INSTANCES_MAX that are found. Returns how many; none
 * where there is no such directory. */
size_t instances_list(const char *directory, unsigned ports[INSTANCES_MAX]);

#endif
