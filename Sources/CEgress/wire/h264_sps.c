// The sequence parameter set, ITU-T H.264 §7.3.2.1.1, up to its VUI, in the order and under the names of the standard.
#include "wire/h264.h"
#include "wire/nal_bits.h"

enum {
    SIZE_MAX_PIXELS = 16384,
    MACROBLOCK_SIZE = 16, // [px]
    MACROBLOCKS_MAX = SIZE_MAX_PIXELS / MACROBLOCK_SIZE, // a side
};

// §7.3.2.1.1.1. The engine does not need the list, but its length depends on its values.
static void skip_scaling_list(struct eg_nal_bits *bits, size_t count) {
    int32_t last = 8;
    for (size_t i = 0; i < count && !bits->failed; i++) {
        int32_t delta = eg__nal_read_se(bits);
        bits->failed = bits->failed || delta < -128 || delta > 127;
        int32_t next = bits->failed ? 0 : (last + delta + 256) % 256;
        if (next == 0) return; // the rest repeats the last value
        last = next;
    }
}

static void skip_scaling_matrix(struct eg_nal_bits *bits, uint8_t chroma_format_idc) {
    size_t count = chroma_format_idc == 3 ? 12 : 8;
    for (size_t i = 0; i < count; i++) {
        bool is_present = eg__nal_read_flag(bits);
        if (is_present) skip_scaling_list(bits, i < 6 ? 16 : 64);
    }
}

static bool has_chroma_fields(uint8_t profile_idc) {
    static const uint8_t profiles[] = {100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135};
    for (size_t i = 0; i < sizeof profiles; i++) {
        if (profiles[i] == profile_idc) return true;
    }
    return false;
}

// Returns separate_colour_plane_flag.
static bool read_chroma_fields(struct eg_nal_bits *bits, struct eg_h264_sps *sps) {
    sps->chroma_format_idc = (uint8_t)eg__nal_read_ue(bits, 3);
    bool is_separate = sps->chroma_format_idc == 3 && eg__nal_read_flag(bits);
    sps->bit_depth_luma = (uint8_t)(8 + eg__nal_read_ue(bits, 6));
    eg__nal_read_ue(bits, 6); // bit_depth_chroma_minus8
    eg__nal_read_flag(bits);        // qpprime_y_zero_transform_bypass_flag
    bool has_scaling_matrix = eg__nal_read_flag(bits);
    if (has_scaling_matrix) skip_scaling_matrix(bits, sps->chroma_format_idc);
    return is_separate;
}

static void skip_picture_order_count(struct eg_nal_bits *bits) {
    uint32_t type = eg__nal_read_ue(bits, 2);
    if (type == 0) eg__nal_read_ue(bits, 12); // log2_max_pic_order_cnt_lsb_minus4
    if (type != 1) return;
    eg__nal_read_flag(bits);   // delta_pic_order_always_zero_flag
    eg__nal_read_se(bits); // offset_for_non_ref_pic
    eg__nal_read_se(bits); // offset_for_top_to_bottom_field
    uint32_t count = eg__nal_read_ue(bits, 255);
    for (uint32_t i = 0; i < count && !bits->failed; i++) eg__nal_read_se(bits); // offset_for_ref_frame
}

// What one step of a cropping offset is, in luma samples (§7.4.2.1.1, table 6-1).
static uint32_t crop_unit_x(uint8_t chroma_array_type) { return chroma_array_type == 1 || chroma_array_type == 2 ? 2 : 1; }

static uint32_t crop_unit_y(uint8_t chroma_array_type, bool is_frame_mbs_only) {
    return (chroma_array_type == 1 ? 2U : 1U) * (is_frame_mbs_only ? 1U : 2U);
}

// Subtracts two offsets from a side. Something of the side must be left.
static void read_crop(struct eg_nal_bits *bits, uint32_t *side, uint32_t unit) {
    uint32_t before = eg__nal_read_ue(bits, SIZE_MAX_PIXELS);
    uint32_t after = eg__nal_read_ue(bits, SIZE_MAX_PIXELS);
    uint32_t cropped = (before + after) * unit;
    if (cropped < *side) {
        *side -= cropped;
    } else {
        bits->failed = true;
    }
}

static void read_size(struct eg_nal_bits *bits, struct eg_h264_sps *sps, uint8_t chroma_array_type) {
    sps->width = (eg__nal_read_ue(bits, MACROBLOCKS_MAX - 1) + 1) * MACROBLOCK_SIZE;
    sps->height = (eg__nal_read_ue(bits, MACROBLOCKS_MAX - 1) + 1) * MACROBLOCK_SIZE;
    bool is_frame_mbs_only = eg__nal_read_flag(bits);
    if (!is_frame_mbs_only) {
        sps->height *= 2;  // the rows were those of a field
        eg__nal_read_flag(bits); // mb_adaptive_frame_field_flag
    }
    bits->failed = bits->failed || sps->height > SIZE_MAX_PIXELS;
    eg__nal_read_flag(bits); // direct_8x8_inference_flag
    bool is_cropped = eg__nal_read_flag(bits);
    if (!is_cropped) return;
    read_crop(bits, &sps->width, crop_unit_x(chroma_array_type));
    read_crop(bits, &sps->height, crop_unit_y(chroma_array_type, is_frame_mbs_only));
}

// Reads an SPS up to its id.
static bool read_head(struct eg_nal_bits *bits, struct eg_h264_sps *sps) {
    uint32_t header = eg__nal_read(bits, 8);
    if (bits->failed || (header & 0x1f) != EG_H264_NAL_SPS) return false;
    *sps = (struct eg_h264_sps){.chroma_format_idc = 1, .bit_depth_luma = 8};
    sps->profile_idc = (uint8_t)eg__nal_read(bits, 8);
    sps->constraints = (uint8_t)eg__nal_read(bits, 8);
    sps->level_idc = (uint8_t)eg__nal_read(bits, 8);
    sps->id = (uint8_t)eg__nal_read_ue(bits, EG_H264_SPS_ID_MAX);
    return !bits->failed;
}

bool eg__h264_parse_sps_id(uint8_t *id, const uint8_t *nal, size_t size) {
    struct eg_nal_bits bits = {.bytes = nal, .size = size};
    struct eg_h264_sps sps;
    if (!read_head(&bits, &sps)) return false;
    *id = sps.id;
    return true;
}

bool eg__h264_parse_sps(struct eg_h264_sps *sps, const uint8_t *nal, size_t size) {
    struct eg_nal_bits bits = {.bytes = nal, .size = size};
    if (!read_head(&bits, sps)) return false;
    bool is_separate = has_chroma_fields(sps->profile_idc) && read_chroma_fields(&bits, sps);
    eg__nal_read_ue(&bits, 12); // log2_max_frame_num_minus4
    skip_picture_order_count(&bits);
    eg__nal_read_ue(&bits, 16); // max_num_ref_frames
    eg__nal_read_flag(&bits);         // gaps_in_frame_num_value_allowed_flag
    read_size(&bits, sps, is_separate ? 0 : sps->chroma_format_idc);
    eg__nal_read_flag(&bits); // vui_parameters_present_flag
    return !bits.failed;
}
