#include "wire/vp9.h"

#include "base/bytes.h"
#include "wire/bit_reader.h"

enum {
    // The descriptor, RFC 9628 §4.2.
    I = 0x80, // picture ID
    L = 0x20, // layer indices
    F = 0x10, // flexible mode
    B = 0x08, // a frame begins
    V = 0x02, // scalability structure
    LONG_PICTURE_ID = 0x80,
    DIFFERENCES_MAX = 3, // P_DIFF, each but the last with its N bit set
    MORE_DIFFERENCES = 0x01,
    // The scalability structure, §4.2.1.
    SPATIAL_SHIFT = 5, // N_S
    Y = 0x10,          // the layers' sizes
    G = 0x08,          // the pictures of a group
    LAYER_SIZE_SIZE = 4, // [B]
    REFERENCES_SHIFT = 2, // R
    REFERENCES_MASK = 0x03,
    // The uncompressed header.
    FRAME_MARKER = 2,
    SYNC_CODE = 0x498342,
    COLOR_SPACE_RGB = 7,
};

static void skip_scalability_structure(struct eg_reader *reader) {
    uint8_t header = eg__read_u8(reader);
    size_t layers = (header >> SPATIAL_SHIFT) + 1U;
    if ((header & Y) != 0) eg__read_bytes(reader, layers * LAYER_SIZE_SIZE);
    uint8_t pictures = (header & G) != 0 ? eg__read_u8(reader) : 0;
    for (uint8_t i = 0; i < pictures && !reader->failed; i++) {
        uint8_t picture = eg__read_u8(reader);
        eg__read_bytes(reader, picture >> REFERENCES_SHIFT & REFERENCES_MASK);
    }
}

static void skip_differences(struct eg_reader *reader) {
    for (int i = 0; i < DIFFERENCES_MAX; i++) {
        bool has_more = (eg__read_u8(reader) & MORE_DIFFERENCES) != 0;
        if (!has_more) return;
    }
    reader->failed = true; // a fourth is not allowed
}

// Gives its first byte.
static uint8_t skip_descriptor(struct eg_reader *reader) {
    uint8_t first = eg__read_u8(reader);
    if ((first & I) != 0) {
        bool is_long = (eg__read_u8(reader) & LONG_PICTURE_ID) != 0;
        if (is_long) eg__read_u8(reader);
    }
    if ((first & L) != 0) {
        eg__read_u8(reader);
        if ((first & F) == 0) eg__read_u8(reader); // TL0PICIDX
    }
    bool has_differences = (first & F) != 0 && (first & EG_VP9_P) != 0;
    if (has_differences) skip_differences(reader);
    if ((first & V) != 0) skip_scalability_structure(reader);
    return first;
}

// color_config(). False for what the profile does not allow.
static bool read_color(struct eg_vp9_payload *found, struct eg_bit_reader *bits) {
    static const uint8_t chroma[2][2] = {{3, 0}, {2, 1}}; // by subsampling_x and subsampling_y
    bool is_free = found->profile == 1 || found->profile == 3; // it says its subsampling; in the others it is 4:2:0
    found->chroma_format_idc = 1;
    if (found->profile >= 2) eg__bits_read_flag(bits); // 12 bits rather than 10
    bool is_rgb = eg__bits_read(bits, 3) == COLOR_SPACE_RGB;
    if (is_rgb) {
        found->chroma_format_idc = 3;
        return is_free && !eg__bits_read_flag(bits);
    }
    eg__bits_read_flag(bits); // color_range
    if (!is_free) return true;
    bool x = eg__bits_read_flag(bits);
    bool y = eg__bits_read_flag(bits);
    found->chroma_format_idc = chroma[x][y];
    bool is_reserved = eg__bits_read_flag(bits);
    return !is_reserved && !(x && y);
}

// The uncompressed header, as far as it says what is asked here. False when no frame of VP9 begins so.
static bool read_frame(struct eg_vp9_payload *found, const uint8_t *bytes, size_t size) {
    struct eg_bit_reader bits = eg__bit_reader(bytes, size);
    if (eg__bits_read(&bits, 2) != FRAME_MARKER) return false;
    uint32_t profile_low = eg__bits_read(&bits, 1);
    found->profile = (uint8_t)(eg__bits_read(&bits, 1) << 1 | profile_low);
    bool is_reserved = found->profile == 3 && eg__bits_read_flag(&bits);
    bool is_shown_again = eg__bits_read_flag(&bits);
    bool is_inter = is_shown_again || eg__bits_read_flag(&bits);
    if (is_reserved || is_inter) return !is_reserved;
    eg__bits_read(&bits, 2); // show_frame, error_resilient_mode
    bool is_in_sync = eg__bits_read(&bits, 24) == SYNC_CODE;
    if (!is_in_sync || !read_color(found, &bits)) return false;
    found->width = eg__bits_read(&bits, 16) + 1;
    found->height = eg__bits_read(&bits, 16) + 1;
    found->starts_key = !bits.failed;
    return found->starts_key;
}

static bool inspect(struct eg_vp9_payload *found, const uint8_t *payload, size_t size) {
    struct eg_reader reader = eg__reader(payload, size);
    uint8_t first = skip_descriptor(&reader);
    if (reader.failed || eg__reader_left(&reader) == 0) return false;
    found->may_mark_inter = (first & F) == 0;
    return (first & B) == 0 || read_frame(found, payload + reader.at, eg__reader_left(&reader));
}

struct eg_vp9_payload eg__vp9_inspect(const uint8_t *payload, size_t size) {
    struct eg_vp9_payload found = {0};
    if (!inspect(&found, payload, size)) return (struct eg_vp9_payload){0}; // nothing of a broken payload is believed
    found.valid = true;
    return found;
}
