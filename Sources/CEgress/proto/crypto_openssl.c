// The key schedule is made once for each context and only the IV is set for a packet. The tag is asked for as a parameter, which spares
// the translation that the older EVP_CIPHER_CTX_ctrl goes through.
//
// HMAC-SHA1 continues from copies of two digests that have taken the padded key (RFC 2104 §4). With OpenSSL 3.0 this is faster than a kept
// EVP_MAC_CTX, which copies the same two digests behind more indirection, and than hashing the two pads again for each packet. All three
// make libcrypto allocate and free a digest's state twice for a packet.
#include "proto/crypto_backends.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

enum { SHA1_BLOCK_SIZE = 64, CM_TAG_SIZE = 10 };

struct gcm_context {
    EVP_CIPHER_CTX *cipher;
};

struct cm_context {
    EVP_CIPHER_CTX *cipher;
    EVP_MD_CTX *inner; // has taken key ^ ipad
    EVP_MD_CTX *outer; // has taken key ^ opad
    EVP_MD_CTX *work;
};

static EVP_CIPHER_CTX *create_cipher(const EVP_CIPHER *kind, const uint8_t *key) {
    EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
    if (cipher == NULL) return NULL;
    if (EVP_EncryptInit_ex2(cipher, kind, key, NULL, NULL) == 1) return cipher;
    EVP_CIPHER_CTX_free(cipher);
    return NULL;
}

static bool gcm_init(const struct eg_crypto *self, void *memory, const uint8_t key[EG_AES_KEY_SIZE]) {
    (void)self;
    struct gcm_context *context = memory;
    context->cipher = create_cipher(EVP_aes_128_gcm(), key);
    return context->cipher != NULL;
}

static void gcm_deinit(void *memory) {
    struct gcm_context *context = memory;
    EVP_CIPHER_CTX_free(context->cipher);
    context->cipher = NULL;
}

static void gcm_seal(const struct eg_crypto *self, void *memory, const uint8_t nonce[EG_GCM_NONCE_SIZE], const uint8_t *aad,
                     size_t aad_size, const uint8_t *in, size_t in_size, uint8_t *out) {
    (void)self;
    EVP_CIPHER_CTX *cipher = ((struct gcm_context *)memory)->cipher;
    OSSL_PARAM tag[] = {
        OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, out + in_size, EG_GCM_TAG_SIZE),
        OSSL_PARAM_END,
    };
    int written;
    bool is_done = EVP_EncryptInit_ex2(cipher, NULL, NULL, nonce, NULL) == 1 &&
                   EVP_EncryptUpdate(cipher, NULL, &written, aad, (int)aad_size) == 1 &&
                   EVP_EncryptUpdate(cipher, out, &written, in, (int)in_size) == 1 &&
                   EVP_EncryptFinal_ex(cipher, out + in_size, &written) == 1 && EVP_CIPHER_CTX_get_params(cipher, tag) == 1;
    EG_ASSERT(is_done);
}

// A digest that has taken the key, each byte XORed with `pad`.
static EVP_MD_CTX *create_padded(const uint8_t key[EG_HMAC_KEY_SIZE], uint8_t pad) {
    uint8_t block[SHA1_BLOCK_SIZE];
    memset(block, pad, sizeof block);
    for (size_t i = 0; i < EG_HMAC_KEY_SIZE; i++) block[i] ^= key[i];
    EVP_MD_CTX *digest = EVP_MD_CTX_new();
    bool is_done = digest != NULL && EVP_DigestInit_ex2(digest, EVP_sha1(), NULL) == 1 &&
                   EVP_DigestUpdate(digest, block, sizeof block) == 1;
    OPENSSL_cleanse(block, sizeof block);
    if (is_done) return digest;
    EVP_MD_CTX_free(digest);
    return NULL;
}

static void cm_deinit(void *memory) {
    struct cm_context *context = memory;
    EVP_CIPHER_CTX_free(context->cipher);
    EVP_MD_CTX_free(context->inner);
    EVP_MD_CTX_free(context->outer);
    EVP_MD_CTX_free(context->work);
    *context = (struct cm_context){0};
}

static bool cm_init(const struct eg_crypto *self, void *memory, const uint8_t key[EG_AES_KEY_SIZE],
                    const uint8_t auth_key[EG_HMAC_KEY_SIZE]) {
    (void)self;
    struct cm_context *context = memory;
    *context = (struct cm_context){
        .cipher = create_cipher(EVP_aes_128_ctr(), key),
        .inner = create_padded(auth_key, 0x36),
        .outer = create_padded(auth_key, 0x5c),
        .work = EVP_MD_CTX_new(),
    };
    if (context->cipher != NULL && context->inner != NULL && context->outer != NULL && context->work != NULL) return true;
    cm_deinit(context);
    return false;
}

static bool hmac(const struct cm_context *context, const uint8_t *bytes, size_t size, uint32_t roc, uint8_t out[EG_HMAC_SIZE]) {
    const uint8_t roc_bytes[] = {(uint8_t)(roc >> 24), (uint8_t)(roc >> 16), (uint8_t)(roc >> 8), (uint8_t)roc};
    EVP_MD_CTX *work = context->work;
    return EVP_MD_CTX_copy_ex(work, context->inner) == 1 && EVP_DigestUpdate(work, bytes, size) == 1 &&
           EVP_DigestUpdate(work, roc_bytes, sizeof roc_bytes) == 1 && EVP_DigestFinal_ex(work, out, NULL) == 1 &&
           EVP_MD_CTX_copy_ex(work, context->outer) == 1 && EVP_DigestUpdate(work, out, EG_HMAC_SIZE) == 1 &&
           EVP_DigestFinal_ex(work, out, NULL) == 1;
}

static void cm_seal(const struct eg_crypto *self, void *memory, const uint8_t iv[EG_CTR_IV_SIZE], const uint8_t *header, size_t header_size,
                    uint32_t roc, const uint8_t *in, size_t in_size, uint8_t *out) {
    (void)self;
    EG_ASSERT(out == header + header_size);
    const struct cm_context *context = memory;
    uint8_t tag[EG_HMAC_SIZE];
    int written;
    bool is_done = EVP_EncryptInit_ex2(context->cipher, NULL, NULL, iv, NULL) == 1 &&
                   EVP_EncryptUpdate(context->cipher, out, &written, in, (int)in_size) == 1 &&
                   hmac(context, header, header_size + in_size, roc, tag);
    EG_ASSERT(is_done);
    memcpy(out + in_size, tag, CM_TAG_SIZE);
}

static const struct eg_crypto openssl = {
    .name = "openssl",
    .gcm_context_size = sizeof(struct gcm_context),
    .cm_context_size = sizeof(struct cm_context),
    .gcm_init = gcm_init,
    .gcm_deinit = gcm_deinit,
    .gcm_seal = gcm_seal,
    .cm_init = cm_init,
    .cm_deinit = cm_deinit,
    .cm_seal = cm_seal,
};

struct eg_crypto *eg__crypto_openssl_create(void) { return OPENSSL_memdup(&openssl, sizeof openssl); }
