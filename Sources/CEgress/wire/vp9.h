// VP9 in RTP, RFC 9628: the descriptor in front of a payload, and the uncompressed header of a key picture (VP9 bitstream specification §6.2).
//
// The P bit says that a picture refers to others. Not every sender sets it (FFmpeg never does), and Chromium takes a picture without it for a key
// picture; so which pictures are key pictures is read from the bitstream.
#ifndef EG_VP9_H
#define EG_VP9_H

#include "base/base.h"

// What one RTP payload holds, as far as the engine needs it.
struct eg_vp9_payload {
    bool valid;          // the descriptor and something behind it are there; what begins a picture begins as VP9 does
    bool starts_key;     // the first packet of a key picture
    bool may_mark_inter; // its P bit can be set without any other change. In flexible mode it can't: that bit goes with fields, and is the sender's
    uint8_t profile;     // 0..3; this and the rest are meaningful when a key picture starts
    uint8_t chroma_format_idc; // 1: 4:2:0, 2: 4:2:2, 3: 4:4:4, as H.264 numbers them; 0: 4:4:0, which has no number there
    uint32_t width;      // [px] 1..65,536
    uint32_t height;     // [px]
};

struct eg_vp9_payload eg__vp9_inspect(const uint8_t *payload, size_t size);

enum { EG_VP9_P = 0x40 }; // in a payload's first byte

#endif
