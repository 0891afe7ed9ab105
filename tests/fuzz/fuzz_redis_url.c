/* REDIS_URL: refused without repeating any of it, or a place to connect to. */
#include "fuzz.h"
#include "store/redis/url.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct redis_url url;
    char error[ERROR_MAX] = "";
    char *text = malloc(size + 1);

    memcpy(text, data, size);
    text[size] = '\0';
    if (redis_url_parse(&url, text, error) == 0) {
        PROMISE((url.path != NULL) + (url.host != NULL) + (url.master != NULL) == 1);
        PROMISE(url.host == NULL || (url.port > 0 && url.port <= 65535));
        PROMISE((url.master != NULL) == (url.sentinel_count > 0));
        PROMISE(url.sentinel_count <= REDIS_SENTINELS_MAX);
    } else {
        PROMISE(strlen(error) > 0 && strlen(error) < sizeof error);
    }
    redis_url_deinit(&url);
    free(text);
    return 0;
}
