#include "sim/srtp.h"

#include "base/hash.h"
#include "wire/rtp.h"

#include <stdlib.h>
#include <string.h>

bool eg_sim_srtp_init(struct eg_sim_srtp *srtp, const struct eg_crypto *crypto, const struct eg_srtp_keys *keys) {
    size_t context_size = (eg__srtp_context_size(crypto) + 63) & ~(size_t)63;
    size_t salt_size = keys->profile == EG_SRTP_AEAD_AES_128_GCM ? 12 : 14;
    *srtp = (struct eg_sim_srtp){.profile = keys->profile, .context = aligned_alloc(64, context_size)};
    if (srtp->context == NULL) return false;
    memset(srtp->context, 0, context_size);
    return eg__srtp_init(&srtp->rtcp, crypto, srtp->context, keys) &&
           eg__srtp_derive(crypto->aes, &keys->remote, salt_size, 0, srtp->key, sizeof srtp->key) &&
           eg__srtp_derive(crypto->aes, &keys->remote, salt_size, 1, srtp->auth_key, sizeof srtp->auth_key) &&
           eg__srtp_derive(crypto->aes, &keys->remote, salt_size, 2, srtp->salt, salt_size);
}

void eg_sim_srtp_deinit(struct eg_sim_srtp *srtp) {
    if (srtp->context == NULL) return;
    eg__srtp_deinit(&srtp->rtcp);
    free(srtp->context);
    srtp->context = NULL;
}

// What stays readable: a header without CSRCs, and its extension (RFC 3550 §5.3.1).
static size_t header_size_of(const uint8_t *packet, size_t size) {
    bool has_extension = size >= EG_RTP_HEADER_SIZE + 4 && (packet[0] & 0x10) != 0;
    return EG_RTP_HEADER_SIZE + (has_extension ? 4 + 4 * (size_t)(packet[14] << 8 | packet[15]) : 0);
}

// RFC 7714 §8.1: 00 00, SSRC, roll-over counter, sequence number, over the salt.
static int open_gcm(const struct eg_sim_srtp *srtp, uint32_t roc, const uint8_t *packet, size_t size, uint8_t *payload) {
    uint8_t nonce[EG_GCM_NONCE_SIZE] = {[6] = (uint8_t)(roc >> 24), (uint8_t)(roc >> 16), (uint8_t)(roc >> 8), (uint8_t)roc};
    memcpy(nonce + 2, packet + 8, 4);
    memcpy(nonce + 10, packet + 2, 2);
    for (size_t i = 0; i < sizeof nonce; i++) nonce[i] ^= srtp->salt[i];
    size_t header_size = header_size_of(packet, size);
    if (size < header_size + EG_GCM_TAG_SIZE) return -1;
    size_t sealed_size = size - header_size;
    const struct eg_crypto_job job = {
        .iv = nonce, .aad = packet, .aad_size = header_size, .in = packet + header_size, .size = sealed_size, .out = payload};
    if (!eg__aes128_gcm_open(srtp->rtcp.crypto->aes, srtp->key, &job)) return -1;
    return (int)(sealed_size - EG_GCM_TAG_SIZE);
}

// RFC 3711 §4.1.1 and §4.2: the tag covers the packet and the roll-over counter.
static int open_cm(const struct eg_sim_srtp *srtp, uint32_t roc, const uint8_t *packet, size_t size, uint8_t *payload) {
    enum { TAG_SIZE = 10 };
    size_t header_size = header_size_of(packet, size);
    if (size < header_size + TAG_SIZE) return -1;
    uint8_t roc_bytes[4] = {(uint8_t)(roc >> 24), (uint8_t)(roc >> 16), (uint8_t)(roc >> 8), (uint8_t)roc};
    uint8_t tag[EG_SHA1_SIZE];
    size_t signed_size = size - TAG_SIZE;
    const struct eg_piece pieces[] = {{packet, signed_size}, {roc_bytes, sizeof roc_bytes}};
    eg__hmac_sha1(srtp->auth_key, sizeof srtp->auth_key, pieces, 2, tag);
    if (memcmp(tag, packet + signed_size, TAG_SIZE) != 0) return -1;
    uint8_t iv[EG_CTR_IV_SIZE] = {0};
    memcpy(iv + 4, packet + 8, 4);
    memcpy(iv + 8, roc_bytes, 4);
    memcpy(iv + 12, packet + 2, 2);
    for (size_t i = 0; i < 14; i++) iv[i] ^= srtp->salt[i];
    size_t payload_size = signed_size - header_size;
    const struct eg_crypto_job job = {.iv = iv, .in = packet + header_size, .size = payload_size, .out = payload};
    bool is_done = eg__aes128_ctr(srtp->rtcp.crypto->aes, srtp->key, &job);
    return is_done ? (int)payload_size : -1;
}

int eg_sim_srtp_open(const struct eg_sim_srtp *srtp, uint32_t roc, const uint8_t *packet, size_t size, uint8_t *payload) {
    if (srtp->profile == EG_SRTP_AEAD_AES_128_GCM) return open_gcm(srtp, roc, packet, size, payload);
    return open_cm(srtp, roc, packet, size, payload);
}
