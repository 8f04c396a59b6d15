#include "support/check.h"
#include "support/exact_copy.h"
#include "support/h264_writer.h"
#include "wire/h264.h"

#include <stdlib.h>
#include <string.h>

static struct eg_h264_payload inspect(const char *hex) {
    static uint8_t bytes[256]; // what is found borrows from it
    return eg__h264_inspect(bytes, eg_hex(hex, bytes, sizeof bytes));
}

struct payload_row {
    const char *payload;
    bool valid, has_idr, starts_idr, has_slice, has_sps, has_sets;
};

static const struct payload_row payload_rows[] = {
    {"", false, false, false, false, false, false},
    // Single NAL units.
    {"65 88", true, true, true, false, false, false},
    {"65", true, true, true, false, false, false},
    {"41 9a", true, false, false, true, false, false},
    {"01", true, false, false, true, false, false}, // nal_ref_idc 0
    {"02", true, false, false, true, false, false}, // data partition A
    {"04", true, false, false, true, false, false}, // data partition C
    {"06 05", true, false, false, false, false, false},
    {"09 f0", true, false, false, false, false, false}, // access unit delimiter
    {"17", true, false, false, false, false, false},
    {"67 42c01e", true, false, false, false, true, true},
    {"67 42c0", true, false, false, false, false, true}, // too short to be an SPS
    {"68 ce", true, false, false, false, false, true},
    {"60", false, false, false, false, false, false}, // type 0
    {"7e", false, false, false, false, false, false}, // type 30
    {"7f", false, false, false, false, false, false},
    // What packetization-mode 1 never has: STAP-B, MTAP16, MTAP24, FU-B.
    {"79 0000 0001 41", false, false, false, false, false, false},
    {"7a 0000 0004 00 0000 41", false, false, false, false, false, false},
    {"7b 0000 0005 00 000000 41", false, false, false, false, false, false},
    {"7d 85 0000 00", false, false, false, false, false, false},
    // STAP-A.
    {"78 0004 6742c01e 0002 68ce", true, false, false, false, true, true},
    {"78 0002 68ce 0004 6742c01e 0001 65", true, true, true, false, true, true},
    {"78 0001 41", true, false, false, true, false, false},
    {"78", false, false, false, false, false, false},
    {"78 00", false, false, false, false, false, false},
    {"78 0001", false, false, false, false, false, false},
    {"78 0000", false, false, false, false, false, false},
    {"78 0002 65", false, false, false, false, false, false},
    {"78 0001 65 00", false, false, false, false, false, false},
    {"78 0001 65 0000", false, false, false, false, false, false},
    {"78 0001 65 ffff 65", false, false, false, false, false, false},
    {"78 0003 78 0001", false, false, false, false, false, false}, // an aggregate in an aggregate
    {"78 0002 7c85", false, false, false, false, false, false},    // a fragment in an aggregate
    // FU-A.
    {"7c 85 88", true, true, true, false, false, false},
    {"7c 05 88", true, true, false, false, false, false},
    {"7c 45 88", true, true, false, false, false, false},
    {"7c 25 88", true, true, false, false, false, false}, // the reserved bit is ignored
    {"7c 81 9a", true, false, false, true, false, false},
    {"7c 01 9a", true, false, false, true, false, false},
    {"7c 41 9a", true, false, false, true, false, false},
    {"7c 41", true, false, false, true, false, false}, // a fragment may be empty
    {"7c 87 42c01e", true, false, false, false, false, true}, // a fragment of an SPS is no SPS
    {"7c 08 ce", true, false, false, false, false, true},
    {"7c", false, false, false, false, false, false},
    {"7c c5 88", false, false, false, false, false, false}, // first and last
    {"7c 80 88", false, false, false, false, false, false},
    {"7c 98 88", false, false, false, false, false, false}, // a fragmented STAP-A
    {"7c 9c 88", false, false, false, false, false, false},
};

static void tells_what_a_payload_holds(struct eg_check *check) {
    for (size_t i = 0; i < sizeof payload_rows / sizeof payload_rows[0]; i++) {
        const struct payload_row *row = &payload_rows[i];
        struct eg_h264_payload found = inspect(row->payload);
        CHECK_ROW(found.valid == row->valid, i);
        CHECK_ROW(found.has_idr == row->has_idr, i);
        CHECK_ROW(found.starts_idr == row->starts_idr, i);
        CHECK_ROW(found.has_slice == row->has_slice, i);
        CHECK_ROW(found.has_sps == row->has_sps, i);
        CHECK_ROW(found.has_sets == row->has_sets, i);
    }
}

static void gives_every_unit_of_a_payload_in_turn(struct eg_check *check) {
    const uint8_t payload[] = {0x78, 0, 2, 0x67, 0x42, 0, 5, 0x67, 1, 2, 3, 4, 0, 2, 0x68, 8, 0, 3, 0x68, 9, 9};
    static const struct {
        size_t at, size;
    } rows[] = {{3, 2}, {7, 5}, {14, 2}, {18, 3}};
    struct eg_nal_units units = eg__h264_units(payload, sizeof payload);
    const uint8_t *nal;
    size_t size;
    for (size_t i = 0; i < 4; i++) {
        REQUIRE(eg__nal_next_unit(&units, &nal, &size));
        CHECK_ROW(nal == payload + rows[i].at && size == rows[i].size, i);
    }
    CHECK(!eg__nal_next_unit(&units, &nal, &size));
    // One that stands alone is the payload; a fragment has no whole ones.
    units = eg__h264_units(payload + 7, 5);
    CHECK(eg__nal_next_unit(&units, &nal, &size) && nal == payload + 7 && size == 5);
    CHECK(!eg__nal_next_unit(&units, &nal, &size));
    const uint8_t fragment[] = {0x7c, 0x87, 0x42};
    units = eg__h264_units(fragment, sizeof fragment);
    CHECK(!eg__nal_next_unit(&units, &nal, &size));
    struct eg_nal_fragment part;
    CHECK(eg__h264_parse_fragment(&part, fragment, sizeof fragment));
    CHECK(part.header_size == 1 && part.header[0] == 0x67 && part.is_start && !part.is_end && part.bytes == fragment + 2 && part.size == 1);
    CHECK(!eg__h264_parse_fragment(&part, payload, sizeof payload));
}

static void believes_nothing_of_a_stap_a_that_is_cut(struct eg_check *check) {
    const uint8_t payload[] = {0x78, 0, 4, 0x67, 0x42, 0xc0, 0x1e, 0, 2, 0x68, 0xce, 0, 2, 0x65, 0x88};
    for (size_t size = 0; size < sizeof payload; size++) {
        uint8_t *cut = exact_copy(payload, size);
        struct eg_h264_payload found = eg__h264_inspect(cut, size);
        bool is_between_units = size == 7 || size == 11;
        CHECK_ROW(found.valid == is_between_units, size);
        CHECK_ROW(found.valid || (!found.has_sps && !found.has_sets && !found.has_idr), size);
        CHECK_ROW(!found.has_idr, size);
        free(cut);
    }
}

struct sps_row {
    const char *nal;
    uint8_t profile_idc, constraints, level_idc, chroma_format_idc, bit_depth;
    uint32_t width, height;
};

// As libx264 writes them. Sizes that are no multiple of 16 are cropped.
static const struct sps_row sps_rows[] = {
    {"6742c01ed900a02ff970110000030001000003003c0f162e48", 66, 0xc0, 30, 1, 8, 640, 360},
    {"674d401eeca05017fcb80880000003008000001e078b16cb", 77, 0x40, 30, 1, 8, 640, 360},
    {"6764001eacd940a02ff970110000030001000003003c0f162d96", 100, 0, 30, 1, 8, 640, 360},
    {"6742c01fd9005005bb0110000003001000000303c0f1832480", 66, 0xc0, 31, 1, 8, 1280, 720},
    {"674d401feca02802dd8088000003000800000301e078c18cb0", 77, 0x40, 31, 1, 8, 1280, 720},
    {"6764001facd9405005bb0110000003001000000303c0f1831960", 100, 0, 31, 1, 8, 1280, 720},
    {"6742c028d900780227e5c044000003000400000300f03c60c920", 66, 0xc0, 40, 1, 8, 1920, 1080},
    {"674d4028eca03c0113f2e022000003000200000300781e30632c", 77, 0x40, 40, 1, 8, 1920, 1080},
    {"67640028acd940780227e5c044000003000400000300f03c60c658", 100, 0, 40, 1, 8, 1920, 1080},
    {"67640028acd94078044fde0220000003002000000783e2c5b2c0", 100, 0, 40, 1, 8, 1920, 1080},      // fields
    {"676e0028a6cd940780227e5c0440000003004000000f03c60c6580", 110, 0, 40, 1, 10, 1920, 1080},   // 10 bits
    {"677a0028bcd940780227a8bc0440000003004000000f03c60c6580", 122, 0, 40, 2, 8, 1918, 1078},    // 4:2:2
    {"67f4001e919b281405fd456022000003000200000300781e2c5b2c", 244, 0, 30, 3, 8, 639, 359},      // 4:4:4
    {"6764001ef3650280bfe27016c8000003000800000301e078b16cb0", 100, 0, 30, 0, 8, 640, 360},      // monochrome
    {"6742c00ad91f8888c044000003000400000300f03c489920", 66, 0xc0, 10, 1, 8, 2, 2},
    {"6742c034d9001000121b0110000003001000000303c0f1832480", 66, 0xc0, 52, 1, 8, 4096, 2304},
};

static void reads_what_an_encoder_writes(struct eg_check *check) {
    for (size_t i = 0; i < sizeof sps_rows / sizeof sps_rows[0]; i++) {
        const struct sps_row *row = &sps_rows[i];
        uint8_t nal[64];
        size_t size = eg_hex(row->nal, nal, sizeof nal);
        struct eg_h264_sps sps;
        REQUIRE(eg__h264_parse_sps(&sps, nal, size));
        CHECK_ROW(sps.profile_idc == row->profile_idc, i);
        CHECK_ROW(sps.constraints == row->constraints, i);
        CHECK_ROW(sps.level_idc == row->level_idc, i);
        CHECK_ROW(sps.chroma_format_idc == row->chroma_format_idc, i);
        CHECK_ROW(sps.bit_depth_luma == row->bit_depth, i);
        CHECK_ROW(sps.width == row->width, i);
        CHECK_ROW(sps.height == row->height, i);
    }
}

static bool parse_made(const struct made_sps *made, struct eg_h264_sps *sps) {
    uint8_t nal[MADE_NAL_SIZE_MAX];
    size_t size = make_sps(made, nal);
    uint8_t *exact = exact_copy(nal, size);
    bool is_parsed = eg__h264_parse_sps(sps, exact, size);
    free(exact);
    return is_parsed;
}

static void crops_in_the_units_of_the_chroma_format(struct eg_check *check) {
    struct row {
        uint32_t chroma_format_idc;
        bool is_separate, is_field;
        uint32_t width, height;
    };
    // 160 x 160, cropped by 1, 2, 3 and 4 units.
    const struct row rows[] = {
        {0, false, false, 157, 153}, {0, false, true, 157, 146}, {1, false, false, 154, 146}, {1, false, true, 154, 132},
        {2, false, false, 154, 153}, {2, false, true, 154, 146}, {3, false, false, 157, 153}, {3, false, true, 157, 146},
        {3, true, false, 157, 153},  {3, true, true, 157, 146},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct made_sps made = {
            .profile_idc = 100, .chroma_format_idc = rows[i].chroma_format_idc, .is_separate = rows[i].is_separate,
            .width_in_mbs = 10, .height_in_map_units = rows[i].is_field ? 5 : 10, .is_field = rows[i].is_field, .crop = {1, 2, 3, 4},
        };
        struct eg_h264_sps sps;
        REQUIRE(parse_made(&made, &sps));
        CHECK_ROW(sps.chroma_format_idc == rows[i].chroma_format_idc, i);
        CHECK_ROW(sps.width == rows[i].width, i);
        CHECK_ROW(sps.height == rows[i].height, i);
    }
}

static void accepts_sizes_up_to_16384_with_something_left_of_them(struct eg_check *check) {
    struct row {
        uint32_t width_in_mbs, height_in_map_units;
        bool is_field;
        uint32_t crop[4];
        bool is_right;
    };
    const struct row rows[] = {
        {1, 1, false, {0, 0, 0, 0}, true},
        {1024, 1024, false, {0, 0, 0, 0}, true},
        {1025, 1, false, {0, 0, 0, 0}, false},
        {1, 1025, false, {0, 0, 0, 0}, false},
        {1, 512, true, {0, 0, 0, 0}, true},
        {1, 513, true, {0, 0, 0, 0}, false},
        {UINT32_MAX, 1, false, {0, 0, 0, 0}, false},
        {1, UINT32_MAX, false, {0, 0, 0, 0}, false},
        {1, 1, false, {4, 3, 7, 0}, true},
        {1, 1, false, {4, 4, 0, 0}, false},
        {1, 1, false, {0, 0, 0, 8}, false},
        {1, 1, false, {0x80000000, 0, 0, 0}, false},
        {1, 1, false, {0x7fffffff, 1, 0, 0}, false},
        {1, 1, false, {0, 0, 0xfffffffe, 2}, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct made_sps made = {.profile_idc = 66, .width_in_mbs = rows[i].width_in_mbs,
                                .height_in_map_units = rows[i].height_in_map_units, .is_field = rows[i].is_field};
        memcpy(made.crop, rows[i].crop, sizeof made.crop);
        struct eg_h264_sps sps;
        CHECK_ROW(parse_made(&made, &sps) == rows[i].is_right, i);
    }
}

static void steps_over_scaling_lists(struct eg_check *check) {
    static const int default_list[] = {-8, LIST_END};           // 0 at once: the default
    static const int flat_4x4[] = {8, [16] = LIST_END};         // 16 of 16
    static const int flat_8x8[] = {8, [64] = LIST_END};         // 64 of 64
    static const int repeated[] = {2, 2, -12, LIST_END};        // 10, 12, then 12 to the end
    static const int wrapped_up[] = {127, 121, LIST_END};       // 135, 0 modulo 256
    static const int wrapped_down[] = {-128, -128, -8, LIST_END}; // 136, 8, 0 modulo 256
    static const int too_small[] = {-129, LIST_END};
    static const int too_large[] = {128, LIST_END};
    struct row {
        const int *list;
        size_t index;
        bool is_right;
    };
    const struct row rows[] = {
        {default_list, 0, true}, {flat_4x4, 0, true},   {flat_4x4, 5, true},     {flat_8x8, 6, true},   {flat_8x8, 7, true},
        {repeated, 7, true},     {wrapped_up, 0, true}, {wrapped_down, 0, true}, {too_small, 0, false}, {too_large, 0, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        for (uint32_t chroma_format_idc = 1; chroma_format_idc <= 3; chroma_format_idc += 2) {
            struct made_sps made = {.profile_idc = 100, .chroma_format_idc = chroma_format_idc, .scaling_list = rows[i].list,
                                    .scaling_index = rows[i].index, .width_in_mbs = 20, .height_in_map_units = 15};
            struct eg_h264_sps sps;
            bool is_parsed = parse_made(&made, &sps);
            CHECK_ROW(is_parsed == rows[i].is_right, i);
            CHECK_ROW(!is_parsed || (sps.width == 320 && sps.height == 240), i);
        }
    }
}

static void steps_over_every_kind_of_picture_order_count(struct eg_check *check) {
    struct row {
        uint32_t type, cycle;
        bool is_right;
    };
    const struct row rows[] = {{0, 0, true}, {1, 0, true}, {1, 255, true}, {1, 256, false}, {2, 0, true}, {3, 0, false}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct made_sps made = {.profile_idc = 77, .poc_type = rows[i].type, .poc_cycle = rows[i].cycle,
                                .width_in_mbs = 20, .height_in_map_units = 15};
        struct eg_h264_sps sps;
        bool is_parsed = parse_made(&made, &sps);
        CHECK_ROW(is_parsed == rows[i].is_right, i);
        CHECK_ROW(!is_parsed || (sps.width == 320 && sps.height == 240), i);
    }
}

// An offset that begins with enough zeros for an encoder to have to put prevention bytes in, and then has two ones, so that the byte after
// the zeros is a 3 at one of the eight alignments, which the profile and the id give.
static void leaves_out_emulation_prevention(struct eg_check *check) {
    static const uint8_t profiles[] = {77, 100};
    for (unsigned shift = 12; shift <= 28; shift++) {
        for (unsigned alignment = 0; alignment < 8; alignment++) {
            struct made_sps made = {.profile_idc = profiles[alignment % 2], .id = (1U << alignment / 2) - 1, .chroma_format_idc = 1,
                                    .poc_type = 1, .poc_offset = 3 << shift, .width_in_mbs = 20, .height_in_map_units = 15};
            struct eg_h264_sps sps;
            REQUIRE(parse_made(&made, &sps));
            CHECK_ROW(sps.width == 320 && sps.height == 240, shift);
        }
    }
}

static void accepts_ids_up_to_31(struct eg_check *check) {
    for (uint32_t id = 0; id < 64; id++) {
        struct made_sps made = {.profile_idc = 66, .id = id, .width_in_mbs = 20, .height_in_map_units = 15};
        struct eg_h264_sps sps;
        bool is_parsed = parse_made(&made, &sps);
        CHECK_ROW(is_parsed == (id <= 31), id);
        CHECK_ROW(!is_parsed || sps.id == id, id);
    }
}

static void follows_a_number_of_31_leading_zeros_and_no_more(struct eg_check *check) {
    for (unsigned zeros = 30; zeros <= 32; zeros++) {
        struct made_sps made = {.profile_idc = 77, .poc_type = 1, .poc_offset_zeros = zeros,
                                .width_in_mbs = 20, .height_in_map_units = 15};
        struct eg_h264_sps sps;
        CHECK_ROW(parse_made(&made, &sps) == (zeros <= 31), zeros);
    }
}

static void rejects_an_sps_that_ends_early(struct eg_check *check) {
    // Its VUI, of which nothing is read, begins with the last bit of the ninth byte.
    static const char hex[] = "6742c01fd9005005bb0110000003001000000303c0f1832480";
    uint8_t nal[64];
    size_t nal_size = eg_hex(hex, nal, sizeof nal);
    for (size_t size = 0; size <= nal_size; size++) {
        uint8_t *cut = exact_copy(nal, size);
        struct eg_h264_sps sps;
        CHECK_ROW(eg__h264_parse_sps(&sps, cut, size) == (size >= 9), size);
        free(cut);
    }
}

static void rejects_what_is_no_sps(struct eg_check *check) {
    uint8_t nal[64];
    size_t size = eg_hex("6742c01fd9005005bb0110000003001000000303c0f1832480", nal, sizeof nal);
    struct eg_h264_sps sps;
    for (unsigned type = 0; type < 32; type++) {
        nal[0] = (uint8_t)(0x60 | type);
        CHECK_ROW(eg__h264_parse_sps(&sps, nal, size) == (type == 7), type);
    }
    // Zeros have no end of their first number, with emulation prevention or without; nor is 32 bits of it one that can be meant.
    uint8_t zeros[64] = {0x67, 66, 0, 30};
    CHECK(!eg__h264_parse_sps(&sps, zeros, sizeof zeros));
    zeros[8] = 0x80;
    CHECK(!eg__h264_parse_sps(&sps, zeros, sizeof zeros));
    const uint8_t ends_in_prevention[] = {0x67, 66, 0, 30, 0, 0, 3};
    CHECK(!eg__h264_parse_sps(&sps, ends_in_prevention, sizeof ends_in_prevention));
}

static void reads_which_pps_a_slice_names(struct eg_check *check) {
    static const uint32_t first_mbs[] = {0, 1, 8159, 131071, 139263, (1u << 22) - 1, (1u << 23), (1u << 30) - 1};
    size_t with_prevention = 0;
    for (size_t row = 0; row < sizeof first_mbs / sizeof first_mbs[0]; row++) {
        for (uint32_t type = 0; type <= 10; type++) {
            for (uint32_t id = 0; id <= 256; id++) {
                struct bit_writer writer = {0};
                uint8_t bytes[2 * sizeof writer.bytes];
                put_unsigned(&writer, first_mbs[row]);
                put_unsigned(&writer, type);
                put_unsigned(&writer, id);
                put_bits(&writer, 1, 1);
                size_t plain = (writer.bit + 7) / 8, size = prevent_emulation(writer.bytes, plain, bytes);
                with_prevention += size > plain;
                uint8_t *exact = exact_copy(bytes, size);
                CHECK_ROW(eg__h264_pps_id_of_slice(exact, size) == (type <= 9 && id <= 255 ? id : EG_H264_NO_PPS), row);
                CHECK_ROW(eg__h264_pps_id_of_slice(exact, 0) == EG_H264_NO_PPS, row);
                free(exact);
            }
        }
    }
    CHECK(with_prevention > 0);
}

static void tells_which_pps_the_first_idr_slice_names(struct eg_check *check) {
    static const struct {
        const char *payload;
        uint16_t pps_id;
    } rows[] = {
        {"65 88 80", 0},
        {"65 88 40", 1},
        {"65 88 60", 2},
        {"65", EG_H264_NO_PPS},
        {"65 88", EG_H264_NO_PPS}, // ends in front of it
        {"41 9b", EG_H264_NO_PPS}, // a slice of another picture is not asked
        {"7c 85 88 40", 1},
        {"7c 05 88 40", EG_H264_NO_PPS}, // in the middle of one
        {"78 0003 688840 0003 658860 0003 658840", 2},
        {"7c 81 9b 40", EG_H264_NO_PPS},
        {"65 00 00 03 02 88 80", EG_H264_NO_PPS}, // slice_type 16 or so
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) CHECK_ROW(inspect(rows[i].payload).pps_id == rows[i].pps_id, i);
}

static void reads_the_ids_of_a_pps_as_far_as_they_can_be(struct eg_check *check) {
    for (uint32_t id = 0; id <= 260; id++) {
        for (uint32_t sps_id = 0; sps_id <= 33; sps_id++) {
            struct bit_writer writer = {0};
            uint8_t bytes[2 * sizeof writer.bytes];
            put_bits(&writer, 0x68, 8);
            put_unsigned(&writer, id);
            put_unsigned(&writer, sps_id);
            put_bits(&writer, 1, 1);
            size_t size = prevent_emulation(writer.bytes, (writer.bit + 7) / 8, bytes);
            struct eg_h264_pps pps;
            bool is_parsed = eg__h264_parse_pps(&pps, bytes, size);
            CHECK_ROW(is_parsed == (id <= 255 && sps_id <= 31), id);
            CHECK_ROW(!is_parsed || (pps.id == id && pps.sps_id == sps_id), id);
            bytes[0] = 0x67;
            CHECK_ROW(!eg__h264_parse_pps(&pps, bytes, size), id);
        }
    }
}

static const struct eg_test tests[] = {
    EG_TEST(tells_what_a_payload_holds),
    EG_TEST(gives_every_unit_of_a_payload_in_turn),
    EG_TEST(believes_nothing_of_a_stap_a_that_is_cut),
    EG_TEST(reads_what_an_encoder_writes),
    EG_TEST(crops_in_the_units_of_the_chroma_format),
    EG_TEST(accepts_sizes_up_to_16384_with_something_left_of_them),
    EG_TEST(steps_over_scaling_lists),
    EG_TEST(steps_over_every_kind_of_picture_order_count),
    EG_TEST(leaves_out_emulation_prevention),
    EG_TEST(accepts_ids_up_to_31),
    EG_TEST(follows_a_number_of_31_leading_zeros_and_no_more),
    EG_TEST(rejects_an_sps_that_ends_early),
    EG_TEST(rejects_what_is_no_sps),
    EG_TEST(reads_which_pps_a_slice_names),
    EG_TEST(tells_which_pps_the_first_idr_slice_names),
    EG_TEST(reads_the_ids_of_a_pps_as_far_as_they_can_be),
};

EG_TEST_SUITE(h264, tests);
