// H.265 in RTP, RFC 7798: which NAL units a payload holds, what an SPS says about profile, level and size, and which parameter set refers to which.
#ifndef EG_H265_H
#define EG_H265_H

#include "wire/nal.h"

enum eg_h265_nal {
    EG_H265_NAL_TRAIL = 1,
    EG_H265_NAL_BLA_W_LP = 16, // the first of the random access pictures ...
    EG_H265_NAL_IDR_W_RADL = 19,
    EG_H265_NAL_CRA = 21,      // ... and the last
    EG_H265_NAL_VPS = 32,
    EG_H265_NAL_SPS = 33,
    EG_H265_NAL_PPS = 34,
    EG_H265_NAL_AP = 48,
    EG_H265_NAL_FU = 49,
};

enum {
    EG_H265_NAL_HEADER_SIZE = 2, // [B]
    EG_H265_VPS_ID_MAX = 15,     // ITU-T H.265 §7.4.3.1
    EG_H265_SPS_ID_MAX = 15,     // §7.4.3.2.1
    EG_H265_PPS_ID_MAX = 63,     // §7.4.3.3.1
    EG_H265_NO_PPS = 64,         // instead of an id
};

// What one RTP payload holds, as far as the engine needs it.
//
// A random access picture is an IDR, a BLA or a CRA. Pictures that follow one in the order of decoding and of display need nothing from
// before it. Pictures that are displayed before a CRA or BLA may (RASL pictures); a decoder that begins there leaves them out (§8.1.3). Only
// senders that show pictures in another order than they send them have any, and browsers can't play those.
struct eg_h265_payload {
    bool valid;            // lengths add up: single NAL unit, AP or FU; PACI and reserved types are not
    bool has_irap;         // a slice of a random access picture, or a fragment of one
    bool starts_irap;      // its first byte is here
    bool has_vps;          // a whole VPS
    bool has_sets;         // a VPS, SPS or PPS, or a fragment of one
    uint16_t pps_id;       // that the first such slice to start here names; EG_H265_NO_PPS: none starts, or its header can't be read
};

struct eg_h265_payload eg__h265_inspect(const uint8_t *payload, size_t size);

// The whole NAL units of a valid payload.
struct eg_nal_units eg__h265_units(const uint8_t *payload, size_t size);

// False when a valid payload is not a fragment.
bool eg__h265_parse_fragment(struct eg_nal_fragment *fragment, const uint8_t *payload, size_t size);

struct eg_h265_sps {
    uint8_t id;
    uint8_t vps_id;            // of the VPS that it belongs to
    uint8_t profile_idc;       // general_profile_idc: 1 Main, 2 Main 10
    uint8_t tier;              // 1: High
    uint8_t level_idc;         // 30 times the level
    uint8_t chroma_format_idc; // 1: 4:2:0
    uint8_t bit_depth_luma;
    uint32_t width;            // [px] after cropping
    uint32_t height;           // [px]
};

// Reads an SPS NAL unit of the base layer (its header included, emulation prevention still in it), ITU-T H.265 §7.3.2.2.1.
// False when it ends early or has impossible values (sizes over 16,384).
bool eg__h265_parse_sps(struct eg_h265_sps *sps, const uint8_t *nal, size_t size);

// A parameter set of the base layer and the one that it belongs to.
struct eg_h265_set {
    uint8_t type;      // EG_H265_NAL_VPS, SPS or PPS
    uint8_t id;
    uint8_t parent_id; // of an SPS its VPS, of a PPS its SPS
};

// Reads the beginning of a parameter set; its rest may be anything. False when it is not a parameter set, or its ids are out of range.
bool eg__h265_parse_set(struct eg_h265_set *set, const uint8_t *nal, size_t size);

// The PPS that a random access picture's slice names, read from what follows the NAL unit's header. EG_H265_NO_PPS when the id is out of range.
uint16_t eg__h265_pps_id_of_slice(const uint8_t *header, size_t size);

#endif
