/*
 * The token of the administration, and the passes that browsers get for it, as a cookie. A pass
 * tells when it ends and proves by HMAC under a key derived from the token that we made it: nothing
 * is stored, any instance with the same token takes it, and another token ends them all.
 */
#ifndef SERVER_ADMIN_ACCESS_H
#define SERVER_ADMIN_ACCESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ACCESS_COOKIE "uic_admin"
#define ACCESS_PASS_SECONDS (12 * 60 * 60)
#define ACCESS_PASS_MAX 120

struct access;

/* token NULL: the administration is closed. Returns NULL when out of memory. */
struct access *access_create(const char *token);
void access_free(struct access *access);

/* Whether there is an administration at all. */
bool access_is_open(const struct access *access);
/* Whether this is the token; takes as long whatever it is. */
bool access_takes_token(const struct access *access, const char *text, size_t length);

/* A pass like no other. */
struct access_pass {
    char text[ACCESS_PASS_MAX]; /* NUL-terminated */
    int64_t end_s;
};

/* A pass from now on. Returns 0, or -1 when the cryptographic library fails. */
int access_make_pass(const struct access *access, int64_t now_s, struct access_pass *pass);

enum access_find { PASS_NONE, PASS_OVER, PASS_VALID };

/* What pass a Cookie header holds (NULL: none); PASS_OVER when it was ours once. Whether it was
 * ended before its time is not known here. */
enum access_find access_find_pass(const struct access *access, const char *cookies, int64_t now_s,
                                  struct access_pass *pass);

#endif
