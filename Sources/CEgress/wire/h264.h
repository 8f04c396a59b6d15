// H.264 in RTP, RFC 6184: which NAL units a payload holds, what an SPS says about profile, level and size, and which parameter set refers to which.
#ifndef EG_H264_H
#define EG_H264_H

#include "wire/nal.h"

enum eg_h264_nal {
    EG_H264_NAL_SLICE = 1,
    EG_H264_NAL_IDR = 5,
    EG_H264_NAL_SEI = 6,
    EG_H264_NAL_SPS = 7,
    EG_H264_NAL_PPS = 8,
    EG_H264_NAL_STAP_A = 24,
    EG_H264_NAL_FU_A = 28,
};

enum {
    EG_H264_SPS_ID_MAX = 31,  // ITU-T H.264 §7.4.2.1.1
    EG_H264_PPS_ID_MAX = 255, // §7.4.2.2
    EG_H264_NO_PPS = 256,     // instead of an id
};

// What one RTP payload holds, as far as the engine needs it.
struct eg_h264_payload {
    bool valid;            // lengths add up: single NAL, STAP-A or FU-A; others (STAP-B, MTAP, FU-B: never in packetization-mode 1) are not
    bool has_idr;          // an IDR slice, or a fragment of one
    bool starts_idr;       // an IDR slice's first byte is here: a single NAL, in a STAP-A, or an FU-A with its start bit
    bool has_slice;        // a slice of another picture
    bool has_sps;          // a whole SPS
    bool has_sets;         // an SPS or a PPS, or a fragment of one
    uint16_t pps_id;       // named by the first IDR slice that starts here; EG_H264_NO_PPS: none starts, or its header can't be read
};

struct eg_h264_payload eg__h264_inspect(const uint8_t *payload, size_t size);

// The whole NAL units of a valid payload.
struct eg_nal_units eg__h264_units(const uint8_t *payload, size_t size);

// False when a valid payload is no fragment.
bool eg__h264_parse_fragment(struct eg_nal_fragment *fragment, const uint8_t *payload, size_t size);

struct eg_h264_sps {
    uint8_t id;
    uint8_t profile_idc;
    uint8_t constraints;       // the byte of constraint_set flags (profile-iop)
    uint8_t level_idc;
    uint8_t chroma_format_idc; // 1: 4:2:0
    uint8_t bit_depth_luma;
    uint32_t width;            // [px] after cropping
    uint32_t height;           // [px]
};

// Reads an SPS NAL unit (its header byte included, emulation prevention still in it), ITU-T H.264 §7.3.2.1.1.
// False when it ends early or has impossible values (sizes over 16,384).
bool eg__h264_parse_sps(struct eg_h264_sps *sps, const uint8_t *nal, size_t size);

// Reads only the id of an SPS, whatever the rest is. False when it has no id up to 31.
bool eg__h264_parse_sps_id(uint8_t *id, const uint8_t *nal, size_t size);

struct eg_h264_pps {
    uint8_t id;
    uint8_t sps_id; // of the SPS that the PPS belongs to
};

// Reads the beginning of a PPS NAL unit. False when its ids are out of range.
bool eg__h264_parse_pps(struct eg_h264_pps *pps, const uint8_t *nal, size_t size);

// The PPS that a slice names, read from what follows the NAL unit's first byte. EG_H264_NO_PPS when the id is out of range.
uint16_t eg__h264_pps_id_of_slice(const uint8_t *header, size_t size);

#endif
