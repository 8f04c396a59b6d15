#include "support/check.h"
#include "support/exact_copy.h"
#include "support/h264_writer.h"
#include "wire/h265.h"

struct payload_row {
    const char *payload;
    bool valid, has_irap, starts_irap, has_vps, has_sets;
};

#define VPS "40010c01"
#define SPS "420101"
#define PPS "4401c0"

// RFC 7798 §4.4.
static const struct payload_row payload_rows[] = {
    {"", false, false, false, false, false},
    {"26", false, false, false, false, false},
    // Single NAL units. Random access pictures are those of types 16 to 21.
    {"0201 d0", true, false, false, false, false}, // TRAIL_R
    {"0001 e0", true, false, false, false, false},
    {"1e01 80", true, false, false, false, false}, // 15
    {"2001 ac", true, true, true, false, false},   // BLA_W_LP
    {"2601 ac", true, true, true, false, false},   // IDR_W_RADL
    {"2801 ac", true, true, true, false, false},   // IDR_N_LP
    {"2a01 ac", true, true, true, false, false},   // CRA
    {"2801", true, true, true, false, false},
    {"2c01 ac", true, false, false, false, false}, // 22, reserved
    {VPS, true, false, false, true, true},
    {SPS, true, false, false, false, true},
    {PPS, true, false, false, false, true},
    {"4601 50", true, false, false, false, false}, // AUD
    {"4e01 0504", true, false, false, false, false}, // SEI
    {"5e01 00", true, false, false, false, false}, // 47
    {"6401 00", false, false, false, false, false}, // PACI
    {"6601 00", false, false, false, false, false}, // 51
    {"7e01 00", false, false, false, false, false}, // 63
    {"a801 ac", false, false, false, false, false}, // the forbidden bit
    {"2800 ac", false, false, false, false, false}, // no temporal id
    {"2909 ac", true, true, true, false, false},    // another layer
    // AP.
    {"6001 0004" VPS "0003" SPS "0003" PPS, true, false, false, true, true},
    {"6001 0004" VPS "0003" SPS "0003" PPS "0003 2801ac", true, true, true, true, true},
    {"6001 0003" PPS, true, false, false, false, true}, // one alone, which a sender should not do
    {"6001 0002 0201 0002 2601", true, true, true, false, false},
    {"6001", false, false, false, false, false},
    {"6001 00", false, false, false, false, false},
    {"6001 0000", false, false, false, false, false},
    {"6001 0001 02", false, false, false, false, false},
    {"6001 0003 0201", false, false, false, false, false},
    {"6001 0002 0201 00", false, false, false, false, false},
    {"6001 0002 0200", false, false, false, false, false},
    {"6001 0004 6001 0001", false, false, false, false, false}, // an aggregate in an aggregate
    {"6001 0004 6201 9400", false, false, false, false, false}, // a fragment in an aggregate
    // FU.
    {"6201 94 ac", true, true, true, false, false},
    {"6201 95 ac", true, true, true, false, false},
    {"6201 14 b7", true, true, false, false, false},
    {"6201 54 b7", true, true, false, false, false},
    {"6201 81 d0", true, false, false, false, false},
    {"6201 01 d0", true, false, false, false, false},
    {"6201 41 d0", true, false, false, false, false},
    {"6201 a0 0c", true, false, false, false, true}, // a fragment of a VPS is no VPS
    {"6201 22 c0", true, false, false, false, true},
    {"6201", false, false, false, false, false},
    {"6201 94", false, false, false, false, false}, // empty
    {"6201 d4 ac", false, false, false, false, false}, // first and last
    {"6201 b0 ac", false, false, false, false, false}, // a fragmented AP
    {"6200 94 ac", false, false, false, false, false},
};

static void tells_what_a_payload_holds(struct eg_check *check) {
    for (size_t i = 0; i < sizeof payload_rows / sizeof payload_rows[0]; i++) {
        const struct payload_row *row = &payload_rows[i];
        uint8_t bytes[128];
        size_t size = eg_hex(row->payload, bytes, sizeof bytes);
        uint8_t *exact = exact_copy(bytes, size);
        struct eg_h265_payload found = eg__h265_inspect(exact, size);
        CHECK_ROW(found.valid == row->valid, i);
        CHECK_ROW(found.has_irap == row->has_irap, i);
        CHECK_ROW(found.starts_irap == row->starts_irap, i);
        CHECK_ROW(found.has_vps == row->has_vps, i);
        CHECK_ROW(found.has_sets == row->has_sets, i);
        free(exact);
    }
}

static void believes_nothing_of_an_aggregate_that_is_cut(struct eg_check *check) {
    uint8_t bytes[64];
    size_t whole = eg_hex("6001 0004" VPS "0003" SPS "0003" PPS "0003 2801ac", bytes, sizeof bytes);
    for (size_t size = 0; size <= whole; size++) {
        uint8_t *cut = exact_copy(bytes, size);
        struct eg_h265_payload found = eg__h265_inspect(cut, size);
        bool is_between_units = size == 8 || size == 13 || size == 18 || size == whole;
        CHECK_ROW(found.valid == is_between_units, size);
        CHECK_ROW(found.has_vps == is_between_units && found.has_irap == (size == whole), size);
        free(cut);
    }
}

static void gives_the_units_of_an_aggregate_and_the_parts_of_one_in_fragments(struct eg_check *check) {
    uint8_t bytes[64];
    size_t size = eg_hex("6001 0004" VPS "0003" SPS "0003" PPS, bytes, sizeof bytes);
    static const struct {
        size_t at, size;
    } rows[] = {{4, 4}, {10, 3}, {15, 3}};
    struct eg_nal_units units = eg__h265_units(bytes, size);
    const uint8_t *nal;
    size_t nal_size;
    for (size_t i = 0; i < 3; i++) {
        REQUIRE(eg__nal_next_unit(&units, &nal, &nal_size));
        CHECK_ROW(nal == bytes + rows[i].at && nal_size == rows[i].size, i);
    }
    CHECK(!eg__nal_next_unit(&units, &nal, &nal_size));
    units = eg__h265_units(bytes + 4, 4);
    CHECK(eg__nal_next_unit(&units, &nal, &nal_size) && nal == bytes + 4 && nal_size == 4);
    struct eg_nal_fragment fragment;
    CHECK(!eg__h265_parse_fragment(&fragment, bytes, size));
    size = eg_hex("6309 a1 0102", bytes, sizeof bytes);
    CHECK(eg__h265_parse_fragment(&fragment, bytes, size));
    CHECK(fragment.header_size == 2 && fragment.header[0] == 0x43 && fragment.header[1] == 0x09);
    CHECK(fragment.is_start && !fragment.is_end && fragment.bytes == bytes + 3 && fragment.size == 2);
    units = eg__h265_units(bytes, size);
    CHECK(!eg__nal_next_unit(&units, &nal, &nal_size));
}

struct sps_row {
    const char *nal;
    uint8_t profile_idc, level_idc, chroma_format_idc, bit_depth;
    uint32_t width, height;
};

// As x265 writes them. Sizes that are no multiple of 8 are cropped.
static const struct sps_row sps_rows[] = {
    {"42010101600000030090000003000003003ca00a080c1f3e5ba4a4c2f0168080000003008000000f04", 1, 60, 1, 8, 320, 180},
    {"42010102200000030090000003000003003ca00a080c1f3b65ba4a4c2f016808000003000800000300f040", 2, 60, 1, 10, 320, 180},
    {"4201010408000003009e0800000300003c9001410183e372dd25261780b40400000300040000030078", 4, 60, 3, 8, 320, 180},
    {"420101016000000300900000030000030078a003c0801107cb96e92930bc05a020000003002000000303c1", 1, 120, 1, 8, 1920, 1080},
    {"42010101600000030090000003000003003ca00a880c1c44d96e92930bc05a020000030002000003003c10", 1, 60, 1, 8, 322, 182},
};

static void reads_what_an_encoder_writes(struct eg_check *check) {
    for (size_t i = 0; i < sizeof sps_rows / sizeof sps_rows[0]; i++) {
        const struct sps_row *row = &sps_rows[i];
        uint8_t nal[64];
        size_t size = eg_hex(row->nal, nal, sizeof nal);
        struct eg_h265_sps sps;
        REQUIRE(eg__h265_parse_sps(&sps, nal, size));
        CHECK_ROW(sps.profile_idc == row->profile_idc && sps.tier == 0 && sps.level_idc == row->level_idc, i);
        CHECK_ROW(sps.chroma_format_idc == row->chroma_format_idc && sps.bit_depth_luma == row->bit_depth, i);
        CHECK_ROW(sps.width == row->width && sps.height == row->height, i);
        CHECK_ROW(sps.id == 0 && sps.vps_id == 0, i);
    }
}

// Everything of an SPS that a test may want otherwise; zero is the plain choice.
struct made_sps265 {
    uint32_t layer, vps_id, sub_layers_minus_1, tier, id, chroma_format_idc, width, height, bit_depth_minus_8;
    bool is_cropped;
    uint32_t crop[4]; // left, right, top, bottom
};

static size_t make_sps265(const struct made_sps265 *sps, uint8_t nal[MADE_NAL_SIZE_MAX]) {
    struct bit_writer writer = {0};
    put_bits(&writer, EG_H265_NAL_SPS, 7);
    put_bits(&writer, sps->layer, 6);
    put_bits(&writer, 1, 3);
    put_bits(&writer, sps->vps_id, 4);
    put_bits(&writer, sps->sub_layers_minus_1, 3);
    put_bits(&writer, 1, 1);
    put_bits(&writer, sps->tier << 5 | 1, 8);
    for (int i = 0; i < 10; i++) put_bits(&writer, 0, 8); // flags: this is what has to have emulation prevention
    put_bits(&writer, 123, 8);
    for (uint32_t i = 0; i < sps->sub_layers_minus_1; i++) put_bits(&writer, 1 + i % 3, 2); // a level, a profile, or both
    if (sps->sub_layers_minus_1 > 0) put_bits(&writer, 0, 2 * (8 - sps->sub_layers_minus_1));
    for (uint32_t i = 0; i < sps->sub_layers_minus_1; i++) {
        for (int byte = 0; (1 + i % 3) >> 1 != 0 && byte < 11; byte++) put_bits(&writer, 0, 8);
        if (((1 + i % 3) & 1) != 0) put_bits(&writer, 93, 8);
    }
    put_unsigned(&writer, sps->id);
    put_unsigned(&writer, sps->chroma_format_idc);
    if (sps->chroma_format_idc == 3) put_bits(&writer, 1, 1);
    put_unsigned(&writer, sps->width);
    put_unsigned(&writer, sps->height);
    put_bits(&writer, sps->is_cropped, 1);
    for (int i = 0; sps->is_cropped && i < 4; i++) put_unsigned(&writer, sps->crop[i]);
    put_unsigned(&writer, sps->bit_depth_minus_8);
    put_bits(&writer, 1, 1);
    return prevent_emulation(writer.bytes, (writer.bit + 7) / 8, nal);
}

static bool parse_made(const struct made_sps265 *made, struct eg_h265_sps *sps) {
    uint8_t nal[MADE_NAL_SIZE_MAX];
    size_t size = make_sps265(made, nal);
    uint8_t *exact = exact_copy(nal, size);
    bool is_parsed = eg__h265_parse_sps(sps, exact, size);
    struct eg_h265_set set;
    if (is_parsed) is_parsed = eg__h265_parse_set(&set, exact, size) && set.id == sps->id && set.parent_id == sps->vps_id;
    free(exact);
    return is_parsed;
}

static void reads_every_kind_of_sps(struct eg_check *check) {
    static const struct {
        struct made_sps265 made;
        bool is_right;
        uint32_t width, height; // after cropping
    } rows[] = {
        {{.width = 640, .height = 360, .chroma_format_idc = 1}, true, 640, 360},
        {{.width = 640, .height = 360, .vps_id = 15, .id = 15, .tier = 1}, true, 640, 360},
        {{.width = 640, .height = 360, .id = 16}, false, 0, 0},
        {{.width = 640, .height = 360, .sub_layers_minus_1 = 1}, true, 640, 360},
        {{.width = 640, .height = 360, .sub_layers_minus_1 = 6}, true, 640, 360},
        {{.width = 640, .height = 360, .sub_layers_minus_1 = 7}, false, 0, 0},
        {{.width = 640, .height = 360, .layer = 1}, false, 0, 0},
        {{.width = 16384, .height = 16384}, true, 16384, 16384},
        {{.width = 16385, .height = 1}, false, 0, 0},
        {{.width = 1, .height = 16385}, false, 0, 0},
        {{.width = 0, .height = 360}, false, 0, 0},
        {{.width = 640, .height = 0}, false, 0, 0},
        {{.width = 100, .height = 100, .chroma_format_idc = 0, .is_cropped = true, .crop = {1, 2, 3, 4}}, true, 97, 93},
        {{.width = 100, .height = 100, .chroma_format_idc = 1, .is_cropped = true, .crop = {1, 2, 3, 4}}, true, 94, 86},
        {{.width = 100, .height = 100, .chroma_format_idc = 2, .is_cropped = true, .crop = {1, 2, 3, 4}}, true, 94, 93},
        {{.width = 100, .height = 100, .chroma_format_idc = 3, .is_cropped = true, .crop = {1, 2, 3, 4}}, true, 97, 93},
        {{.width = 100, .height = 100, .chroma_format_idc = 4}, false, 0, 0},
        {{.width = 8, .height = 8, .is_cropped = true, .crop = {4, 4, 0, 0}}, false, 0, 0},
        {{.width = 8, .height = 8, .is_cropped = true, .crop = {4, 3, 7, 0}}, true, 1, 1},
        {{.width = 8, .height = 8, .is_cropped = true, .crop = {0x7fffffff, 0, 0, 0}}, false, 0, 0},
        {{.width = 8, .height = 8, .bit_depth_minus_8 = 8}, true, 8, 8},
        {{.width = 8, .height = 8, .bit_depth_minus_8 = 9}, false, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct eg_h265_sps sps;
        bool is_parsed = parse_made(&rows[i].made, &sps);
        CHECK_ROW(is_parsed == rows[i].is_right, i);
        if (!is_parsed) continue;
        CHECK_ROW(sps.width == rows[i].width && sps.height == rows[i].height, i);
        CHECK_ROW(sps.tier == rows[i].made.tier && sps.level_idc == 123 && sps.profile_idc == 1, i);
        CHECK_ROW(sps.vps_id == rows[i].made.vps_id && sps.id == rows[i].made.id, i);
    }
}

static void refuses_an_sps_that_is_cut(struct eg_check *check) {
    uint8_t nal[64];
    struct eg_h265_sps sps;
    size_t whole = eg_hex(sps_rows[0].nal, nal, sizeof nal), needed = 0;
    for (size_t size = 0; size <= whole; size++) {
        uint8_t *cut = exact_copy(nal, size);
        bool is_parsed = eg__h265_parse_sps(&sps, cut, size);
        if (is_parsed && needed == 0) needed = size;
        CHECK_ROW(is_parsed == (needed > 0), size);
        free(cut);
    }
    CHECK_EQUAL(needed, 24); // up to bit_depth_luma_minus8
}

static void tells_which_set_belongs_to_which(struct eg_check *check) {
    static const struct {
        const char *nal;
        bool is_set;
        uint8_t type, id, parent_id;
    } rows[] = {
        {"40010c01ffff", true, EG_H265_NAL_VPS, 0, 0},
        {"4001fc01", true, EG_H265_NAL_VPS, 15, 0},
        {"4001", false, 0, 0, 0},
        {"4401c071", true, EG_H265_NAL_PPS, 0, 0},
        {"4401021080", true, EG_H265_NAL_PPS, 63, 15}, // made below
        {"4401", false, 0, 0, 0},
        {"4409c071", false, 0, 0, 0}, // of another layer
        {"2601ac", false, 0, 0, 0},
        {"", false, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t nal[64];
        size_t size = eg_hex(rows[i].nal, nal, sizeof nal);
        if (rows[i].id == 63) {
            struct bit_writer writer = {0};
            put_bits(&writer, 0x4401, 16);
            put_unsigned(&writer, 63);
            put_unsigned(&writer, 15);
            size = prevent_emulation(writer.bytes, (writer.bit + 7) / 8, nal);
        }
        uint8_t *exact = exact_copy(nal, size);
        struct eg_h265_set set;
        bool is_set = eg__h265_parse_set(&set, exact, size);
        CHECK_ROW(is_set == rows[i].is_set, i);
        CHECK_ROW(!is_set || (set.type == rows[i].type && set.id == rows[i].id && set.parent_id == rows[i].parent_id), i);
        free(exact);
    }
}

static void reads_the_pps_that_a_slice_names(struct eg_check *check) {
    static const struct {
        uint32_t id;
        uint16_t expected;
    } rows[] = {{0, 0}, {1, 1}, {63, 63}, {64, EG_H265_NO_PPS}, {1000, EG_H265_NO_PPS}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bit_writer writer = {0};
        put_bits(&writer, 2, 2); // the first slice segment of its picture
        put_unsigned(&writer, rows[i].id);
        uint8_t payload[64] = {0x62, 0x01, 0x80 | EG_H265_NAL_IDR_W_RADL};
        memcpy(payload + 3, writer.bytes, 32);
        CHECK_ROW(eg__h265_inspect(payload, 35).pps_id == rows[i].expected, i);
        payload[1] = EG_H265_NAL_IDR_W_RADL << 1; // the same as a single NAL unit
        payload[2] = 1;
        CHECK_ROW(eg__h265_inspect(payload + 1, 34).pps_id == rows[i].expected, i);
    }
    const uint8_t empty[] = {0x26, 0x01};
    CHECK_EQUAL(eg__h265_inspect(empty, sizeof empty).pps_id, EG_H265_NO_PPS);
}

static const struct eg_test tests[] = {
    EG_TEST(tells_what_a_payload_holds),
    EG_TEST(believes_nothing_of_an_aggregate_that_is_cut),
    EG_TEST(gives_the_units_of_an_aggregate_and_the_parts_of_one_in_fragments),
    EG_TEST(reads_what_an_encoder_writes),
    EG_TEST(reads_every_kind_of_sps),
    EG_TEST(refuses_an_sps_that_is_cut),
    EG_TEST(tells_which_set_belongs_to_which),
    EG_TEST(reads_the_pps_that_a_slice_names),
};

EG_TEST_SUITE(h265, tests);
