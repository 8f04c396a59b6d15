// The parameter sets, as far as they say what they are and what a picture looks like, in the order and under the names of ITU-T H.265 §7.3.2, and
// the beginning of a slice segment header (§7.3.6.1).
#include "wire/h265.h"
#include "wire/nal_bits.h"

enum {
    SIZE_MAX_PIXELS = 16384,
    SUB_LAYERS_MINUS_1_MAX = 6, // sps_max_sub_layers_minus1
};

// Gives the type; 0, which is no parameter set's, for a unit of another layer.
static uint8_t read_header(struct eg_nal_bits *bits) {
    eg__nal_read(bits, 1); // forbidden_zero_bit
    uint8_t type = (uint8_t)eg__nal_read(bits, 6);
    uint32_t layer = eg__nal_read(bits, 6);
    eg__nal_read(bits, 3); // nuh_temporal_id_plus1
    return bits->failed || layer != 0 ? 0 : type;
}

// profile_tier_level(), §7.3.3.
static void read_profile_tier_level(struct eg_nal_bits *bits, struct eg_h265_sps *sps, uint32_t sub_layers_minus_1) {
    eg__nal_read(bits, 2); // general_profile_space
    sps->tier = (uint8_t)eg__nal_read(bits, 1);
    sps->profile_idc = (uint8_t)eg__nal_read(bits, 5);
    eg__nal_read(bits, 32); // general_profile_compatibility_flags
    eg__nal_read(bits, 32); // general_progressive_source_flag and what follows, 48 bits in all
    eg__nal_read(bits, 16);
    sps->level_idc = (uint8_t)eg__nal_read(bits, 8);
    bool has_profile[SUB_LAYERS_MINUS_1_MAX] = {0}, has_level[SUB_LAYERS_MINUS_1_MAX] = {0};
    for (uint32_t i = 0; i < sub_layers_minus_1; i++) {
        has_profile[i] = eg__nal_read_flag(bits);
        has_level[i] = eg__nal_read_flag(bits);
    }
    if (sub_layers_minus_1 > 0) eg__nal_read(bits, 2 * (8 - sub_layers_minus_1)); // reserved_zero_2bits
    for (uint32_t i = 0; i < sub_layers_minus_1; i++) {
        for (int byte = 0; has_profile[i] && byte < 11; byte++) eg__nal_read(bits, 8);
        if (has_level[i]) eg__nal_read(bits, 8);
    }
}

// Takes two offsets off a side; they must leave something of it.
static void read_window(struct eg_nal_bits *bits, uint32_t *side, uint32_t unit) {
    uint32_t before = eg__nal_read_ue(bits, SIZE_MAX_PIXELS);
    uint32_t after = eg__nal_read_ue(bits, SIZE_MAX_PIXELS);
    uint32_t cropped = (before + after) * unit;
    if (cropped < *side) *side -= cropped;
    else bits->failed = true;
}

static void read_size(struct eg_nal_bits *bits, struct eg_h265_sps *sps) {
    sps->chroma_format_idc = (uint8_t)eg__nal_read_ue(bits, 3);
    bool is_narrow = sps->chroma_format_idc == 1 || sps->chroma_format_idc == 2; // SubWidthC and SubHeightC, table 6-1
    bool is_low = sps->chroma_format_idc == 1;
    if (sps->chroma_format_idc == 3) eg__nal_read_flag(bits); // separate_colour_plane_flag
    sps->width = eg__nal_read_ue(bits, SIZE_MAX_PIXELS);
    sps->height = eg__nal_read_ue(bits, SIZE_MAX_PIXELS);
    bits->failed = bits->failed || sps->width == 0 || sps->height == 0;
    bool is_cropped = eg__nal_read_flag(bits); // conformance_window_flag
    if (!is_cropped) return;
    read_window(bits, &sps->width, is_narrow ? 2 : 1);
    read_window(bits, &sps->height, is_low ? 2 : 1);
}

// Up to its id, behind the profiles of all its sub-layers.
static bool read_sps_head(struct eg_nal_bits *bits, struct eg_h265_sps *sps) {
    *sps = (struct eg_h265_sps){.vps_id = (uint8_t)eg__nal_read(bits, 4)};
    uint32_t sub_layers_minus_1 = eg__nal_read(bits, 3);
    if (sub_layers_minus_1 > SUB_LAYERS_MINUS_1_MAX) return false;
    eg__nal_read_flag(bits); // sps_temporal_id_nesting_flag
    read_profile_tier_level(bits, sps, sub_layers_minus_1);
    sps->id = (uint8_t)eg__nal_read_ue(bits, EG_H265_SPS_ID_MAX);
    return !bits->failed;
}

bool eg__h265_parse_sps(struct eg_h265_sps *sps, const uint8_t *nal, size_t size) {
    struct eg_nal_bits bits = {.bytes = nal, .size = size};
    if (read_header(&bits) != EG_H265_NAL_SPS || !read_sps_head(&bits, sps)) return false;
    read_size(&bits, sps);
    sps->bit_depth_luma = (uint8_t)(8 + eg__nal_read_ue(&bits, 8));
    return !bits.failed;
}

bool eg__h265_parse_set(struct eg_h265_set *set, const uint8_t *nal, size_t size) {
    struct eg_nal_bits bits = {.bytes = nal, .size = size};
    struct eg_h265_sps sps;
    *set = (struct eg_h265_set){.type = read_header(&bits)};
    switch (set->type) {
    case EG_H265_NAL_VPS:
        set->id = (uint8_t)eg__nal_read(&bits, 4);
        return !bits.failed;
    case EG_H265_NAL_SPS:
        if (!read_sps_head(&bits, &sps)) return false;
        set->id = sps.id;
        set->parent_id = sps.vps_id;
        return true;
    case EG_H265_NAL_PPS:
        set->id = (uint8_t)eg__nal_read_ue(&bits, EG_H265_PPS_ID_MAX);
        set->parent_id = (uint8_t)eg__nal_read_ue(&bits, EG_H265_SPS_ID_MAX);
        return !bits.failed;
    default:
        return false;
    }
}

uint16_t eg__h265_pps_id_of_slice(const uint8_t *header, size_t size) {
    struct eg_nal_bits bits = {.bytes = header, .size = size};
    eg__nal_read_flag(&bits); // first_slice_segment_in_pic_flag
    eg__nal_read_flag(&bits); // no_output_of_prior_pics_flag, of random access pictures alone
    uint32_t id = eg__nal_read_ue(&bits, EG_H265_PPS_ID_MAX);
    return bits.failed ? EG_H265_NO_PPS : (uint16_t)id;
}
