// AES-GCM by libipsec-mb's direct calls, which read the manager and write only what they are given.
//
// Counter mode with HMAC-SHA1 stays OpenSSL's. The library has it only as jobs, which it gathers to hash many packets side by side; a call
// that must be done when it returns flushes each job alone, and with AVX2 that takes about three times as long as OpenSSL.
#if defined(EGRESS_IPSEC_MB)

#include "proto/crypto_backends.h"

#define LINUX // the header aligns its key tables only then
#include <intel-ipsec-mb.h>
#include <string.h>

static bool gcm_init(const struct eg_crypto *self, void *context, const uint8_t key[EG_AES_KEY_SIZE]) {
    IMB_MGR *manager = self->state;
    struct gcm_key_data *tables = context;
    IMB_AES128_GCM_PRE(manager, key, tables);
    return true;
}

static void gcm_deinit(void *context) { explicit_bzero(context, sizeof(struct gcm_key_data)); }

static void gcm_seal(const struct eg_crypto *self, void *context, const uint8_t nonce[EG_GCM_NONCE_SIZE], const uint8_t *aad,
                     size_t aad_size, const uint8_t *in, size_t in_size, uint8_t *out) {
    IMB_MGR *manager = self->state;
    const struct gcm_key_data *tables = context;
    struct gcm_context_data work;
    IMB_AES128_GCM_ENC(manager, tables, &work, out, in, in_size, nonce, aad, aad_size, out + in_size, EG_GCM_TAG_SIZE);
}

static void manager_free(void *manager) { free_mb_mgr(manager); }

// NULL unless the CPU has AES instructions: the library's emulation of them is slower than OpenSSL.
static IMB_MGR *create_manager(void) {
    IMB_MGR *manager = alloc_mb_mgr(0);
    if (manager == NULL) return NULL;
    IMB_ARCH arch = IMB_ARCH_NONE;
    init_mb_mgr_auto(manager, &arch);
    if (imb_get_errno(manager) == 0 && arch >= IMB_ARCH_SSE) return manager;
    free_mb_mgr(manager);
    return NULL;
}

struct eg_crypto *eg__crypto_ipsec_mb_create(void) {
    IMB_MGR *manager = create_manager();
    if (manager == NULL) return NULL;
    struct eg_crypto *crypto = eg__crypto_openssl_create();
    if (crypto == NULL) {
        free_mb_mgr(manager);
        return NULL;
    }
    crypto->name = "ipsec-mb";
    crypto->gcm_context_size = sizeof(struct gcm_key_data);
    crypto->gcm_init = gcm_init;
    crypto->gcm_deinit = gcm_deinit;
    crypto->gcm_seal = gcm_seal;
    crypto->state = manager;
    crypto->state_free = manager_free;
    return crypto;
}

#endif
