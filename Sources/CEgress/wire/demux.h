// What a datagram on a shared port is, by its first bytes (RFC 7983 §7, RFC 5761 §4). Nothing is promised about the rest of it.
#ifndef EG_DEMUX_H
#define EG_DEMUX_H

#include "base/base.h"

enum eg_datagram_kind {
    EG_DATAGRAM_UNKNOWN,
    EG_DATAGRAM_STUN, // first byte 0..3
    EG_DATAGRAM_DTLS, // 20..63
    EG_DATAGRAM_RTP,  // 128..191
    EG_DATAGRAM_RTCP, // 128..191 and a packet type of 192..223
};

static inline enum eg_datagram_kind eg__demux(const uint8_t *bytes, size_t size) {
    if (size < 2) return EG_DATAGRAM_UNKNOWN;
    if (bytes[0] <= 3) return EG_DATAGRAM_STUN;
    if (bytes[0] >= 20 && bytes[0] <= 63) return EG_DATAGRAM_DTLS;
    if (bytes[0] >= 128 && bytes[0] <= 191) return bytes[1] >= 192 && bytes[1] <= 223 ? EG_DATAGRAM_RTCP : EG_DATAGRAM_RTP;
    return EG_DATAGRAM_UNKNOWN;
}

#endif
