// Reads bits, the most significant first, of what has no emulation prevention: VP9's and AV1's headers. Past the end it gives zeros and has failed.
#ifndef EG_BIT_READER_H
#define EG_BIT_READER_H

#include "base/base.h"

struct eg_bit_reader {
    const uint8_t *bytes;
    size_t size; // [B]
    size_t at;   // [bit]
    bool failed;
};

static inline struct eg_bit_reader eg__bit_reader(const uint8_t *bytes, size_t size) {
    return (struct eg_bit_reader){.bytes = bytes, .size = size};
}

// At most 32 of them.
static inline uint32_t eg__bits_read(struct eg_bit_reader *reader, unsigned count) {
    uint32_t value = 0;
    for (unsigned i = 0; i < count; i++) {
        reader->failed = reader->failed || reader->at / 8 >= reader->size;
        uint32_t bit = reader->failed ? 0 : reader->bytes[reader->at / 8] >> (7 - reader->at % 8) & 1U;
        value = value << 1 | bit;
        reader->at++;
    }
    return value;
}

static inline bool eg__bits_read_flag(struct eg_bit_reader *reader) { return eg__bits_read(reader, 1) != 0; }

#endif
