#include "sim/ffmpeg.h"

#include "wire/rtcp.h"
#include "wire/rtp.h"

#include <string.h>

enum {
    PAYLOAD_SIZE_MAX = EG_SIM_PACKET_SIZE_MAX - EG_RTP_HEADER_SIZE,
    AUDIO_INTERVAL = 20 * EG_MILLISECOND, // [us]
    AUDIO_TICKS = 960,                    // [1/48000 s] the same
    REPORT_INTERVAL = 5 * EG_SECOND,      // [us]
    NAL_IDR = 0x65,
    NAL_SLICE = 0x41,
    NAL_STAP_A = 0x78,
    NAL_FU_A = 28,
    FU_START = 0x80,
    FU_END = 0x40,
};

const struct eg_sim_ffmpeg_config eg_sim_ffmpeg_default = {
    .has_video = true,
    .has_audio = true,
    .frame_rate = 30,
    .gop_pictures = 60,
    .slices = 1,
    .idr_size = 14000,
    .picture_size = 3500,
    .audio_size = 240,
};

struct set {
    uint8_t size;
    uint8_t bytes[32];
};

// What x264 writes: constrained baseline, 640 x 360 and 1,280 x 720.
static const struct {
    struct set sps, pps;
} formats[EG_SIM_FORMATS] = {
    {{25, {0x67, 0x42, 0xc0, 0x1e, 0xd9, 0x00, 0xa0, 0x2f, 0xf9, 0x70, 0x11, 0x00, 0x00, 0x03, 0x00, 0x01, 0x00, 0x00, 0x03, 0x00,
           0x3c, 0x0f, 0x16, 0x2e, 0x48}},
     {4, {0x68, 0xcb, 0x83, 0xcb}}},
    {{25, {0x67, 0x42, 0xc0, 0x1f, 0xd9, 0x00, 0x50, 0x05, 0xbb, 0x01, 0x10, 0x00, 0x00, 0x03, 0x00, 0x10, 0x00, 0x00, 0x03, 0x03,
           0xc0, 0xf1, 0x83, 0x24, 0x80}},
     {4, {0x68, 0xcb, 0x83, 0xcc}}},
};

size_t eg_sim_ffmpeg_sets(unsigned format, uint8_t payload[64]) {
    struct eg_writer writer = eg__writer(payload, 64);
    eg__write_u8(&writer, NAL_STAP_A);
    eg__write_u16(&writer, formats[format].sps.size);
    eg__write_bytes(&writer, formats[format].sps.bytes, formats[format].sps.size);
    eg__write_u16(&writer, formats[format].pps.size);
    eg__write_bytes(&writer, formats[format].pps.bytes, formats[format].pps.size);
    return writer.at;
}

void eg_sim_ffmpeg_start(struct eg_sim_ffmpeg *ffmpeg, const struct eg_sim_ffmpeg_config *config, struct eg_sim_ffmpeg_output *output,
                         uint64_t seed, eg_time now, uint64_t ntp_origin) {
    *ffmpeg = (struct eg_sim_ffmpeg){.config = *config, .output = output, .began_at = now, .ntp_origin = ntp_origin};
    eg_sim_random_init(&ffmpeg->random, seed);
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) {
        struct eg_sim_leg *leg = &ffmpeg->legs[kind];
        uint64_t identity = eg_sim_random_u64(&ffmpeg->random);
        leg->addr = eg__addr_ipv4(127, 0, 0, 1, (uint16_t)(32768 + eg_sim_random_below(&ffmpeg->random, 28000)));
        leg->ssrc = (uint32_t)identity;
        leg->sequence = (uint16_t)(identity >> 32);
        leg->base_timestamp = (uint32_t)eg_sim_random_u64(&ffmpeg->random);
        leg->report_at = now;
    }
}

static void send(struct eg_sim_ffmpeg *ffmpeg, enum eg_track_kind kind, uint32_t timestamp, bool marker, const uint8_t *payload,
                 size_t size) {
    struct eg_sim_leg *leg = &ffmpeg->legs[kind];
    uint8_t packet[EG_RTP_HEADER_SIZE + PAYLOAD_SIZE_MAX];
    uint8_t payload_type = kind == EG_VIDEO ? EG_SIM_VIDEO_PAYLOAD_TYPE : EG_SIM_AUDIO_PAYLOAD_TYPE;
    eg__rtp_write_header(packet, marker, payload_type, leg->sequence++, leg->base_timestamp + timestamp, leg->ssrc);
    memcpy(packet + EG_RTP_HEADER_SIZE, payload, size);
    leg->packets++;
    leg->octets += (uint32_t)size;
    ffmpeg->output->datagram(ffmpeg->output, kind, &leg->addr, packet, EG_RTP_HEADER_SIZE + size);
}

// No two are alike, so that whatever comes out of the engine can be told apart. No zeros: start codes are not our matter.
static void fill(struct eg_sim_ffmpeg *ffmpeg, uint8_t *bytes, size_t size) {
    uint64_t word = 0;
    for (size_t i = 0; i < size; i++) {
        if (i % 8 == 0) word = eg_sim_random_u64(&ffmpeg->random);
        bytes[i] = (uint8_t)(word >> (8 * (i % 8))) | 1;
    }
}

// first_mb_in_slice 0, slice_type I or P, pic_parameter_set_id 0.
static void put_slice_header(uint8_t nal, uint8_t *bytes, size_t size) {
    bool is_idr = (nal & 0x1f) == (NAL_IDR & 0x1f);
    if (size > 0) bytes[0] = is_idr ? 0x88 : 0x9b;
    if (size > 1) bytes[1] |= 0x80;
}

static void send_slice(struct eg_sim_ffmpeg *ffmpeg, uint32_t timestamp, uint8_t nal, size_t size, bool is_last) {
    uint8_t payload[PAYLOAD_SIZE_MAX];
    if (size <= PAYLOAD_SIZE_MAX) {
        payload[0] = nal;
        fill(ffmpeg, payload + 1, size - 1);
        put_slice_header(nal, payload + 1, size - 1);
        send(ffmpeg, EG_VIDEO, timestamp, is_last, payload, size);
        return;
    }
    // The NAL unit's header byte is split over the two of each fragment.
    for (size_t at = 1; at < size;) {
        size_t part = size - at < PAYLOAD_SIZE_MAX - 2 ? size - at : PAYLOAD_SIZE_MAX - 2;
        bool is_end = at + part == size;
        payload[0] = (uint8_t)((nal & 0xe0) | NAL_FU_A);
        payload[1] = (uint8_t)((at == 1 ? FU_START : 0) | (is_end ? FU_END : 0) | (nal & 0x1f));
        fill(ffmpeg, payload + 2, part);
        if (at == 1) put_slice_header(nal, payload + 2, part);
        send(ffmpeg, EG_VIDEO, timestamp, is_end && is_last, payload, 2 + part);
        at += part;
    }
}

static void send_sets(struct eg_sim_ffmpeg *ffmpeg, uint32_t timestamp) {
    uint8_t payload[64];
    const struct set *sps = &formats[ffmpeg->config.format].sps, *pps = &formats[ffmpeg->config.format].pps;
    if (ffmpeg->config.has_single_sets) {
        send(ffmpeg, EG_VIDEO, timestamp, false, sps->bytes, sps->size);
        send(ffmpeg, EG_VIDEO, timestamp, false, pps->bytes, pps->size);
    } else {
        size_t size = eg_sim_ffmpeg_sets(ffmpeg->config.format, payload);
        if (ffmpeg->config.has_sei) {
            const uint8_t sei[] = {0, 12, 0x06, 5, 8};
            memcpy(payload + size, sei, sizeof sei);
            fill(ffmpeg, payload + size + sizeof sei, 9);
            size += sizeof sei + 9;
        }
        send(ffmpeg, EG_VIDEO, timestamp, false, payload, size);
    }
}

// With B-frames the order is I0 P2 B1 P4 B3: every second picture goes one back.
uint32_t eg_sim_ffmpeg_picture_ticks(const struct eg_sim_ffmpeg *ffmpeg, uint64_t n) {
    uint64_t shown = n;
    uint64_t in_gop = n % ffmpeg->config.gop_pictures;
    if (ffmpeg->config.has_b_frames && in_gop > 0) shown = in_gop % 2 == 1 ? n + 1 : n - 1;
    return (uint32_t)(shown * 90000 / ffmpeg->config.frame_rate);
}

void eg_sim_ffmpeg_send_picture(struct eg_sim_ffmpeg *ffmpeg) {
    const struct eg_sim_ffmpeg_config *config = &ffmpeg->config;
    uint64_t n = ffmpeg->legs[EG_VIDEO].next++;
    bool is_idr = n % config->gop_pictures == 0;
    uint32_t timestamp = eg_sim_ffmpeg_picture_ticks(ffmpeg, n);
    uint32_t size = is_idr ? config->idr_size : config->picture_size;
    if (is_idr && !config->has_no_sets) send_sets(ffmpeg, timestamp);
    for (uint32_t slice = 1; slice <= config->slices; slice++) {
        size_t slice_size = 2 + size / config->slices / 2 + eg_sim_random_below(&ffmpeg->random, size / config->slices + 1);
        send_slice(ffmpeg, timestamp, is_idr ? NAL_IDR : NAL_SLICE, slice_size, slice == config->slices);
    }
}

void eg_sim_ffmpeg_send_part(struct eg_sim_ffmpeg *ffmpeg) {
    uint32_t timestamp = eg_sim_ffmpeg_picture_ticks(ffmpeg, ffmpeg->legs[EG_VIDEO].next++);
    send_slice(ffmpeg, timestamp, NAL_SLICE, 2 * EG_SIM_PACKET_SIZE_MAX, false);
}

void eg_sim_ffmpeg_send_audio(struct eg_sim_ffmpeg *ffmpeg) {
    uint8_t payload[PAYLOAD_SIZE_MAX];
    uint64_t n = ffmpeg->legs[EG_AUDIO].next++;
    fill(ffmpeg, payload, ffmpeg->config.audio_size);
    send(ffmpeg, EG_AUDIO, (uint32_t)(n * AUDIO_TICKS), n == 0, payload, ffmpeg->config.audio_size);
}

void eg_sim_ffmpeg_send_report(struct eg_sim_ffmpeg *ffmpeg, enum eg_track_kind kind, eg_time now) {
    struct eg_sim_leg *leg = &ffmpeg->legs[kind];
    uint64_t rate = kind == EG_VIDEO ? 90000 : 48000;
    uint8_t bytes[128];
    struct eg_writer writer = eg__writer(bytes, sizeof bytes);
    struct eg_sender_info info = {
        .ssrc = leg->ssrc,
        .ntp = ffmpeg->ntp_origin + ((now / EG_SECOND) << 32) + (((now % EG_SECOND) << 32) / EG_SECOND),
        .rtp_timestamp = leg->base_timestamp + (uint32_t)((now - ffmpeg->began_at + ffmpeg->config.stale) * rate / EG_SECOND),
        .packet_count = leg->packets,
        .octet_count = leg->octets,
    };
    eg__rtcp_write_sender_report(&writer, &info);
    eg__rtcp_write_cname(&writer, leg->ssrc, "Lavf");
    ffmpeg->output->datagram(ffmpeg->output, kind, &leg->addr, bytes, writer.at);
}

void eg_sim_ffmpeg_send_bye(struct eg_sim_ffmpeg *ffmpeg) {
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) {
        if (kind == EG_VIDEO ? !ffmpeg->config.has_video : !ffmpeg->config.has_audio) continue;
        uint8_t bytes[64];
        struct eg_writer writer = eg__writer(bytes, sizeof bytes);
        eg__rtcp_write_receiver_report(&writer, ffmpeg->legs[kind].ssrc);
        eg__rtcp_write_bye(&writer, ffmpeg->legs[kind].ssrc);
        ffmpeg->output->datagram(ffmpeg->output, kind, &ffmpeg->legs[kind].addr, bytes, writer.at);
    }
}

static eg_time due_at(const struct eg_sim_ffmpeg *ffmpeg, enum eg_track_kind kind) {
    uint64_t next = ffmpeg->legs[kind].next;
    if (kind == EG_VIDEO) return ffmpeg->config.has_video ? ffmpeg->began_at + next * EG_SECOND / ffmpeg->config.frame_rate : EG_TIME_NEVER;
    return ffmpeg->config.has_audio ? ffmpeg->began_at + next * AUDIO_INTERVAL : EG_TIME_NEVER;
}

eg_time eg_sim_ffmpeg_deadline(const struct eg_sim_ffmpeg *ffmpeg) {
    return eg__time_min(due_at(ffmpeg, EG_VIDEO), due_at(ffmpeg, EG_AUDIO));
}

void eg_sim_ffmpeg_tick(struct eg_sim_ffmpeg *ffmpeg, eg_time now) {
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) {
        while (due_at(ffmpeg, kind) <= now) {
            if (!ffmpeg->config.has_no_reports && now >= ffmpeg->legs[kind].report_at) {
                eg_sim_ffmpeg_send_report(ffmpeg, kind, now);
                ffmpeg->legs[kind].report_at = now + REPORT_INTERVAL;
            }
            if (kind == EG_VIDEO) eg_sim_ffmpeg_send_picture(ffmpeg);
            else eg_sim_ffmpeg_send_audio(ffmpeg);
        }
    }
}
