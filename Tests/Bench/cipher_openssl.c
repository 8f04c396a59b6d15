// SHA-1 by its old functions: their state can be copied by assignment, where EVP's takes two allocations. As a floor that is right.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "cipher.h"

#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>

enum { TAG_SIZE = 16, HMAC_TAG_SIZE = 10 };

struct evp_context {
    EVP_CIPHER_CTX *cipher;
    SHA_CTX inner; // has taken key ^ ipad
    SHA_CTX outer; // has taken key ^ opad
};

static void write_iv(uint8_t iv[16], uint32_t number) {
    memset(iv, 0, 16);
    memcpy(iv + 8, &number, sizeof number);
}

static bool init_evp(struct evp_context *context, const EVP_CIPHER *kind, const uint8_t key[16]) {
    context->cipher = EVP_CIPHER_CTX_new();
    return context->cipher != NULL && EVP_EncryptInit_ex(context->cipher, kind, NULL, key, NULL) == 1;
}

static void deinit_evp(void *context) { EVP_CIPHER_CTX_free(((struct evp_context *)context)->cipher); }

static bool init_evp_gcm(void *context, const uint8_t key[16]) { return init_evp(context, EVP_aes_128_gcm(), key); }

static void seal_evp_gcm(void *context, uint32_t number, uint8_t *out, const uint8_t *in, size_t size) {
    EVP_CIPHER_CTX *cipher = ((struct evp_context *)context)->cipher;
    uint8_t iv[16];
    int written;
    write_iv(iv, number);
    EVP_EncryptInit_ex(cipher, NULL, NULL, NULL, iv);
    EVP_EncryptUpdate(cipher, NULL, &written, out, CIPHER_HEADER_SIZE);
    EVP_EncryptUpdate(cipher, out + CIPHER_HEADER_SIZE, &written, in, (int)size);
    EVP_EncryptFinal_ex(cipher, out + CIPHER_HEADER_SIZE + size, &written);
    EVP_CIPHER_CTX_ctrl(cipher, EVP_CTRL_AEAD_GET_TAG, TAG_SIZE, out + CIPHER_HEADER_SIZE + size);
}

static void init_sha1(SHA_CTX *sha1, const uint8_t key[16], uint8_t pad) {
    uint8_t block[SHA_CBLOCK];
    memset(block, pad, sizeof block);
    for (int i = 0; i < 16; i++) block[i] ^= key[i];
    SHA1_Init(sha1);
    SHA1_Update(sha1, block, sizeof block);
}

static bool init_evp_cm(void *memory, const uint8_t key[16]) {
    struct evp_context *context = memory;
    init_sha1(&context->inner, key, 0x36);
    init_sha1(&context->outer, key, 0x5c);
    return init_evp(context, EVP_aes_128_ctr(), key);
}

static void seal_evp_cm(void *memory, uint32_t number, uint8_t *out, const uint8_t *in, size_t size) {
    struct evp_context *context = memory;
    uint8_t iv[16], digest[SHA_DIGEST_LENGTH];
    int written;
    write_iv(iv, number);
    EVP_EncryptInit_ex(context->cipher, NULL, NULL, NULL, iv);
    EVP_EncryptUpdate(context->cipher, out + CIPHER_HEADER_SIZE, &written, in, (int)size);
    SHA_CTX sha1 = context->inner;
    SHA1_Update(&sha1, out, CIPHER_HEADER_SIZE + size);
    SHA1_Update(&sha1, &number, sizeof number);
    SHA1_Final(digest, &sha1);
    sha1 = context->outer;
    SHA1_Update(&sha1, digest, sizeof digest);
    SHA1_Final(digest, &sha1);
    memcpy(out + CIPHER_HEADER_SIZE + size, digest, HMAC_TAG_SIZE);
}

const struct cipher cipher_openssl_gcm = {"openssl", true, "EVP", sizeof(struct evp_context), init_evp_gcm, deinit_evp, seal_evp_gcm,
                                          NULL};

const struct cipher cipher_openssl_cm = {
    "openssl", false, "EVP and SHA1_Update", sizeof(struct evp_context), init_evp_cm, deinit_evp, seal_evp_cm, NULL,
};
