// A source with its store and clock, fed by an imitated FFmpeg, for the files that test it.
#ifndef EG_SOURCE_FIXTURE_H
#define EG_SOURCE_FIXTURE_H

#include "sim/ffmpeg.h"
#include "support/check.h"

#include "media/source.h"
#include "wire/h264.h"
#include "wire/rtcp.h"

#include <stdlib.h>
#include <string.h>

enum { CAPTURE_MAX = 512 };

struct captured {
    enum eg_track_kind kind;
    struct eg_addr from;
    size_t size;
    uint8_t bytes[EG_SIM_PACKET_SIZE_MAX];
};

// Both legs of a stream, and senders whose datagrams arrive at once, or are kept for the test to deliver.
struct fixture {
    struct eg_sim_ffmpeg_output output; // first
    struct eg_chunk_pool chunks;
    struct eg_store stores[EG_TRACK_COUNT];
    struct eg_media_clock clock;
    uint64_t drops[EG_DROP_COUNT];
    struct eg_source sources[EG_TRACK_COUNT];
    eg_time now;
    bool is_capturing;
    size_t captured_count;
    struct captured captured[CAPTURE_MAX];
};

static inline void receive(struct fixture *fixture, enum eg_track_kind kind, const struct eg_addr *from, const uint8_t *bytes, size_t size) {
    struct eg_arrival arrival = {.path.remote = *from, .bytes = bytes, .size = size, .at = fixture->now};
    eg__source_receive(&fixture->sources[kind], &arrival);
}

static inline void deliver(struct fixture *fixture, const struct captured *datagram) {
    receive(fixture, datagram->kind, &datagram->from, datagram->bytes, datagram->size);
}

static inline void take(struct eg_sim_ffmpeg_output *output, enum eg_track_kind kind, const struct eg_addr *from, const uint8_t *bytes,
                 size_t size) {
    struct fixture *fixture = (struct fixture *)output;
    struct captured datagram = {.kind = kind, .from = *from, .size = size};
    memcpy(datagram.bytes, bytes, size);
    if (!fixture->is_capturing) deliver(fixture, &datagram);
    else if (fixture->captured_count < CAPTURE_MAX) fixture->captured[fixture->captured_count++] = datagram;
}

static inline struct fixture *fixture_create_of(eg_codec video, eg_codec audio) {
    struct fixture *fixture = calloc(1, sizeof *fixture);
    fixture->output.datagram = take;
    fixture->now = 1000 * (eg_time)EG_SECOND;
    eg__chunk_pool_init(&fixture->chunks, 100);
    eg__clock_init(&fixture->clock, 0);
    const uint8_t payload_types[EG_TRACK_COUNT] = {EG_SIM_VIDEO_PAYLOAD_TYPE, EG_SIM_AUDIO_PAYLOAD_TYPE};
    const eg_codec codecs[EG_TRACK_COUNT] = {video, audio};
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) {
        EG_ASSERT(eg__store_init(&fixture->stores[kind], &fixture->chunks, 4096, 50));
        struct eg_source_format format = {.codec = codecs[kind], .payload_type = payload_types[kind]};
        eg__source_init(&fixture->sources[kind], kind, format, &fixture->stores[kind], &fixture->clock, fixture->drops);
    }
    return fixture;
}

static inline struct fixture *fixture_create(void) { return fixture_create_of(EG_CODEC_DEFAULT, EG_CODEC_DEFAULT); }

static inline void fixture_destroy(struct fixture *fixture) {
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) {
        eg__source_deinit(&fixture->sources[kind]);
        eg__store_deinit(&fixture->stores[kind]);
    }
    eg__chunk_pool_deinit(&fixture->chunks);
    free(fixture);
}

static inline struct eg_source *video(struct fixture *fixture) { return &fixture->sources[EG_VIDEO]; }

static inline struct eg_sim_ffmpeg start(struct fixture *fixture, const struct eg_sim_ffmpeg_config *config, uint64_t seed) {
    struct eg_sim_ffmpeg ffmpeg;
    eg_sim_ffmpeg_start(&ffmpeg, config, &fixture->output, seed, fixture->now, 0);
    return ffmpeg;
}

// Sends pictures in their time, the clock standing at the last one's arrival.
static inline void send_pictures(struct fixture *fixture, struct eg_sim_ffmpeg *ffmpeg, unsigned count) {
    for (unsigned i = 0; i < count; i++) {
        if (i > 0) fixture->now += EG_SECOND / ffmpeg->config.frame_rate;
        eg_sim_ffmpeg_send_picture(ffmpeg);
    }
}

static inline void capture_picture(struct fixture *fixture, struct eg_sim_ffmpeg *ffmpeg) {
    fixture->is_capturing = true;
    fixture->captured_count = 0;
    eg_sim_ffmpeg_send_picture(ffmpeg);
    fixture->is_capturing = false;
}

static inline void deliver_all(struct fixture *fixture) {
    for (size_t i = 0; i < fixture->captured_count; i++) deliver(fixture, &fixture->captured[i]);
}

static inline uint64_t dropped(const struct fixture *fixture) {
    uint64_t count = 0;
    for (int i = 0; i < EG_DROP_COUNT; i++) count += fixture->drops[i];
    return count;
}

static inline bool take_event(struct eg_source *source, eg_stream_event_kind kind) {
    bool is_there = (source->events >> kind & 1) != 0;
    source->events &= ~(1u << kind);
    return is_there;
}

static inline uint64_t stored(const struct eg_store *store, uint64_t begin, uint64_t end) {
    uint64_t count = 0;
    for (uint64_t place = begin; place < end; place++) count += eg__store_get(store, place) != NULL;
    return count;
}

static inline bool is_sets(const struct eg_packet *packet, unsigned format) {
    uint8_t sets[64];
    size_t size = eg_sim_ffmpeg_sets(format, sets);
    return packet != NULL && packet->size == size && memcmp(packet->payload, sets, size) == 0;
}

static inline bool starts_idr(const struct eg_packet *packet) {
    return packet != NULL && eg__h264_inspect(packet->payload, packet->size).starts_idr;
}

#endif
