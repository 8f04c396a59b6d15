// Any bytes as an RTP payload, as an SPS, as a parameter set, and as sets that a source learns and gives out again.
#include "wire/h265.h"

#include "sets.h"

static void read_sets(const uint8_t *nal, size_t size) {
    struct eg_h265_sps sps;
    struct eg_h265_set set;
    bool is_set = eg__h265_parse_set(&set, nal, size);
    if (is_set) {
        EG_ASSERT(set.type >= EG_H265_NAL_VPS && set.type <= EG_H265_NAL_PPS);
        EG_ASSERT(set.id <= (set.type == EG_H265_NAL_PPS ? EG_H265_PPS_ID_MAX : EG_H265_SPS_ID_MAX) && set.parent_id <= EG_H265_SPS_ID_MAX);
    }
    if (!eg__h265_parse_sps(&sps, nal, size)) return;
    EG_ASSERT(is_set && set.type == EG_H265_NAL_SPS && set.id == sps.id && set.parent_id == sps.vps_id);
    EG_ASSERT(sps.width >= 1 && sps.width <= 16384);
    EG_ASSERT(sps.height >= 1 && sps.height <= 16384);
    EG_ASSERT(sps.chroma_format_idc <= 3 && sps.tier <= 1 && sps.profile_idc <= 31);
    EG_ASSERT(sps.bit_depth_luma >= 8 && sps.bit_depth_luma <= 16);
}

static void read_payload(const uint8_t *bytes, size_t size) {
    struct eg_h265_payload found = eg__h265_inspect(bytes, size);
    EG_ASSERT(found.has_irap || !found.starts_irap);
    EG_ASSERT(found.starts_irap || found.pps_id == EG_H265_NO_PPS);
    EG_ASSERT(found.pps_id <= EG_H265_NO_PPS && (found.has_sets || !found.has_vps));
    if (!found.valid) EG_ASSERT(!found.has_irap && !found.has_sets);
    if (!found.valid) return;
    struct eg_nal_units units = eg__h265_units(bytes, size);
    const uint8_t *nal;
    for (size_t nal_size; eg__nal_next_unit(&units, &nal, &nal_size);) {
        fuzz_touch(bytes, size, nal, nal_size);
        read_sets(nal, nal_size);
    }
    struct eg_nal_fragment fragment;
    if (eg__h265_parse_fragment(&fragment, bytes, size)) fuzz_touch(bytes, size, fragment.bytes, fragment.size);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    read_payload(bytes, size);
    read_sets(bytes, size);
    fuzz_sets(eg__codec_traits(EG_CODEC_H265, true), bytes, size);
    return 0;
}
