// RTP packets, RFC 3550 §5.1 and §5.3.1: a view of one that was received, and the fixed header of one to send.
#ifndef EG_RTP_H
#define EG_RTP_H

#include "base/base.h"

enum { EG_RTP_HEADER_SIZE = 12, EG_RTP_VERSION = 2 };

// A packet in the receive buffer; the pointers borrow from it.
struct eg_rtp {
    bool marker;
    uint8_t payload_type;
    uint16_t sequence;
    uint32_t timestamp;
    uint32_t ssrc;
    uint8_t csrc_count;
    uint16_t extension_profile;      // "defined by profile", meaningful when extension is set
    const uint8_t *csrcs;            // csrc_count * 4 bytes
    const uint8_t *extension;        // NULL without the X bit
    size_t extension_size;           // [B]
    const uint8_t *payload;
    size_t payload_size;             // [B] without padding
    uint8_t padding_size;            // [B] its count byte included
};

// Reads a packet, checking every length in it: version, CSRCs, extension, padding (1 to what is left of the payload).
// False when it is not an RTP packet; don't use `*rtp` then. An empty payload is legal.
bool eg__rtp_parse(struct eg_rtp *rtp, const uint8_t *bytes, size_t size);

// Writes the fixed header without CSRCs, extension or padding.
void eg__rtp_write_header(uint8_t out[EG_RTP_HEADER_SIZE], bool marker, uint8_t payload_type, uint16_t sequence, uint32_t timestamp,
                          uint32_t ssrc);

// How far `b` is ahead of `a` in a 16-bit sequence: -32,768..32,767.
static inline int16_t eg__sequence_distance(uint16_t a, uint16_t b) { return (int16_t)(uint16_t)(b - a); }

// How far `b` is ahead of `a` in 32-bit RTP timestamps.
static inline int32_t eg__timestamp_distance(uint32_t a, uint32_t b) { return (int32_t)(b - a); }

#endif
