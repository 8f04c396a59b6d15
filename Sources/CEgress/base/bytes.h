// Bounds-checked big-endian reader and writer. A read or write past the end gives zero, or writes nothing, and marks the cursor as
// failed. So a parser reads all it needs and checks for failure once, at the end.
#ifndef EG_BYTES_H
#define EG_BYTES_H

#include "base/base.h"

#include <string.h>

struct eg_reader {
    const uint8_t *bytes;
    size_t size;   // [B]
    size_t at;     // [B] never beyond size
    bool failed;   // something was read past the end
};

static inline struct eg_reader eg__reader(const uint8_t *bytes, size_t size) {
    return (struct eg_reader){.bytes = bytes, .size = size};
}

static inline size_t eg__reader_left(const struct eg_reader *reader) { return reader->size - reader->at; }

// Takes `size` bytes, or NULL when fewer are left.
static inline const uint8_t *eg__read_bytes(struct eg_reader *reader, size_t size) {
    if (reader->failed || size > eg__reader_left(reader)) {
        reader->failed = true;
        return NULL;
    }
    const uint8_t *bytes = reader->bytes + reader->at;
    reader->at += size;
    return bytes;
}

static inline uint64_t eg__read_big_endian(struct eg_reader *reader, size_t size) {
    const uint8_t *bytes = eg__read_bytes(reader, size);
    uint64_t value = 0;
    for (size_t i = 0; bytes != NULL && i < size; i++) value = value << 8 | bytes[i];
    return value;
}

static inline uint8_t eg__read_u8(struct eg_reader *reader) { return (uint8_t)eg__read_big_endian(reader, 1); }
static inline uint16_t eg__read_u16(struct eg_reader *reader) { return (uint16_t)eg__read_big_endian(reader, 2); }
static inline uint32_t eg__read_u24(struct eg_reader *reader) { return (uint32_t)eg__read_big_endian(reader, 3); }
static inline uint32_t eg__read_u32(struct eg_reader *reader) { return (uint32_t)eg__read_big_endian(reader, 4); }
static inline uint64_t eg__read_u64(struct eg_reader *reader) { return eg__read_big_endian(reader, 8); }

struct eg_writer {
    uint8_t *bytes;
    size_t size;   // [B] capacity
    size_t at;     // [B] written so far
    bool failed;   // something did not fit
};

static inline struct eg_writer eg__writer(uint8_t *bytes, size_t size) {
    return (struct eg_writer){.bytes = bytes, .size = size};
}

static inline void eg__write_bytes(struct eg_writer *writer, const void *bytes, size_t size) {
    if (writer->failed || size > writer->size - writer->at) {
        writer->failed = true;
        return;
    }
    if (size > 0) memcpy(writer->bytes + writer->at, bytes, size);
    writer->at += size;
}

static inline void eg__write_big_endian(struct eg_writer *writer, uint64_t value, size_t size) {
    uint8_t bytes[8];
    for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)(value >> (8 * (size - 1 - i)));
    eg__write_bytes(writer, bytes, size);
}

static inline void eg__write_u8(struct eg_writer *writer, uint8_t value) { eg__write_big_endian(writer, value, 1); }
static inline void eg__write_u16(struct eg_writer *writer, uint16_t value) { eg__write_big_endian(writer, value, 2); }
static inline void eg__write_u32(struct eg_writer *writer, uint32_t value) { eg__write_big_endian(writer, value, 4); }
static inline void eg__write_u64(struct eg_writer *writer, uint64_t value) { eg__write_big_endian(writer, value, 8); }

#endif
