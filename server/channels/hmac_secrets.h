/*
 * The secrets under which a provider signs: one, or two while one replaces the other, each ready in
 * an HMAC context. No I/O; for one thread.
 */
#ifndef SERVER_CHANNELS_HMAC_SECRETS_H
#define SERVER_CHANNELS_HMAC_SECRETS_H

#include <openssl/evp.h>
#include <stddef.h>

#define HMAC_SECRETS_MAX 2

struct hmac_secrets {
    EVP_MAC_CTX *contexts[HMAC_SECRETS_MAX];
    size_t count;
};

/* list: one secret, or two with a comma between them; digest: "SHA1", "SHA256". Returns 0, or -1
 * when out of memory or without a usable secret; deinit is due in both cases. */
int hmac_secrets_init(struct hmac_secrets *secrets, const char *list, const char *digest);
void hmac_secrets_deinit(struct hmac_secrets *secrets);

#endif
