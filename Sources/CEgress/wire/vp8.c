#include "wire/vp8.h"

#include "base/bytes.h"

enum {
    // The descriptor, RFC 7741 §4.2.
    X = 0x80, // extensions follow
    N = 0x20, // no other picture refers to this one
    S = 0x10, // a partition begins
    PARTITION = 0x07,
    // The extensions' byte.
    I = 0x80, // PictureID
    L = 0x40, // TL0PICIDX
    T = 0x20, // TID
    K = 0x10, // KEYIDX, in one byte with TID
    LONG_PICTURE_ID = 0x80,
    // The frame tag, RFC 6386 §9.1.
    IS_INTER = 0x01,
    VERSION_SHIFT = 1,
    VERSION_MASK = 0x07,
    VERSION_MAX = 3,
    TAG_SIZE = 3,      // [B]
    START_CODE = 0x9d012a,
    SIZE_MASK = 0x3fff, // of a side; the bits above say how it is scaled
};

static void skip_extensions(struct eg_reader *reader) {
    uint8_t extensions = eg__read_u8(reader);
    if ((extensions & I) != 0) {
        bool is_long = (eg__read_u8(reader) & LONG_PICTURE_ID) != 0;
        if (is_long) eg__read_u8(reader);
    }
    if ((extensions & L) != 0) eg__read_u8(reader);
    if ((extensions & (T | K)) != 0) eg__read_u8(reader);
}

static uint16_t read_side(struct eg_reader *reader) {
    uint16_t low = eg__read_u8(reader); // little endian
    return (uint16_t)((low | eg__read_u8(reader) << 8) & SIZE_MASK);
}

// False when it is no key picture though its first bit says so.
static bool read_key(struct eg_vp8_payload *found, struct eg_reader *reader) {
    const uint8_t *tag = eg__read_bytes(reader, TAG_SIZE);
    uint32_t start_code = eg__read_u24(reader);
    found->width = read_side(reader);
    found->height = read_side(reader);
    if (reader->failed || start_code != START_CODE || found->width == 0 || found->height == 0) return false;
    found->version = tag[0] >> VERSION_SHIFT & VERSION_MASK;
    found->starts_key = true;
    return found->version <= VERSION_MAX;
}

static bool inspect(struct eg_vp8_payload *found, const uint8_t *payload, size_t size) {
    struct eg_reader reader = eg__reader(payload, size);
    uint8_t first = eg__read_u8(&reader);
    if ((first & X) != 0) skip_extensions(&reader);
    if (reader.failed || eg__reader_left(&reader) == 0) return false;
    found->plain = first & (N | S | PARTITION);
    found->descriptor_size = (uint8_t)reader.at;
    bool starts_picture = (first & S) != 0 && (first & PARTITION) == 0;
    bool is_key = starts_picture && (payload[reader.at] & IS_INTER) == 0;
    return !is_key || read_key(found, &reader);
}

struct eg_vp8_payload eg__vp8_inspect(const uint8_t *payload, size_t size) {
    struct eg_vp8_payload found = {0};
    if (!inspect(&found, payload, size)) return (struct eg_vp8_payload){0}; // nothing of a broken payload is believed
    found.valid = true;
    return found;
}
