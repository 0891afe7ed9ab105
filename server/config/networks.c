/* Reads addresses and lists of networks. Who is trusted with them is for others to say. */
#include "server/config/networks.h"

#include <arpa/inet.h>
#include <string.h>
#include <sys/socket.h>

#define ADDRESS_TEXT_MAX 64

const unsigned char address_mapped[ADDRESS_MAPPED_SIZE] = {[10] = 0xff, [11] = 0xff};

bool address_is_ipv4(const unsigned char address[ADDRESS_SIZE])
{
    return memcmp(address, address_mapped, ADDRESS_MAPPED_SIZE) == 0;
}

bool address_read(unsigned char address[ADDRESS_SIZE], const char *text, size_t length)
{
    char copy[ADDRESS_TEXT_MAX];

    if (length >= sizeof copy)
        return false;
    memcpy(copy, text, length);
    copy[length] = '\0';
    if (inet_pton(AF_INET6, copy, address) == 1)
        return true;
    memcpy(address, address_mapped, ADDRESS_MAPPED_SIZE);
    return inet_pton(AF_INET, copy, address + ADDRESS_MAPPED_SIZE) == 1;
}

/* Reads ADDRESS or ADDRESS/BITS. */
static bool network_read(struct network *network, const char *text, size_t length)
{
    const char *slash = memchr(text, '/', length);
    size_t address_length = slash == NULL ? length : (size_t)(slash - text);
    unsigned bits = 0;

    if (!address_read(network->address, text, address_length))
        return false;
    if (slash == NULL) {
        network->bits = 128;
        return true;
    }
    if (length - address_length < 2 || length - address_length > 4)
        return false;
    for (const char *at = slash + 1; at < text + length; at++) {
        if (*at < '0' || *at > '9')
            return false;
        bits = bits * 10 + (unsigned)(*at - '0');
    }
    const unsigned max = address_is_ipv4(network->address) ? 32 : 128;
    network->bits = 128 - max + bits;
    return bits <= max;
}

int networks_read(struct network networks[NETWORKS_MAX], const char *list)
{
    int count = 0;

    if (strcmp(list, "none") == 0)
        return 0;
    for (;;) {
        size_t length = strcspn(list, ",");
        if (count == NETWORKS_MAX || !network_read(&networks[count], list, length))
            return -1;
        count++;
        if (list[length] == '\0')
            return count;
        list += length + 1;
    }
}

bool networks_accept(const char *list)
{
    struct network networks[NETWORKS_MAX];

    return networks_read(networks, list) >= 0;
}

bool network_has(const struct network *network, const unsigned char address[ADDRESS_SIZE])
{
    unsigned whole = network->bits / 8, rest = network->bits % 8;

    if (memcmp(network->address, address, whole) != 0)
        return false;
    return rest == 0 || (network->address[whole] ^ address[whole]) >> (8 - rest) == 0;
}
