#if defined(EGRESS_IPSEC_MB)

#include "cipher.h"

#define LINUX // the header aligns its key tables only then
#include <intel-ipsec-mb.h>
#include <string.h>

enum { TAG_SIZE = 16 };

// The manager is chosen once and only read afterwards; it stays until the process ends.
static IMB_MGR *manager(void) {
    static IMB_MGR *kept;
    if (kept == NULL && (kept = alloc_mb_mgr(0)) != NULL) init_mb_mgr_auto(kept, NULL);
    return kept;
}

static bool init_ipsec_mb(void *context, const uint8_t key[16]) {
    if (manager() == NULL) return false;
    struct gcm_key_data *tables = context;
    IMB_AES128_GCM_PRE(manager(), key, tables);
    return true;
}

static void deinit_ipsec_mb(void *context) { (void)context; }

static void seal_ipsec_mb(void *context, uint32_t number, uint8_t *out, const uint8_t *in, size_t size) {
    struct gcm_context_data work;
    uint8_t iv[12] = {0};
    memcpy(iv + 8, &number, sizeof number);
    IMB_AES128_GCM_ENC(manager(), (struct gcm_key_data *)context, &work, out + CIPHER_HEADER_SIZE, in, size, iv, out, CIPHER_HEADER_SIZE,
                       out + CIPHER_HEADER_SIZE + size, TAG_SIZE);
}

const struct cipher cipher_ipsec_mb_gcm = {
    "ipsec-mb", true, "direct call", sizeof(struct gcm_key_data), init_ipsec_mb, deinit_ipsec_mb, seal_ipsec_mb,
};

#endif
