// SHA-1 uses libcrypto's old functions: EVP allocates for every digest, these work on the stack. OpenSSL has deprecated them since 3.0, in favour
// of functions that allocate.
#define OPENSSL_SUPPRESS_DEPRECATED

#include "base/hash.h"

#include <limits.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/sha.h>
#include <string.h>

_Static_assert(EG_SHA1_SIZE == SHA_DIGEST_LENGTH, "as RFC 3174 has it");

static void save(const SHA_CTX *sha1, uint32_t state[EG_SHA1_SIZE / 4]) {
    const uint32_t words[] = {sha1->h0, sha1->h1, sha1->h2, sha1->h3, sha1->h4};
    memcpy(state, words, sizeof words);
}

// Continues from the state after one block, the padded key.
static SHA_CTX resume(const uint32_t state[EG_SHA1_SIZE / 4]) {
    return (SHA_CTX){.h0 = state[0], .h1 = state[1], .h2 = state[2], .h3 = state[3], .h4 = state[4], .Nl = SHA_CBLOCK * CHAR_BIT};
}

// SHA1() is not used, since it uses EVP.
static void hash(const uint8_t *bytes, size_t size, uint8_t digest[EG_SHA1_SIZE]) {
    SHA_CTX sha1;
    SHA1_Init(&sha1);
    SHA1_Update(&sha1, bytes, size);
    SHA1_Final(digest, &sha1);
}

static void take_in(const uint8_t block[SHA_CBLOCK], uint8_t pad, uint32_t state[EG_SHA1_SIZE / 4]) {
    uint8_t padded[SHA_CBLOCK];
    for (size_t i = 0; i < sizeof padded; i++) padded[i] = block[i] ^ pad;
    SHA_CTX sha1;
    SHA1_Init(&sha1);
    SHA1_Update(&sha1, padded, sizeof padded);
    save(&sha1, state);
    OPENSSL_cleanse(padded, sizeof padded);
    OPENSSL_cleanse(&sha1, sizeof sha1);
}

void eg__hmac_key_init(struct eg_hmac_key *key, const uint8_t *bytes, size_t size) {
    uint8_t block[SHA_CBLOCK] = {0};
    if (size > sizeof block) hash(bytes, size, block); // RFC 2104 §2
    else if (size > 0) memcpy(block, bytes, size);
    take_in(block, 0x36, key->inner);
    take_in(block, 0x5c, key->outer);
    OPENSSL_cleanse(block, sizeof block);
}

void eg__hmac_sha1_keyed(const struct eg_hmac_key *key, const struct eg_piece pieces[], size_t count, uint8_t out[EG_SHA1_SIZE]) {
    SHA_CTX sha1 = resume(key->inner);
    for (size_t i = 0; i < count; i++)
        if (pieces[i].size > 0) SHA1_Update(&sha1, pieces[i].bytes, pieces[i].size);
    SHA1_Final(out, &sha1);
    sha1 = resume(key->outer);
    SHA1_Update(&sha1, out, EG_SHA1_SIZE);
    SHA1_Final(out, &sha1);
}

void eg__hmac_sha1(const uint8_t *key, size_t key_size, const struct eg_piece pieces[], size_t count, uint8_t out[EG_SHA1_SIZE]) {
    struct eg_hmac_key once;
    eg__hmac_key_init(&once, key, key_size);
    eg__hmac_sha1_keyed(&once, pieces, count, out);
    OPENSSL_cleanse(&once, sizeof once);
}

void eg__base64(const uint8_t *bytes, size_t size, char *out) {
    EG_ASSERT(size <= INT_MAX);
    EVP_EncodeBlock((unsigned char *)out, bytes, (int)size);
}

uint32_t eg__crc32(const uint8_t *bytes, size_t size) {
    // Remainders of the reflected polynomial edb88320 for four bits at a time: STUN messages are short, and a table of 16 words is cheap to load.
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
