// VP8 in RTP, RFC 7741: the descriptor in front of a payload, and the frame tag of a key picture (RFC 6386 §9.1).
#ifndef EG_VP8_H
#define EG_VP8_H

#include "base/base.h"

// What one RTP payload holds, as far as the engine needs it.
struct eg_vp8_payload {
    bool valid;              // the descriptor and something behind it are there, and a key picture says so
    bool starts_key;         // the first packet of a key picture
    uint8_t plain;           // the descriptor in one byte, without its extensions
    uint8_t descriptor_size; // [B]
    uint8_t version;         // 0..3; this and the size are meaningful when a key picture starts
    uint16_t width;          // [px]
    uint16_t height;         // [px]
};

struct eg_vp8_payload eg__vp8_inspect(const uint8_t *payload, size_t size);

#endif
