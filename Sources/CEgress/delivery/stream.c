#include "delivery/stream.h"

#include "base/memory.h"
#include "delivery/viewer.h"

#include <string.h>

enum { INITIAL_VIEWERS = 8 };

static void deinit_stores(struct eg_stream *stream) {
    for (uint32_t i = 0; i < stream->source_count; i++) eg__store_deinit(&stream->stores[i]);
}

// All of them or none.
static bool init_stores(struct eg_stream *stream, struct eg_chunk_pool *chunks) {
    for (uint32_t i = 0; i < stream->source_count; i++) {
        bool is_audio = eg__kind_of_source(i) == EG_AUDIO;
        uint32_t packets_max = is_audio ? EG_STORE_AUDIO_PACKETS_MAX : EG_STORE_VIDEO_PACKETS_MAX;
        if (eg__store_init(&stream->stores[i], chunks, packets_max, is_audio ? EG_STORE_AUDIO_CHUNKS_MAX : EG_STORE_VIDEO_CHUNKS_MAX)) continue;
        while (i > 0) eg__store_deinit(&stream->stores[--i]);
        return false;
    }
    return true;
}

static struct eg_source_format format_of(const struct eg_stream_config *config, uint32_t source) {
    if (source == EG_VIDEO) return (struct eg_source_format){.codec = config->video_codec, .payload_type = config->video_payload_type};
    if (source == EG_AUDIO) return (struct eg_source_format){.codec = config->audio_codec, .payload_type = config->audio_payload_type};
    const struct eg_encoding_config *further = &config->further[eg__encoding_of_source(source) - 1];
    return (struct eg_source_format){.codec = further->codec, .payload_type = (uint8_t)further->payload_type};
}

static void init_sources(struct eg_stream *stream) {
    for (uint32_t i = 0; i < stream->source_count; i++) {
        eg__source_init(&stream->sources[i], i, format_of(&stream->config, i), &stream->stores[i], &stream->clock, stream->drops);
        stream->rounds[i].stream = stream;
        stream->rounds[i].source = i;
    }
}

static void release(struct eg_stream *stream) {
    eg__memory_release(stream->stores);
    eg__memory_release(stream->sources);
    eg__memory_release(stream->rounds);
}

bool eg__stream_init(struct eg_stream *stream, const struct eg_stream_config *config, struct eg_chunk_pool *chunks, uint64_t ntp_origin) {
    stream->config = *config;
    stream->source_count = EG_TRACK_COUNT + config->further_count;
    stream->silent_since = stream->subscribers.told_silent_since = EG_TIME_NEVER;
    stream->subscribers.retry_at = stream->idle_since = EG_TIME_NEVER;
    eg__clock_init(&stream->clock, ntp_origin);
    stream->stores = eg__memory_take(stream->source_count, sizeof *stream->stores);
    stream->sources = eg__memory_take(stream->source_count, sizeof *stream->sources);
    stream->rounds = eg__memory_take(stream->source_count, sizeof *stream->rounds);
    if (stream->stores == NULL || stream->sources == NULL || stream->rounds == NULL || !init_stores(stream, chunks)) {
        release(stream);
        return false;
    }
    init_sources(stream);
    return true;
}

void eg__stream_deinit(struct eg_stream *stream) {
    for (uint32_t i = 0; i < stream->source_count; i++) eg__source_deinit(&stream->sources[i]);
    deinit_stores(stream);
    release(stream);
    eg__memory_release(stream->viewers);
    stream->viewers = NULL;
}

void eg__stream_sleep(struct eg_stream *mirror) {
    EG_ASSERT(mirror->is_mirror && !mirror->is_asleep && mirror->viewer_count == 0);
    eg__stream_end_rounds(mirror);
    deinit_stores(mirror);
    eg__memory_release(mirror->viewers);
    mirror->viewers = NULL;
    mirror->viewer_capacity = 0;
    mirror->is_asleep = true;
    mirror->silent_since = mirror->idle_since = EG_TIME_NEVER;
}

void eg__stream_end_rounds(struct eg_stream *stream) {
    for (uint32_t i = 0; i < stream->source_count; i++) eg__list_remove(&stream->rounds[i].ready);
}

bool eg__stream_wake(struct eg_stream *mirror, struct eg_chunk_pool *chunks) {
    EG_ASSERT(mirror->is_mirror && mirror->is_asleep);
    if (!init_stores(mirror, chunks)) return false;
    init_sources(mirror);
    for (uint32_t i = 0; i < mirror->source_count; i++) mirror->rounds[i].end = mirror->rounds[i].left = 0;
    mirror->is_asleep = false;
    return true;
}

static eg_time last_arrival(const struct eg_stream *stream) {
    eg_time last = 0;
    for (uint32_t i = 0; i < stream->source_count; i++) {
        eg_time at = stream->sources[i].last_arrival;
        if (at != EG_TIME_NEVER && at > last) last = at;
    }
    return last;
}

// What happened to one of several legs is told of the stream when it holds for the stream: active with the first, inactive with the last. What a
// picture is like is told of its encoding.
void eg__stream_follow_sources(struct eg_stream *stream) {
    const unsigned activity = 1u << EG_STREAM_ACTIVE | 1u << EG_STREAM_INACTIVE;
    const unsigned own = 1u << EG_STREAM_VIDEO_FORMAT | 1u << EG_STREAM_B_FRAMES | 1u << EG_STREAM_OTHER_CODEC;
    unsigned events = 0;
    bool is_active = false;
    for (uint32_t i = 0; i < stream->source_count; i++) {
        struct eg_source *source = &stream->sources[i];
        events |= source->events;
        stream->events_of[i] |= source->events & own;
        source->events = 0;
        is_active |= source->stats.active;
    }
    if (events == 0) return;
    stream->events |= events & ~activity;
    if (is_active == stream->is_active) return;
    stream->is_active = is_active;
    stream->silent_since = is_active ? EG_TIME_NEVER : last_arrival(stream);
    stream->events = (stream->events & ~activity) | 1u << (is_active ? EG_STREAM_ACTIVE : EG_STREAM_INACTIVE);
}

eg_time eg__stream_deadline(const struct eg_stream *stream, eg_time grace) {
    eg_time patience = stream->viewer_count > 0 ? eg__time_after(stream->silent_since, grace) : EG_TIME_NEVER;
    eg_time relay = eg__time_min(stream->subscribers.retry_at, eg__time_after(stream->idle_since, EG_MIRROR_LINGER));
    eg_time deadline = eg__time_min(patience, relay);
    for (uint32_t i = 0; i < stream->source_count; i++) deadline = eg__time_min(deadline, eg__source_deadline(&stream->sources[i]));
    return deadline;
}

// A round under way counts its viewers from its end, so it starts again when that moves: those it has reached have nothing left to get.
static void restart_rounds(struct eg_stream *stream) {
    for (uint32_t i = 0; i < stream->source_count; i++)
        if (stream->rounds[i].left > 0) stream->rounds[i].left = stream->viewer_count;
}

bool eg__stream_add_viewer(struct eg_stream *stream, struct eg_viewer *viewer) {
    if (stream->viewer_count == stream->viewer_capacity) {
        uint32_t capacity = stream->viewer_capacity == 0 ? INITIAL_VIEWERS : stream->viewer_capacity * 2;
        struct eg_viewer **viewers = eg__memory_take(capacity, sizeof(struct eg_viewer *));
        if (viewers == NULL) return false;
        if (stream->viewer_count > 0) memcpy(viewers, stream->viewers, stream->viewer_count * sizeof(struct eg_viewer *));
        eg__memory_release(stream->viewers);
        stream->viewers = viewers;
        stream->viewer_capacity = capacity;
    }
    viewer->place = stream->viewer_count;
    stream->viewers[stream->viewer_count++] = viewer;
    restart_rounds(stream);
    return true;
}

// The last one moves to the place that is free.
void eg__stream_remove_viewer(struct eg_stream *stream, struct eg_viewer *viewer) {
    EG_ASSERT(stream->viewers[viewer->place] == viewer);
    struct eg_viewer *last = stream->viewers[--stream->viewer_count];
    stream->viewers[viewer->place] = last;
    last->place = viewer->place;
    restart_rounds(stream);
}
