/*
 * Who may see the administration: requests that bring ADMIN_TOKEN (Authorization: Bearer), and
 * browsers with a pass, a cookie that they got for the token. A pass tells when it ends and proves
 * by HMAC under a key derived from the token that we made it: nothing is stored, any instance with
 * the same token takes it, and another token ends them all.
 */
#ifndef SERVER_ACCESS_H
#define SERVER_ACCESS_H

#include "server/http/http.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACCESS_COOKIE "uic_admin"
#define ACCESS_PASS_SECONDS (12 * 60 * 60)
#define ACCESS_PASS_MAX 80

struct access;

/* token NULL: the administration is closed. Returns NULL when out of memory. */
struct access *access_create(const char *token);
void access_free(struct access *access);

/* Whether there is an administration at all. */
bool access_is_open(const struct access *access);
/* Whether a request may see it. */
bool access_allows(const struct access *access, const struct http_request *request);
/* Answers one that may not, and is no page: 404 without an administration, else 401, which is
 * counted and logged. */
void access_refuse(const struct access *access, struct http_request *request);

/* Whether this is the token; takes as long whatever it is. */
bool access_takes_token(const struct access *access, const char *text, size_t length);

/* A pass from now on, NUL-terminated. Returns 0, or -1 when the cryptographic library fails. */
int access_make_pass(const struct access *access, int64_t now_s, char pass[ACCESS_PASS_MAX]);

enum access_pass { PASS_NONE, PASS_OVER, PASS_VALID };

/* What pass a Cookie header holds (NULL: none); PASS_OVER when it was ours once. */
enum access_pass access_find_pass(const struct access *access, const char *cookies, int64_t now_s);

#endif
