// Any bytes as an RTP payload, and as an SPS.
#include "wire/h264.h"

#include "base/limits.h"
#include "fuzz.h"

static void read_sps(const uint8_t *nal, size_t size) {
    struct eg_h264_sps sps;
    if (!eg__h264_parse_sps(&sps, nal, size)) return;
    EG_ASSERT(sps.width >= 1 && sps.width <= 16384);
    EG_ASSERT(sps.height >= 1 && sps.height <= 16384);
    EG_ASSERT(sps.chroma_format_idc <= 3);
    EG_ASSERT(sps.bit_depth_luma >= 8 && sps.bit_depth_luma <= 14);
}

static void read_payload(const uint8_t *bytes, size_t size) {
    struct eg_h264_payload found = eg__h264_inspect(bytes, size);
    EG_ASSERT(found.has_idr || !found.starts_idr);
    if (!found.valid) EG_ASSERT(!found.has_idr && !found.has_slice && found.sps == NULL && found.pps == NULL);
    if (found.sps != NULL) {
        fuzz_touch(bytes, size, found.sps, found.sps_size);
        EG_ASSERT(found.sps_size >= 4 && found.sps_size <= EG_PARAMETER_SET_SIZE_MAX);
        EG_ASSERT((found.sps[0] & 0x1f) == EG_H264_NAL_SPS);
        read_sps(found.sps, found.sps_size);
    }
    if (found.pps != NULL) {
        fuzz_touch(bytes, size, found.pps, found.pps_size);
        EG_ASSERT(found.pps_size >= 2 && found.pps_size <= EG_PARAMETER_SET_SIZE_MAX);
        EG_ASSERT((found.pps[0] & 0x1f) == EG_H264_NAL_PPS);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size) {
    read_payload(bytes, size);
    read_sps(bytes, size);
    return 0;
}
