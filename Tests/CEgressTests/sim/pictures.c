// The payloads of pictures, as FFmpeg's packetisers cut them in each codec. Of what is in them only as much is right as the engine reads.
#include "sim/ffmpeg.h"

#include "base/bytes.h"

#include <string.h>

enum {
    FU_START = 0x80,
    FU_END = 0x40,
};

struct bytes {
    uint8_t size;
    uint8_t bytes[48];
};

// A picture about to be sent.
struct picture {
    uint32_t timestamp;
    bool is_key;
    bool has_sets; // where the codec has some
    uint32_t size; // [B] about
};

// What H.264 and H.265 have otherwise.
struct nal_syntax {
    uint8_t header_size;             // [B] of a NAL unit, of an aggregate, and of a fragment without its own byte
    uint8_t key[2], other[2];        // headers of slices
    uint8_t aggregate[2];
    uint8_t key_slice, other_slice;  // how their headers begin: the first of its picture, PPS 0
    unsigned type_shift;             // in a header's first byte
    uint8_t type_mask;               // of a type
    uint8_t fragment_type;
    uint8_t set_count;
    struct bytes sets[EG_SIM_FORMATS][3];
};

// What x264 writes: constrained baseline, 640 x 360 and 1,280 x 720.
static const struct nal_syntax h264 = {
    .header_size = 1,
    .key = {0x65},
    .other = {0x41},
    .aggregate = {0x78},
    .key_slice = 0x88, // first_mb_in_slice 0, slice_type I
    .other_slice = 0x9b,
    .type_mask = 0x1f,
    .fragment_type = 28,
    .set_count = 2,
    .sets = {
        {{25, {0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x2f, 0xf9, 0x70, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00, 0x00, 0x03, 0x00,
               0x3c, 0x0f, 0x16, 0x2e, 0x48}},
         {4, {0x68, 0xcb, 0x83, 0xcb}}},
        {{25, {0x67, 0x42, 0xc0, 0x1f, 0xd9, 0x00, 0x50, 0x05, 0xbb, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03,
               0xc0, 0xf1, 0x83, 0x24, 0x80}},
         {4, {0x68, 0xcb, 0x83, 0xcc}}},
    },
};

// What x265 writes: Main, 640 x 360 and 1,280 x 720.
static const struct nal_syntax h265 = {
    .header_size = 2,
    .key = {0x28, 0x01}, // IDR_N_LP
    .other = {0x02, 0x01},
    .aggregate = {0x60, 0x01},
    .key_slice = 0xad, // first_slice_segment_in_pic_flag, no no_output_of_prior_pics_flag, slice_pic_parameter_set_id 0
    .other_slice = 0xd1,
    .type_shift = 1,
    .type_mask = 0x3f,
    .fragment_type = 49,
    .set_count = 3,
    .sets = {
        {{24, {0x40, 0x01, 0x0c, 0x01, 0xff, 0xff, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00,
               0x3f, 0xba, 0x02, 0x40}},
         {43, {0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x3f, 0xa0, 0x05,
               0x02, 0x01, 0x71, 0xf2, 0xe5, 0xba, 0x4a, 0x4c, 0x2f, 0x01, 0x68, 0x08, 0x00, 0x00, 0x03, 0x00, 0x08, 0x00, 0x00, 0x03,
               0x00, 0xf0, 0x40}},
         {6, {0x44, 0x01, 0xc0, 0x71, 0x83, 0x12}}},
        {{24, {0x40, 0x01, 0x0c, 0x01, 0xff, 0xff, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00,
               0x5d, 0xba, 0x02, 0x40}},
         {41, {0x42, 0x01, 0x01, 0x01, 0x60, 0x00, 0x00, 0x03, 0x00, 0x90, 0x00, 0x00, 0x03, 0x00, 0x00, 0x03, 0x00, 0x5d, 0xa0, 0x02,
               0x80, 0x80, 0x2d, 0x16, 0x5b, 0xa4, 0xa4, 0xc2, 0xf0, 0x16, 0x80, 0x80, 0x00, 0x00, 0x03, 0x00, 0x80, 0x00, 0x00, 0x0f,
               0x04}},
         {6, {0x44, 0x01, 0xc0, 0x71, 0x83, 0x12}}},
    },
};

static const struct nal_syntax *nal_syntax(const struct eg_sim_ffmpeg *ffmpeg) { return ffmpeg->config.video_codec == EG_CODEC_H265 ? &h265 : &h264; }

static void put_unit(struct eg_writer *writer, const struct bytes *unit) {
    eg__write_u16(writer, unit->size);
    eg__write_bytes(writer, unit->bytes, unit->size);
}

static size_t write_sets(const struct nal_syntax *syntax, unsigned format, uint8_t *payload, size_t size) {
    struct eg_writer writer = eg__writer(payload, size);
    eg__write_bytes(&writer, syntax->aggregate, syntax->header_size);
    for (uint8_t i = 0; i < syntax->set_count; i++) put_unit(&writer, &syntax->sets[format][i]);
    return writer.at;
}

size_t eg_sim_ffmpeg_sets(unsigned format, uint8_t payload[64]) { return write_sets(&h264, format, payload, 64); }

static void send(struct eg_sim_ffmpeg *ffmpeg, const struct picture *picture, bool marker, const uint8_t *payload, size_t size) {
    eg_sim_ffmpeg_send(ffmpeg, EG_VIDEO, picture->timestamp, marker, payload, size);
}

static void send_sets(struct eg_sim_ffmpeg *ffmpeg, const struct picture *picture) {
    const struct nal_syntax *syntax = nal_syntax(ffmpeg);
    const struct bytes *sets = syntax->sets[ffmpeg->config.format];
    uint8_t payload[EG_SIM_PAYLOAD_SIZE_MAX];
    if (ffmpeg->config.has_single_sets) {
        for (uint8_t i = 0; i < syntax->set_count; i++) send(ffmpeg, picture, false, sets[i].bytes, sets[i].size);
        return;
    }
    size_t size = write_sets(syntax, ffmpeg->config.format, payload, sizeof payload);
    if (ffmpeg->config.has_sei) {
        struct bytes sei = {.size = 12, .bytes = {0x06, 5, 8}};
        if (syntax == &h265) sei = (struct bytes){.size = 13, .bytes = {0x4e, 1, 5, 8}};
        eg_sim_ffmpeg_fill(ffmpeg, sei.bytes + sei.size - 9, 9);
        struct eg_writer writer = eg__writer(payload + size, sizeof payload - size);
        put_unit(&writer, &sei);
        size += writer.at;
    }
    send(ffmpeg, picture, false, payload, size);
}

static void put_slice_header(const struct nal_syntax *syntax, bool is_key, uint8_t *bytes, size_t size) {
    if (size > 0) bytes[0] = is_key ? syntax->key_slice : syntax->other_slice;
    if (size > 1) bytes[1] |= 0x80;
}

static void send_slice(struct eg_sim_ffmpeg *ffmpeg, const struct picture *picture, size_t size, bool is_last) {
    const struct nal_syntax *syntax = nal_syntax(ffmpeg);
    const uint8_t *header = picture->is_key ? syntax->key : syntax->other;
    size_t header_size = syntax->header_size, room = EG_SIM_PAYLOAD_SIZE_MAX - header_size - 1;
    uint8_t payload[EG_SIM_PAYLOAD_SIZE_MAX];
    if (size <= EG_SIM_PAYLOAD_SIZE_MAX) {
        memcpy(payload, header, header_size);
        eg_sim_ffmpeg_fill(ffmpeg, payload + header_size, size - header_size);
        put_slice_header(syntax, picture->is_key, payload + header_size, size - header_size);
        send(ffmpeg, picture, is_last, payload, size);
        return;
    }
    // The NAL unit's header is split over the headers of each fragment.
    for (size_t at = header_size; at < size;) {
        size_t part = size - at < room ? size - at : room;
        bool is_start = at == header_size, is_end = at + part == size;
        memcpy(payload, header, header_size);
        payload[0] = (uint8_t)((header[0] & ~(syntax->type_mask << syntax->type_shift)) | syntax->fragment_type << syntax->type_shift);
        payload[header_size] = (uint8_t)((is_start ? FU_START : 0) | (is_end ? FU_END : 0) | (header[0] >> syntax->type_shift & syntax->type_mask));
        eg_sim_ffmpeg_fill(ffmpeg, payload + header_size + 1, part);
        if (is_start) put_slice_header(syntax, picture->is_key, payload + header_size + 1, part);
        send(ffmpeg, picture, is_end && is_last, payload, header_size + 1 + part);
        at += part;
    }
}

static void send_slices(struct eg_sim_ffmpeg *ffmpeg, const struct picture *picture) {
    const struct eg_sim_ffmpeg_config *config = &ffmpeg->config;
    if (picture->has_sets) send_sets(ffmpeg, picture);
    uint32_t share = picture->size / config->slices;
    for (uint32_t slice = 1; slice <= config->slices; slice++) {
        size_t size = nal_syntax(ffmpeg)->header_size + 1U + share / 2 + eg_sim_random_below(&ffmpeg->random, share + 1);
        send_slice(ffmpeg, picture, size, slice == config->slices);
    }
}

// What FFmpeg puts in front of the first packet's share of a picture, of the middle ones', of the last one's, and of all of it in one.
struct descriptors {
    uint8_t size; // [B]
    uint8_t first[4], middle[4], last[4], only[4];
};

static void send_parts(struct eg_sim_ffmpeg *ffmpeg, const struct picture *picture, const struct descriptors *descriptors,
                       const struct bytes *beginning, bool ends) {
    uint8_t payload[EG_SIM_PAYLOAD_SIZE_MAX];
    size_t left = beginning->size + picture->size / 2 + eg_sim_random_below(&ffmpeg->random, picture->size + 1);
    size_t room = EG_SIM_PAYLOAD_SIZE_MAX - descriptors->size;
    for (bool is_first = true; left > 0; is_first = false) {
        size_t part = left < room ? left : room;
        bool is_last = part == left;
        const uint8_t *descriptor = is_first ? is_last ? descriptors->only : descriptors->first : is_last ? descriptors->last : descriptors->middle;
        memcpy(payload, descriptor, descriptors->size);
        eg_sim_ffmpeg_fill(ffmpeg, payload + descriptors->size, part);
        if (is_first) memcpy(payload + descriptors->size, beginning->bytes, beginning->size);
        send(ffmpeg, picture, is_last && ends, payload, descriptors->size + part);
        left -= part;
    }
}

static const struct {
    uint16_t width, height;
} sizes[EG_SIM_FORMATS] = {{640, 360}, {1280, 720}};

static void send_vp8(struct eg_sim_ffmpeg *ffmpeg, const struct picture *picture, bool ends) {
    uint16_t id = ffmpeg->picture_id++ & 0x7fff, width = sizes[ffmpeg->config.format].width, height = sizes[ffmpeg->config.format].height;
    uint8_t high = (uint8_t)(0x80 | id >> 8), low = (uint8_t)id;
    struct descriptors descriptors = {.size = 4,
                                      .first = {0x90, 0x80, high, low},
                                      .middle = {0x80, 0x80, high, low},
                                      .last = {0x80, 0x80, high, low},
                                      .only = {0x90, 0x80, high, low}};
    struct bytes key = {10, {0xd0, 0x62, 0x00, 0x9d, 0x01, 0x2a, (uint8_t)width, (uint8_t)(width >> 8), (uint8_t)height, (uint8_t)(height >> 8)}};
    struct bytes other = {1, {0xf1}};
    send_parts(ffmpeg, picture, &descriptors, picture->is_key ? &key : &other, ends);
}

static void send_vp9(struct eg_sim_ffmpeg *ffmpeg, const struct picture *picture, bool ends) {
    static const struct descriptors descriptors = {.size = 1, .first = {0x08}, .middle = {0x00}, .last = {0x04}, .only = {0x0c}};
    uint16_t right = sizes[ffmpeg->config.format].width - 1, bottom = sizes[ffmpeg->config.format].height - 1;
    // Profile 0, colour space 1: the sizes begin in the middle of a byte.
    struct bytes key = {9, {0x82, 0x49, 0x83, 0x42, (uint8_t)(0x20 | right >> 12), (uint8_t)(right >> 4), (uint8_t)(right << 4 | bottom >> 12),
                            (uint8_t)(bottom >> 4), (uint8_t)(bottom << 4)}};
    struct bytes other = {2, {0x86, 0x00}};
    send_parts(ffmpeg, picture, &descriptors, picture->is_key ? &key : &other, ends);
}

static void send_av1(struct eg_sim_ffmpeg *ffmpeg, const struct picture *picture, bool ends) {
    static const struct descriptors keys = {.size = 1, .first = {0x68}, .middle = {0xd0}, .last = {0x90}, .only = {0x28}};
    static const struct descriptors others = {.size = 1, .first = {0x50}, .middle = {0xd0}, .last = {0x90}, .only = {0x10}};
    static const struct bytes beginnings[EG_SIM_FORMATS] = {
        {16, {0x0d, 0x08, 0x02, 0x00, 0x00, 0x0c, 0xa6, 0x27, 0xfb, 0x38, 0x95, 0xf2, 0x00, 0x80, 0x30, 0x10}},
        {16, {0x0d, 0x08, 0x02, 0x00, 0x00, 0x2c, 0xaa, 0x67, 0xfd, 0x9e, 0x25, 0x7c, 0x80, 0x20, 0x30, 0x10}},
    };
    static const struct bytes other = {2, {0x30, 0x30}};
    if (picture->is_key) send_parts(ffmpeg, picture, &keys, &beginnings[ffmpeg->config.format], ends);
    else send_parts(ffmpeg, picture, &others, &other, ends);
}

static void send_picture(struct eg_sim_ffmpeg *ffmpeg, const struct picture *picture, bool ends) {
    switch (ffmpeg->config.video_codec) {
    case EG_CODEC_VP8:
        send_vp8(ffmpeg, picture, ends);
        return;
    case EG_CODEC_VP9:
        send_vp9(ffmpeg, picture, ends);
        return;
    case EG_CODEC_AV1:
        send_av1(ffmpeg, picture, ends);
        return;
    default:
        if (ends) send_slices(ffmpeg, picture);
        else send_slice(ffmpeg, picture, picture->size, false);
        return;
    }
}

void eg_sim_ffmpeg_send_picture(struct eg_sim_ffmpeg *ffmpeg) {
    const struct eg_sim_ffmpeg_config *config = &ffmpeg->config;
    uint64_t n = ffmpeg->legs[EG_VIDEO].next++;
    bool is_key = n % config->gop_pictures == 0;
    bool is_gop_with_sets = config->sets_every == 0 || n / config->gop_pictures % config->sets_every == 0;
    if (config->garbage > 0 && eg_sim_random_chance(&ffmpeg->random, config->garbage)) {
        const uint8_t nothing[] = {0};
        eg_sim_ffmpeg_send(ffmpeg, EG_VIDEO, eg_sim_ffmpeg_picture_ticks(ffmpeg, n), true, nothing, sizeof nothing);
    }
    struct picture picture = {
        .timestamp = eg_sim_ffmpeg_picture_ticks(ffmpeg, n),
        .is_key = is_key,
        .has_sets = is_key && is_gop_with_sets && !config->has_no_sets,
        .size = is_key ? config->idr_size : config->picture_size,
    };
    send_picture(ffmpeg, &picture, true);
}

void eg_sim_ffmpeg_send_part(struct eg_sim_ffmpeg *ffmpeg) {
    struct picture picture = {
        .timestamp = eg_sim_ffmpeg_picture_ticks(ffmpeg, ffmpeg->legs[EG_VIDEO].next++), .size = 2 * EG_SIM_PACKET_SIZE_MAX};
    send_picture(ffmpeg, &picture, false);
}
