#include "wire/av1.h"

#include "base/bytes.h"

enum {
    // The aggregation header, §4.4.
    Z = 0x80, // the first element goes on with an OBU of the packet before
    Y = 0x40, // the last one is gone on with in the next
    W_SHIFT = 4,
    W_MASK = 0x03, // elements, of which the last has no size; 0: any number, all with sizes
    N = 0x08, // the first packet of a coded video sequence
    // An OBU's header, AV1 §5.3.2.
    FORBIDDEN = 0x80,
    TYPE_SHIFT = 3,
    TYPE_MASK = 0x0f,
    HAS_EXTENSION = 0x04,
    HAS_SIZE = 0x02,
    OBU_SEQUENCE = 1,
    OBU_FRAME_HEADER = 3,
    OBU_FRAME = 6,
    // A frame header's first bits, §5.9.2.
    IS_SHOWN_AGAIN = 0x80,
    FRAME_TYPE_SHIFT = 5,
    FRAME_TYPE_MASK = 0x03,
    FRAME_TYPE_KEY = 0,
    IS_SHOWN = 0x10,
    LEB128_SIZE_MAX = 8, // [B]
};

// §4.10.5.
static size_t read_leb128(struct eg_reader *reader) {
    uint64_t value = 0;
    for (unsigned i = 0; i < LEB128_SIZE_MAX; i++) {
        uint8_t byte = eg__read_u8(reader);
        value |= (uint64_t)(byte & 0x7f) << (7 * i);
        if ((byte & 0x80) == 0) return (size_t)value;
    }
    reader->failed = true;
    return 0;
}

struct obu {
    uint8_t type;
    const uint8_t *bytes; // behind its header
    size_t size;          // [B]
};

// Of an element that begins one. False when none can begin so.
static bool parse_obu(struct obu *obu, const uint8_t *element, size_t size) {
    struct eg_reader reader = eg__reader(element, size);
    uint8_t header = eg__read_u8(&reader);
    if ((header & FORBIDDEN) != 0) return false;
    if ((header & HAS_EXTENSION) != 0) eg__read_u8(&reader);
    if ((header & HAS_SIZE) != 0) read_leb128(&reader); // senders should leave it out
    *obu = (struct obu){.type = header >> TYPE_SHIFT & TYPE_MASK, .bytes = element + reader.at, .size = eg__reader_left(&reader)};
    return !reader.failed;
}

static bool is_key_frame(const struct obu *obu) {
    uint8_t first = obu->size > 0 ? obu->bytes[0] : IS_SHOWN_AGAIN;
    return (first & IS_SHOWN_AGAIN) == 0 && (first >> FRAME_TYPE_SHIFT & FRAME_TYPE_MASK) == FRAME_TYPE_KEY && (first & IS_SHOWN) != 0;
}

// What begins a coded video sequence: its sequence header, and a key frame unless that comes only in the next packet.
struct beginning {
    bool has_sequence;
    bool has_other_frame;
};

static bool look_at(struct eg_av1_payload *found, struct beginning *beginning, const uint8_t *element, size_t size) {
    struct obu obu;
    if (!parse_obu(&obu, element, size)) return false;
    if (obu.type == OBU_SEQUENCE) beginning->has_sequence = eg__av1_parse_sequence(&found->sequence, obu.bytes, obu.size);
    bool is_frame = obu.type == OBU_FRAME || obu.type == OBU_FRAME_HEADER;
    if (is_frame && !is_key_frame(&obu)) beginning->has_other_frame = true;
    return true;
}

static bool inspect(struct eg_av1_payload *found, const uint8_t *payload, size_t size) {
    struct eg_reader reader = eg__reader(payload, size);
    struct beginning beginning = {0};
    uint8_t header = eg__read_u8(&reader);
    unsigned elements = header >> W_SHIFT & W_MASK, element = 0;
    bool is_first_whole = (header & Z) == 0, starts_sequence = (header & N) != 0;
    if (starts_sequence && !is_first_whole) return false;
    do {
        element++;
        bool is_sized = elements == 0 || element < elements;
        size_t element_size = is_sized ? read_leb128(&reader) : eg__reader_left(&reader);
        const uint8_t *bytes = eg__read_bytes(&reader, element_size);
        if (bytes == NULL || element_size == 0) return false;
        bool begins = element > 1 || is_first_whole;
        if (begins && !look_at(found, &beginning, bytes, element_size)) return false;
    } while (elements == 0 ? eg__reader_left(&reader) > 0 : element < elements);
    found->starts_key = starts_sequence && beginning.has_sequence && !beginning.has_other_frame;
    return true;
}

struct eg_av1_payload eg__av1_inspect(const uint8_t *payload, size_t size) {
    struct eg_av1_payload found = {0};
    if (!inspect(&found, payload, size)) return (struct eg_av1_payload){0}; // nothing of a broken payload is believed
    found.valid = true;
    return found;
}
