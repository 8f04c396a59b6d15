// AV1 in RTP, RTP Payload Format for AV1 v1.0: the aggregation header and the OBUs behind it, and what a sequence header says (AV1 bitstream
// specification §5.5).
#ifndef EG_AV1_H
#define EG_AV1_H

#include "base/base.h"

struct eg_av1_sequence {
    uint8_t profile;           // 0 Main, 1 High, 2 Professional
    uint8_t level_idx;         // of the first operating point, as its tier: 5 is level 3.1
    uint8_t tier;
    uint8_t chroma_format_idc; // 0: monochrome, 1: 4:2:0, 2: 4:2:2, 3: 4:4:4, as H.264 numbers them
    uint32_t width;            // [px] of the largest picture, 1..65,536
    uint32_t height;           // [px]
};

// What one RTP payload holds, as far as the engine needs it.
struct eg_av1_payload {
    bool valid;                // lengths add up, and what begins an OBU can be one
    bool starts_key;           // the first packet of a key picture: the sender says so, and the OBUs do
    struct eg_av1_sequence sequence; // meaningful when it does
};

struct eg_av1_payload eg__av1_inspect(const uint8_t *payload, size_t size);

// Reads a sequence header, without its OBU header. False when it ends early or has impossible values.
bool eg__av1_parse_sequence(struct eg_av1_sequence *sequence, const uint8_t *bytes, size_t size);

#endif
