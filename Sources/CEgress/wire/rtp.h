// RTP packets, RFC 3550 §5.1 and §5.3.1: a view of one that was received, and the fixed header of one to send.
#ifndef EG_RTP_H
#define EG_RTP_H

#include "base/base.h"

enum {
    EG_RTP_HEADER_SIZE = 12,          // [B]
    EG_RTP_VERSION = 2,
    EG_RTP_EXTENSION_BIT = 0x10,      // X, in the first byte
    EG_RTP_ONE_BYTE_PROFILE = 0xbede, // of an extension whose elements have headers of one byte, RFC 8285 §4.2
    EG_RTP_TRANSPORT_NUMBER_SIZE = 8, // [B] of an extension that holds nothing but a transport-wide number
};

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

// Says in a header that is already written that an extension follows it.
static inline void eg__rtp_set_extension(uint8_t header[EG_RTP_HEADER_SIZE]) { header[0] |= EG_RTP_EXTENSION_BIT; }

// Writes the extension that follows such a header: the transport-wide number of draft-holmer-rmcat-transport-wide-cc-extensions-01 §2 as
// its only element, under `id` (1 to 14, as negotiated).
void eg__rtp_write_transport_number(uint8_t out[EG_RTP_TRANSPORT_NUMBER_SIZE], uint8_t id, uint16_t number);

// The transport-wide number of a packet; false when it has none under `id`. For tests and the load generator.
bool eg__rtp_find_transport_number(const struct eg_rtp *rtp, uint8_t id, uint16_t *number);

// How far `b` is ahead of `a` in a 16-bit sequence: -32,768..32,767.
static inline int16_t eg__sequence_distance(uint16_t a, uint16_t b) { return (int16_t)(uint16_t)(b - a); }

// How far `b` is ahead of `a` in 32-bit RTP timestamps.
static inline int32_t eg__timestamp_distance(uint32_t a, uint32_t b) { return (int32_t)(b - a); }

#endif
