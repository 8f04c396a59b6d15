#include "transport/crypto.h"

#include "base/memory.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <string.h>

struct eg_aes {
    EVP_CIPHER_CTX *ctr;
    EVP_CIPHER_CTX *gcm_seal;
    EVP_CIPHER_CTX *gcm_open;
};

// The cipher is named once: naming it again would have libcrypto look it up and allocate its state anew.
static EVP_CIPHER_CTX *create_context(const EVP_CIPHER *cipher, int is_sealing) {
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    if (context != NULL && EVP_CipherInit_ex2(context, cipher, NULL, NULL, is_sealing, NULL) == 1) return context;
    EVP_CIPHER_CTX_free(context);
    return NULL;
}

struct eg_aes *eg__aes_create(void) {
    struct eg_aes *aes = eg__memory_take(1, sizeof *aes);
    if (aes == NULL) return NULL;
    aes->ctr = create_context(EVP_aes_128_ctr(), 1);
    aes->gcm_seal = create_context(EVP_aes_128_gcm(), 1);
    aes->gcm_open = create_context(EVP_aes_128_gcm(), 0);
    if (aes->ctr != NULL && aes->gcm_seal != NULL && aes->gcm_open != NULL) return aes;
    eg__aes_destroy(aes);
    return NULL;
}

void eg__aes_destroy(struct eg_aes *aes) {
    if (aes == NULL) return;
    EVP_CIPHER_CTX_free(aes->ctr);
    EVP_CIPHER_CTX_free(aes->gcm_seal);
    EVP_CIPHER_CTX_free(aes->gcm_open);
    eg__memory_release(aes);
}

bool eg__aes128_ctr(struct eg_aes *aes, const uint8_t key[EG_AES_KEY_SIZE], const struct eg_crypto_job *job) {
    EG_ASSERT(job->size <= INT_MAX);
    int written;
    return EVP_EncryptInit_ex2(aes->ctr, NULL, key, job->iv, NULL) == 1 &&
           EVP_EncryptUpdate(aes->ctr, job->out, &written, job->in, (int)job->size) == 1;
}

bool eg__aes128_gcm_seal(struct eg_aes *aes, const uint8_t key[EG_AES_KEY_SIZE], const struct eg_crypto_job *job) {
    EG_ASSERT(job->size <= INT_MAX && job->aad_size <= INT_MAX);
    EVP_CIPHER_CTX *cipher = aes->gcm_seal;
    uint8_t *tag = job->out + job->size;
    int written;
    return EVP_EncryptInit_ex2(cipher, NULL, key, job->iv, NULL) == 1 &&
           EVP_EncryptUpdate(cipher, NULL, &written, job->aad, (int)job->aad_size) == 1 &&
           EVP_EncryptUpdate(cipher, job->out, &written, job->in, (int)job->size) == 1 && EVP_EncryptFinal_ex(cipher, tag, &written) == 1 &&
           EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, EG_GCM_TAG_SIZE, tag) == 1;
}

static bool gcm_open(EVP_CIPHER_CTX *cipher, const uint8_t *key, const struct eg_crypto_job *job) {
    size_t size = job->size - EG_GCM_TAG_SIZE;
    int written;
    uint8_t tag[EG_GCM_TAG_SIZE]; // OpenSSL takes it through a pointer that isn't const
    memcpy(tag, job->in + size, sizeof tag);
    return EVP_DecryptInit_ex2(cipher, NULL, key, job->iv, NULL) == 1 &&
           EVP_DecryptUpdate(cipher, NULL, &written, job->aad, (int)job->aad_size) == 1 &&
           EVP_DecryptUpdate(cipher, job->out, &written, job->in, (int)size) == 1 &&
           EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_SET_TAG, sizeof tag, tag) == 1 &&
           EVP_DecryptFinal_ex(cipher, job->out + size, &written) == 1;
}

bool eg__aes128_gcm_open(struct eg_aes *aes, const uint8_t key[EG_AES_KEY_SIZE], const struct eg_crypto_job *job) {
    EG_ASSERT(job->size <= INT_MAX && job->aad_size <= INT_MAX);
    if (job->size < EG_GCM_TAG_SIZE) return false;
    // A wrong tag must leave nothing in the thread's error queue, where the handshake of another viewer would take it for its own.
    ERR_set_mark();
    bool is_authentic = gcm_open(aes->gcm_open, key, job);
    ERR_pop_to_mark();
    if (!is_authentic) OPENSSL_cleanse(job->out, job->size - EG_GCM_TAG_SIZE); // GCM decrypts before it knows
    return is_authentic;
}
