// What the core tells of itself in numbers.
#include "core/parts.h"

#include "delivery/adaptation.h"

#include <string.h>

void eg__core_count_send(struct eg_core *core, const struct eg_sent *sent) {
    core->stats.messages_sent += sent->messages;
    core->stats.send_calls += sent->calls;
    core->stats.dropped[EG_DROP_SEND_BUFFER_FULL] += sent->buffer_full;
    core->stats.dropped[EG_DROP_SEND_FAILED] += sent->failed;
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

// Numbers of things, then counters, and nothing else: taken as what they are made of, so that none is forgotten.
union sums {
    struct eg_engine_stats stats;
    struct {
        uint32_t counts[offsetof(struct eg_engine_stats, viewers_created) / sizeof(uint32_t)];
        uint64_t counters[(sizeof(struct eg_engine_stats) - offsetof(struct eg_engine_stats, viewers_created)) / sizeof(uint64_t)];
    } words;
};

_Static_assert(sizeof(((union sums *)NULL)->words) == sizeof(struct eg_engine_stats), "nothing else");
_Static_assert(offsetof(union sums, words.counters) == offsetof(struct eg_engine_stats, viewers_created), "the counters follow");

void eg__core_add_stats(struct eg_engine_stats *sum, const struct eg_engine_stats *part) {
    union sums all = {.stats = *sum};
    const union sums added = {.stats = *part};
    for (size_t i = 0; i < sizeof all.words.counts / sizeof all.words.counts[0]; i++) all.words.counts[i] += added.words.counts[i];
    for (size_t i = 0; i < sizeof all.words.counters / sizeof all.words.counters[0]; i++) all.words.counters[i] += added.words.counters[i];
    *sum = all.stats;
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

eg_status eg__core_stream_stats(const struct eg_core *core, eg_stream_id id, struct eg_stream_stats *stats) {
    const struct eg_stream *stream = eg__core_find_stream(core, id);
    if (stream == NULL) return EG_STATUS_NOT_FOUND;
    const struct eg_source *video = &stream->sources[EG_VIDEO];
    *stats = (struct eg_stream_stats){
        .video = source_stats(video),
        .audio = source_stats(&stream->sources[EG_AUDIO]),
        .format = video->format,
        .viewers = stream->viewer_count,
        .pictures = video->pictures,
        .idrs = video->key_pictures,
        .gop_ms = video->gop_ms,
        .has_b_frames = video->backward_pictures >= EG_BACKWARD_PICTURES,
        .packets_sent = stream->packets_sent,
        .bytes_sent = stream->bytes_sent,
        .switches_up = stream->switches_up,
        .switches_down = stream->switches_down,
        .paused_ms = stream->paused / EG_MILLISECOND,
    };
    memcpy(stats->dropped, stream->drops, sizeof stream->drops);
    for (uint32_t i = 0; i < stream->viewer_count; i++)
        if (stream->viewers[i]->state == EG_VIEWER_CONNECTED) stats->viewers_connected++;
    return EG_STATUS_OK;
}

eg_status eg__core_encoding_stats(const struct eg_core *core, eg_stream_id id, uint32_t encoding, struct eg_encoding_stats *stats) {
    const struct eg_stream *stream = eg__core_find_stream(core, id);
    if (stream == NULL || !stream->config.has_video || encoding > stream->config.further_count) return EG_STATUS_NOT_FOUND;
    uint32_t index = eg__source_of_encoding(encoding);
    const struct eg_source *source = &stream->sources[index];
    *stats = (struct eg_encoding_stats){
        .source = source_stats(source),
        .format = source->format,
        .pictures = source->pictures,
        .key_pictures = source->key_pictures,
        .gop_ms = source->gop_ms,
        .has_b_frames = source->backward_pictures >= EG_BACKWARD_PICTURES,
        .has_other_codec = source->has_other_codec,
    };
    for (uint32_t i = 0; i < stream->viewer_count; i++) {
        const struct eg_track *track = &stream->viewers[i]->tracks[EG_VIDEO];
        if (track->state != EG_TRACK_OFF && track->map.source == index) stats->viewers++;
    }
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
        .encoding = eg__encoding_of_source(viewer->tracks[EG_VIDEO].map.source),
    };
    stats->has_no_feedback = eg__viewer_has_no_feedback(viewer, now);
    eg__adaptation_describe(viewer, now, stats);
    if (viewer->ice.has_path) eg__addr_format(&viewer->ice.path.remote, stats->remote_address);
    return EG_STATUS_OK;
}
