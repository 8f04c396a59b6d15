// Which parameter set refers to which: the beginnings of the picture parameter set (ITU-T H.264 §7.3.2.2) and of the slice header (§7.3.3).
#include "wire/h264.h"
#include "wire/nal_bits.h"

bool eg__h264_parse_pps(struct eg_h264_pps *pps, const uint8_t *nal, size_t size) {
    struct eg_nal_bits bits = {.bytes = nal, .size = size};
    uint32_t header = eg__nal_read(&bits, 8);
    if (bits.failed || (header & 0x1f) != EG_H264_NAL_PPS) return false;
    pps->id = (uint8_t)eg__nal_read_ue(&bits, EG_H264_PPS_ID_MAX);
    pps->sps_id = (uint8_t)eg__nal_read_ue(&bits, EG_H264_SPS_ID_MAX);
    return !bits.failed;
}

uint16_t eg__h264_pps_id_of_slice(const uint8_t *header, size_t size) {
    struct eg_nal_bits bits = {.bytes = header, .size = size};
    eg__nal_read_ue(&bits, UINT32_MAX - 1); // first_mb_in_slice
    eg__nal_read_ue(&bits, 9);              // slice_type
    uint32_t id = eg__nal_read_ue(&bits, EG_H264_PPS_ID_MAX);
    return bits.failed ? EG_H264_NO_PPS : (uint16_t)id;
}
