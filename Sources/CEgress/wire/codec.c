#include "wire/codec.h"

#include "wire/av1.h"
#include "wire/h264.h"
#include "wire/h265.h"
#include "wire/vp8.h"
#include "wire/vp9.h"

enum {
    VIDEO_RATE = 90000, // [Hz] RFC 6184 §5.1, and all others alike
    OPUS_RATE = 48000,  // [Hz] RFC 7587 §4.1
    G711_RATE = 8000,   // [Hz] RFC 3551 §4.5.14
    G722_RATE = 8000,   // [Hz] RFC 3551 §4.5.2: it samples at 16,000 and counts as if it did not
    SIDE_MAX = UINT16_MAX, // [px] what a format has room for
};

enum {
    H264_PPS_KEY = EG_H264_SPS_ID_MAX + 1,
    H264_KEY_END = H264_PPS_KEY + EG_H264_PPS_ID_MAX + 1,
    H264_NRI_MASK = 0x60, // nal_ref_idc
};

static struct eg_payload inspect_h264(const uint8_t *payload, size_t size) {
    struct eg_h264_payload found = eg__h264_inspect(payload, size);
    return (struct eg_payload){
        .valid = found.valid,
        .has_key = found.has_idr,
        .starts_key = found.starts_idr,
        .has_sets = found.has_sets,
        .has_opening = found.has_sps,
        .pps_id = found.pps_id,
    };
}

static bool identify_h264(struct eg_set_identity *identity, const uint8_t *nal, size_t size) {
    struct eg_h264_pps pps;
    uint8_t sps_id;
    if (eg__h264_parse_sps_id(&sps_id, nal, size)) {
        *identity = (struct eg_set_identity){.key = sps_id, .parent = EG_SET_NO_PARENT};
        return true;
    }
    if (!eg__h264_parse_pps(&pps, nal, size)) return false;
    *identity = (struct eg_set_identity){.key = (uint16_t)(H264_PPS_KEY + pps.id), .parent = pps.sps_id};
    return true;
}

// RFC 6184 §5.7: the greatest nal_ref_idc of those inside.
static void add_to_stap_a(uint8_t *header, const uint8_t *nal) {
    uint8_t before = header[0] & H264_NRI_MASK, nal_ref_idc = nal[0] & H264_NRI_MASK;
    header[0] = (nal_ref_idc > before ? nal_ref_idc : before) | EG_H264_NAL_STAP_A;
}

static bool parse_h264_format(struct eg_video_format *format, const uint8_t *nal, size_t size) {
    struct eg_h264_sps sps;
    if (!eg__h264_parse_sps(&sps, nal, size)) return false;
    *format = (struct eg_video_format){
        .profile_idc = sps.profile_idc,
        .constraints = sps.constraints,
        .level_idc = sps.level_idc,
        .chroma_format_idc = sps.chroma_format_idc,
        .width = (uint16_t)sps.width,
        .height = (uint16_t)sps.height,
    };
    return true;
}

static const struct eg_set_syntax h264_sets = {
    .sps_key = 0,
    .pps_key = H264_PPS_KEY,
    .key_end = H264_KEY_END,
    .aggregate_header_size = 1,
    .units = eg__h264_units,
    .parse_fragment = eg__h264_parse_fragment,
    .identify = identify_h264,
    .add_to_aggregate = add_to_stap_a,
};

enum {
    H265_SPS_KEY = EG_H265_VPS_ID_MAX + 1,
    H265_PPS_KEY = H265_SPS_KEY + EG_H265_SPS_ID_MAX + 1,
    H265_KEY_END = H265_PPS_KEY + EG_H265_PPS_ID_MAX + 1,
};

static struct eg_payload inspect_h265(const uint8_t *payload, size_t size) {
    struct eg_h265_payload found = eg__h265_inspect(payload, size);
    return (struct eg_payload){
        .valid = found.valid,
        .has_key = found.has_irap,
        .starts_key = found.starts_irap,
        .has_sets = found.has_sets,
        .has_opening = found.has_vps,
        .pps_id = found.pps_id,
    };
}

static bool identify_h265(struct eg_set_identity *identity, const uint8_t *nal, size_t size) {
    struct eg_h265_set set;
    if (!eg__h265_parse_set(&set, nal, size)) return false;
    *identity = (struct eg_set_identity){.key = set.id, .parent = EG_SET_NO_PARENT};
    if (set.type == EG_H265_NAL_SPS) *identity = (struct eg_set_identity){(uint16_t)(H265_SPS_KEY + set.id), set.parent_id};
    if (set.type == EG_H265_NAL_PPS)
        *identity = (struct eg_set_identity){(uint16_t)(H265_PPS_KEY + set.id), (uint16_t)(H265_SPS_KEY + set.parent_id)};
    return true;
}

// RFC 7798 §4.4.2: the lowest layer and temporal id of those inside, which for parameter sets of the base layer are 0.
static void add_to_ap(uint8_t *header, const uint8_t *nal) {
    (void)nal;
    header[0] = EG_H265_NAL_AP << 1;
    header[1] = 1;
}

static bool parse_h265_format(struct eg_video_format *format, const uint8_t *nal, size_t size) {
    struct eg_h265_sps sps;
    if (!eg__h265_parse_sps(&sps, nal, size)) return false;
    *format = (struct eg_video_format){
        .profile_idc = sps.profile_idc,
        .constraints = sps.tier,
        .level_idc = sps.level_idc,
        .chroma_format_idc = sps.chroma_format_idc,
        .width = (uint16_t)sps.width,
        .height = (uint16_t)sps.height,
    };
    return true;
}

static const struct eg_set_syntax h265_sets = {
    .sps_key = H265_SPS_KEY,
    .pps_key = H265_PPS_KEY,
    .key_end = H265_KEY_END,
    .aggregate_header_size = EG_H265_NAL_HEADER_SIZE,
    .units = eg__h265_units,
    .parse_fragment = eg__h265_parse_fragment,
    .identify = identify_h265,
    .add_to_aggregate = add_to_ap,
};

static struct eg_payload inspect_vp8(const uint8_t *payload, size_t size) {
    struct eg_vp8_payload found = eg__vp8_inspect(payload, size);
    return (struct eg_payload){.valid = found.valid, .has_key = found.starts_key, .starts_key = found.starts_key};
}

// Without the extensions, of which PictureID is one: it would have to go on where another sender's ended, for each viewer elsewhere. Without it
// receivers go by the sequence numbers.
static struct eg_stored_payload normalize_vp8(const uint8_t *payload, size_t size, bool is_of_key_picture) {
    (void)is_of_key_picture;
    struct eg_vp8_payload found = eg__vp8_inspect(payload, size);
    return (struct eg_stored_payload){.skip = (uint8_t)(found.descriptor_size - 1), .first = found.plain};
}

static bool parse_vp8_format(struct eg_video_format *format, const uint8_t *payload, size_t size) {
    struct eg_vp8_payload found = eg__vp8_inspect(payload, size);
    *format = (struct eg_video_format){.profile_idc = found.version, .chroma_format_idc = 1, .width = found.width, .height = found.height};
    return found.starts_key;
}

static struct eg_payload inspect_vp9(const uint8_t *payload, size_t size) {
    struct eg_vp9_payload found = eg__vp9_inspect(payload, size);
    return (struct eg_payload){.valid = found.valid, .has_key = found.starts_key, .starts_key = found.starts_key};
}

// With the P bit on every packet of a picture that is no key picture.
static struct eg_stored_payload normalize_vp9(const uint8_t *payload, size_t size, bool is_of_key_picture) {
    bool is_marked = !is_of_key_picture && eg__vp9_inspect(payload, size).may_mark_inter;
    return (struct eg_stored_payload){.first = payload[0] | (is_marked ? EG_VP9_P : 0)};
}

static bool is_side(uint32_t pixels) { return pixels >= 1 && pixels <= SIDE_MAX; }

static bool parse_vp9_format(struct eg_video_format *format, const uint8_t *payload, size_t size) {
    struct eg_vp9_payload found = eg__vp9_inspect(payload, size);
    *format = (struct eg_video_format){
        .profile_idc = found.profile,
        .chroma_format_idc = found.chroma_format_idc,
        .width = (uint16_t)found.width,
        .height = (uint16_t)found.height,
    };
    return found.starts_key && is_side(found.width) && is_side(found.height);
}

static struct eg_payload inspect_av1(const uint8_t *payload, size_t size) {
    struct eg_av1_payload found = eg__av1_inspect(payload, size);
    return (struct eg_payload){.valid = found.valid, .has_key = found.starts_key, .starts_key = found.starts_key};
}

static bool parse_av1_format(struct eg_video_format *format, const uint8_t *payload, size_t size) {
    struct eg_av1_payload found = eg__av1_inspect(payload, size);
    const struct eg_av1_sequence *sequence = &found.sequence;
    *format = (struct eg_video_format){
        .profile_idc = sequence->profile,
        .constraints = sequence->tier,
        .level_idc = sequence->level_idx,
        .chroma_format_idc = sequence->chroma_format_idc,
        .width = (uint16_t)sequence->width,
        .height = (uint16_t)sequence->height,
    };
    return found.starts_key && is_side(sequence->width) && is_side(sequence->height);
}

static const struct eg_codec_traits video[] = {
    [EG_CODEC_DEFAULT] = {.clock_rate = VIDEO_RATE, .sets = &h264_sets, .inspect = inspect_h264, .parse_format = parse_h264_format},
    [EG_CODEC_H264] = {.clock_rate = VIDEO_RATE, .sets = &h264_sets, .inspect = inspect_h264, .parse_format = parse_h264_format},
    [EG_CODEC_H265] = {.clock_rate = VIDEO_RATE, .sets = &h265_sets, .inspect = inspect_h265, .parse_format = parse_h265_format},
    [EG_CODEC_VP8] = {.clock_rate = VIDEO_RATE, .inspect = inspect_vp8, .normalize = normalize_vp8, .parse_format = parse_vp8_format},
    [EG_CODEC_VP9] = {.clock_rate = VIDEO_RATE, .inspect = inspect_vp9, .normalize = normalize_vp9, .parse_format = parse_vp9_format},
    [EG_CODEC_AV1] = {.clock_rate = VIDEO_RATE, .inspect = inspect_av1, .parse_format = parse_av1_format},
};

static const struct eg_codec_traits opus = {.clock_rate = OPUS_RATE}, g711 = {.clock_rate = G711_RATE}, g722 = {.clock_rate = G722_RATE};

static const struct eg_codec_traits *audio_traits(eg_codec codec) {
    switch ((uint32_t)codec) { // anything may be in it
    case EG_CODEC_DEFAULT:
    case EG_CODEC_OPUS:
        return &opus;
    case EG_CODEC_PCMU:
    case EG_CODEC_PCMA:
        return &g711;
    case EG_CODEC_G722:
        return &g722;
    default:
        return NULL;
    }
}

const struct eg_codec_traits *eg__codec_traits(eg_codec codec, bool is_video) {
    if (!is_video) return audio_traits(codec);
    return (uint32_t)codec < sizeof video / sizeof video[0] ? &video[codec] : NULL;
}
