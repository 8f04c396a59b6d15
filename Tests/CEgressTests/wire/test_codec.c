#include "support/check.h"
#include "support/exact_copy.h"
#include "wire/codec.h"

#include <string.h>

static void every_codec_is_of_one_kind_and_has_a_clock(struct eg_check *check) {
    static const struct {
        eg_codec codec;
        const char *name;
        uint32_t video_rate, audio_rate; // 0: it is none of that kind
    } rows[] = {
        {EG_CODEC_DEFAULT, "default", 90000, 48000},
        {EG_CODEC_H264, "h264", 90000, 0},
        {EG_CODEC_H265, "h265", 90000, 0},
        {EG_CODEC_VP8, "vp8", 90000, 0},
        {EG_CODEC_VP9, "vp9", 90000, 0},
        {EG_CODEC_AV1, "av1", 90000, 0},
        {(eg_codec)6, "other", 0, 0},
        {(eg_codec)15, "other", 0, 0},
        {EG_CODEC_OPUS, "opus", 0, 48000},
        {EG_CODEC_PCMU, "pcmu", 0, 8000},
        {EG_CODEC_PCMA, "pcma", 0, 8000},
        {EG_CODEC_G722, "g722", 0, 8000},
        {(eg_codec)20, "other", 0, 0},
        {(eg_codec)-1, "other", 0, 0},
        {(eg_codec)INT32_MIN, "other", 0, 0},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct eg_codec_traits *video = eg__codec_traits(rows[i].codec, true), *audio = eg__codec_traits(rows[i].codec, false);
        CHECK_ROW((video != NULL ? video->clock_rate : 0) == rows[i].video_rate, i);
        CHECK_ROW((audio != NULL ? audio->clock_rate : 0) == rows[i].audio_rate, i);
        CHECK_ROW(strcmp(eg_codec_name(rows[i].codec), rows[i].name) == 0, i);
        CHECK_ROW(video == NULL || (video->inspect != NULL && video->parse_format != NULL), i);
    }
}

static struct eg_video_format format_of(struct eg_check *check, eg_codec codec, const char *hex) {
    uint8_t bytes[64];
    size_t size = eg_hex(hex, bytes, sizeof bytes);
    struct eg_video_format format = {0};
    CHECK_ROW(eg__codec_traits(codec, true)->parse_format(&format, bytes, size), codec);
    return format;
}

static bool is_format(struct eg_video_format format, uint8_t profile_idc, uint8_t constraints, uint8_t level_idc, uint8_t chroma, unsigned width,
                      unsigned height) {
    return format.profile_idc == profile_idc && format.constraints == constraints && format.level_idc == level_idc &&
           format.chroma_format_idc == chroma && format.width == width && format.height == height;
}

static void every_codec_of_video_says_its_format(struct eg_check *check) {
    CHECK(is_format(format_of(check, EG_CODEC_H264, "6742c01fd9005005bb0110000003001000000303c0f1832480"), 66, 0xc0, 31, 1, 1280, 720));
    CHECK(is_format(format_of(check, EG_CODEC_H265, "42010102200000030090000003000003003ca00a080c1f3b65ba4a4c2f016808"), 2, 0, 60, 1, 320, 180));
    CHECK(is_format(format_of(check, EG_CODEC_VP8, "90808000d062009d012a4001b400"), 0, 0, 0, 1, 320, 180));
    CHECK(is_format(format_of(check, EG_CODEC_VP9, "08924983420009f8059b031c120e"), 2, 0, 0, 1, 320, 180));
    CHECK(is_format(format_of(check, EG_CODEC_AV1, "28 0e 08 0000006ffc1dfc10dc02780080 3010"), 0, 1, 13, 1, 1920, 1080));
}

// 65,536 is more than a format has room for.
static void a_side_that_does_not_fit_is_no_format(struct eg_check *check) {
    uint8_t bytes[64];
    struct eg_video_format format;
    size_t size = eg_hex("08 824983422ffffffff0", bytes, sizeof bytes);
    CHECK(!eg__codec_traits(EG_CODEC_VP9, true)->parse_format(&format, bytes, size));
    size = eg_hex("28 0d 08 0000002ffffffffff804f001 3010", bytes, sizeof bytes);
    CHECK(!eg__codec_traits(EG_CODEC_AV1, true)->parse_format(&format, bytes, size));
}

static void what_is_stored_of_vp8_has_a_descriptor_of_one_byte(struct eg_check *check) {
    const struct eg_codec_traits *vp8 = eg__codec_traits(EG_CODEC_VP8, true);
    static const struct {
        const char *payload;
        uint8_t skip, first;
    } rows[] = {
        {"90808000d062009d012a4001b400", 3, 0x10},
        {"8080800013a780d1", 3, 0x00},
        {"90 f0 81 23 45 67 01", 5, 0x10},
        {"10 01", 0, 0x10},
        {"7f 00", 0, 0x37},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t bytes[64];
        size_t size = eg_hex(rows[i].payload, bytes, sizeof bytes);
        struct eg_stored_payload stored = vp8->normalize(bytes, size, false);
        CHECK_ROW(stored.skip == rows[i].skip && stored.first == rows[i].first, i);
    }
}

static void what_is_stored_of_vp9_says_what_is_no_key_picture(struct eg_check *check) {
    const struct eg_codec_traits *vp9 = eg__codec_traits(EG_CODEC_VP9, true);
    static const struct {
        const char *payload;
        bool is_of_key_picture;
        uint8_t first;
    } rows[] = {
        {"08824983420013f00b360638", true, 0x08},
        {"00225146adb903ff", true, 0x00},
        {"0c86004092f1814b", false, 0x4c},
        {"00225146adb903ff", false, 0x40},
        {"4886004092f1814b", false, 0x48},
        {"1886004092f1814b", false, 0x18}, // flexible mode: as it came
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t bytes[64];
        size_t size = eg_hex(rows[i].payload, bytes, sizeof bytes);
        struct eg_stored_payload stored = vp9->normalize(bytes, size, rows[i].is_of_key_picture);
        CHECK_ROW(stored.skip == 0 && stored.first == rows[i].first, i);
    }
}

// No payload of one codec begins a GOP of another, as far as encoders' payloads go.
static void no_key_picture_is_one_to_another_codec(struct eg_check *check) {
    static const struct {
        eg_codec codec;
        const char *payload;
    } keys[] = {
        {EG_CODEC_H264, "658884002bfffef4"},
        {EG_CODEC_H264, "7c858884002bfffe"},
        {EG_CODEC_H265, "620194ac6cc3269a04d6d50e55627add"},
        {EG_CODEC_VP8, "90808000d062009d012a4001b400390500001c240c2c2c44"},
        {EG_CODEC_VP9, "08824983420013f00b360638241c1842000d605f"},
        {EG_CODEC_AV1, "680c0802000004a1e7f66257c802301000844080002080041040"},
    };
    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        uint8_t bytes[64];
        size_t size = eg_hex(keys[i].payload, bytes, sizeof bytes);
        uint8_t *exact = exact_copy(bytes, size);
        for (eg_codec codec = EG_CODEC_H264; codec <= EG_CODEC_AV1; codec++) {
            struct eg_payload found = eg__codec_traits(codec, true)->inspect(exact, size);
            CHECK_ROW(found.starts_key == (codec == keys[i].codec), i * 10 + codec);
            CHECK_ROW(found.valid || !found.starts_key, i);
        }
        free(exact);
    }
}

static const struct eg_test tests[] = {
    EG_TEST(every_codec_is_of_one_kind_and_has_a_clock),
    EG_TEST(every_codec_of_video_says_its_format),
    EG_TEST(a_side_that_does_not_fit_is_no_format),
    EG_TEST(what_is_stored_of_vp8_has_a_descriptor_of_one_byte),
    EG_TEST(what_is_stored_of_vp9_says_what_is_no_key_picture),
    EG_TEST(no_key_picture_is_one_to_another_codec),
};

EG_TEST_SUITE(codec, tests);
