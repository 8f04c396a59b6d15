#include "transport/srtp.h"

#include "wire/rtp.h"

#include <string.h>

enum {
    RTP_HEADER_SIZE = EG_RTP_HEADER_SIZE,
    RTP_EXTENSION_HEADER_SIZE = 4, // what it is, and its size in words
    RTCP_HEADER_SIZE = 8, // what stays readable: the first header and the sender's SSRC
    SRTCP_INDEX_SIZE = 4, // the bit E and 31 bits of index
    CM_SALT_SIZE = 14,
    GCM_SALT_SIZE = 12,
    CM_TAG_SIZE = 10,
    REPLAY_WINDOW_SIZE = 64, // packets, what RFC 3711 §3.3.2 asks for at least
};

static const uint32_t SRTCP_ENCRYPTED = 0x80000000; // the bit E, RFC 3711 §3.4

// The labels of RFC 3711 §4.3.2, RTP's; RTCP's are the same and 3 more.
enum { LABEL_ENCRYPTION = 0, LABEL_AUTHENTICATION = 1, LABEL_SALT = 2, LABEL_RTCP = 3 };

static size_t salt_size_of(enum eg_srtp_profile profile) { return profile == EG_SRTP_AEAD_AES_128_GCM ? GCM_SALT_SIZE : CM_SALT_SIZE; }

static uint32_t load_u32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static void store_u32(uint8_t *bytes, uint32_t value) {
    for (size_t i = 0; i < 4; i++) bytes[i] = (uint8_t)(value >> (24 - 8 * i));
}

// Every IV is the salt, with the SSRC and then the packet's 48-bit index XORed into its last ten bytes (RFC 3711 §4.1.1, RFC 7714 §8.1 and
// §9.1). Counter mode has two zero bytes behind it, where it counts blocks. An SRTCP index is a 48-bit index that never gets past 31 bits.
static inline void write_iv(uint8_t *iv, const uint8_t *salt, size_t salt_size, const uint8_t ssrc[4], uint64_t index) {
    memcpy(iv, salt, salt_size);
    uint8_t *at = iv + salt_size - 10;
    for (size_t i = 0; i < 4; i++) at[i] ^= ssrc[i];
    for (size_t i = 0; i < 6; i++) at[4 + i] ^= (uint8_t)(index >> (40 - 8 * i));
}

static inline void write_gcm_nonce(uint8_t nonce[EG_GCM_NONCE_SIZE], const uint8_t *salt, const uint8_t ssrc[4], uint64_t index) {
    write_iv(nonce, salt, GCM_SALT_SIZE, ssrc, index);
}

static inline void write_cm_iv(uint8_t iv[EG_CTR_IV_SIZE], const uint8_t *salt, const uint8_t ssrc[4], uint64_t index) {
    write_iv(iv, salt, CM_SALT_SIZE, ssrc, index);
    iv[14] = iv[15] = 0;
}

bool eg__srtp_derive(struct eg_aes *aes, const struct eg_srtp_master *master, size_t salt_size, uint8_t label, uint8_t *out, size_t out_size) {
    EG_ASSERT(salt_size <= CM_SALT_SIZE);
    uint8_t iv[EG_CTR_IV_SIZE] = {0};
    memcpy(iv, master->salt, salt_size);
    iv[7] ^= label; // the label stands before the 48 bits of index, which the rate 0 leaves at zero
    memset(out, 0, out_size);
    return eg__aes128_ctr(aes, master->key, &(struct eg_crypto_job){.iv = iv, .in = out, .size = out_size, .out = out});
}

static bool derive_rtcp(struct eg_aes *aes, const struct eg_srtp_master *master, enum eg_srtp_profile profile, struct eg_srtcp_key *key) {
    size_t salt_size = salt_size_of(profile);
    uint8_t auth_key[EG_HMAC_KEY_SIZE] = {0};
    bool is_done = eg__srtp_derive(aes, master, salt_size, LABEL_RTCP + LABEL_ENCRYPTION, key->key, sizeof key->key) &&
                   eg__srtp_derive(aes, master, salt_size, LABEL_RTCP + LABEL_AUTHENTICATION, auth_key, sizeof auth_key) &&
                   eg__srtp_derive(aes, master, salt_size, LABEL_RTCP + LABEL_SALT, key->salt, salt_size);
    eg__hmac_key_init(&key->hmac, auth_key, sizeof auth_key);
    explicit_bzero(auth_key, sizeof auth_key);
    return is_done;
}

static bool init_context(struct eg_srtp *srtp, const uint8_t *key, const uint8_t *auth_key) {
    const struct eg_crypto *crypto = srtp->crypto;
    if (srtp->profile == EG_SRTP_AEAD_AES_128_GCM) return crypto->gcm_init(crypto, srtp->context, key);
    return crypto->cm_init(crypto, srtp->context, key, auth_key);
}

static bool init_rtp(struct eg_srtp *srtp, const struct eg_srtp_master *master) {
    size_t salt_size = salt_size_of(srtp->profile);
    struct eg_aes *aes = srtp->crypto->aes;
    uint8_t key[EG_AES_KEY_SIZE], auth_key[EG_HMAC_KEY_SIZE];
    bool is_done = eg__srtp_derive(aes, master, salt_size, LABEL_ENCRYPTION, key, sizeof key) &&
                   eg__srtp_derive(aes, master, salt_size, LABEL_AUTHENTICATION, auth_key, sizeof auth_key) &&
                   eg__srtp_derive(aes, master, salt_size, LABEL_SALT, srtp->rtp_salt, salt_size) && init_context(srtp, key, auth_key);
    explicit_bzero(key, sizeof key);
    explicit_bzero(auth_key, sizeof auth_key);
    return is_done;
}

size_t eg__srtp_context_size(const struct eg_crypto *crypto) {
    return crypto->gcm_context_size > crypto->cm_context_size ? crypto->gcm_context_size : crypto->cm_context_size;
}

bool eg__srtp_init(struct eg_srtp *srtp, const struct eg_crypto *crypto, void *context, const struct eg_srtp_keys *keys) {
    EG_ASSERT(keys->profile == EG_SRTP_AEAD_AES_128_GCM || keys->profile == EG_SRTP_AES128_CM_SHA1_80);
    *srtp = (struct eg_srtp){.crypto = crypto, .context = context, .profile = keys->profile};
    // The context comes last, so that there is none to undo when something before it fails.
    if (derive_rtcp(crypto->aes, &keys->local, keys->profile, &srtp->rtcp_local) &&
        derive_rtcp(crypto->aes, &keys->remote, keys->profile, &srtp->rtcp_remote) && init_rtp(srtp, &keys->local))
        return true;
    explicit_bzero(srtp, sizeof *srtp);
    return false;
}

void eg__srtp_deinit(struct eg_srtp *srtp) {
    if (srtp->profile == EG_SRTP_AEAD_AES_128_GCM) srtp->crypto->gcm_deinit(srtp->context);
    if (srtp->profile == EG_SRTP_AES128_CM_SHA1_80) srtp->crypto->cm_deinit(srtp->context);
    explicit_bzero(srtp, sizeof *srtp);
}

// What stays readable of a packet: the fixed header, and the extension behind it if there is one.
static inline size_t header_size_of(const uint8_t *packet) {
    if (__builtin_expect((packet[0] & EG_RTP_EXTENSION_BIT) == 0, 1)) return RTP_HEADER_SIZE;
    size_t words = (size_t)packet[RTP_HEADER_SIZE + 2] << 8 | packet[RTP_HEADER_SIZE + 3];
    return RTP_HEADER_SIZE + RTP_EXTENSION_HEADER_SIZE + 4 * words;
}

size_t eg__srtp_protect(struct eg_srtp *srtp, uint32_t roc, uint8_t *out, const uint8_t *payload, size_t payload_size) {
    const struct eg_crypto *crypto = srtp->crypto;
    const uint8_t *ssrc = out + 8;
    uint64_t index = (uint64_t)roc << 16 | (uint64_t)out[2] << 8 | out[3];
    size_t header_size = header_size_of(out);
    uint8_t iv[EG_CTR_IV_SIZE];
    const struct eg_crypto_job job = {
        .iv = iv, .aad = out, .aad_size = header_size, .in = payload, .size = payload_size, .out = out + header_size};
    if (srtp->profile == EG_SRTP_AEAD_AES_128_GCM) {
        write_gcm_nonce(iv, srtp->rtp_salt, ssrc, index);
        crypto->gcm_seal(crypto, srtp->context, &job);
        return header_size + payload_size + EG_GCM_TAG_SIZE;
    }
    write_cm_iv(iv, srtp->rtp_salt, ssrc, index);
    crypto->cm_seal(crypto, srtp->context, &job, roc);
    return header_size + payload_size + CM_TAG_SIZE;
}

// RFC 7714 §9.2: header, ciphertext, tag, index; authenticated besides are the header and the index.
static void write_rtcp_aad(uint8_t aad[RTCP_HEADER_SIZE + SRTCP_INDEX_SIZE], const uint8_t *packet, uint32_t index) {
    memcpy(aad, packet, RTCP_HEADER_SIZE);
    store_u32(aad + RTCP_HEADER_SIZE, SRTCP_ENCRYPTED | index);
}

static size_t protect_rtcp_gcm(const struct eg_srtp *srtp, uint32_t index, uint8_t *packet, size_t size) {
    const struct eg_srtcp_key *key = &srtp->rtcp_local;
    uint8_t nonce[EG_GCM_NONCE_SIZE], aad[RTCP_HEADER_SIZE + SRTCP_INDEX_SIZE];
    write_gcm_nonce(nonce, key->salt, packet + 4, index);
    write_rtcp_aad(aad, packet, index);
    uint8_t *payload = packet + RTCP_HEADER_SIZE;
    const struct eg_crypto_job job = {
        .iv = nonce, .aad = aad, .aad_size = sizeof aad, .in = payload, .size = size - RTCP_HEADER_SIZE, .out = payload};
    if (!eg__aes128_gcm_seal(srtp->crypto->aes, key->key, &job)) return 0;
    store_u32(packet + size + EG_GCM_TAG_SIZE, SRTCP_ENCRYPTED | index);
    return size + EG_GCM_TAG_SIZE + SRTCP_INDEX_SIZE;
}

// The tag of RFC 3711 §4.2 over a packet and its index.
static void write_rtcp_tag(const struct eg_srtcp_key *key, const uint8_t *packet, size_t size, uint8_t tag[EG_HMAC_SIZE]) {
    eg__hmac_sha1_keyed(&key->hmac, &(struct eg_piece){packet, size}, 1, tag);
}

// RFC 3711 §3.4: header, ciphertext, index, tag.
static size_t protect_rtcp_cm(const struct eg_srtp *srtp, uint32_t index, uint8_t *packet, size_t size) {
    const struct eg_srtcp_key *key = &srtp->rtcp_local;
    uint8_t iv[EG_CTR_IV_SIZE], tag[EG_HMAC_SIZE];
    write_cm_iv(iv, key->salt, packet + 4, index);
    uint8_t *payload = packet + RTCP_HEADER_SIZE;
    const struct eg_crypto_job job = {.iv = iv, .in = payload, .size = size - RTCP_HEADER_SIZE, .out = payload};
    if (!eg__aes128_ctr(srtp->crypto->aes, key->key, &job)) return 0;
    store_u32(packet + size, SRTCP_ENCRYPTED | index);
    size += SRTCP_INDEX_SIZE;
    write_rtcp_tag(key, packet, size, tag);
    memcpy(packet + size, tag, CM_TAG_SIZE);
    return size + CM_TAG_SIZE;
}

size_t eg__srtcp_protect(struct eg_srtp *srtp, uint8_t *packet, size_t size) {
    EG_ASSERT(size >= RTCP_HEADER_SIZE);
    if (srtp->rtcp_index >= SRTCP_ENCRYPTED) return 0;
    uint32_t index = srtp->rtcp_index++; // spent even when the library refuses: an index is never used twice
    if (srtp->profile == EG_SRTP_AEAD_AES_128_GCM) return protect_rtcp_gcm(srtp, index, packet, size);
    return protect_rtcp_cm(srtp, index, packet, size);
}

static size_t unprotect_rtcp_gcm(const struct eg_srtp *srtp, uint32_t index, const uint8_t *packet, size_t size, uint8_t *out) {
    const struct eg_srtcp_key *key = &srtp->rtcp_remote;
    uint8_t nonce[EG_GCM_NONCE_SIZE], aad[RTCP_HEADER_SIZE + SRTCP_INDEX_SIZE];
    write_gcm_nonce(nonce, key->salt, packet + 4, index);
    write_rtcp_aad(aad, packet, index);
    const struct eg_crypto_job job = {.iv = nonce, .aad = aad, .aad_size = sizeof aad, .in = packet + RTCP_HEADER_SIZE,
                                      .size = size - RTCP_HEADER_SIZE - SRTCP_INDEX_SIZE, .out = out + RTCP_HEADER_SIZE};
    if (!eg__aes128_gcm_open(srtp->crypto->aes, key->key, &job)) return 0;
    memcpy(out, packet, RTCP_HEADER_SIZE);
    return size - SRTCP_INDEX_SIZE - EG_GCM_TAG_SIZE;
}

static size_t unprotect_rtcp_cm(const struct eg_srtp *srtp, uint32_t index, const uint8_t *packet, size_t size, uint8_t *out) {
    const struct eg_srtcp_key *key = &srtp->rtcp_remote;
    uint8_t iv[EG_CTR_IV_SIZE], tag[EG_HMAC_SIZE];
    size_t tag_at = size - CM_TAG_SIZE;
    write_rtcp_tag(key, packet, tag_at, tag);
    if (!eg__equal_constant_time(tag, packet + tag_at, CM_TAG_SIZE)) return 0;
    write_cm_iv(iv, key->salt, packet + 4, index);
    size_t rtcp_size = tag_at - SRTCP_INDEX_SIZE;
    const struct eg_crypto_job job = {
        .iv = iv, .in = packet + RTCP_HEADER_SIZE, .size = rtcp_size - RTCP_HEADER_SIZE, .out = out + RTCP_HEADER_SIZE};
    if (!eg__aes128_ctr(srtp->crypto->aes, key->key, &job)) return 0;
    memcpy(out, packet, RTCP_HEADER_SIZE);
    return rtcp_size;
}

static struct eg_srtcp_replay *find_replay(struct eg_srtp *srtp, uint32_t ssrc) {
    for (uint32_t i = 0; i < srtp->replay_count; i++) {
        if (srtp->replays[i].ssrc == ssrc) return &srtp->replays[i];
    }
    return NULL;
}

static bool is_fresh(const struct eg_srtcp_replay *replay, uint32_t index) {
    if (index > replay->highest) return true;
    uint32_t age = replay->highest - index;
    return age < REPLAY_WINDOW_SIZE && (replay->window >> age & 1) == 0;
}

static void remember(struct eg_srtcp_replay *replay, uint32_t index) {
    if (index <= replay->highest) {
        replay->window |= (uint64_t)1 << (replay->highest - index);
        return;
    }
    uint32_t step = index - replay->highest;
    replay->window = (step < REPLAY_WINDOW_SIZE ? replay->window << step : 0) | 1;
    replay->highest = index;
}

size_t eg__srtcp_unprotect(struct eg_srtp *srtp, const uint8_t *packet, size_t size, uint8_t *out) {
    bool is_gcm = srtp->profile == EG_SRTP_AEAD_AES_128_GCM;
    size_t tag_size = is_gcm ? EG_GCM_TAG_SIZE : CM_TAG_SIZE;
    if (size < RTCP_HEADER_SIZE + SRTCP_INDEX_SIZE + tag_size) return 0;
    uint32_t word = load_u32(packet + size - SRTCP_INDEX_SIZE - (is_gcm ? 0 : CM_TAG_SIZE));
    if ((word & SRTCP_ENCRYPTED) == 0) return 0;
    uint32_t index = word & ~SRTCP_ENCRYPTED;
    uint32_t ssrc = load_u32(packet + 4);

    struct eg_srtcp_replay *replay = find_replay(srtp, ssrc);
    if (replay == NULL && srtp->replay_count == EG_SRTCP_SENDERS_MAX) return 0;
    if (replay != NULL && !is_fresh(replay, index)) return 0;
    size_t rtcp_size = is_gcm ? unprotect_rtcp_gcm(srtp, index, packet, size, out) : unprotect_rtcp_cm(srtp, index, packet, size, out);
    if (rtcp_size == 0) return 0;
    if (replay == NULL) {
        replay = &srtp->replays[srtp->replay_count++];
        *replay = (struct eg_srtcp_replay){.ssrc = ssrc, .highest = index};
    }
    remember(replay, index);
    return rtcp_size;
}
