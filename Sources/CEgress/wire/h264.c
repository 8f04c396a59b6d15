#include "wire/h264.h"

#include "base/bytes.h"
#include "base/limits.h"

enum {
    NAL_TYPE_MASK = 0x1f,
    NAL_PARTITION_C = 4, // types 1 to 4 are a slice or a data partition of one
    NAL_SINGLE_MAX = 23, // from 24 on a type is RFC 6184's, not H.264's
    SPS_SIZE_MIN = 4,    // [B] header, profile, constraints, level
    PPS_SIZE_MIN = 2,    // [B]
    FU_START = 0x80,
    FU_END = 0x40,
};

static bool is_single(uint8_t type) { return type >= 1 && type <= NAL_SINGLE_MAX; }

static bool is_slice(uint8_t type) { return type >= EG_H264_NAL_SLICE && type <= NAL_PARTITION_C; }

static void note_whole(struct eg_h264_payload *found, const uint8_t *nal, size_t size) {
    uint8_t type = nal[0] & NAL_TYPE_MASK;
    bool is_storable = size <= EG_PARAMETER_SET_SIZE_MAX;
    if (type == EG_H264_NAL_IDR) found->has_idr = found->starts_idr = true;
    if (is_slice(type)) found->has_slice = true;
    if (type == EG_H264_NAL_SPS && found->sps == NULL && is_storable && size >= SPS_SIZE_MIN) {
        found->sps = nal;
        found->sps_size = size;
    }
    if (type == EG_H264_NAL_PPS && found->pps == NULL && is_storable && size >= PPS_SIZE_MIN) {
        found->pps = nal;
        found->pps_size = size;
    }
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
    found->starts_idr = found->has_idr && is_start;
    found->has_slice = is_slice(type);
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
    struct eg_h264_payload found = {0};
    if (!inspect(&found, payload, size)) return (struct eg_h264_payload){0}; // nothing of a broken payload is believed
    found.valid = true;
    return found;
}
