// What it takes to receive a packet of video and to store it, in each codec: eg__source_receive, which parses it, sees what it holds, keeps the
// order and copies the payload into the store. The pictures are cut into packets as FFmpeg does it, of sizes as in the standard load. Each codec has
// a GOP in turn; the GOP is made before its time is taken.
#include "bench.h"
#include "media/source.h"
#include "sim/ffmpeg.h"
#include "statistics.h"
#include "ticks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    ROUNDS_QUICK = 15,
    ROUNDS = 61,
    PASSES = 4,             // GOPs a round
    WARM_UP_PASSES = 4,     // the store has grown to what it keeps
    GOP_PACKETS_MAX = 1024, // about 620
    IDR_SIZE = 45 * 1000,   // [B]
    PICTURE_SIZE = 9830,    // [B]
    CODECS = 5,
};

struct recorded {
    eg_time at;
    size_t size; // [B]
    uint8_t bytes[EG_SIM_PACKET_SIZE_MAX];
};

struct reception {
    struct eg_sim_ffmpeg_output output; // first: the sender's datagrams come back to it
    struct eg_sim_ffmpeg ffmpeg;
    struct eg_addr from;
    eg_time now;
    size_t count;
    struct recorded gop[GOP_PACKETS_MAX];
    struct eg_chunk_pool chunks;
    struct eg_store store;
    struct eg_media_clock clock;
    uint64_t drops[EG_DROP_COUNT];
    struct eg_source source;
    uint64_t fed;
    struct rounds rounds; // [ns] a packet
};

static const struct {
    eg_codec codec; // the first one is the reference
    const char *row;
} codecs[CODECS] = {
    {EG_CODEC_H264, "H.264, received and stored"},
    {EG_CODEC_H265, "H.265 beside it"},
    {EG_CODEC_VP8, "VP8 beside it"},
    {EG_CODEC_VP9, "VP9 beside it"},
    {EG_CODEC_AV1, "AV1 beside it"},
};

static void record(struct eg_sim_ffmpeg_output *output, enum eg_track_kind kind, const struct eg_addr *from, const uint8_t *bytes, size_t size) {
    struct reception *reception = (struct reception *)output;
    if (kind != EG_VIDEO || reception->count == GOP_PACKETS_MAX) return;
    struct recorded *packet = &reception->gop[reception->count++];
    packet->at = reception->now;
    packet->size = size;
    memcpy(packet->bytes, bytes, size);
    reception->from = *from;
}

// False when memory is refused; there is nothing to close then.
static bool open_reception(struct reception *reception, eg_codec codec) {
    struct eg_sim_ffmpeg_config config = eg_sim_ffmpeg_default;
    config.video_codec = codec;
    config.idr_size = IDR_SIZE;
    config.picture_size = PICTURE_SIZE;
    *reception = (struct reception){.output.datagram = record, .now = EG_SECOND};
    eg__chunk_pool_init(&reception->chunks, EG_STORE_VIDEO_CHUNKS_MAX);
    if (!eg__store_init(&reception->store, &reception->chunks, EG_STORE_VIDEO_PACKETS_MAX, EG_STORE_VIDEO_CHUNKS_MAX)) {
        eg__chunk_pool_deinit(&reception->chunks);
        return false;
    }
    eg__clock_init(&reception->clock, 0);
    struct eg_source_format format = {.codec = codec, .payload_type = EG_SIM_VIDEO_PAYLOAD_TYPE};
    eg__source_init(&reception->source, EG_VIDEO, format, &reception->store, &reception->clock, reception->drops);
    eg_sim_ffmpeg_start(&reception->ffmpeg, &config, &reception->output, 1, reception->now, 0);
    return true;
}

static void close_reception(struct reception *reception) {
    eg__source_deinit(&reception->source);
    eg__store_deinit(&reception->store);
    eg__chunk_pool_deinit(&reception->chunks);
}

static void record_gop(struct reception *reception) {
    const struct eg_sim_ffmpeg_config *config = &reception->ffmpeg.config;
    reception->count = 0;
    for (uint32_t i = 0; i < config->gop_pictures; i++, reception->now += EG_SECOND / config->frame_rate) {
        eg_sim_ffmpeg_send_picture(&reception->ffmpeg);
    }
}

// [ns] of all of it.
static uint64_t receive_gop(struct reception *reception) {
    uint64_t begin = ticks_cpu();
    for (size_t i = 0; i < reception->count; i++) {
        const struct recorded *packet = &reception->gop[i];
        struct eg_arrival arrival = {.path.remote = reception->from, .bytes = packet->bytes, .size = packet->size, .at = packet->at};
        eg__source_receive(&reception->source, &arrival);
    }
    reception->fed += reception->count;
    return ticks_cpu() - begin;
}

static void play(struct reception *reception, int passes, struct rounds *rounds) {
    uint64_t ns = 0, fed_before = reception->fed;
    for (int pass = 0; pass < passes; pass++) {
        record_gop(reception);
        ns += receive_gop(reception);
    }
    if (rounds != NULL) rounds_add(rounds, (double)ns / (double)(reception->fed - fed_before));
}

static void measure(struct bench *bench, const char *name, struct reception *receptions) {
    for (int i = 0; i < CODECS; i++) play(&receptions[i], WARM_UP_PASSES, NULL);
    for (int round = bench->is_quick ? ROUNDS_QUICK : ROUNDS; round > 0; round--) {
        for (int i = 0; i < CODECS; i++) play(&receptions[i], PASSES, &receptions[i].rounds);
    }
    const struct rounds *first = &receptions[0].rounds;
    for (int i = 0; i < CODECS; i++) {
        const struct reception *reception = &receptions[i];
        table_add(bench->table, name, codecs[i].row, rounds_median(&reception->rounds), "ns/packet", i > 0 ? rounds_median(first) : 0,
                  i > 0 ? rounds_ratio(&reception->rounds, first) : 0);
        if (reception->source.stats.packets == reception->fed) continue;
        bench_break(bench, name, "%s: of %llu packets %llu were taken", codecs[i].row, (unsigned long long)reception->fed,
                    (unsigned long long)reception->source.stats.packets);
    }
}

void shape_codecs(struct bench *bench, const char *name) {
    struct reception *receptions = calloc(CODECS, sizeof *receptions);
    int open = 0;
    while (receptions != NULL && open < CODECS && open_reception(&receptions[open], codecs[open].codec)) open++;
    if (open == CODECS) measure(bench, name, receptions);
    else bench_break(bench, name, "no memory");
    while (open > 0) close_reception(&receptions[--open]);
    free(receptions);
}
