// The ciphers that SRTP needs, behind one small table of functions, so that the fastest implementation a machine has serves the hot path.
// Known: "ipsec-mb" (x86-64, when built with EGRESS_IPSEC_MB and the CPU can), "openssl".
#ifndef EG_CRYPTO_H
#define EG_CRYPTO_H

#include "base/base.h"

enum { EG_AES_KEY_SIZE = 16, EG_GCM_NONCE_SIZE = 12, EG_GCM_TAG_SIZE = 16, EG_CTR_IV_SIZE = 16, EG_HMAC_KEY_SIZE = 20, EG_HMAC_SIZE = 20 };

// The key of one direction of one session. `context` has the backend's context_size bytes, aligned to 64, zeroed, and doesn't move.
// Every function: one thread at a time per context; `out` may not overlap `in` unless they are the same pointer.
struct eg_crypto {
    const char *name;
    size_t gcm_context_size;  // [B]
    size_t cm_context_size;   // [B]

    // AEAD_AES_128_GCM, RFC 5116. False when the library refuses.
    bool (*gcm_init)(const struct eg_crypto *self, void *context, const uint8_t key[EG_AES_KEY_SIZE]);
    void (*gcm_deinit)(void *context);
    // out gets in_size bytes and then the tag.
    void (*gcm_seal)(const struct eg_crypto *self, void *context, const uint8_t nonce[EG_GCM_NONCE_SIZE], const uint8_t *aad,
                     size_t aad_size, const uint8_t *in, size_t in_size, uint8_t *out);

    // AES-128 in counter mode with HMAC-SHA1, RFC 3711 §4.1.1 and §4.2.1.
    bool (*cm_init)(const struct eg_crypto *self, void *context, const uint8_t key[EG_AES_KEY_SIZE],
                    const uint8_t auth_key[EG_HMAC_KEY_SIZE]);
    void (*cm_deinit)(void *context);
    // Encrypts `in` to `out`, then writes HMAC-SHA1(header || out || roc) behind it, 10 bytes of it.
    // `header` must lie right before `out` in memory: out == header + header_size.
    void (*cm_seal)(const struct eg_crypto *self, void *context, const uint8_t iv[EG_CTR_IV_SIZE], const uint8_t *header,
                    size_t header_size, uint32_t roc, const uint8_t *in, size_t in_size, uint8_t *out);

    void *state;                     // the backend's own, never written after creation: threads may share it
    void (*state_free)(void *state); // NULL when there is none to free
};

// The fastest implementation that works here, or the one named ("ipsec-mb", "openssl"); NULL when there is none of that name.
struct eg_crypto *eg__crypto_create(const char *name);
void eg__crypto_destroy(struct eg_crypto *crypto);

// What is not hot (SRTCP, key derivation), on OpenSSL, nothing kept between calls. False when the library refuses or the tag is wrong.
bool eg__aes128_ctr(const uint8_t key[EG_AES_KEY_SIZE], const uint8_t iv[EG_CTR_IV_SIZE], const uint8_t *in, size_t size, uint8_t *out);
bool eg__aes128_gcm_seal(const uint8_t key[EG_AES_KEY_SIZE], const uint8_t nonce[EG_GCM_NONCE_SIZE], const uint8_t *aad, size_t aad_size,
                         const uint8_t *in, size_t in_size, uint8_t *out_and_tag);
bool eg__aes128_gcm_open(const uint8_t key[EG_AES_KEY_SIZE], const uint8_t nonce[EG_GCM_NONCE_SIZE], const uint8_t *aad, size_t aad_size,
                         const uint8_t *in_and_tag, size_t size, uint8_t *out);

#endif
