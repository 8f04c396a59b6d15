// SRTP and SRTCP of one viewer: RFC 3711 with AES_CM_128_HMAC_SHA1_80, RFC 7714 with AEAD_AES_128_GCM.
// It protects the RTP that we send and the RTCP both ways. RTP from a viewer is not opened: nothing is expected.
//
// The caller owns the packet index (roll-over counter and sequence number) of what it sends and never uses one twice for two packets
// under one SSRC.
#ifndef EG_SRTP_H
#define EG_SRTP_H

#include "base/base.h"
#include "base/hash.h"
#include "transport/crypto.h"
#include "transport/dtls.h"

enum {
    EG_SRTP_TAG_SIZE_MAX = 16,   // [B] what protect adds to an RTP packet at most: 16 with GCM, 10 with CM
    EG_SRTCP_TRAILER_SIZE_MAX = 4 + 16, // [B] index and tag
    EG_SRTCP_SENDERS_MAX = 8,        // SSRCs a viewer's RTCP may come from: one for each track, and some for collisions (RFC 3550 §8.2)
};

// What was received from one SSRC. A viewer's RTCP has an index for each SSRC (RFC 3711 §3.2.3), and browsers report audio and video
// under two of them, both counted from the start: one window for the viewer would take the second for a replay of the first.
struct eg_srtcp_replay {
    uint32_t ssrc;
    uint32_t highest; // index
    uint64_t window;  // bit i: highest - i was received
};

struct eg_srtp {
    const struct eg_crypto *crypto;
    void *context;                    // the hot key, in memory of the owner's
    enum eg_srtp_profile profile;
    uint8_t rtp_salt[14];
    struct eg_srtcp_key {
        uint8_t key[EG_AES_KEY_SIZE];
        uint8_t salt[14];
        struct eg_hmac_key hmac;  // CM only
    } rtcp_local, rtcp_remote;
    uint32_t rtcp_index;              // of the next RTCP packet of ours, 31 bits
    uint32_t replay_count;
    struct eg_srtcp_replay replays[EG_SRTCP_SENDERS_MAX]; // the first replay_count, in the order they were first heard
};

// The memory a viewer's context needs, whatever profile is agreed on; aligned to 64.
size_t eg__srtp_context_size(const struct eg_crypto *crypto);

// Derives the session keys (RFC 3711 §4.3, key derivation rate 0). `context` is zeroed memory that stays until deinit.
// False when the crypto library refuses.
bool eg__srtp_init(struct eg_srtp *srtp, const struct eg_crypto *crypto, void *context, const struct eg_srtp_keys *keys);
void eg__srtp_deinit(struct eg_srtp *srtp);

// [B] that protect adds.
static inline size_t eg__srtp_tag_size(const struct eg_srtp *srtp) { return srtp->profile == EG_SRTP_AEAD_AES_128_GCM ? 16 : 10; }

// Protects one RTP packet: its header is already at `out`, 12 bytes and, with the X bit, the extension that it says follows (no CSRCs). The
// encrypted payload and the tag are written behind it, the latter at eg__crypto_finish at the latest. `payload` is the plaintext,
// elsewhere. Gives the size of the packet.
size_t eg__srtp_protect(struct eg_srtp *srtp, uint32_t roc, uint8_t *out, const uint8_t *payload, size_t payload_size);

// Protects the RTCP compound of `size` bytes at `packet` in place; there must be room for EG_SRTCP_TRAILER_SIZE_MAX more. Gives the new
// size, or 0 when the index has run out (2^31 packets) or the library refuses.
size_t eg__srtcp_protect(struct eg_srtp *srtp, uint8_t *packet, size_t size);

// Opens an SRTCP packet to `out` (as large as the packet). Gives the size of the RTCP in it, or 0 when it is too short, not authentic, not
// encrypted, seen before, or from an SSRC beyond EG_SRTCP_SENDERS_MAX. Only an authentic packet changes what is remembered.
size_t eg__srtcp_unprotect(struct eg_srtp *srtp, const uint8_t *packet, size_t size, uint8_t *out);

// Derives one session key (RFC 3711 §4.3.1) with AES-CM as pseudo-random function; a 12-byte salt of GCM is padded (RFC 7714 §11).
bool eg__srtp_derive(struct eg_aes *aes, const struct eg_srtp_master *master, size_t salt_size, uint8_t label, uint8_t *out, size_t out_size);

#endif
