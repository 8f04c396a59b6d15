// The key schedule is made once for each context and only the IV is set for a packet. The tag is asked for as a parameter, which spares
// the translation that the older EVP_CIPHER_CTX_ctrl goes through.
//
#include "base/hash.h"
#include "base/memory.h"
#include "transport/crypto_backends.h"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

enum { CM_TAG_SIZE = 10 };

struct gcm_context {
    EVP_CIPHER_CTX *cipher;
};

struct cm_context {
    EVP_CIPHER_CTX *cipher;
    struct eg_hmac_key hmac;
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

static void gcm_seal(const struct eg_crypto *self, void *memory, const struct eg_crypto_job *job) {
    (void)self;
    EVP_CIPHER_CTX *cipher = ((struct gcm_context *)memory)->cipher;
    uint8_t *end = job->out + job->size;
    OSSL_PARAM tag[] = {
        OSSL_PARAM_octet_string(OSSL_CIPHER_PARAM_AEAD_TAG, end, EG_GCM_TAG_SIZE),
        OSSL_PARAM_END,
    };
    int written;
    bool is_done = EVP_EncryptInit_ex2(cipher, NULL, NULL, job->iv, NULL) == 1 &&
                   EVP_EncryptUpdate(cipher, NULL, &written, job->aad, (int)job->aad_size) == 1 &&
                   EVP_EncryptUpdate(cipher, job->out, &written, job->in, (int)job->size) == 1 &&
                   EVP_EncryptFinal_ex(cipher, end, &written) == 1 && EVP_CIPHER_CTX_get_params(cipher, tag) == 1;
    EG_ASSERT(is_done);
}

static void cm_deinit(void *memory) {
    struct cm_context *context = memory;
    EVP_CIPHER_CTX_free(context->cipher);
    OPENSSL_cleanse(context, sizeof *context);
}

static bool cm_init(const struct eg_crypto *self, void *memory, const uint8_t key[EG_AES_KEY_SIZE],
                    const uint8_t auth_key[EG_HMAC_KEY_SIZE]) {
    (void)self;
    struct cm_context *context = memory;
    context->cipher = create_cipher(EVP_aes_128_ctr(), key);
    if (context->cipher == NULL) return false;
    eg__hmac_key_init(&context->hmac, auth_key, EG_HMAC_KEY_SIZE);
    return true;
}

static void cm_seal(const struct eg_crypto *self, void *memory, const struct eg_crypto_job *job, uint32_t roc) {
    (void)self;
    EG_ASSERT(job->out == job->aad + job->aad_size);
    const struct cm_context *context = memory;
    const uint8_t roc_bytes[] = {(uint8_t)(roc >> 24), (uint8_t)(roc >> 16), (uint8_t)(roc >> 8), (uint8_t)roc};
    uint8_t tag[EG_HMAC_SIZE];
    int written;
    bool is_done = EVP_EncryptInit_ex2(context->cipher, NULL, NULL, job->iv, NULL) == 1 &&
                   EVP_EncryptUpdate(context->cipher, job->out, &written, job->in, (int)job->size) == 1;
    EG_ASSERT(is_done);
    const struct eg_piece pieces[] = {{job->aad, job->aad_size + job->size}, {roc_bytes, sizeof roc_bytes}};
    eg__hmac_sha1_keyed(&context->hmac, pieces, 2, tag);
    memcpy(job->out + job->size, tag, CM_TAG_SIZE);
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

struct eg_crypto *eg__crypto_openssl_create(void) {
    struct eg_crypto *crypto = eg__memory_take(1, sizeof *crypto);
    if (crypto != NULL) *crypto = openssl;
    return crypto;
}
