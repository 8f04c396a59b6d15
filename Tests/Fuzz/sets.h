// Any bytes as parameter sets that a source learns and gives out again, of a codec that has some.
#ifndef EG_FUZZ_SETS_H
#define EG_FUZZ_SETS_H

#include "base/limits.h"
#include "fuzz.h"
#include "media/parameter_sets.h"

// The input in pieces of a length that its first byte says.
static inline void fuzz_sets(const struct eg_codec_traits *codec, const uint8_t *bytes, size_t size) {
    struct eg_parameter_sets sets;
    eg__parameter_sets_init(&sets, codec);
    size_t piece = size > 0 ? 1u + bytes[0] * 4u : 1;
    uint16_t sequence = 0;
    for (size_t at = 1; at < size; at += piece, sequence++) {
        size_t left = size - at < piece ? size - at : piece;
        if (codec->inspect(bytes + at, left).valid) eg__parameter_sets_learn(&sets, sequence, sequence, bytes + at, left);
        if (sequence % 64 == 63) eg__parameter_sets_begin_sender(&sets);
    }
    EG_ASSERT(sets.size <= EG_PARAMETER_SETS_SIZE_MAX && sets.count <= codec->sets->key_end);
    for (uint16_t pps_id = 0; codec->sets->pps_key + pps_id <= codec->sets->key_end; pps_id++) {
        struct eg_parameter_set_need need;
        uint8_t payload[EG_RTP_PAYLOAD_SIZE_MAX];
        if (!eg__parameter_sets_need(&sets, pps_id, sequence, sequence, &need)) continue;
        size_t size_max = EG_PARAMETER_SET_SIZE_MAX + (size_t)pps_id * 3;
        for (size_t written; (written = eg__parameter_sets_write(&sets, &need, sequence, payload, size_max)) > 0;)
            EG_ASSERT(written <= size_max && codec->inspect(payload, written).valid);
        EG_ASSERT(!eg__parameter_sets_need(&sets, pps_id, sequence, sequence + 1u, &need));
    }
    eg__parameter_sets_deinit(&sets);
}

#endif
