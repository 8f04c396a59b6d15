#include "base/hash.h"

#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/params.h>

void eg__hmac_sha1(const uint8_t *key, size_t key_size, const uint8_t *const pieces[], const size_t sizes[], size_t count,
                   uint8_t out[EG_SHA1_SIZE]) {
    static const uint8_t empty[1];
    char digest[] = "SHA1";
    const OSSL_PARAM parameters[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0), OSSL_PARAM_construct_end()};
    EVP_MAC *mac = EVP_MAC_fetch(NULL, OSSL_MAC_NAME_HMAC, NULL);
    // No step depends on the input: one fails when the process has no memory left, or a libcrypto without SHA-1. A digest that was not
    // made must never be compared with, so there is nothing to go on with.
    EG_ASSERT(mac != NULL);
    EVP_MAC_CTX *context = EVP_MAC_CTX_new(mac);
    EG_ASSERT(context != NULL);
    // A NULL key would mean the one set before, not the empty one.
    EG_ASSERT(EVP_MAC_init(context, key_size > 0 ? key : empty, key_size, parameters) == 1);
    for (size_t i = 0; i < count; i++) {
        if (sizes[i] > 0) EG_ASSERT(EVP_MAC_update(context, pieces[i], sizes[i]) == 1);
    }
    size_t size = 0;
    EG_ASSERT(EVP_MAC_final(context, out, &size, EG_SHA1_SIZE) == 1);
    EG_ASSERT(size == EG_SHA1_SIZE);
    EVP_MAC_CTX_free(context);
    EVP_MAC_free(mac);
}

void eg__base64(const uint8_t *bytes, size_t size, char *out) {
    EG_ASSERT(size <= INT_MAX);
    EVP_EncodeBlock((unsigned char *)out, bytes, (int)size);
}

uint32_t eg__crc32(const uint8_t *bytes, size_t size) {
    // Remainders of the reflected polynomial edb88320 for four bits at a time: STUN messages are short, and 16 words are soon read.
    static const uint32_t remainders[16] = {
        0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
        0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c,
    };
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        crc = crc >> 4 ^ remainders[crc & 15];
        crc = crc >> 4 ^ remainders[crc & 15];
    }
    return ~crc;
}

bool eg__equal_constant_time(const uint8_t *a, const uint8_t *b, size_t size) { return CRYPTO_memcmp(a, b, size) == 0; }
