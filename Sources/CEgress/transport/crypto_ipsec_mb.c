// SRTP's ciphers by libipsec-mb. AES goes by calls that are done when they return. HMAC-SHA1 is fast here only for many packets side by side,
// in the lanes of wide registers, and then three times as fast as OpenSSL one by one: so tags are gathered, and made when there are enough of
// them or when the batch is about to be sent. Few are made as OpenSSL does it.
#if defined(EGRESS_IPSEC_MB)

#include "base/hash.h"
#include "base/memory.h"
#include "transport/crypto_backends.h"

#define LINUX                   // the header aligns its key tables only then
#define NO_COMPAT_IMB_API_053   // nor does it take names like SHA1 for itself
#include <intel-ipsec-mb.h>
#include <string.h>

enum {
    GATHERED_MAX = 16,  // lanes of AVX-512; AVX2 has 8
    GATHERED_MIN = 4,   // filling the lanes costs as much for one as for all of them: from so many on it is less than one by one
    CM_TAG_SIZE = 10,
};

struct ipsec_mb {
    IMB_MGR *manager;
    bool has_lanes;
    uint32_t count;                             // packets whose tags are still to be made
    IMB_JOB jobs[GATHERED_MAX];
    const struct eg_hmac_key *keys[GATHERED_MAX];
    uint8_t *places[GATHERED_MAX];              // where the tags go
    uint8_t tags[GATHERED_MAX][EG_HMAC_SIZE];
};

struct cm_context {
    _Alignas(16) uint32_t round_keys[4 * 11];
    struct eg_hmac_key hmac; // its words are what the library takes, too
};

static bool gcm_init(const struct eg_crypto *self, void *context, const uint8_t key[EG_AES_KEY_SIZE]) {
    const struct ipsec_mb *state = self->state;
    struct gcm_key_data *tables = context;
    IMB_AES128_GCM_PRE(state->manager, key, tables);
    return true;
}

static void gcm_deinit(void *context) { explicit_bzero(context, sizeof(struct gcm_key_data)); }

static void gcm_seal(const struct eg_crypto *self, void *context, const struct eg_crypto_job *job) {
    const struct ipsec_mb *state = self->state;
    const struct gcm_key_data *tables = context;
    struct gcm_context_data work;
    IMB_AES128_GCM_ENC(state->manager, tables, &work, job->out, job->in, job->size, job->iv, job->aad, job->aad_size, job->out + job->size,
                       EG_GCM_TAG_SIZE);
}

static bool cm_init(const struct eg_crypto *self, void *memory, const uint8_t key[EG_AES_KEY_SIZE],
                    const uint8_t auth_key[EG_HMAC_KEY_SIZE]) {
    const struct ipsec_mb *state = self->state;
    struct cm_context *context = memory;
    _Alignas(16) uint32_t decryption_keys[4 * 11]; // counter mode has no use for them
    IMB_AES_KEYEXP_128(state->manager, key, context->round_keys, decryption_keys);
    explicit_bzero(decryption_keys, sizeof decryption_keys);
    eg__hmac_key_init(&context->hmac, auth_key, EG_HMAC_KEY_SIZE);
    return true;
}

static void cm_deinit(void *context) { explicit_bzero(context, sizeof(struct cm_context)); }

static void encrypt(IMB_MGR *manager, const struct cm_context *context, const struct eg_crypto_job *text) {
    if (text->size == 0) return; // which the library refuses
    IMB_JOB job = {
        .cipher_mode = IMB_CIPHER_CNTR,
        .cipher_direction = IMB_DIR_ENCRYPT,
        .enc_keys = context->round_keys,
        .key_len_in_bytes = EG_AES_KEY_SIZE,
        .iv = text->iv,
        .iv_len_in_bytes = EG_CTR_IV_SIZE,
        .src = text->in,
        .dst = text->out,
        .msg_len_to_cipher_in_bytes = text->size,
    };
    uint32_t done = IMB_SUBMIT_CIPHER_BURST(manager, &job, 1, IMB_CIPHER_CNTR, IMB_DIR_ENCRYPT, IMB_KEY_128_BYTES);
    EG_ASSERT(done == 1);
}

static void make_tags_one_by_one(struct ipsec_mb *state) {
    for (uint32_t i = 0; i < state->count; i++) {
        const struct eg_piece packet = {state->jobs[i].src, state->jobs[i].msg_len_to_hash_in_bytes};
        eg__hmac_sha1_keyed(state->keys[i], &packet, 1, state->tags[i]);
    }
}

static void make_tags_side_by_side(struct ipsec_mb *state) {
    for (uint32_t i = 0; i < state->count; i++) {
        IMB_JOB *job = &state->jobs[i];
        job->hash_alg = IMB_AUTH_HMAC_SHA_1;
        job->auth_tag_output = state->tags[i];
        job->auth_tag_output_len_in_bytes = EG_HMAC_SIZE;
        job->u.HMAC._hashed_auth_key_xor_ipad = (const uint8_t *)state->keys[i]->inner;
        job->u.HMAC._hashed_auth_key_xor_opad = (const uint8_t *)state->keys[i]->outer;
    }
    uint32_t done = IMB_SUBMIT_HASH_BURST(state->manager, state->jobs, state->count, IMB_AUTH_HMAC_SHA_1);
    EG_ASSERT(done == state->count);
}

static void make_tags(struct ipsec_mb *state) {
    if (state->has_lanes && state->count >= GATHERED_MIN) make_tags_side_by_side(state);
    else make_tags_one_by_one(state);
    for (uint32_t i = 0; i < state->count; i++) memcpy(state->places[i], state->tags[i], CM_TAG_SIZE);
    state->count = 0;
}

static void finish(const struct eg_crypto *self) { make_tags(self->state); }

static void cm_seal(const struct eg_crypto *self, void *memory, const struct eg_crypto_job *text, uint32_t roc) {
    EG_ASSERT(text->out == text->aad + text->aad_size);
    struct ipsec_mb *state = self->state;
    const struct cm_context *context = memory;
    encrypt(state->manager, context, text);
    // The roll-over counter is hashed, and not sent: until the tag is there it lies in its place.
    uint8_t *place = text->out + text->size;
    for (size_t i = 0; i < 4; i++) place[i] = (uint8_t)(roc >> (24 - 8 * i));
    IMB_JOB *job = &state->jobs[state->count];
    job->src = text->aad;
    job->msg_len_to_hash_in_bytes = text->aad_size + text->size + 4;
    state->keys[state->count] = &context->hmac;
    state->places[state->count] = place;
    if (++state->count == GATHERED_MAX) make_tags(state);
}

static void state_free(void *memory) {
    struct ipsec_mb *state = memory;
    if (state->manager != NULL) free_mb_mgr(state->manager);
    explicit_bzero(state, sizeof *state);
    eg__memory_release(state);
}

// NULL unless the CPU has AES instructions: the library's emulation of them is slower than OpenSSL.
static struct ipsec_mb *state_create(void) {
    struct ipsec_mb *state = eg__memory_take(1, sizeof *state);
    if (state == NULL) return NULL;
    state->manager = alloc_mb_mgr(0);
    IMB_ARCH arch = IMB_ARCH_NONE;
    if (state->manager != NULL) init_mb_mgr_auto(state->manager, &arch);
    if (state->manager != NULL && imb_get_errno(state->manager) == 0 && arch >= IMB_ARCH_SSE) {
        state->has_lanes = arch >= IMB_ARCH_AVX2;
        return state;
    }
    state_free(state);
    return NULL;
}

static const struct eg_crypto ipsec_mb = {
    .name = "ipsec-mb",
    .gcm_context_size = sizeof(struct gcm_key_data),
    .cm_context_size = sizeof(struct cm_context),
    .gcm_init = gcm_init,
    .gcm_deinit = gcm_deinit,
    .gcm_seal = gcm_seal,
    .cm_init = cm_init,
    .cm_deinit = cm_deinit,
    .cm_seal = cm_seal,
    .finish = finish,
    .state_free = state_free,
};

struct eg_crypto *eg__crypto_ipsec_mb_create(void) {
    struct ipsec_mb *state = state_create();
    struct eg_crypto *crypto = state != NULL ? eg__memory_take(1, sizeof *crypto) : NULL;
    if (crypto == NULL) {
        if (state != NULL) state_free(state);
        return NULL;
    }
    *crypto = ipsec_mb;
    crypto->state = state;
    return crypto;
}

#endif
