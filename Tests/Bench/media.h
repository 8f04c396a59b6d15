// The standard load as FFmpeg sends it: H.264 at 2.5 Mbit/s, 30 pictures a second, an IDR each 2 s, datagrams of at most 1,160 bytes, and
// Opus, 50 packets a second. One GOP of it, which every stream of a shape repeats. There is no picture in it: only headers are real.
// A shape may plan another one.
#ifndef BENCH_MEDIA_H
#define BENCH_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    MEDIA_DATAGRAM_SIZE_MAX = 1160, // [B]
    MEDIA_HEADER_SIZE = 12,         // [B]
    MEDIA_STAMP_SIZE = 8,           // [B] at the end of a payload, room for when it was sent
    MEDIA_VIDEO_PAYLOAD_TYPE = 102,
    MEDIA_AUDIO_PAYLOAD_TYPE = 111,
    MEDIA_RTX_PAYLOAD_TYPE = 103,   // of video that is sent to a viewer again
    MEDIA_VIDEO = 0, // the kinds are the engine's tracks
    MEDIA_AUDIO = 1,
    MEDIA_KINDS = 2,
};

struct media_packet {
    const uint8_t *payload;
    uint16_t size;     // [B]
    bool marker;
    bool is_stamped;   // its last MEDIA_STAMP_SIZE bytes are free to be written
};

// Zero means the standard load, for every field.
struct media_plan {
    bool has_no_audio;
    uint32_t gop_s;          // [s]
    uint32_t pictures_per_s; // divides 60
    uint32_t bit_rate;       // [bit/s] of the pictures between IDRs
    uint32_t idr_packets;    // those of the parameter sets not counted
};

// A picture, or a frame of sound: what leaves as one burst.
struct media_unit {
    uint32_t due_us;   // [us] after the GOP's beginning
    uint8_t kind;
    uint32_t first;    // its packets
    uint32_t count;
};

struct media {
    struct media_packet *packets;
    size_t packet_count;
    struct media_unit *units; // in the order they are due
    size_t unit_count;
    uint8_t *bytes;
    size_t byte_count;
    uint32_t period_us;       // [us] one GOP
    size_t video_packets;     // of all
};

// NULL when memory is refused.
struct media *media_create(const struct media_plan *plan);
void media_destroy(struct media *media);

#endif
