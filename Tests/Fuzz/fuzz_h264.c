// Any bytes as an RTP payload, as an SPS, as a PPS, and as sets that a source learns and gives out again.
#include "wire/h264.h"

#include "base/limits.h"
#include "fuzz.h"
#include "media/parameter_sets.h"

static void read_sps(const uint8_t *nal, size_t size) {
    struct eg_h264_sps sps;
    uint8_t id;
    bool has_id = eg__h264_parse_sps_id(&id, nal, size);
    if (!eg__h264_parse_sps(&sps, nal, size)) return;
    EG_ASSERT(has_id && sps.id == id && id <= EG_H264_SPS_ID_MAX);
    EG_ASSERT(sps.width >= 1 && sps.width <= 16384);
    EG_ASSERT(sps.height >= 1 && sps.height <= 16384);
    EG_ASSERT(sps.chroma_format_idc <= 3);
    EG_ASSERT(sps.bit_depth_luma >= 8 && sps.bit_depth_luma <= 14);
}

static void read_pps(const uint8_t *nal, size_t size) {
    struct eg_h264_pps pps;
    if (eg__h264_parse_pps(&pps, nal, size)) EG_ASSERT((nal[0] & 0x1f) == EG_H264_NAL_PPS && pps.sps_id <= EG_H264_SPS_ID_MAX);
}

static void read_payload(const uint8_t *bytes, size_t size) {
    struct eg_h264_payload found = eg__h264_inspect(bytes, size);
    EG_ASSERT(found.has_idr || !found.starts_idr);
    EG_ASSERT(found.starts_idr || found.pps_id == EG_H264_NO_PPS);
    EG_ASSERT(found.pps_id <= EG_H264_NO_PPS && (found.has_sets || !found.has_sps));
    if (!found.valid) EG_ASSERT(!found.has_idr && !found.has_slice && !found.has_sps && !found.has_sets);
    if (!found.valid) return;
    struct eg_h264_units units = eg__h264_units(bytes, size);
    const uint8_t *nal;
    for (size_t nal_size; eg__h264_next_unit(&units, &nal, &nal_size);) {
        fuzz_touch(bytes, size, nal, nal_size);
        read_sps(nal, nal_size);
        read_pps(nal, nal_size);
    }
    struct eg_h264_fragment fragment;
    if (eg__h264_parse_fragment(&fragment, bytes, size) && fragment.size > 0) fuzz_touch(bytes, size, fragment.bytes, fragment.size);
}

// The input in pieces of a length that its first byte says.
static void learn(const uint8_t *bytes, size_t size) {
    struct eg_parameter_sets sets = {0};
    size_t piece = size > 0 ? 1u + bytes[0] * 4u : 1;
    uint16_t sequence = 0;
    for (size_t at = 1; at < size; at += piece, sequence++) {
        size_t left = size - at < piece ? size - at : piece;
        if (eg__h264_inspect(bytes + at, left).valid) eg__parameter_sets_learn(&sets, sequence, sequence, bytes + at, left);
        if (sequence % 64 == 63) eg__parameter_sets_begin_sender(&sets);
    }
    EG_ASSERT(sets.size <= EG_PARAMETER_SETS_SIZE_MAX && sets.count <= 32 + 256);
    for (uint16_t pps_id = 0; pps_id <= EG_H264_NO_PPS; pps_id++) {
        struct eg_parameter_set_need need;
        uint8_t payload[EG_RTP_PAYLOAD_SIZE_MAX];
        if (!eg__parameter_sets_need(&sets, pps_id, sequence, sequence, &need)) continue;
        size_t size_max = EG_PARAMETER_SET_SIZE_MAX + (size_t)pps_id * 3;
        for (size_t written; (written = eg__parameter_sets_write(&sets, &need, sequence, payload, size_max)) > 0;)
            EG_ASSERT(written <= size_max && eg__h264_inspect(payload, written).valid);
        EG_ASSERT(!eg__parameter_sets_need(&sets, pps_id, sequence, sequence + 1u, &need));
    }
    eg__parameter_sets_deinit(&sets);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    read_payload(bytes, size);
    read_sps(bytes, size);
    read_pps(bytes, size);
    learn(bytes, size);
    return 0;
}
