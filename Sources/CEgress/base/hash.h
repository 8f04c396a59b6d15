// The digests that wire formats need, from libcrypto. Nothing is allocated.
#ifndef EG_HASH_H
#define EG_HASH_H

#include "base/base.h"

enum { EG_SHA1_SIZE = 20 };

// A prepared key: the states of the two hashes after their padded keys (RFC 2104 §4), as words of this machine.
struct eg_hmac_key {
    uint32_t inner[EG_SHA1_SIZE / 4];
    uint32_t outer[EG_SHA1_SIZE / 4];
};

void eg__hmac_key_init(struct eg_hmac_key *key, const uint8_t *bytes, size_t size);

// A part of a message that does not lie in one place. `bytes` may be NULL with size 0.
struct eg_piece {
    const uint8_t *bytes;
    size_t size; // [B]
};

// HMAC-SHA1 over pieces laid end to end, RFC 2104.
void eg__hmac_sha1_keyed(const struct eg_hmac_key *key, const struct eg_piece pieces[], size_t count, uint8_t out[EG_SHA1_SIZE]);
// Likewise, for a key that is used only once.
void eg__hmac_sha1(const uint8_t *key, size_t key_size, const struct eg_piece pieces[], size_t count, uint8_t out[EG_SHA1_SIZE]);

// Base64 (RFC 4648 §4) with padding, zero-terminated. `out` has room for 4 characters for each group of up to 3 bytes, and one more.
void eg__base64(const uint8_t *bytes, size_t size, char *out);

// CRC-32 of ISO 3309, as STUN's FINGERPRINT uses it (RFC 8489 §14.7), before its XOR.
uint32_t eg__crc32(const uint8_t *bytes, size_t size);

// Compares in a time that does not depend on where they differ.
bool eg__equal_constant_time(const uint8_t *a, const uint8_t *b, size_t size);

#endif
