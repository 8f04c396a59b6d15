#include "support/check.h"
#include "support/exact_copy.h"
#include "wire/av1.h"

struct row {
    const char *payload;
    bool valid, starts_key;
};

// A sequence header, its OBU header included: 11 bytes.
#define SEQUENCE "08 0000002ff827f8167804f001"

// RTP Payload Format for AV1 v1.0 §4.4, §4.5.
static const struct row rows[] = {
    {"", false, false},
    // As FFmpeg 8 and 9 send them with SVT-AV1 and libaom: a key picture's first packet (its beginning), its later ones, pictures of two OBUs.
    {"680c0802000004a1e7f66257c8023010008440800020", true, true},
    {"680d080200002caa67fd9e257c80203010008f60124882", true, true},
    {"680b08200000043cfeccdaf90230100081c00000800000", true, true},
    {"d0ffa2", true, false},
    {"90b630", true, false},
    {"503030", true, false},
    {"103030", true, false},
    {"10", false, false},
    // The number of elements: given, with a last one without a size, or not, with sizes for all.
    {"18 " SEQUENCE, true, true},
    {"28 0d " SEQUENCE " 3010", true, true},
    {"38 0d " SEQUENCE " 02 3010 3030", true, false}, // the second frame is none of a key picture
    {"08 0d " SEQUENCE, true, true},
    {"08 0d " SEQUENCE " 02 3010", true, true},
    {"08 0d " SEQUENCE " 03 3010", false, false},
    {"08 0d " SEQUENCE " 00", false, false},
    {"28 0d " SEQUENCE, false, false}, // the last one is missing
    {"20 02 30 30", false, false},
    {"30 01 30 01 30", false, false},
    {"20 00 30", false, false},
    {"20 82 00 3030 30", true, false}, // a size in more bytes than it needs
    {"00 8080808080808080 00", false, false}, // in too many
    {"00 ff", false, false},
    {"00 ffffffffffffff7f 30", false, false},
    // Where a coded video sequence begins: the sender says so, the packet begins with no fragment, and the OBUs are of one.
    {"20 0d " SEQUENCE " 3010", true, false},  // N is not set
    {"a8 0d " SEQUENCE " 3010", false, false}, // N and Z
    {"a0 0d " SEQUENCE " 3010", true, false},
    {"28 02 3010 3010", true, false},          // no sequence header
    {"28 0d " SEQUENCE " 3030", true, false},  // an inter frame (frame_type 1)
    {"28 0d " SEQUENCE " 3050", true, false},  // an intra-only frame
    {"28 0d " SEQUENCE " 3000", true, false},  // a key frame that is not shown
    {"28 0d " SEQUENCE " 3090", true, false},  // one that is shown again
    {"28 0d " SEQUENCE " 1810", true, true},   // a frame header OBU
    {"28 0d " SEQUENCE " 30", true, false},    // nothing of the frame
    {"28 0d " SEQUENCE " 2a02", true, true},   // metadata: the frame comes in the next packet
    {"38 0d " SEQUENCE " 02 2a02 3010", true, true},
    {"38 01 10 0d " SEQUENCE " 3010", true, true}, // a temporal delimiter, which senders should leave out
    {"68 03 080000 3010", true, false},        // a sequence header that is cut
    // OBU headers: with an extension, with a size, with a bit that must not be set.
    {"28 0e 0c00 0000002ff827f8167804f001 3010", true, true},
    {"28 0e 0a0c 0000002ff827f8167804f001 3010", true, true},
    {"28 0f 0e000c 0000002ff827f8167804f001 3010", true, true},
    {"10 34", false, false},
    {"10 32", false, false},
    {"10 b0", false, false},
    {"90 b0", true, false}, // in the middle of one anything may stand
    {"a0 02 b0b0 b0", false, false},
    {"60 02 3010 b0", false, false},
    // Reserved bits are ignored.
    {"1f " SEQUENCE, true, true},
};

static struct eg_av1_payload inspect(const char *hex) {
    uint8_t bytes[64];
    size_t size = eg_hex(hex, bytes, sizeof bytes);
    uint8_t *exact = exact_copy(bytes, size);
    struct eg_av1_payload found = eg__av1_inspect(exact, size);
    free(exact);
    return found;
}

static void tells_what_a_payload_holds(struct eg_check *check) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct eg_av1_payload found = inspect(rows[i].payload);
        CHECK_ROW(found.valid == rows[i].valid, i);
        CHECK_ROW(found.starts_key == rows[i].starts_key, i);
    }
}

struct sequence_row {
    const char *bytes;
    uint8_t profile, level_idx, tier, chroma_format_idc;
    uint32_t width, height;
};

// The first three as encoders write them, the others made to have each field of §5.5 once.
static const struct sequence_row sequence_rows[] = {
    {"02000004a1e7f66257c802", 0, 0, 0, 1, 320, 180},     // SVT-AV1
    {"0200002caa67fd9e257c8020", 0, 5, 0, 1, 1280, 720},
    {"200000043cfeccdaf902", 1, 0, 0, 3, 320, 180},       // libaom, 4:4:4
    {"0000002ff827f8167804f001", 0, 5, 0, 1, 1280, 720},
    {"0000006ffc1dfc10dc02780080", 0, 13, 1, 1, 1920, 1080},                     // a level that has a tier
    {"04000000040000007a5000005ff04ff02cf009e002", 0, 5, 0, 1, 1280, 720},       // timing_info
    {"0400000004000000794800000008c9080021000004c000b000004ffc09fc059c02780080", 0, 8, 0, 1, 640, 360}, // two points, each with a decoder model
    {"193fc00fc00bc001", 0, 4, 0, 1, 64, 48},             // reduced_still_picture_header
    {"0000002c3d02d268000020", 0, 5, 0, 1, 321, 181},     // frame_id_numbers, and no order hints
    {"0000002ff827f81678014008", 0, 5, 0, 1, 1280, 720},  // seq_force_screen_content_tools
    {"0000002ff827f8167804f054", 0, 5, 0, 0, 1280, 720},  // monochrome
    {"2000002ff827f8167804f008", 1, 5, 0, 3, 1280, 720},
    {"2000002ff827f8167804f040434010", 1, 5, 0, 3, 1280, 720}, // RGB
    {"4000002ff827f8167804f004", 2, 5, 0, 2, 1280, 720},  // 4:2:2
    {"4000002ff827f8167804f0c640", 2, 5, 0, 1, 1280, 720}, // 12 bits say their subsampling
    {"4000002ff827f8167804f0c5", 2, 5, 0, 2, 1280, 720},
    {"4000002ff827f8167804f0c2", 2, 5, 0, 3, 1280, 720},
    {"0000002ff827f8167804f020202022", 0, 5, 0, 1, 1280, 720}, // color_description
    {"0000002ffffffffff804f001", 0, 5, 0, 1, 65536, 65536},
    {"0000002800013c0040", 0, 5, 0, 1, 1, 1},
};

static bool parse_exact(struct eg_av1_sequence *sequence, const uint8_t *bytes, size_t size) {
    uint8_t *exact = exact_copy(bytes, size);
    bool is_parsed = eg__av1_parse_sequence(sequence, exact, size);
    free(exact);
    return is_parsed;
}

static void reads_every_kind_of_sequence_header(struct eg_check *check) {
    for (size_t i = 0; i < sizeof sequence_rows / sizeof sequence_rows[0]; i++) {
        const struct sequence_row *row = &sequence_rows[i];
        uint8_t bytes[64];
        size_t size = eg_hex(row->bytes, bytes, sizeof bytes);
        struct eg_av1_sequence sequence;
        CHECK_ROW(parse_exact(&sequence, bytes, size), i);
        CHECK_ROW(sequence.profile == row->profile, i);
        CHECK_ROW(sequence.level_idx == row->level_idx && sequence.tier == row->tier, i);
        CHECK_ROW(sequence.chroma_format_idc == row->chroma_format_idc, i);
        CHECK_ROW(sequence.width == row->width && sequence.height == row->height, i);
    }
}

static void refuses_a_sequence_header_that_is_cut_or_of_no_profile(struct eg_check *check) {
    uint8_t bytes[64];
    struct eg_av1_sequence sequence;
    for (size_t i = 0; i < sizeof sequence_rows / sizeof sequence_rows[0]; i++) {
        size_t whole = eg_hex(sequence_rows[i].bytes, bytes, sizeof bytes);
        for (size_t size = 0; size + 2 < whole; size++) CHECK_ROW(!parse_exact(&sequence, bytes, size), i);
    }
    size_t size = eg_hex("6000002ff827f8167804f001", bytes, sizeof bytes); // profile 3
    CHECK(!parse_exact(&sequence, bytes, size));
    memset(bytes, 0, sizeof bytes);
    bytes[0] = 4; // num_ticks_per_picture_minus_1 of as many zeros as one may have, and then of more than there are
    bytes[8] = 2;
    CHECK(parse_exact(&sequence, bytes, 20));
    CHECK(!parse_exact(&sequence, bytes, 12));
}

static void believes_nothing_of_what_is_cut(struct eg_check *check) {
    uint8_t bytes[64];
    size_t whole = eg_hex("38 0d " SEQUENCE " 02 2a02 3010", bytes, sizeof bytes);
    for (size_t size = 0; size <= whole; size++) {
        uint8_t *cut = exact_copy(bytes, size);
        struct eg_av1_payload found = eg__av1_inspect(cut, size);
        CHECK_ROW(found.valid == (size >= whole - 1), size); // but the last element has no size of its own
        CHECK_ROW(found.starts_key == (size == whole), size);
        free(cut);
    }
}

static const struct eg_test tests[] = {
    EG_TEST(tells_what_a_payload_holds),
    EG_TEST(reads_every_kind_of_sequence_header),
    EG_TEST(refuses_a_sequence_header_that_is_cut_or_of_no_profile),
    EG_TEST(believes_nothing_of_what_is_cut),
};

EG_TEST_SUITE(av1, tests);
