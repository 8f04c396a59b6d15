// H.264 in RTP, RFC 6184: which NAL units a payload holds, and what an SPS says of profile, level and size.
#ifndef EG_H264_H
#define EG_H264_H

#include "base/base.h"

enum eg_h264_nal {
    EG_H264_NAL_SLICE = 1,
    EG_H264_NAL_IDR = 5,
    EG_H264_NAL_SEI = 6,
    EG_H264_NAL_SPS = 7,
    EG_H264_NAL_PPS = 8,
    EG_H264_NAL_STAP_A = 24,
    EG_H264_NAL_FU_A = 28,
};

// What one RTP payload holds of what we care about. The pointers borrow from the payload.
struct eg_h264_payload {
    bool valid;            // lengths add up: single NAL, STAP-A or FU-A; others (STAP-B, MTAP, FU-B: never in packetization-mode 1) are not
    bool has_idr;          // an IDR slice, or a fragment of one
    bool starts_idr;       // an IDR slice's first byte is here: a single NAL, in a STAP-A, or an FU-A with its start bit
    bool has_slice;        // a slice of another picture
    const uint8_t *sps;    // the first whole SPS, NULL when none
    size_t sps_size;       // [B]
    const uint8_t *pps;    // the first whole PPS
    size_t pps_size;       // [B]
};

struct eg_h264_payload eg__h264_inspect(const uint8_t *payload, size_t size);

struct eg_h264_sps {
    uint8_t profile_idc;
    uint8_t constraints;       // the byte of constraint_set flags (profile-iop)
    uint8_t level_idc;
    uint8_t chroma_format_idc; // 1: 4:2:0
    uint8_t bit_depth_luma;
    uint32_t width;            // [px] after cropping
    uint32_t height;           // [px]
};

// Reads an SPS NAL unit (its header byte included, emulation prevention still in it), ITU-T H.264 §7.3.2.1.1.
// False when it ends early or says something impossible (sizes over 16,384).
bool eg__h264_parse_sps(struct eg_h264_sps *sps, const uint8_t *nal, size_t size);

#endif
