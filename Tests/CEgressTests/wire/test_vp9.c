#include "support/check.h"
#include "support/exact_copy.h"
#include "wire/vp9.h"

struct row {
    const char *payload;
    bool valid, starts_key, may_mark_inter;
};

#define KEY "824983420013f00b3606"

// RFC 9628 §4.2.
static const struct row rows[] = {
    {"", false, false, false},
    // As FFmpeg sends them: no P bit, no picture ID.
    {"08824983420013f00b360638241c1842", true, true, true},
    {"00225146adb903ff", true, false, true},
    {"04225146adb903ff", true, false, true},
    {"0886004092f1814b", true, false, true},
    {"0c86004092f1814b", true, false, true},
    {"08", false, false, false},
    {"00", false, false, false},
    // A frame begins with its marker, and a key picture with the sync code too.
    {"08 46", false, false, false},
    {"08 c6", false, false, false},
    {"08 824983430013f00b3606", false, false, false},
    {"00 46", true, false, true}, // in the middle of one anything may stand
    {"08 88", true, false, true}, // one that is shown again
    {"08 8c", true, false, true},
    // Picture ID in 7 bits and 15, layers, and both.
    {"88 7f" KEY, true, true, true},
    {"88 ff ff" KEY, true, true, true},
    {"28 00 00" KEY, true, true, true},  // not flexible: with TL0PICIDX
    {"a8 81 02 00 03" KEY, true, true, true},
    {"88 7f", false, false, false},
    {"88 80 00", false, false, false},
    {"28 00 86", false, false, false},
    {"29 00 00 86", true, false, true},
    // Flexible mode: the P bit goes with P_DIFF, and is the sender's.
    {"38 00" KEY, true, true, false},
    {"18" KEY, true, true, false},
    {"58 02 86", true, false, false},
    {"58 03 02 86", true, false, false},
    {"58 03 03 02 86", true, false, false},
    {"58 03 03 03 86", false, false, false}, // one too many
    {"58 03 86", false, false, false},       // the second is the payload's byte
    {"98 01 86", true, false, false},
    {"48 86", true, false, true},            // P as it has to be
    // The scalability structure: sizes of its layers, pictures of a group with their references.
    {"0a 00" KEY, true, true, true},
    {"0a 10 014000b4" KEY, true, true, true},
    {"0a 30 00a0005a 014000b4" KEY, true, true, true},
    {"0a 08 00" KEY, true, true, true},
    {"0a 08 01 04 01" KEY, true, true, true},
    {"0a 08 03 00 04 01 0c 010203" KEY, true, true, true},
    {"0a 18 014000b4 01 00" KEY, true, true, true},
    {"0a", false, false, false},
    {"0a 10 014000", false, false, false},
    {"0a 08", false, false, false},
    {"0a 08 02 04 01 04", false, false, false},
    {"0a 08 ff 00", false, false, false},
};

static struct eg_vp9_payload inspect(const char *hex) {
    uint8_t bytes[64];
    size_t size = eg_hex(hex, bytes, sizeof bytes);
    uint8_t *exact = exact_copy(bytes, size);
    struct eg_vp9_payload found = eg__vp9_inspect(exact, size);
    free(exact);
    return found;
}

static void tells_what_a_payload_holds(struct eg_check *check) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct eg_vp9_payload found = inspect(rows[i].payload);
        CHECK_ROW(found.valid == rows[i].valid, i);
        CHECK_ROW(found.starts_key == rows[i].starts_key, i);
        CHECK_ROW(found.may_mark_inter == rows[i].may_mark_inter, i);
    }
}

// As libvpx writes them.
static void reads_what_an_encoder_writes(struct eg_check *check) {
    static const struct {
        const char *payload;
        uint8_t profile, chroma_format_idc;
        uint32_t width, height;
    } frames[] = {
        {"08824983420013f00b360638241c1842000d605f", 0, 1, 320, 180},
        {"08824983420014100b560638241c1842000b905f", 0, 1, 322, 182},
        {"08a249834200027e0166c0c7048383084001fc5f", 1, 3, 320, 180}, // 4:4:4
        {"08924983420009f8059b031c120e0c290005d05f", 2, 1, 320, 180}, // 10 bits
        {"08 824983420000000000", 0, 1, 1, 1},                        // the smallest and the largest, which no encoder here makes
        {"08 824983422ffffffff0", 0, 1, 65536, 65536},
    };
    for (size_t i = 0; i < sizeof frames / sizeof frames[0]; i++) {
        struct eg_vp9_payload found = inspect(frames[i].payload);
        CHECK_ROW(found.starts_key, i);
        CHECK_ROW(found.profile == frames[i].profile, i);
        CHECK_ROW(found.chroma_format_idc == frames[i].chroma_format_idc, i);
        CHECK_ROW(found.width == frames[i].width && found.height == frames[i].height, i);
    }
}

static void knows_the_colours_that_a_profile_may_have(struct eg_check *check) {
    static const struct {
        const char *payload;
        bool valid;
        uint8_t profile, chroma_format_idc;
    } colours[] = {
        // 64 x 64. Behind the sync code: [12 bits,] three bits of the colour space, its range, subsampling and a reserved bit.
        {"08 82498342e003f003f0", false, 0, 0},  // RGB is not for profile 0
        {"08 a249834220007e007e", true, 1, 3},   // 4:4:4
        {"08 a249834228007e007e", true, 1, 2},   // 4:2:2
        {"08 a249834224007e007e", true, 1, 0},   // 4:4:0
        {"08 a24983422c007e007e", false, 0, 0},  // 4:2:0 is not for profile 1
        {"08 a249834222007e007e", false, 0, 0},  // the reserved bit
        {"08 a2498342e003f003f0", true, 1, 3},   // RGB
        {"08 a2498342f003f003f0", false, 0, 0},  // and its reserved bit
        {"08 92498342a001f801f8", true, 2, 1},   // 12 bits
        {"08 b124c1a1000000000000", true, 3, 3}, // profile 3 has one bit more in front
        {"08 b124c1a14a013f80b380", true, 3, 2},
        {"08 b924c1a1000000000000", false, 0, 0}, // which is reserved
        {"08 b2", true, 0, 0},                   // no key picture
    };
    for (size_t i = 0; i < sizeof colours / sizeof colours[0]; i++) {
        struct eg_vp9_payload found = inspect(colours[i].payload);
        CHECK_ROW(found.valid == colours[i].valid, i);
        if (!found.starts_key) continue;
        CHECK_ROW(found.profile == colours[i].profile, i);
        CHECK_ROW(found.chroma_format_idc == colours[i].chroma_format_idc, i);
    }
}

static void believes_nothing_of_what_is_cut(struct eg_check *check) {
    uint8_t bytes[64];
    size_t whole = eg_hex("aa81 02 00 03 38 00a0005a 014000b4 02 04 01 00" KEY, bytes, sizeof bytes);
    for (size_t size = 0; size <= whole; size++) {
        uint8_t *cut = exact_copy(bytes, size);
        struct eg_vp9_payload found = eg__vp9_inspect(cut, size);
        CHECK_ROW(!found.starts_key || size >= whole - 1, size); // the last byte has only bits behind the size
        CHECK_ROW(found.valid == found.starts_key, size);
        free(cut);
    }
}

static const struct eg_test tests[] = {
    EG_TEST(tells_what_a_payload_holds),
    EG_TEST(reads_what_an_encoder_writes),
    EG_TEST(knows_the_colours_that_a_profile_may_have),
    EG_TEST(believes_nothing_of_what_is_cut),
};

EG_TEST_SUITE(vp9, tests);
