// eg__srtp_protect of a packet of 1,160 bytes, by each cipher library and profile, with one context and with 500 in turn: the second is
// the fan-out's way, where a viewer's key tables are out of the nearest cache when its turn comes. The references differ a little in what they
// are told: no salt, no SSRC in the IV.
#include "bench.h"
#include "cipher.h"
#include "media.h"
#include "statistics.h"
#include "ticks.h"
#include "transport/srtp.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROUNDS_QUICK = 15,
    ROUNDS = 61,
    PACKETS = 2000,      // of one round
    CONTEXTS_MAX = 500,
    OUT_SLOTS = 64,      // packets land one behind the other, as in the arena they are sent from
    OUT_SIZE = 1280,     // [B] of a slot
    PAYLOAD_SIZE = MEDIA_DATAGRAM_SIZE_MAX - MEDIA_HEADER_SIZE,
};

// Two sets of contexts with what they write to and from.
struct protect {
    const struct cipher *cipher;
    struct eg_crypto *crypto;
    uint32_t count;
    size_t engine_stride; // [B] of one context
    size_t bare_stride;   // the same
    uint8_t *engine_contexts;
    uint8_t *bare_contexts;
    struct eg_srtp srtp[CONTEXTS_MAX];
    uint8_t payload[PAYLOAD_SIZE];
    uint8_t out[OUT_SLOTS][OUT_SIZE];
};

static size_t stride_of(size_t size) { return (size + 63) / 64 * 64; }

static bool init_contexts(struct protect *protect) {
    struct eg_srtp_keys keys = {.profile = protect->cipher->is_gcm ? EG_SRTP_AEAD_AES_128_GCM : EG_SRTP_AES128_CM_SHA1_80};
    memset(protect->engine_contexts, 0, protect->count * protect->engine_stride);
    memset(protect->bare_contexts, 0, protect->count * protect->bare_stride);
    for (uint32_t i = 0; i < protect->count; i++) {
        memset(keys.local.key, (int)(i + 1), sizeof keys.local.key);
        if (!eg__srtp_init(&protect->srtp[i], protect->crypto, protect->engine_contexts + i * protect->engine_stride, &keys)) return false;
        if (!protect->cipher->init(protect->bare_contexts + i * protect->bare_stride, keys.local.key)) return false;
    }
    return true;
}

// [ns] a packet.
static double time_engine(struct protect *protect) {
    uint64_t begin = ticks_cpu();
    for (uint32_t i = 0; i < PACKETS; i++) {
        uint8_t *out = protect->out[i % OUT_SLOTS];
        out[2] = (uint8_t)(i >> 8);
        out[3] = (uint8_t)i;
        eg__srtp_protect(&protect->srtp[i % protect->count], 0, out, protect->payload, PAYLOAD_SIZE);
    }
    eg__crypto_finish(protect->crypto);
    return (double)(ticks_cpu() - begin) / (double)PACKETS;
}

static double time_bare(struct protect *protect) {
    uint64_t begin = ticks_cpu();
    for (uint32_t i = 0; i < PACKETS; i++) {
        uint8_t *context = protect->bare_contexts + i % protect->count * protect->bare_stride;
        protect->cipher->seal(context, i, protect->out[i % OUT_SLOTS], protect->payload, PAYLOAD_SIZE);
    }
    if (protect->cipher->finish != NULL) protect->cipher->finish();
    return (double)(ticks_cpu() - begin) / (double)PACKETS;
}

static void measure(struct bench *bench, const char *name, struct protect *protect) {
    struct rounds engine = {0}, bare = {0};
    for (int round = bench->is_quick ? ROUNDS_QUICK : ROUNDS; round > 0; round--) {
        rounds_add(&engine, time_engine(protect));
        rounds_add(&bare, time_bare(protect));
    }
    char text[64];
    snprintf(text, sizeof text, "%s %s, %u context%s (%s)", protect->cipher->crypto, protect->cipher->is_gcm ? "GCM" : "CM", protect->count,
             protect->count == 1 ? "" : "s", protect->cipher->what);
    table_add(bench->table, name, text, rounds_median(&engine), "ns/packet", rounds_median(&bare), rounds_ratio(&engine, &bare));
}

static void deinit_contexts(struct protect *protect) {
    for (uint32_t i = 0; i < protect->count; i++) {
        eg__srtp_deinit(&protect->srtp[i]);
        protect->cipher->deinit(protect->bare_contexts + i * protect->bare_stride);
    }
}

static void run(struct bench *bench, const char *name, const struct cipher *cipher, uint32_t count) {
    static struct protect protect; // too large for a stack
    protect = (struct protect){.cipher = cipher, .crypto = eg__crypto_create(cipher->crypto), .count = count};
    if (protect.crypto == NULL) return; // the library is there, the CPU can't
    protect.engine_stride = stride_of(eg__srtp_context_size(protect.crypto));
    protect.bare_stride = stride_of(cipher->context_size);
    protect.engine_contexts = aligned_alloc(64, count * protect.engine_stride);
    protect.bare_contexts = aligned_alloc(64, count * protect.bare_stride);
    if (protect.engine_contexts != NULL && protect.bare_contexts != NULL && init_contexts(&protect)) {
        measure(bench, name, &protect);
        deinit_contexts(&protect);
    } else {
        bench_break(bench, name, "%s refused its contexts", cipher->crypto);
    }
    free(protect.engine_contexts);
    free(protect.bare_contexts);
    eg__crypto_destroy(protect.crypto);
}

void shape_protect(struct bench *bench, const char *name) {
    static const struct cipher *const ciphers[] = {
#if defined(EGRESS_IPSEC_MB)
        &cipher_ipsec_mb_gcm,
        &cipher_ipsec_mb_cm,
#endif
        &cipher_openssl_gcm,
        &cipher_openssl_cm,
    };
    for (size_t i = 0; i < sizeof ciphers / sizeof ciphers[0]; i++) {
        run(bench, name, ciphers[i], 1);
        run(bench, name, ciphers[i], CONTEXTS_MAX);
    }
}
