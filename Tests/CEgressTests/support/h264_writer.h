// Writes the bits of parameter sets and slices, for what no encoder here writes. Emulation prevention is put in as an encoder would.
#ifndef EG_H264_WRITER_H
#define EG_H264_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bit_writer {
    uint8_t bytes[256];
    size_t bit;
};

static inline void put_bits(struct bit_writer *writer, uint32_t value, unsigned count) {
    for (unsigned i = 0; i < count; i++, writer->bit++) {
        if ((value >> (count - 1 - i) & 1) != 0) writer->bytes[writer->bit / 8] |= (uint8_t)(0x80 >> writer->bit % 8);
    }
}

static inline void put_unsigned(struct bit_writer *writer, uint32_t value) {
    unsigned size = 0;
    while ((uint64_t)value + 1 >= UINT64_C(2) << size) size++;
    put_bits(writer, 0, size);
    put_bits(writer, 1, 1);
    put_bits(writer, (uint32_t)((uint64_t)value + 1), size);
}

static inline void put_signed(struct bit_writer *writer, int32_t value) {
    put_unsigned(writer, value > 0 ? 2 * (uint32_t)value - 1 : 2 * (uint32_t)-value);
}

// Everything of an SPS that a test may want otherwise; zero is the plain choice.
struct made_sps {
    uint8_t profile_idc;
    uint32_t id;
    uint32_t chroma_format_idc;
    bool is_separate;
    const int *scaling_list;  // deltas and LIST_END; NULL: no matrix
    size_t scaling_index;     // which list of the matrix it is, the only one
    uint32_t poc_type;
    uint32_t poc_cycle;
    int32_t poc_offset;       // offset_for_non_ref_pic
    unsigned poc_offset_zeros; // when not 0, that many zeros begin it, and ones as many end it
    uint32_t width_in_mbs, height_in_map_units;
    bool is_field;
    uint32_t crop[4]; // left, right, top, bottom
};

enum { LIST_END = 1000 };

static inline void put_chroma_fields(struct bit_writer *writer, const struct made_sps *sps) {
    put_unsigned(writer, sps->chroma_format_idc);
    if (sps->chroma_format_idc == 3) put_bits(writer, sps->is_separate, 1);
    put_unsigned(writer, 0); // bit depths
    put_unsigned(writer, 0);
    put_bits(writer, 0, 1);
    put_bits(writer, sps->scaling_list != NULL, 1);
    if (sps->scaling_list == NULL) return;
    size_t list_count = sps->chroma_format_idc == 3 ? 12 : 8;
    for (size_t i = 0; i < list_count; i++) {
        put_bits(writer, i == sps->scaling_index, 1);
        if (i != sps->scaling_index) continue;
        for (const int *delta = sps->scaling_list; *delta != LIST_END; delta++) put_signed(writer, *delta);
    }
}

static inline void put_picture_order_count(struct bit_writer *writer, const struct made_sps *sps) {
    put_unsigned(writer, sps->poc_type);
    if (sps->poc_type == 0) put_unsigned(writer, 12);
    if (sps->poc_type != 1) return;
    put_bits(writer, 0, 1);
    if (sps->poc_offset_zeros == 0) put_signed(writer, sps->poc_offset);
    if (sps->poc_offset_zeros > 0) {
        put_bits(writer, 0, sps->poc_offset_zeros);
        put_bits(writer, 1, 1);
        put_bits(writer, UINT32_MAX, sps->poc_offset_zeros);
    }
    put_signed(writer, -1000000);
    put_unsigned(writer, sps->poc_cycle);
    for (uint32_t i = 0; i < sps->poc_cycle; i++) put_signed(writer, 0);
}

static inline void put_sps(struct bit_writer *writer, const struct made_sps *sps) {
    put_bits(writer, 0x67, 8);
    put_bits(writer, sps->profile_idc, 8);
    put_bits(writer, 0, 8);
    put_bits(writer, 40, 8);
    put_unsigned(writer, sps->id);
    if (sps->profile_idc == 100) put_chroma_fields(writer, sps);
    put_unsigned(writer, 12);
    put_picture_order_count(writer, sps);
    put_unsigned(writer, 16);
    put_bits(writer, 0, 1);
    put_unsigned(writer, sps->width_in_mbs - 1);
    put_unsigned(writer, sps->height_in_map_units - 1);
    put_bits(writer, !sps->is_field, 1);
    if (sps->is_field) put_bits(writer, 0, 1);
    put_bits(writer, 1, 1);
    put_bits(writer, 1, 1); // cropped
    for (size_t i = 0; i < 4; i++) put_unsigned(writer, sps->crop[i]);
    put_bits(writer, 0, 1); // no VUI
    put_bits(writer, 1, 1);
}

static inline size_t prevent_emulation(const uint8_t *bytes, size_t size, uint8_t *out) {
    size_t at = 0, zeros = 0;
    for (size_t i = 0; i < size; i++) {
        if (zeros >= 2 && bytes[i] <= 3) {
            out[at++] = 3;
            zeros = 0;
        }
        zeros = bytes[i] == 0 ? zeros + 1 : 0;
        out[at++] = bytes[i];
    }
    return at;
}

enum { MADE_NAL_SIZE_MAX = 2 * sizeof(((struct bit_writer *)NULL)->bytes) };

static inline size_t make_sps(const struct made_sps *sps, uint8_t nal[MADE_NAL_SIZE_MAX]) {
    struct bit_writer writer = {0};
    put_sps(&writer, sps);
    return prevent_emulation(writer.bytes, (writer.bit + 7) / 8, nal);
}

// `extra` bytes more, as a long one has.
static inline size_t make_pps(uint32_t id, uint32_t sps_id, size_t extra, uint8_t *nal) {
    struct bit_writer writer = {0};
    put_bits(&writer, 0x68, 8);
    put_unsigned(&writer, id);
    put_unsigned(&writer, sps_id);
    put_bits(&writer, 0x7, 3);
    size_t size = prevent_emulation(writer.bytes, (writer.bit + 7) / 8, nal);
    for (size_t i = 0; i < extra; i++) nal[size + i] = 0xa5;
    return size + extra;
}

// Its header, and some more. The IDR's slices are I, the others P.
static inline size_t make_slice(bool is_idr, uint32_t pps_id, uint8_t nal[MADE_NAL_SIZE_MAX]) {
    struct bit_writer writer = {0};
    put_bits(&writer, is_idr ? 0x65 : 0x41, 8);
    put_unsigned(&writer, 0);
    put_unsigned(&writer, is_idr ? 7 : 5);
    put_unsigned(&writer, pps_id);
    for (int i = 0; i < 40; i++) put_bits(&writer, 0xa5, 8);
    return prevent_emulation(writer.bytes, (writer.bit + 7) / 8, nal);
}

#endif
