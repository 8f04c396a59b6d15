#if defined(EGRESS_IPSEC_MB)

#include "cipher.h"

#define LINUX                 // the header aligns its key tables only then
#define NO_COMPAT_IMB_API_053 // nor does it take names like SHA1 for itself
#include <intel-ipsec-mb.h>
#include <string.h>

enum { TAG_SIZE = 16, HMAC_TAG_SIZE = 10, DIGEST_SIZE = 20, BLOCK_SIZE = 64, LANES = 16 };

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

struct cm_context {
    _Alignas(16) uint32_t round_keys[4 * 11];
    uint8_t inner[DIGEST_SIZE]; // has taken key ^ ipad
    uint8_t outer[DIGEST_SIZE]; // has taken key ^ opad
};

// The packets whose tags are made next.
static struct {
    uint32_t count;
    IMB_JOB jobs[LANES];
    uint8_t digests[LANES][DIGEST_SIZE];
    uint8_t *tags[LANES];
} gathered;

static void hash_key(const uint8_t key[16], uint8_t pad, uint8_t state[DIGEST_SIZE]) {
    uint8_t block[BLOCK_SIZE];
    memset(block, pad, sizeof block);
    for (int i = 0; i < 16; i++) block[i] ^= key[i];
    IMB_SHA1_ONE_BLOCK(manager(), block, state);
}

static bool init_cm(void *memory, const uint8_t key[16]) {
    if (manager() == NULL) return false;
    struct cm_context *context = memory;
    _Alignas(16) uint32_t decryption_keys[4 * 11];
    IMB_AES_KEYEXP_128(manager(), key, context->round_keys, decryption_keys);
    hash_key(key, 0x36, context->inner);
    hash_key(key, 0x5c, context->outer);
    return true;
}

static void finish_cm(void) {
    IMB_SUBMIT_HASH_BURST(manager(), gathered.jobs, gathered.count, IMB_AUTH_HMAC_SHA_1);
    for (uint32_t i = 0; i < gathered.count; i++) memcpy(gathered.tags[i], gathered.digests[i], HMAC_TAG_SIZE);
    gathered.count = 0;
}

static void seal_cm(void *memory, uint32_t number, uint8_t *out, const uint8_t *in, size_t size) {
    struct cm_context *context = memory;
    uint8_t iv[16] = {0};
    memcpy(iv + 8, &number, sizeof number);
    IMB_JOB job = {.cipher_mode = IMB_CIPHER_CNTR, .cipher_direction = IMB_DIR_ENCRYPT, .enc_keys = context->round_keys, .key_len_in_bytes = 16,
                   .iv = iv, .iv_len_in_bytes = sizeof iv, .src = in, .dst = out + CIPHER_HEADER_SIZE, .msg_len_to_cipher_in_bytes = size};
    IMB_SUBMIT_CIPHER_BURST(manager(), &job, 1, IMB_CIPHER_CNTR, IMB_DIR_ENCRYPT, IMB_KEY_128_BYTES);
    uint32_t at = gathered.count++;
    gathered.tags[at] = out + CIPHER_HEADER_SIZE + size;
    memcpy(gathered.tags[at], &number, sizeof number);
    gathered.jobs[at] = (IMB_JOB){.src = out, .msg_len_to_hash_in_bytes = CIPHER_HEADER_SIZE + size + sizeof number,
                                  .hash_alg = IMB_AUTH_HMAC_SHA_1, .auth_tag_output = gathered.digests[at],
                                  .auth_tag_output_len_in_bytes = DIGEST_SIZE,
                                  .u.HMAC = {._hashed_auth_key_xor_ipad = context->inner, ._hashed_auth_key_xor_opad = context->outer}};
    if (gathered.count == LANES) finish_cm();
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
    "ipsec-mb", true, "direct call", sizeof(struct gcm_key_data), init_ipsec_mb, deinit_ipsec_mb, seal_ipsec_mb, NULL,
};

const struct cipher cipher_ipsec_mb_cm = {
    "ipsec-mb", false, "bursts of 16", sizeof(struct cm_context), init_cm, deinit_ipsec_mb, seal_cm, finish_cm,
};

#endif
