// A sender as FFmpeg is one: video and sound in any codec, one RTP flow each, every packet of a picture at once, sender reports on the RTP port
// and first of all, random SSRC, sequence number and base timestamp at each run, perhaps a BYE at the end.
#ifndef EG_SIM_FFMPEG_H
#define EG_SIM_FFMPEG_H

#include "base/addr.h"
#include "core/core.h"
#include "sim/random.h"

enum {
    EG_SIM_VIDEO_PAYLOAD_TYPE = 96,
    EG_SIM_AUDIO_PAYLOAD_TYPE = 97,
    EG_SIM_PACKET_SIZE_MAX = 1160, // [B] FFmpeg's pkt_size
    EG_SIM_PAYLOAD_SIZE_MAX = EG_SIM_PACKET_SIZE_MAX - 12, // [B]
    EG_SIM_FORMATS = 2,            // parameter sets to choose from
};

struct eg_sim_ffmpeg_config {
    bool has_video;
    bool has_audio;
    uint32_t frame_rate;        // [Hz]
    uint32_t gop_pictures;      // from an IDR to the next
    uint32_t slices;            // of a picture
    uint32_t idr_size;          // [B] of an IDR picture, about
    uint32_t picture_size;      // [B] of another
    uint32_t audio_size;        // [B] of 20 ms
    unsigned format;            // below EG_SIM_FORMATS
    bool has_no_sets;           // copied from MP4: parameter sets are not in band
    uint32_t sets_every;        // GOPs, of which the first has them in band; 0: each has
    bool has_single_sets;       // each in a packet of its own, as other senders do
    bool has_sei;               // each STAP-A also has an SEI of its own, so that no two are alike
    bool has_b_frames;
    bool has_no_reports;
    uint32_t garbage;           // [per mille] of its pictures come behind a packet that no codec has
    eg_codec video_codec;
    eg_codec audio_codec;
    eg_time stale;              // [us] that `-start_time_realtime` lies back
    eg_time late_min, late_max; // [us] by which each picture comes later than it is due, between these two
};

// Embedded as the first member of whatever takes the datagrams.
struct eg_sim_ffmpeg_output {
    void (*datagram)(struct eg_sim_ffmpeg_output *output, enum eg_track_kind kind, const struct eg_addr *from, const uint8_t *bytes,
                     size_t size);
};

struct eg_sim_leg {
    struct eg_addr addr;
    uint32_t ssrc;
    uint16_t sequence;          // of the next packet
    uint32_t base_timestamp;
    uint64_t next;              // picture, or 20 ms of sound
    eg_time report_at;
    uint32_t packets;
    uint32_t octets;
};

struct eg_sim_ffmpeg {
    struct eg_sim_ffmpeg_config config;
    struct eg_sim_ffmpeg_output *output;
    struct eg_sim_random random;
    eg_time began_at;
    uint64_t ntp_origin;
    struct eg_sim_leg legs[EG_TRACK_COUNT];
    uint16_t picture_id;        // of VP8: 15 bits
    uint64_t seed;
};

// Pictures of 30 Hz, 2 s GOP, about 1 Mbit/s with sound.
extern const struct eg_sim_ffmpeg_config eg_sim_ffmpeg_default;

// A run that begins at `now`; its SSRCs and the like follow from `seed`. NTP time at `now` 0 is `ntp_origin`.
void eg_sim_ffmpeg_start(struct eg_sim_ffmpeg *ffmpeg, const struct eg_sim_ffmpeg_config *config, struct eg_sim_ffmpeg_output *output,
                         uint64_t seed, eg_time now, uint64_t ntp_origin);

// Sends what is due. The deadline is that of the next picture or sound.
void eg_sim_ffmpeg_tick(struct eg_sim_ffmpeg *ffmpeg, eg_time now);
eg_time eg_sim_ffmpeg_deadline(const struct eg_sim_ffmpeg *ffmpeg);

// `-rtpflags send_bye`.
void eg_sim_ffmpeg_send_bye(struct eg_sim_ffmpeg *ffmpeg);

// For tests that want one thing at a time.
void eg_sim_ffmpeg_send_picture(struct eg_sim_ffmpeg *ffmpeg);
// The first packets of the next picture: it ends in the middle.
void eg_sim_ffmpeg_send_part(struct eg_sim_ffmpeg *ffmpeg);
void eg_sim_ffmpeg_send_audio(struct eg_sim_ffmpeg *ffmpeg);
void eg_sim_ffmpeg_send_report(struct eg_sim_ffmpeg *ffmpeg, enum eg_track_kind kind, eg_time now);

// What H.264 packets hold: the STAP-A of a format, terminated by nothing; gives its size.
size_t eg_sim_ffmpeg_sets(unsigned format, uint8_t payload[64]);

// For pictures.c: one packet; and bytes of which no two are alike, so that whatever comes out of the engine can be told apart. No zeros among
// them: start codes are not our matter.
void eg_sim_ffmpeg_send(struct eg_sim_ffmpeg *ffmpeg, enum eg_track_kind kind, uint32_t timestamp, bool marker, const uint8_t *payload,
                        size_t size);
void eg_sim_ffmpeg_fill(struct eg_sim_ffmpeg *ffmpeg, uint8_t *bytes, size_t size);

// [RTP ticks] on one timeline for all senders, of the picture or sound that was sent last.
uint32_t eg_sim_ffmpeg_newest_ticks(const struct eg_sim_ffmpeg *ffmpeg, enum eg_track_kind kind);

// [RTP ticks] from the first picture to picture `n` in the order they are sent.
uint32_t eg_sim_ffmpeg_picture_ticks(const struct eg_sim_ffmpeg *ffmpeg, uint64_t n);

#endif
