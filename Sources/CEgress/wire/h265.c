#include "wire/h265.h"

enum {
    TYPE_SHIFT = 1,
    TYPE_MASK = 0x3f,
    NAL_SINGLE_MAX = 47, // from 48 on a type is RFC 7798's, not H.265's
    FU_START = 0x80,
    FU_END = 0x40,
    FU_TYPE_MASK = 0x3f,
    FU_HEADERS_SIZE = EG_H265_NAL_HEADER_SIZE + 1, // [B]
};

static uint8_t type_of(uint8_t first) { return first >> TYPE_SHIFT & TYPE_MASK; }

static bool is_single(uint8_t type) { return type <= NAL_SINGLE_MAX; }

static bool is_irap(uint8_t type) { return type >= EG_H265_NAL_BLA_W_LP && type <= EG_H265_NAL_CRA; }

static bool is_set(uint8_t type) { return type >= EG_H265_NAL_VPS && type <= EG_H265_NAL_PPS; }

// What every unit and payload has in its first two bytes: a bit that must be 0, and a temporal id one more than it is (§7.4.2.2).
static bool is_header(const uint8_t *header) { return (header[0] & 0x80) == 0 && (header[1] & 0x07) != 0; }

// `header` is what follows the NAL unit's header.
static void note_start_of_irap(struct eg_h265_payload *found, const uint8_t *header, size_t size) {
    if (!found->starts_irap) found->pps_id = eg__h265_pps_id_of_slice(header, size);
    found->has_irap = found->starts_irap = true;
}

// False when it is no unit of H.265's.
static bool note_whole(struct eg_h265_payload *found, const uint8_t *nal, size_t size) {
    if (size < EG_H265_NAL_HEADER_SIZE || !is_header(nal) || !is_single(type_of(nal[0]))) return false;
    uint8_t type = type_of(nal[0]);
    if (is_irap(type)) note_start_of_irap(found, nal + EG_H265_NAL_HEADER_SIZE, size - EG_H265_NAL_HEADER_SIZE);
    if (is_set(type)) found->has_sets = true;
    if (type == EG_H265_NAL_VPS) found->has_vps = true;
    return true;
}

// RFC 7798 §4.4.2: two NAL units or more, each behind its size. One alone is taken too.
static bool inspect_ap(struct eg_h265_payload *found, struct eg_reader *reader) {
    do {
        size_t size = eg__read_u16(reader);
        const uint8_t *nal = eg__read_bytes(reader, size);
        if (nal == NULL || !note_whole(found, nal, size)) return false;
    } while (eg__reader_left(reader) > 0);
    return true;
}

// §4.4.3. A fragment must not be empty, nor both the first and the last.
static bool inspect_fu(struct eg_h265_payload *found, struct eg_reader *reader) {
    uint8_t header = eg__read_u8(reader);
    uint8_t type = header & FU_TYPE_MASK;
    bool is_start = (header & FU_START) != 0;
    bool is_end = (header & FU_END) != 0;
    if (eg__reader_left(reader) == 0 || !is_single(type) || (is_start && is_end)) return false;
    found->has_irap = is_irap(type);
    if (found->has_irap && is_start) note_start_of_irap(found, reader->bytes + reader->at, eg__reader_left(reader));
    found->has_sets = is_set(type);
    return true;
}

static bool inspect(struct eg_h265_payload *found, const uint8_t *payload, size_t size) {
    struct eg_reader reader = eg__reader(payload, size);
    const uint8_t *header = eg__read_bytes(&reader, EG_H265_NAL_HEADER_SIZE);
    if (header == NULL || !is_header(header)) return false;
    uint8_t type = type_of(header[0]);
    if (type == EG_H265_NAL_AP) return inspect_ap(found, &reader);
    if (type == EG_H265_NAL_FU) return inspect_fu(found, &reader);
    return note_whole(found, payload, size);
}

struct eg_h265_payload eg__h265_inspect(const uint8_t *payload, size_t size) {
    struct eg_h265_payload found = {.pps_id = EG_H265_NO_PPS};
    if (!inspect(&found, payload, size)) return (struct eg_h265_payload){.pps_id = EG_H265_NO_PPS}; // nothing of a broken payload is believed
    found.valid = true;
    return found;
}

struct eg_nal_units eg__h265_units(const uint8_t *payload, size_t size) {
    uint8_t type = size > 0 ? type_of(payload[0]) : EG_H265_NAL_FU;
    if (type == EG_H265_NAL_AP) return eg__nal_units_of_aggregate(payload, size, EG_H265_NAL_HEADER_SIZE);
    return is_single(type) ? eg__nal_unit_alone(payload, size) : eg__nal_no_units();
}

bool eg__h265_parse_fragment(struct eg_nal_fragment *fragment, const uint8_t *payload, size_t size) {
    if (size < FU_HEADERS_SIZE || type_of(payload[0]) != EG_H265_NAL_FU) return false;
    uint8_t type = payload[2] & FU_TYPE_MASK;
    *fragment = (struct eg_nal_fragment){
        .header = {(uint8_t)((payload[0] & ~(TYPE_MASK << TYPE_SHIFT)) | type << TYPE_SHIFT), payload[1]},
        .header_size = EG_H265_NAL_HEADER_SIZE,
        .is_start = (payload[2] & FU_START) != 0,
        .is_end = (payload[2] & FU_END) != 0,
        .bytes = payload + FU_HEADERS_SIZE,
        .size = size - FU_HEADERS_SIZE,
    };
    return true;
}
