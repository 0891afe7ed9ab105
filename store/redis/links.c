/* The two links of a thread, each with its deadline. */
#include "store/redis.h"
#include "store/redis/link.h"

/* For one command, and for an attempt to connect. Whoever waits for an answer waits for the
 * first. */
#define PROMPT_DEADLINE_MS 1000
#define PATIENT_DEADLINE_MS 1500

int redis_links_open(struct redis_links *links, struct event_base *base,
                     const struct redis_url *url, char error[ERROR_MAX])
{
    *links = (struct redis_links){0};
    if (url == NULL)
        return 0;
    links->prompt = redis_link_open(base, url, PROMPT_DEADLINE_MS, error);
    if (links->prompt == NULL)
        return -1;
    links->patient = redis_link_open(base, url, PATIENT_DEADLINE_MS, error);
    return links->patient != NULL ? 0 : -1;
}

void redis_links_close(struct redis_links *links)
{
    redis_link_close(links->patient);
    redis_link_close(links->prompt);
    *links = (struct redis_links){0};
}
