#include "proto/crypto.h"

#include "proto/crypto_backends.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
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

struct eg_crypto *eg__crypto_create(const char *name) {
    for (size_t i = 0; i < sizeof backends / sizeof backends[0]; i++) {
        if (name != NULL && strcmp(name, backends[i].name) != 0) continue;
        struct eg_crypto *crypto = backends[i].create();
        if (crypto != NULL) return crypto;
    }
    return NULL;
}

void eg__crypto_destroy(struct eg_crypto *crypto) {
    if (crypto == NULL) return;
    if (crypto->state_free != NULL) crypto->state_free(crypto->state);
    OPENSSL_free(crypto);
}

static bool ctr(EVP_CIPHER_CTX *cipher, const uint8_t *key, const uint8_t *iv, const uint8_t *in, size_t size, uint8_t *out) {
    int written;
    return EVP_EncryptInit_ex2(cipher, EVP_aes_128_ctr(), key, iv, NULL) == 1 &&
           EVP_EncryptUpdate(cipher, out, &written, in, (int)size) == 1;
}

bool eg__aes128_ctr(const uint8_t key[EG_AES_KEY_SIZE], const uint8_t iv[EG_CTR_IV_SIZE], const uint8_t *in, size_t size, uint8_t *out) {
    EG_ASSERT(size <= INT_MAX);
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    if (cipher == NULL) return false;
    bool is_done = ctr(cipher, key, iv, in, size, out);
    EVP_CIPHER_CTX_free(cipher);
    return is_done;
}

static bool gcm_seal(EVP_CIPHER_CTX *cipher, const uint8_t *key, const uint8_t *nonce, const uint8_t *aad, size_t aad_size,
                     const uint8_t *in, size_t in_size, uint8_t *out_and_tag) {
    int written;
    return EVP_EncryptInit_ex2(cipher, EVP_aes_128_gcm(), key, nonce, NULL) == 1 &&
           EVP_EncryptUpdate(cipher, NULL, &written, aad, (int)aad_size) == 1 &&
           EVP_EncryptUpdate(cipher, out_and_tag, &written, in, (int)in_size) == 1 &&
           EVP_EncryptFinal_ex(cipher, out_and_tag + in_size, &written) == 1 &&
           EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, EG_GCM_TAG_SIZE, out_and_tag + in_size) == 1;
}

bool eg__aes128_gcm_seal(const uint8_t key[EG_AES_KEY_SIZE], const uint8_t nonce[EG_GCM_NONCE_SIZE], const uint8_t *aad, size_t aad_size,
                         const uint8_t *in, size_t in_size, uint8_t *out_and_tag) {
    EG_ASSERT(in_size <= INT_MAX && aad_size <= INT_MAX);
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    if (cipher == NULL) return false;
    bool is_done = gcm_seal(cipher, key, nonce, aad, aad_size, in, in_size, out_and_tag);
    EVP_CIPHER_CTX_free(cipher);
    return is_done;
}

static bool gcm_open(EVP_CIPHER_CTX *cipher, const uint8_t *key, const uint8_t *nonce, const uint8_t *aad, size_t aad_size,
                     const uint8_t *in, size_t in_size, const uint8_t *expected_tag, uint8_t *out) {
    int written;
    uint8_t tag[EG_GCM_TAG_SIZE]; // OpenSSL takes it through a pointer that isn't const
    memcpy(tag, expected_tag, sizeof tag);
    return EVP_DecryptInit_ex2(cipher, EVP_aes_128_gcm(), key, nonce, NULL) == 1 &&
           EVP_DecryptUpdate(cipher, NULL, &written, aad, (int)aad_size) == 1 &&
           EVP_DecryptUpdate(cipher, out, &written, in, (int)in_size) == 1 &&
           EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, sizeof tag, tag) == 1 &&
           EVP_DecryptFinal_ex(cipher, out + in_size, &written) == 1;
}

bool eg__aes128_gcm_open(const uint8_t key[EG_AES_KEY_SIZE], const uint8_t nonce[EG_GCM_NONCE_SIZE], const uint8_t *aad, size_t aad_size,
                         const uint8_t *in_and_tag, size_t size, uint8_t *out) {
    EG_ASSERT(size <= INT_MAX && aad_size <= INT_MAX);
    if (size < EG_GCM_TAG_SIZE) return false;
    size_t in_size = size - EG_GCM_TAG_SIZE;
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    if (cipher == NULL) return false;

    // A wrong tag must leave nothing in the thread's error queue, where the handshake of another viewer would take it for its own.
    ERR_set_mark();
    bool is_authentic = gcm_open(cipher, key, nonce, aad, aad_size, in_and_tag, in_size, in_and_tag + in_size, out);
    ERR_pop_to_mark();
    EVP_CIPHER_CTX_free(cipher);
    if (!is_authentic) OPENSSL_cleanse(out, in_size); // GCM decrypts before it knows
    return is_authentic;
}
