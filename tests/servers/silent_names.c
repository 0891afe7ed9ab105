/* Preloaded into a program under test, it is a name server that never answers for names that end in
 * "silent.invalid". */
#include <dlfcn.h>
#include <netdb.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

int getaddrinfo(const char *restrict node, const char *restrict service,
                const struct addrinfo *restrict hints, struct addrinfo **restrict result)
{
    int (*system)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = NULL;

    while (node != NULL && strstr(node, "silent.invalid") != NULL)
        pause();
    *(void **)&system = dlsym(RTLD_NEXT, "getaddrinfo");
    return system(node, service, hints, result);
}
