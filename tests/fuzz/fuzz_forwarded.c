/* X-Forwarded-For, as a trusted proxy brings it: whoever it names is an address that stands there,
 * and no proxy. */
#include "fuzz.h"
#include "server/http/peers.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct peers *peers;
    char header[1024], text[PEER_TEXT_MAX];
    struct peer client;

    if (peers == NULL)
        peers = peers_create("127.0.0.1,::1,10.0.0.0/8,2001:db8::/32", 1);
    if (size >= sizeof header)
        size = sizeof header - 1;
    memcpy(header, data, size);
    header[size] = '\0';
    if (!peers_forwarded(peers, header, &client))
        return 0;
    PROMISE(!peers_trust(peers, &client));
    peer_print(&client, text);
    PROMISE(*text != '\0');
    /* What is one address says the same with a port behind it. */
    if (strlen(header) == strlen(text) && strcmp(header, text) == 0) {
        const bool ipv6 = strchr(text, ':') != NULL;
        char longer[PEER_TEXT_MAX + 16];
        struct peer same;
        snprintf(longer, sizeof longer, ipv6 ? "[%s]:65535" : "%s:65535", text);
        PROMISE(peers_forwarded(peers, longer, &same));
        PROMISE(memcmp(&same, &client, sizeof same) == 0);
    }
    return 0;
}
