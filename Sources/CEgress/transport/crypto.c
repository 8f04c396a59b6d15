#include "transport/crypto.h"

#include "base/memory.h"
#include "transport/crypto_backends.h"

#include <string.h>

struct backend {
    const char *name;
    struct eg_crypto *(*create)(void);
};

// The fastest first.
static const struct backend backends[] = {
#if defined(EGRESS_IPSEC_MB)
    {"ipsec-mb", eg__crypto_ipsec_mb_create},
#endif
    {"openssl", eg__crypto_openssl_create},
};

static struct eg_crypto *create(const struct backend *backend) {
    struct eg_crypto *crypto = backend->create();
    if (crypto == NULL) return NULL;
    crypto->aes = eg__aes_create();
    if (crypto->aes != NULL) return crypto;
    eg__crypto_destroy(crypto);
    return NULL;
}

struct eg_crypto *eg__crypto_create(const char *name) {
    for (size_t i = 0; i < sizeof backends / sizeof backends[0]; i++) {
        if (name != NULL && strcmp(name, backends[i].name) != 0) continue;
        struct eg_crypto *crypto = create(&backends[i]);
        if (crypto != NULL) return crypto;
    }
    return NULL;
}

void eg__crypto_destroy(struct eg_crypto *crypto) {
    if (crypto == NULL) return;
    eg__aes_destroy(crypto->aes);
    if (crypto->state_free != NULL) crypto->state_free(crypto->state);
    eg__memory_release(crypto);
}
