// Reads bits of a NAL unit of H.264 or H.265, leaving out the emulation prevention bytes (ITU-T H.264 §7.4.1, H.265 §7.4.2). Past the end it
// returns zeros and has failed.
#ifndef EG_NAL_BITS_H
#define EG_NAL_BITS_H

#include "base/base.h"

struct eg_nal_bits {
    const uint8_t *bytes;
    size_t size;    // [B]
    size_t at;      // [B] the next to take
    unsigned zeros; // bytes of zero just before it
    uint8_t byte;
    unsigned left;  // bits of `byte`
    bool failed;
};

static inline void eg__nal_take_byte(struct eg_nal_bits *bits) {
    bool is_emulation_prevention = bits->at < bits->size && bits->zeros >= 2 && bits->bytes[bits->at] == 3;
    if (is_emulation_prevention) {
        bits->at++;
        bits->zeros = 0;
    }
    bits->failed = bits->failed || bits->at >= bits->size;
    bits->byte = bits->failed ? 0 : bits->bytes[bits->at++];
    bits->zeros = bits->byte == 0 ? bits->zeros + 1 : 0;
    bits->left = 8;
}

static inline uint32_t eg__nal_read(struct eg_nal_bits *bits, unsigned count) {
    uint32_t value = 0;
    for (unsigned i = 0; i < count; i++) {
        if (bits->left == 0) eg__nal_take_byte(bits);
        bits->left--;
        value = value << 1 | (bits->byte >> bits->left & 1U);
    }
    return value;
}

static inline bool eg__nal_read_flag(struct eg_nal_bits *bits) { return eg__nal_read(bits, 1) != 0; }

// ue(v), §9.1, which must be at most `max`; else the reader fails, so that no value out of range is ever used. No field here
// comes near 2^32, so at most 31 zeros are accepted.
static inline uint32_t eg__nal_read_ue(struct eg_nal_bits *bits, uint32_t max) {
    unsigned zeros = 0;
    while (zeros < 32 && !bits->failed && !eg__nal_read_flag(bits)) zeros++;
    bits->failed = bits->failed || zeros > 31;
    if (bits->failed) return 0;
    uint32_t value = (uint32_t)((UINT64_C(1) << zeros) - 1) + eg__nal_read(bits, zeros);
    bits->failed = bits->failed || value > max;
    return bits->failed ? 0 : value;
}

// se(v), §9.1.1, of any size that fits.
static inline int32_t eg__nal_read_se(struct eg_nal_bits *bits) {
    uint32_t code = eg__nal_read_ue(bits, UINT32_MAX - 1);
    int32_t magnitude = (int32_t)((code + 1) / 2);
    return code % 2 == 1 ? magnitude : -magnitude;
}

#endif
