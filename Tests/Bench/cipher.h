// The reference of SRTP: the libraries' own functions for one packet, called as directly as they can be, keys kept.
#ifndef BENCH_CIPHER_H
#define BENCH_CIPHER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CIPHER_HEADER_SIZE = 12 };

struct cipher {
    const char *crypto;  // the engine's name of the library
    bool is_gcm;         // else AES-128-CTR and HMAC-SHA1
    const char *what;    // that is called
    size_t context_size; // [B] to be aligned to 64
    bool (*init)(void *context, const uint8_t key[16]);
    void (*deinit)(void *context);
    // Encrypts `in` behind the header at `out` and writes the tag behind it, perhaps only at finish. `number` makes the IV differ.
    void (*seal)(void *context, uint32_t number, uint8_t *out, const uint8_t *in, size_t size);
    void (*finish)(void); // NULL: there is nothing to finish
};

extern const struct cipher cipher_openssl_gcm;
extern const struct cipher cipher_openssl_cm;
#if defined(EGRESS_IPSEC_MB)
extern const struct cipher cipher_ipsec_mb_gcm;
extern const struct cipher cipher_ipsec_mb_cm;
#endif

#endif
