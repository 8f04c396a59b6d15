#include "sim/ffmpeg.h"

#include "wire/codec.h"
#include "wire/rtcp.h"
#include "wire/rtp.h"

#include <string.h>

enum {
    AUDIO_INTERVAL = 20 * EG_MILLISECOND, // [us]
    REPORT_INTERVAL = 5 * EG_SECOND,      // [us]
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

void eg_sim_ffmpeg_start(struct eg_sim_ffmpeg *ffmpeg, const struct eg_sim_ffmpeg_config *config, struct eg_sim_ffmpeg_output *output,
                         uint64_t seed, eg_time now, uint64_t ntp_origin) {
    *ffmpeg = (struct eg_sim_ffmpeg){.config = *config, .output = output, .began_at = now, .ntp_origin = ntp_origin, .seed = seed};
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

void eg_sim_ffmpeg_send(struct eg_sim_ffmpeg *ffmpeg, enum eg_track_kind kind, uint32_t timestamp, bool marker, const uint8_t *payload,
                        size_t size) {
    struct eg_sim_leg *leg = &ffmpeg->legs[kind];
    uint8_t packet[EG_RTP_HEADER_SIZE + EG_SIM_PAYLOAD_SIZE_MAX];
    uint8_t payload_type = kind == EG_VIDEO ? EG_SIM_VIDEO_PAYLOAD_TYPE : EG_SIM_AUDIO_PAYLOAD_TYPE;
    eg__rtp_write_header(packet, marker, payload_type, leg->sequence++, leg->base_timestamp + timestamp, leg->ssrc);
    memcpy(packet + EG_RTP_HEADER_SIZE, payload, size);
    leg->packets++;
    leg->octets += (uint32_t)size;
    ffmpeg->output->datagram(ffmpeg->output, kind, &leg->addr, packet, EG_RTP_HEADER_SIZE + size);
}

void eg_sim_ffmpeg_fill(struct eg_sim_ffmpeg *ffmpeg, uint8_t *bytes, size_t size) {
    uint64_t word = 0;
    for (size_t i = 0; i < size; i++) {
        if (i % 8 == 0) word = eg_sim_random_u64(&ffmpeg->random);
        bytes[i] = (uint8_t)(word >> (8 * (i % 8))) | 1;
    }
}

// With B-frames the order is I0 P2 B1 P4 B3: every second picture goes one back.
uint32_t eg_sim_ffmpeg_picture_ticks(const struct eg_sim_ffmpeg *ffmpeg, uint64_t n) {
    uint64_t shown = n;
    uint64_t in_gop = n % ffmpeg->config.gop_pictures;
    if (ffmpeg->config.has_b_frames && in_gop > 0) shown = in_gop % 2 == 1 ? n + 1 : n - 1;
    return (uint32_t)(shown * 90000 / ffmpeg->config.frame_rate);
}

static uint32_t rate_of(const struct eg_sim_ffmpeg *ffmpeg, enum eg_track_kind kind) {
    return eg__codec_traits(kind == EG_VIDEO ? ffmpeg->config.video_codec : ffmpeg->config.audio_codec, kind == EG_VIDEO)->clock_rate;
}

void eg_sim_ffmpeg_send_audio(struct eg_sim_ffmpeg *ffmpeg) {
    uint8_t payload[EG_SIM_PAYLOAD_SIZE_MAX];
    uint64_t n = ffmpeg->legs[EG_AUDIO].next++;
    uint32_t ticks = (uint32_t)(rate_of(ffmpeg, EG_AUDIO) * AUDIO_INTERVAL / EG_SECOND);
    eg_sim_ffmpeg_fill(ffmpeg, payload, ffmpeg->config.audio_size);
    eg_sim_ffmpeg_send(ffmpeg, EG_AUDIO, (uint32_t)(n * ticks), n == 0, payload, ffmpeg->config.audio_size);
}

void eg_sim_ffmpeg_send_report(struct eg_sim_ffmpeg *ffmpeg, enum eg_track_kind kind, eg_time now) {
    struct eg_sim_leg *leg = &ffmpeg->legs[kind];
    uint64_t rate = rate_of(ffmpeg, kind);
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

uint32_t eg_sim_ffmpeg_newest_ticks(const struct eg_sim_ffmpeg *ffmpeg, enum eg_track_kind kind) {
    uint64_t next = ffmpeg->legs[kind].next;
    if (kind != EG_VIDEO || next == 0) return 0;
    return (uint32_t)(ffmpeg->began_at * 90000 / EG_SECOND) + eg_sim_ffmpeg_picture_ticks(ffmpeg, next - 1);
}

static eg_time lateness(const struct eg_sim_ffmpeg *ffmpeg, uint64_t picture) {
    eg_time span = ffmpeg->config.late_max - ffmpeg->config.late_min;
    return ffmpeg->config.late_min + (span > 0 ? eg_sim_mix(ffmpeg->seed, picture, 0) % span : 0);
}

static eg_time due_at(const struct eg_sim_ffmpeg *ffmpeg, enum eg_track_kind kind) {
    uint64_t next = ffmpeg->legs[kind].next;
    if (kind == EG_VIDEO)
        return ffmpeg->config.has_video ? ffmpeg->began_at + next * EG_SECOND / ffmpeg->config.frame_rate + lateness(ffmpeg, next) : EG_TIME_NEVER;
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
