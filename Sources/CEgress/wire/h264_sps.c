// The sequence parameter set, ITU-T H.264 §7.3.2.1.1, up to its VUI, in the order and under the names of the standard.
#include "wire/h264.h"

enum {
    SIZE_MAX_PIXELS = 16384,
    MACROBLOCK_SIZE = 16, // [px]
    MACROBLOCKS_MAX = SIZE_MAX_PIXELS / MACROBLOCK_SIZE, // a side
};

// Reads bits of a NAL unit, leaving out the emulation prevention bytes (§7.4.1). Past the end it gives zeros and has failed.
struct bits {
    const uint8_t *bytes;
    size_t size;    // [B]
    size_t at;      // [B] the next to take
    unsigned zeros; // bytes of zero just before it
    uint8_t byte;
    unsigned left;  // bits of `byte`
    bool failed;
};

static void take_byte(struct bits *bits) {
    bool is_emulation_prevention = bits->at < bits->size && bits->zeros >= 2 && bits->bytes[bits->at] == 3;
    if (is_emulation_prevention) {
        bits->at++;
        bits->zeros = 0;
    }
    bits->failed = bits->failed || bits->at >= bits->size;
    bits->byte = bits->failed ? 0 : bits->bytes[bits->at++];
    bits->zeros = bits->byte == 0 ? bits->zeros + 1 : 0;
    bits->left = 8;
}

static uint32_t read_bits(struct bits *bits, unsigned count) {
    uint32_t value = 0;
    for (unsigned i = 0; i < count; i++) {
        if (bits->left == 0) take_byte(bits);
        bits->left--;
        value = value << 1 | (bits->byte >> bits->left & 1U);
    }
    return value;
}

static bool read_flag(struct bits *bits) { return read_bits(bits, 1) != 0; }

// ue(v), §9.1, which must be at most `max`; else the reader has failed, so that no value out of its range is ever worked with. No field
// here comes near 2^32, so 31 zeros are the most that are followed.
static uint32_t read_unsigned(struct bits *bits, uint32_t max) {
    unsigned zeros = 0;
    while (zeros < 32 && !bits->failed && !read_flag(bits)) zeros++;
    bits->failed = bits->failed || zeros > 31;
    if (bits->failed) return 0;
    uint32_t value = (uint32_t)((UINT64_C(1) << zeros) - 1) + read_bits(bits, zeros);
    bits->failed = bits->failed || value > max;
    return bits->failed ? 0 : value;
}

// se(v), §9.1.1, of any size that fits.
static int32_t read_signed(struct bits *bits) {
    uint32_t code = read_unsigned(bits, UINT32_MAX - 1);
    int32_t magnitude = (int32_t)((code + 1) / 2);
    return code % 2 == 1 ? magnitude : -magnitude;
}

// §7.3.2.1.1.1. The list itself is nothing to us, but how long it is depends on its values.
static void skip_scaling_list(struct bits *bits, size_t count) {
    int32_t last = 8;
    for (size_t i = 0; i < count && !bits->failed; i++) {
        int32_t delta = read_signed(bits);
        bits->failed = bits->failed || delta < -128 || delta > 127;
        int32_t next = bits->failed ? 0 : (last + delta + 256) % 256;
        if (next == 0) return; // the rest repeats the last value
        last = next;
    }
}

static void skip_scaling_matrix(struct bits *bits, uint8_t chroma_format_idc) {
    size_t count = chroma_format_idc == 3 ? 12 : 8;
    for (size_t i = 0; i < count; i++) {
        bool is_present = read_flag(bits);
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

// Gives separate_colour_plane_flag.
static bool read_chroma_fields(struct bits *bits, struct eg_h264_sps *sps) {
    sps->chroma_format_idc = (uint8_t)read_unsigned(bits, 3);
    bool is_separate = sps->chroma_format_idc == 3 && read_flag(bits);
    sps->bit_depth_luma = (uint8_t)(8 + read_unsigned(bits, 6));
    read_unsigned(bits, 6); // bit_depth_chroma_minus8
    read_flag(bits);        // qpprime_y_zero_transform_bypass_flag
    bool has_scaling_matrix = read_flag(bits);
    if (has_scaling_matrix) skip_scaling_matrix(bits, sps->chroma_format_idc);
    return is_separate;
}

static void skip_picture_order_count(struct bits *bits) {
    uint32_t type = read_unsigned(bits, 2);
    if (type == 0) read_unsigned(bits, 12); // log2_max_pic_order_cnt_lsb_minus4
    if (type != 1) return;
    read_flag(bits);   // delta_pic_order_always_zero_flag
    read_signed(bits); // offset_for_non_ref_pic
    read_signed(bits); // offset_for_top_to_bottom_field
    uint32_t count = read_unsigned(bits, 255);
    for (uint32_t i = 0; i < count && !bits->failed; i++) read_signed(bits); // offset_for_ref_frame
}

// What one step of a cropping offset is, in luma samples (§7.4.2.1.1, table 6-1).
static uint32_t crop_unit_x(uint8_t chroma_array_type) { return chroma_array_type == 1 || chroma_array_type == 2 ? 2 : 1; }

static uint32_t crop_unit_y(uint8_t chroma_array_type, bool is_frame_mbs_only) {
    return (chroma_array_type == 1 ? 2U : 1U) * (is_frame_mbs_only ? 1U : 2U);
}

// Takes two offsets off a side; they must leave something of it.
static void read_crop(struct bits *bits, uint32_t *side, uint32_t unit) {
    uint32_t before = read_unsigned(bits, SIZE_MAX_PIXELS);
    uint32_t after = read_unsigned(bits, SIZE_MAX_PIXELS);
    uint32_t cropped = (before + after) * unit;
    if (cropped < *side) {
        *side -= cropped;
    } else {
        bits->failed = true;
    }
}

static void read_size(struct bits *bits, struct eg_h264_sps *sps, uint8_t chroma_array_type) {
    sps->width = (read_unsigned(bits, MACROBLOCKS_MAX - 1) + 1) * MACROBLOCK_SIZE;
    sps->height = (read_unsigned(bits, MACROBLOCKS_MAX - 1) + 1) * MACROBLOCK_SIZE;
    bool is_frame_mbs_only = read_flag(bits);
    if (!is_frame_mbs_only) {
        sps->height *= 2;  // the rows were those of a field
        read_flag(bits); // mb_adaptive_frame_field_flag
    }
    bits->failed = bits->failed || sps->height > SIZE_MAX_PIXELS;
    read_flag(bits); // direct_8x8_inference_flag
    bool is_cropped = read_flag(bits);
    if (!is_cropped) return;
    read_crop(bits, &sps->width, crop_unit_x(chroma_array_type));
    read_crop(bits, &sps->height, crop_unit_y(chroma_array_type, is_frame_mbs_only));
}

bool eg__h264_parse_sps(struct eg_h264_sps *sps, const uint8_t *nal, size_t size) {
    struct bits bits = {.bytes = nal, .size = size};
    uint32_t header = read_bits(&bits, 8);
    if (bits.failed || (header & 0x1f) != EG_H264_NAL_SPS) return false;
    *sps = (struct eg_h264_sps){.chroma_format_idc = 1, .bit_depth_luma = 8};
    sps->profile_idc = (uint8_t)read_bits(&bits, 8);
    sps->constraints = (uint8_t)read_bits(&bits, 8);
    sps->level_idc = (uint8_t)read_bits(&bits, 8);
    read_unsigned(&bits, 31); // seq_parameter_set_id
    bool is_separate = has_chroma_fields(sps->profile_idc) && read_chroma_fields(&bits, sps);
    read_unsigned(&bits, 12); // log2_max_frame_num_minus4
    skip_picture_order_count(&bits);
    read_unsigned(&bits, 16); // max_num_ref_frames
    read_flag(&bits);         // gaps_in_frame_num_value_allowed_flag
    read_size(&bits, sps, is_separate ? 0 : sps->chroma_format_idc);
    read_flag(&bits); // vui_parameters_present_flag
    return !bits.failed;
}
