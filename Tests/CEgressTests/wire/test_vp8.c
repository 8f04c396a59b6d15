#include "support/check.h"
#include "support/exact_copy.h"
#include "wire/vp8.h"

struct row {
    const char *payload;
    bool valid, starts_key;
    uint8_t plain, descriptor_size;
};

// RFC 7741 §4.2 and §4.3.
static const struct row rows[] = {
    {"", false, false, 0, 0},
    // As FFmpeg 5.1 sends them: PictureID in 15 bits.
    {"90808000d062009d012a4001b400", true, true, 0x10, 4},
    {"8080800013a780d1", true, false, 0x00, 4},
    {"90808001f11e00e42a1fd464", true, false, 0x10, 4},
    // Without extensions.
    {"10 d062009d012a4001b400", true, true, 0x10, 1},
    {"10 01", true, false, 0x10, 1},
    {"00 d0", true, false, 0x00, 1},
    {"10", false, false, 0, 0},
    {"00", false, false, 0, 0},
    // The first partition begins a picture, the others do not.
    {"11 d062009d012a4001b400", true, false, 0x11, 1},
    {"17 00", true, false, 0x17, 1},
    {"03 00", true, false, 0x03, 1},
    {"30 01", true, false, 0x30, 1}, // no other picture refers to this one
    // Reserved bits are ignored and taken out.
    {"58 01", true, false, 0x10, 1},
    {"48 01", true, false, 0x00, 1},
    // Each extension.
    {"90 00 01", true, false, 0x10, 2},
    {"90 80 7f 01", true, false, 0x10, 3},   // 7 bits
    {"90 80 ff ff 01", true, false, 0x10, 4}, // 15 bits
    {"90 40 12 01", true, false, 0x10, 3},   // TL0PICIDX
    {"90 20 c0 01", true, false, 0x10, 3},   // TID
    {"90 10 1f 01", true, false, 0x10, 3},   // KEYIDX
    {"90 30 df 01", true, false, 0x10, 3},   // both, in one byte
    {"90 f0 81 23 45 67 01", true, false, 0x10, 6},
    {"90 f0 81 23 45 67 d062009d012a4001b400", true, true, 0x10, 6},
    {"90 0f 01", true, false, 0x10, 2},      // reserved ones
    {"90", false, false, 0, 0},
    {"90 80", false, false, 0, 0},
    {"90 80 7f", false, false, 0, 0},
    {"90 80 80 00", false, false, 0, 0},
    {"90 f0 81 23 45 67", false, false, 0, 0},
    // It says that it is a key picture, and is none.
    {"10 d062009d012b4001b400", false, false, 0, 0}, // another start code
    {"10 d062009d012a0000b400", false, false, 0, 0}, // no width
    {"10 d062009d012a40010000", false, false, 0, 0}, // no height
    {"10 d062009d012a00c0b400", false, false, 0, 0}, // only a scale
    {"10 d862009d012a4001b400", false, false, 0, 0}, // version 4
    {"10 d062009d012a4001b4", false, false, 0, 0},
};

static struct eg_vp8_payload inspect(const char *hex) {
    uint8_t bytes[64];
    size_t size = eg_hex(hex, bytes, sizeof bytes);
    uint8_t *exact = exact_copy(bytes, size);
    struct eg_vp8_payload found = eg__vp8_inspect(exact, size);
    free(exact);
    return found;
}

static void tells_what_a_payload_holds(struct eg_check *check) {
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct eg_vp8_payload found = inspect(rows[i].payload);
        CHECK_ROW(found.valid == rows[i].valid, i);
        CHECK_ROW(found.starts_key == rows[i].starts_key, i);
        CHECK_ROW(found.plain == rows[i].plain, i);
        CHECK_ROW(found.descriptor_size == rows[i].descriptor_size, i);
    }
}

static void reads_the_size_of_a_key_picture(struct eg_check *check) {
    static const struct {
        const char *payload;
        uint16_t version, width, height;
    } sizes[] = {
        {"10 d062009d012a4001b400", 0, 320, 180},
        {"10 d062009d012a0100ff3f", 0, 1, 16383},
        {"10 d062009d012affff01c0", 0, 16383, 1}, // with scales
        {"10 d662009d012a00052003", 3, 1280, 800},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct eg_vp8_payload found = inspect(sizes[i].payload);
        CHECK_ROW(found.starts_key && found.version == sizes[i].version, i);
        CHECK_ROW(found.width == sizes[i].width && found.height == sizes[i].height, i);
    }
}

static void believes_nothing_of_what_is_cut(struct eg_check *check) {
    uint8_t bytes[64];
    size_t whole = eg_hex("90f081234567d062009d012a4001b400", bytes, sizeof bytes);
    for (size_t size = 0; size <= whole; size++) {
        uint8_t *cut = exact_copy(bytes, size);
        struct eg_vp8_payload found = eg__vp8_inspect(cut, size);
        CHECK_ROW(found.valid == (size == whole) && found.starts_key == (size == whole), size);
        free(cut);
    }
}

static const struct eg_test tests[] = {
    EG_TEST(tells_what_a_payload_holds),
    EG_TEST(reads_the_size_of_a_key_picture),
    EG_TEST(believes_nothing_of_what_is_cut),
};

EG_TEST_SUITE(vp8, tests);
