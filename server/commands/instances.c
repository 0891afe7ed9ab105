/* Reads the names of links. */
#include "server/commands/instances.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The port in whatsapp-uic@PORT.service, or 0. */
static unsigned port_of(const char *name)
{
    unsigned port;
    int end = 0;

    if (sscanf(name, "whatsapp-uic@%5u.service%n", &port, &end) != 1 || end == 0 ||
        name[end] != '\0')
        return 0;
    return port <= 65535 ? port : 0;
}

static int compare_ports(const void *left, const void *right)
{
    const unsigned *a = left, *b = right;
    return *a < *b ? -1 : *a > *b;
}

size_t instances_list(const char *directory, unsigned ports[INSTANCES_MAX])
{
    DIR *links = opendir(directory);
    size_t count = 0;

    if (links == NULL)
        return 0;
    for (struct dirent *link; count < INSTANCES_MAX && (link = readdir(links)) != NULL;) {
        unsigned port = port_of(link->d_name);
        if (port != 0)
            ports[count++] = port;
    }
    closedir(links);
    qsort(ports, count, sizeof ports[0], compare_ports);
    return count;
}
