#include "wire/h264.h"

enum {
    NAL_TYPE_MASK = 0x1f,
    NAL_PARTITION_C = 4, // types 1 to 4 are a slice or a data partition of one
    NAL_SINGLE_MAX = 23, // from 24 on a type is RFC 6184's, not H.264's
    SPS_SIZE_MIN = 4,    // [B] header, profile, constraints, level
    STAP_A_HEADER_SIZE = 1, // [B]
    FU_START = 0x80,
    FU_END = 0x40,
};

static bool is_single(uint8_t type) { return type >= 1 && type <= NAL_SINGLE_MAX; }

static bool is_slice(uint8_t type) { return type >= EG_H264_NAL_SLICE && type <= NAL_PARTITION_C; }

static bool is_set(uint8_t type) { return type == EG_H264_NAL_SPS || type == EG_H264_NAL_PPS; }

// `header` is what follows the first byte.
static void note_start_of_idr(struct eg_h264_payload *found, const uint8_t *header, size_t size) {
    if (!found->starts_idr) found->pps_id = eg__h264_pps_id_of_slice(header, size);
    found->has_idr = found->starts_idr = true;
}

static void note_whole(struct eg_h264_payload *found, const uint8_t *nal, size_t size) {
    uint8_t type = nal[0] & NAL_TYPE_MASK;
    if (type == EG_H264_NAL_IDR) note_start_of_idr(found, nal + 1, size - 1);
    if (is_slice(type)) found->has_slice = true;
    if (is_set(type)) found->has_sets = true;
    if (type == EG_H264_NAL_SPS && size >= SPS_SIZE_MIN) found->has_sps = true;
}

// RFC 6184 §5.7.1: one NAL unit or more, each behind its size; none of them is itself an aggregate or a fragment.
static bool inspect_stap_a(struct eg_h264_payload *found, struct eg_reader *reader) {
    do {
        size_t size = eg__read_u16(reader);
        const uint8_t *nal = eg__read_bytes(reader, size);
        if (nal == NULL || size == 0 || !is_single(nal[0] & NAL_TYPE_MASK)) return false;
        note_whole(found, nal, size);
    } while (eg__reader_left(reader) > 0);
    return true;
}

// RFC 6184 §5.8. A fragment may be empty; one that is both the first and the last must not be.
static bool inspect_fu_a(struct eg_h264_payload *found, struct eg_reader *reader) {
    uint8_t header = eg__read_u8(reader);
    uint8_t type = header & NAL_TYPE_MASK;
    bool is_start = (header & FU_START) != 0;
    bool is_end = (header & FU_END) != 0;
    if (reader->failed || !is_single(type) || (is_start && is_end)) return false;
    found->has_idr = type == EG_H264_NAL_IDR;
    if (found->has_idr && is_start) note_start_of_idr(found, reader->bytes + reader->at, eg__reader_left(reader));
    found->has_slice = is_slice(type);
    found->has_sets = is_set(type);
    return true;
}

static bool inspect(struct eg_h264_payload *found, const uint8_t *payload, size_t size) {
    struct eg_reader reader = eg__reader(payload, size);
    uint8_t type = eg__read_u8(&reader) & NAL_TYPE_MASK;
    if (reader.failed) return false;
    if (type == EG_H264_NAL_STAP_A) return inspect_stap_a(found, &reader);
    if (type == EG_H264_NAL_FU_A) return inspect_fu_a(found, &reader);
    if (!is_single(type)) return false;
    note_whole(found, payload, size);
    return true;
}

struct eg_h264_payload eg__h264_inspect(const uint8_t *payload, size_t size) {
    struct eg_h264_payload found = {.pps_id = EG_H264_NO_PPS};
    if (!inspect(&found, payload, size)) return (struct eg_h264_payload){.pps_id = EG_H264_NO_PPS}; // nothing in a broken payload is trusted
    found.valid = true;
    return found;
}

struct eg_nal_units eg__h264_units(const uint8_t *payload, size_t size) {
    uint8_t type = size > 0 ? payload[0] & NAL_TYPE_MASK : 0;
    if (type == EG_H264_NAL_STAP_A) return eg__nal_units_of_aggregate(payload, size, STAP_A_HEADER_SIZE);
    return is_single(type) ? eg__nal_unit_alone(payload, size) : eg__nal_no_units();
}

bool eg__h264_parse_fragment(struct eg_nal_fragment *fragment, const uint8_t *payload, size_t size) {
    if (size < 2 || (payload[0] & NAL_TYPE_MASK) != EG_H264_NAL_FU_A) return false;
    *fragment = (struct eg_nal_fragment){
        .header = {(uint8_t)((payload[0] & ~NAL_TYPE_MASK) | (payload[1] & NAL_TYPE_MASK))},
        .header_size = 1,
        .is_start = (payload[1] & FU_START) != 0,
        .is_end = (payload[1] & FU_END) != 0,
        .bytes = payload + 2,
        .size = size - 2,
    };
    return true;
}
