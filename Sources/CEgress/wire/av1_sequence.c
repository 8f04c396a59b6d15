// The sequence header, AV1 bitstream specification §5.5, up to its colours, in the order and under the names of the specification.
#include "wire/av1.h"
#include "wire/bit_reader.h"

enum {
    PROFILE_MAX = 2,
    LEVEL_WITH_TIER = 8, // lower ones have no tier
    SELECT = 2,          // SELECT_SCREEN_CONTENT_TOOLS: each frame says for itself
    CP_BT_709 = 1,
    TC_SRGB = 13,
    MC_IDENTITY = 0,
    UVLC_ZEROS_MAX = 32,
};

// §4.10.3. Its value is nothing to us.
static void skip_uvlc(struct eg_bit_reader *bits) {
    unsigned zeros = 0;
    while (zeros < UVLC_ZEROS_MAX && !bits->failed && !eg__bits_read_flag(bits)) zeros++;
    if (zeros < UVLC_ZEROS_MAX) eg__bits_read(bits, zeros);
}

// timing_info() and decoder_model_info(). Gives the size of the decoder model's delays, 0 without one.
static unsigned read_timing(struct eg_bit_reader *bits) {
    eg__bits_read(bits, 32); // num_units_in_display_tick
    eg__bits_read(bits, 32); // time_scale
    bool is_equal = eg__bits_read_flag(bits);
    if (is_equal) skip_uvlc(bits);
    bool has_decoder_model = eg__bits_read_flag(bits);
    if (!has_decoder_model) return 0;
    unsigned delay_bits = eg__bits_read(bits, 5) + 1;
    eg__bits_read(bits, 32); // num_units_in_decoding_tick
    eg__bits_read(bits, 10); // buffer_removal_time_length_minus_1, frame_presentation_time_length_minus_1
    return delay_bits;
}

static void read_operating_point(struct eg_bit_reader *bits, unsigned delay_bits, bool has_display_delay, uint8_t *level_idx, uint8_t *tier) {
    eg__bits_read(bits, 12); // operating_point_idc
    *level_idx = (uint8_t)eg__bits_read(bits, 5);
    *tier = *level_idx >= LEVEL_WITH_TIER ? (uint8_t)eg__bits_read(bits, 1) : 0;
    bool has_model = delay_bits > 0 && eg__bits_read_flag(bits);
    if (has_model) {
        eg__bits_read(bits, delay_bits); // decoder_buffer_delay
        eg__bits_read(bits, delay_bits); // encoder_buffer_delay
        eg__bits_read_flag(bits);        // low_delay_mode_flag
    }
    bool has_delay = has_display_delay && eg__bits_read_flag(bits);
    if (has_delay) eg__bits_read(bits, 4);
}

static void read_operating_points(struct eg_bit_reader *bits, struct eg_av1_sequence *sequence) {
    bool has_timing = eg__bits_read_flag(bits);
    unsigned delay_bits = has_timing ? read_timing(bits) : 0;
    bool has_display_delay = eg__bits_read_flag(bits);
    unsigned count = eg__bits_read(bits, 5) + 1;
    for (unsigned i = 0; i < count && !bits->failed; i++) {
        uint8_t level_idx, tier;
        read_operating_point(bits, delay_bits, has_display_delay, &level_idx, &tier);
        if (i > 0) continue;
        sequence->level_idx = level_idx;
        sequence->tier = tier;
    }
}

static void read_size(struct eg_bit_reader *bits, struct eg_av1_sequence *sequence) {
    unsigned width_bits = eg__bits_read(bits, 4) + 1;
    unsigned height_bits = eg__bits_read(bits, 4) + 1;
    sequence->width = eg__bits_read(bits, width_bits) + 1;
    sequence->height = eg__bits_read(bits, height_bits) + 1;
}

// The tools of inter prediction, which a still picture has none of.
static void skip_inter_tools(struct eg_bit_reader *bits) {
    eg__bits_read(bits, 4); // enable_interintra_compound, enable_masked_compound, enable_warped_motion, enable_dual_filter
    bool has_order_hint = eg__bits_read_flag(bits);
    if (has_order_hint) eg__bits_read(bits, 2); // enable_jnt_comp, enable_ref_frame_mvs
    bool chooses_screen_content = eg__bits_read_flag(bits);
    uint32_t screen_content = chooses_screen_content ? SELECT : eg__bits_read(bits, 1);
    bool chooses_integer_mv = screen_content > 0 && eg__bits_read_flag(bits);
    if (screen_content > 0 && !chooses_integer_mv) eg__bits_read_flag(bits); // seq_force_integer_mv
    if (has_order_hint) eg__bits_read(bits, 3);                              // order_hint_bits_minus_1
}

static void skip_tools(struct eg_bit_reader *bits, bool is_reduced) {
    bool has_frame_ids = !is_reduced && eg__bits_read_flag(bits);
    if (has_frame_ids) eg__bits_read(bits, 7); // delta_frame_id_length_minus_2, additional_frame_id_length_minus_1
    eg__bits_read(bits, 3);                    // use_128x128_superblock, enable_filter_intra, enable_intra_edge_filter
    if (!is_reduced) skip_inter_tools(bits);
    eg__bits_read(bits, 3); // enable_superres, enable_cdef, enable_restoration
}

// color_config(), §5.5.2. Gives chroma_format_idc.
static uint8_t read_chroma(struct eg_bit_reader *bits, uint8_t profile) {
    static const uint8_t chroma[2][2] = {{3, 3}, {2, 1}}; // by subsampling_x and subsampling_y, which is never set alone
    bool is_high = eg__bits_read_flag(bits);
    bool is_12_bits = profile == 2 && is_high && eg__bits_read_flag(bits);
    bool is_mono = profile != 1 && eg__bits_read_flag(bits);
    bool has_description = eg__bits_read_flag(bits);
    uint32_t description = has_description ? eg__bits_read(bits, 24) : 0;
    if (is_mono) return 0;
    bool is_rgb = has_description && description == (CP_BT_709 << 16 | TC_SRGB << 8 | MC_IDENTITY);
    if (is_rgb) return 3;
    eg__bits_read_flag(bits); // color_range
    if (profile == 0) return 1;
    if (profile == 1) return 3;
    bool x = is_12_bits ? eg__bits_read_flag(bits) : true;
    bool y = is_12_bits && x && eg__bits_read_flag(bits);
    return chroma[x][y];
}

bool eg__av1_parse_sequence(struct eg_av1_sequence *sequence, const uint8_t *bytes, size_t size) {
    struct eg_bit_reader bits = eg__bit_reader(bytes, size);
    *sequence = (struct eg_av1_sequence){.profile = (uint8_t)eg__bits_read(&bits, 3)};
    eg__bits_read_flag(&bits); // still_picture
    bool is_reduced = eg__bits_read_flag(&bits);
    if (is_reduced) sequence->level_idx = (uint8_t)eg__bits_read(&bits, 5);
    else read_operating_points(&bits, sequence);
    read_size(&bits, sequence);
    skip_tools(&bits, is_reduced);
    sequence->chroma_format_idc = read_chroma(&bits, sequence->profile);
    return !bits.failed && sequence->profile <= PROFILE_MAX;
}
