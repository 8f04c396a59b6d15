// What the core tells of itself in numbers.
#include "proto/core_parts.h"

#include <string.h>

void eg__core_count_send(struct eg_core *core, uint32_t messages, uint32_t calls, uint32_t buffer_full, uint32_t failed) {
    core->stats.messages_sent += messages;
    core->stats.send_calls += calls;
    core->stats.dropped[EG_DROP_SEND_BUFFER_FULL] += buffer_full;
    core->stats.dropped[EG_DROP_SEND_FAILED] += failed;
}

void eg__core_count(const struct eg_core *core, uint32_t *streams, uint32_t *viewers) {
    *streams = core->home_count;
    *viewers = core->viewers.count;
}

void eg__core_stats(const struct eg_core *core, struct eg_engine_stats *stats) {
    *stats = core->stats;
    stats->streams = core->home_count;
    stats->viewers = core->viewers.count;
    stats->viewers_connected = core->connected;
    stats->handshakes = core->handshakes.count;
    uint32_t index = 0;
    for (const struct eg_stream *stream; (stream = eg__pool_next(&core->streams, &index, &(eg_handle){0})) != NULL;)
        for (int i = 0; i < EG_DROP_COUNT; i++) stats->dropped[i] += stream->drops[i];
}

void eg__core_usage(struct eg_core *core, struct eg_core_usage *usage) {
    eg__chunk_pool_collect(&core->chunks);
    *usage = (struct eg_core_usage){
        .streams = core->streams.count,
        .viewers = core->viewers.count,
        .chunks = core->chunks.chunks.count,
        .routes = core->routes.pool.count,
        .deadlines = core->stream_deadlines.count + core->viewer_deadlines.count,
        .names = core->by_ufrag.count,
        .addresses = core->by_address.count,
        .handshakes = core->handshakes.count,
    };
}

static struct eg_source_stats source_stats(const struct eg_source *source) {
    struct eg_source_stats stats = source->stats;
    stats.bytes_stored = source->store->bytes;
    return stats;
}

eg_status eg__core_stream_stats(const struct eg_core *core, eg_time now, eg_stream_id id, struct eg_stream_stats *stats) {
    (void)now;
    const struct eg_stream *stream = eg__core_find_stream(core, id);
    if (stream == NULL) return EG_STATUS_NOT_FOUND;
    const struct eg_source *video = &stream->sources[EG_VIDEO];
    *stats = (struct eg_stream_stats){
        .video = source_stats(video),
        .audio = source_stats(&stream->sources[EG_AUDIO]),
        .format = video->format,
        .viewers = stream->viewer_count,
        .pictures = video->pictures,
        .idrs = video->idrs,
        .gop_ms = video->gop_ms,
        .has_b_frames = video->backward_pictures >= EG_BACKWARD_PICTURES,
        .packets_sent = stream->packets_sent,
        .bytes_sent = stream->bytes_sent,
    };
    memcpy(stats->dropped, stream->drops, sizeof stats->dropped);
    for (uint32_t i = 0; i < stream->viewer_count; i++)
        if (stream->viewers[i]->state == EG_VIEWER_CONNECTED) stats->viewers_connected++;
    return EG_STATUS_OK;
}

eg_status eg__core_viewer_stats(const struct eg_core *core, eg_time now, eg_viewer_id id, struct eg_viewer_stats *stats) {
    const struct eg_viewer *viewer = eg__core_find_viewer(core, id);
    if (viewer == NULL) return EG_STATUS_NOT_FOUND;
    *stats = (struct eg_viewer_stats){
        .stream = viewer->stream_id,
        .state = viewer->state,
        .packets_sent = viewer->stats.packets,
        .bytes_sent = viewer->stats.bytes,
        .nacks = viewer->stats.nacks,
        .plis = viewer->stats.plis,
        .lost = (uint64_t)viewer->stats.lost[EG_VIDEO] + viewer->stats.lost[EG_AUDIO],
        .round_trip_us = viewer->stats.round_trip_us,
        .jitter_us = viewer->stats.jitter_us,
        .age_ms = (uint32_t)((now - viewer->created_at) / EG_MILLISECOND),
    };
    if (viewer->ice.has_path) eg__addr_format(&viewer->ice.path.remote, stats->remote_address);
    return EG_STATUS_OK;
}
