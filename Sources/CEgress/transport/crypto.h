// The ciphers that SRTP needs, behind one small table of functions, so that the fastest implementation a machine has serves the hot path.
// Known: "ipsec-mb" (x86-64, when built with EGRESS_IPSEC_MB and the CPU can), "openssl".
#ifndef EG_CRYPTO_H
#define EG_CRYPTO_H

#include "base/base.h"

enum { EG_AES_KEY_SIZE = 16, EG_GCM_NONCE_SIZE = 12, EG_GCM_TAG_SIZE = 16, EG_CTR_IV_SIZE = 16, EG_HMAC_KEY_SIZE = 20, EG_HMAC_SIZE = 20 };

// One text on its way through a cipher. `out` may not overlap `in` unless they are the same pointer.
struct eg_crypto_job {
    const uint8_t *iv;  // EG_CTR_IV_SIZE bytes; for GCM the nonce, EG_GCM_NONCE_SIZE
    const uint8_t *aad; // what is authenticated with it and stays readable; counter mode alone has none
    size_t aad_size;    // [B]
    const uint8_t *in;
    size_t size;        // [B] of `in`
    uint8_t *out;
};

// The key of one direction of one session. `context` has the backend's context_size bytes, aligned to 64, zeroed, and doesn't move.
// One thread at a time for an eg_crypto and all its contexts.
struct eg_crypto {
    const char *name;
    size_t gcm_context_size;  // [B]
    size_t cm_context_size;   // [B]

    // AEAD_AES_128_GCM, RFC 5116. False when the library refuses.
    bool (*gcm_init)(const struct eg_crypto *self, void *context, const uint8_t key[EG_AES_KEY_SIZE]);
    void (*gcm_deinit)(void *context);
    // out gets job->size bytes and then the tag.
    void (*gcm_seal)(const struct eg_crypto *self, void *context, const struct eg_crypto_job *job);

    // AES-128 in counter mode with HMAC-SHA1, RFC 3711 §4.1.1 and §4.2.1.
    bool (*cm_init)(const struct eg_crypto *self, void *context, const uint8_t key[EG_AES_KEY_SIZE],
                    const uint8_t auth_key[EG_HMAC_KEY_SIZE]);
    void (*cm_deinit)(void *context);
    // Encrypts `in` to `out`, then writes HMAC-SHA1(aad || out || roc) behind it, 10 bytes of it.
    // `aad`, the header, must lie right before `out` in memory: out == aad + aad_size. The tag may be written only by the next finish, until
    // when the packet and the context stay where they are.
    void (*cm_seal)(const struct eg_crypto *self, void *context, const struct eg_crypto_job *job, uint32_t roc);

    // Writes the tags that are still missing. NULL: there never are any.
    void (*finish)(const struct eg_crypto *self);

    struct eg_aes *aes;              // for what is not hot
    void *state;                     // the backend's own
    void (*state_free)(void *state); // NULL when there is none to free
};

// The fastest implementation that works here, or the one named ("ipsec-mb", "openssl"); NULL when there is none of that name.
struct eg_crypto *eg__crypto_create(const char *name);
void eg__crypto_destroy(struct eg_crypto *crypto);

// To be called before anybody looks at what was sealed.
static inline void eg__crypto_finish(const struct eg_crypto *crypto) {
    if (crypto->finish != NULL) crypto->finish(crypto);
}

// What is not hot (SRTCP, key derivation), on OpenSSL. Its contexts are kept and keyed anew by each call, so that none allocates; what was
// keyed last stays in them until then. One thread at a time.
struct eg_aes;

// NULL when memory is refused.
struct eg_aes *eg__aes_create(void);
void eg__aes_destroy(struct eg_aes *aes);

// False when the library refuses or the tag is wrong. GCM's tag is behind the ciphertext: seal writes it there, and `in` of open ends with it.
bool eg__aes128_ctr(struct eg_aes *aes, const uint8_t key[EG_AES_KEY_SIZE], const struct eg_crypto_job *job);
bool eg__aes128_gcm_seal(struct eg_aes *aes, const uint8_t key[EG_AES_KEY_SIZE], const struct eg_crypto_job *job);
bool eg__aes128_gcm_open(struct eg_aes *aes, const uint8_t key[EG_AES_KEY_SIZE], const struct eg_crypto_job *job);

#endif
