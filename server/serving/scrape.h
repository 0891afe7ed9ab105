/* GET /metrics, for Prometheus: with METRICS_TOKEN to who brings it; without, in production, to
 * this machine alone. */
#ifndef SERVER_SERVING_SCRAPE_H
#define SERVER_SERVING_SCRAPE_H

struct http_request;
struct routes;

void scrape_handle(struct routes *routes, struct http_request *request);

#endif
