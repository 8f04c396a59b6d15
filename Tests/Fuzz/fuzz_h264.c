// Any bytes as an RTP payload, as an SPS, as a PPS, and as sets that a source learns and gives out again.
#include "wire/h264.h"

#include "sets.h"

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
    struct eg_nal_units units = eg__h264_units(bytes, size);
    const uint8_t *nal;
    for (size_t nal_size; eg__nal_next_unit(&units, &nal, &nal_size);) {
        fuzz_touch(bytes, size, nal, nal_size);
        read_sps(nal, nal_size);
        read_pps(nal, nal_size);
    }
    struct eg_nal_fragment fragment;
    if (eg__h264_parse_fragment(&fragment, bytes, size) && fragment.size > 0) fuzz_touch(bytes, size, fragment.bytes, fragment.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    read_payload(bytes, size);
    read_sps(bytes, size);
    read_pps(bytes, size);
    fuzz_sets(eg__codec_traits(EG_CODEC_H264, true), bytes, size);
    return 0;
}
