// NAL units in RTP payloads, as far as H.264 (RFC 6184) and H.265 (RFC 7798) have them alike: whole ones, alone or in an aggregate, each behind
// its size, and one in fragments.
#ifndef EG_NAL_H
#define EG_NAL_H

#include "base/bytes.h"

enum { EG_NAL_UNIT_SIZE_SIZE = 2 }; // [B] what tells a unit's size in an aggregate

// The whole units of a payload, one after the other. They borrow from it.
struct eg_nal_units {
    struct eg_reader reader;
    bool is_aggregate;
};

static inline struct eg_nal_units eg__nal_no_units(void) { return (struct eg_nal_units){0}; }

static inline struct eg_nal_units eg__nal_unit_alone(const uint8_t *payload, size_t size) {
    return (struct eg_nal_units){.reader = eg__reader(payload, size)};
}

static inline struct eg_nal_units eg__nal_units_of_aggregate(const uint8_t *payload, size_t size, size_t header_size) {
    struct eg_nal_units units = {.reader = eg__reader(payload, size), .is_aggregate = true};
    eg__read_bytes(&units.reader, header_size);
    return units;
}

// False when there is no further one.
static inline bool eg__nal_next_unit(struct eg_nal_units *units, const uint8_t **nal, size_t *size) {
    if (eg__reader_left(&units->reader) == 0) return false;
    *size = units->is_aggregate ? eg__read_u16(&units->reader) : units->reader.size;
    *nal = eg__read_bytes(&units->reader, *size);
    return *nal != NULL && *size > 0;
}

// A part of a unit.
struct eg_nal_fragment {
    uint8_t header[2];     // the unit's own, which is not among `bytes`
    uint8_t header_size;   // [B]
    bool is_start;
    bool is_end;
    const uint8_t *bytes;
    size_t size;           // [B]
};

#endif
