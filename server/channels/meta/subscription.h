/* The subscription by which Meta gets to know our address. */
#ifndef SERVER_CHANNELS_META_SUBSCRIPTION_H
#define SERVER_CHANNELS_META_SUBSCRIPTION_H

struct config;
struct http_request;
struct throttle;

/* Meta asks once whether this address is ours: the challenge goes back to whoever knows
 * META_VERIFY_TOKEN, and who does not waits for the answer. */
void meta_subscribe(const struct config *config, struct throttle *throttle,
                    struct http_request *request);

#endif
