/* Responses to requests that never reach evhttp. Pure, but for counting them. */
#ifndef SERVER_HTTP_REFUSAL_H
#define SERVER_HTTP_REFUSAL_H

#include "server/http/verdict.h"
#include <stdbool.h>
#include <stddef.h>

#define REFUSAL_MAX 768

/* The whole response, without its body when HEAD asked; the connection ends behind it. Returns its
 * length. */
size_t refusal_print(char answer[REFUSAL_MAX], struct http_verdict verdict, bool is_head);
/* Counts a request that was refused for its bytes. */
void refusal_count(struct http_verdict verdict);

#endif
