// SRTP sessions of ours and of libsrtp2, which the engine itself does not use: the oracle for the files that test them.
#ifndef EG_SRTP_ORACLE_H
#define EG_SRTP_ORACLE_H

#include "transport/srtp.h"

#include <pthread.h>
#include <srtp2/srtp.h>
#include <stdlib.h>
#include <string.h>

static const char *const backend_names[] = {
#if defined(EGRESS_IPSEC_MB)
    "ipsec-mb",
#endif
    "openssl",
};

static const enum eg_srtp_profile profiles[] = {EG_SRTP_AEAD_AES_128_GCM, EG_SRTP_AES128_CM_SHA1_80};

enum { BACKEND_COUNT = sizeof backend_names / sizeof backend_names[0], PROFILE_COUNT = sizeof profiles / sizeof profiles[0] };

// xorshift64*: random enough for packets and steps, the same on every run.
static inline uint64_t next_random(uint64_t *state) {
    *state ^= *state >> 12;
    *state ^= *state << 25;
    *state ^= *state >> 27;
    return *state * 0x2545f4914f6cdd1dull;
}

static inline void fill(uint64_t *state, uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)(next_random(state) >> 56);
}

static inline void write_u32(uint8_t *bytes, uint32_t value) {
    for (size_t i = 0; i < 4; i++) bytes[i] = (uint8_t)(value >> (24 - 8 * i));
}

// One side of a session of ours, with the memory it needs.
struct fixture {
    struct eg_crypto *crypto;
    void *context;
    struct eg_srtp srtp;
};

static inline bool fixture_create(struct fixture *fixture, const char *backend) {
    fixture->crypto = eg__crypto_create(backend);
    if (fixture->crypto == NULL) return false;
    size_t size = (eg__srtp_context_size(fixture->crypto) + 63) / 64 * 64;
    fixture->context = aligned_alloc(64, size);
    memset(fixture->context, 0, size);
    return true;
}

static inline void fixture_destroy(struct fixture *fixture) {
    eg__srtp_deinit(&fixture->srtp);
    free(fixture->context);
    eg__crypto_destroy(fixture->crypto);
}

static inline size_t protect(struct fixture *fixture, uint32_t roc, uint8_t *packet, const uint8_t *payload, size_t payload_size) {
    size_t size = eg__srtp_protect(&fixture->srtp, roc, packet, payload, payload_size);
    eg__crypto_finish(fixture->crypto);
    return size;
}

static inline struct eg_srtp_keys make_keys(enum eg_srtp_profile profile, uint64_t seed) {
    struct eg_srtp_keys keys = {.profile = profile};
    fill(&seed, (uint8_t *)&keys.local, sizeof keys.local);
    fill(&seed, (uint8_t *)&keys.remote, sizeof keys.remote);
    return keys;
}

static inline bool fixture_init(struct fixture *fixture, const char *backend, const struct eg_srtp_keys *keys) {
    if (!fixture_create(fixture, backend)) return false;
    if (eg__srtp_init(&fixture->srtp, fixture->crypto, fixture->context, keys)) return true;
    free(fixture->context);
    eg__crypto_destroy(fixture->crypto);
    return false;
}

static inline void init_oracle(void) { srtp_init(); }

// A session of libsrtp's under one master key, NULL when it refuses.
static inline srtp_t create_oracle(enum eg_srtp_profile profile, const struct eg_srtp_master *master, srtp_ssrc_type_t direction,
                            srtp_sec_serv_t rtcp_services) {
    static pthread_once_t once = PTHREAD_ONCE_INIT; // its state is one for the process
    pthread_once(&once, init_oracle);
    uint8_t key[EG_SRTP_MASTER_KEY_SIZE + EG_SRTP_MASTER_SALT_SIZE_MAX];
    memcpy(key, master->key, sizeof master->key);
    memcpy(key + sizeof master->key, master->salt, sizeof master->salt);
    srtp_policy_t policy = {.ssrc.type = direction, .key = key, .window_size = 128};
    if (profile == EG_SRTP_AEAD_AES_128_GCM) {
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtp);
        srtp_crypto_policy_set_aes_gcm_128_16_auth(&policy.rtcp);
    } else {
        srtp_crypto_policy_set_rtp_default(&policy.rtp);
        srtp_crypto_policy_set_rtcp_default(&policy.rtcp);
    }
    policy.rtcp.sec_serv = rtcp_services;
    srtp_t session = NULL;
    return srtp_create(&session, &policy) == srtp_err_status_ok ? session : NULL;
}

#endif
