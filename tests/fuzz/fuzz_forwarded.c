/* X-Forwarded-For, as a trusted proxy brings it: whoever it names is an address that stands there,
 * and no proxy. */
#include "fuzz.h"
#include "server/http/client_address.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct clients *clients;
    char header[1024], text[CLIENT_ADDRESS_TEXT_MAX];
    struct client_address client;

    if (clients == NULL)
        clients = clients_create("127.0.0.1,::1,10.0.0.0/8,2001:db8::/32", 1);
    if (size >= sizeof header)
        size = sizeof header - 1;
    memcpy(header, data, size);
    header[size] = '\0';
    if (!clients_forwarded(clients, header, &client))
        return 0;
    PROMISE(!clients_trust(clients, &client));
    client_address_print(&client, text);
    PROMISE(*text != '\0');
    /* What is one address says the same with a port behind it. */
    if (strlen(header) == strlen(text) && strcmp(header, text) == 0) {
        const bool ipv6 = strchr(text, ':') != NULL;
        char longer[CLIENT_ADDRESS_TEXT_MAX + 16];
        struct client_address same;
        snprintf(longer, sizeof longer, ipv6 ? "[%s]:65535" : "%s:65535", text);
        PROMISE(clients_forwarded(clients, longer, &same));
        PROMISE(memcmp(&same, &client, sizeof same) == 0);
    }
    return 0;
}
