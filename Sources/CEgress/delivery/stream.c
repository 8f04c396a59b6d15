#include "delivery/stream.h"

#include "base/memory.h"
#include "delivery/viewer.h"

#include <string.h>

enum { INITIAL_VIEWERS = 8 };

static bool init_stores(struct eg_stream *stream, struct eg_chunk_pool *chunks) {
    if (!eg__store_init(&stream->stores[EG_VIDEO], chunks, EG_STORE_VIDEO_PACKETS_MAX, EG_STORE_VIDEO_CHUNKS_MAX)) return false;
    if (eg__store_init(&stream->stores[EG_AUDIO], chunks, EG_STORE_AUDIO_PACKETS_MAX, EG_STORE_AUDIO_CHUNKS_MAX)) return true;
    eg__store_deinit(&stream->stores[EG_VIDEO]);
    return false;
}

static void init_sources(struct eg_stream *stream) {
    const uint8_t payload_types[EG_TRACK_COUNT] = {stream->config.video_payload_type, stream->config.audio_payload_type};
    const eg_codec codecs[EG_TRACK_COUNT] = {stream->config.video_codec, stream->config.audio_codec};
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) {
        struct eg_source_format format = {.codec = codecs[kind], .payload_type = payload_types[kind]};
        eg__source_init(&stream->sources[kind], kind, format, &stream->stores[kind], &stream->clock, stream->drops);
    }
}

bool eg__stream_init(struct eg_stream *stream, const struct eg_stream_config *config, struct eg_chunk_pool *chunks, uint64_t ntp_origin) {
    stream->config = *config;
    stream->silent_since = stream->subscribers.told_silent_since = EG_TIME_NEVER;
    stream->subscribers.retry_at = stream->idle_since = EG_TIME_NEVER;
    eg__clock_init(&stream->clock, ntp_origin);
    if (!init_stores(stream, chunks)) return false;
    init_sources(stream);
    return true;
}

void eg__stream_deinit(struct eg_stream *stream) {
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) {
        eg__source_deinit(&stream->sources[kind]);
        eg__store_deinit(&stream->stores[kind]);
    }
    eg__memory_release(stream->viewers);
    stream->viewers = NULL;
}

void eg__stream_sleep(struct eg_stream *mirror) {
    EG_ASSERT(mirror->is_mirror && !mirror->is_asleep && mirror->viewer_count == 0);
    eg__stream_end_rounds(mirror);
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) eg__store_deinit(&mirror->stores[kind]);
    eg__memory_release(mirror->viewers);
    mirror->viewers = NULL;
    mirror->viewer_capacity = 0;
    mirror->is_asleep = true;
    mirror->silent_since = mirror->idle_since = EG_TIME_NEVER;
}

void eg__stream_end_rounds(struct eg_stream *stream) {
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) eg__list_remove(&stream->rounds[kind].ready);
}

bool eg__stream_wake(struct eg_stream *mirror, struct eg_chunk_pool *chunks) {
    EG_ASSERT(mirror->is_mirror && mirror->is_asleep);
    if (!init_stores(mirror, chunks)) return false;
    init_sources(mirror);
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) mirror->rounds[kind].end = mirror->rounds[kind].left = 0;
    mirror->is_asleep = false;
    return true;
}

static eg_time last_arrival(const struct eg_stream *stream) {
    eg_time last = 0;
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) {
        eg_time at = stream->sources[kind].last_arrival;
        if (at != EG_TIME_NEVER && at > last) last = at;
    }
    return last;
}

// What happened to one of two legs is told of the stream when it holds for the stream: active with the first, inactive with the last.
void eg__stream_follow_sources(struct eg_stream *stream) {
    struct eg_source *video = &stream->sources[EG_VIDEO], *audio = &stream->sources[EG_AUDIO];
    unsigned events = video->events | audio->events;
    video->events = audio->events = 0;
    if (events == 0) return;
    unsigned activity = 1u << EG_STREAM_ACTIVE | 1u << EG_STREAM_INACTIVE;
    stream->events |= events & ~activity;
    bool is_active = video->stats.active || audio->stats.active;
    if (is_active == stream->is_active) return;
    stream->is_active = is_active;
    stream->silent_since = is_active ? EG_TIME_NEVER : last_arrival(stream);
    stream->events = (stream->events & ~activity) | 1u << (is_active ? EG_STREAM_ACTIVE : EG_STREAM_INACTIVE);
}

eg_time eg__stream_deadline(const struct eg_stream *stream, eg_time grace) {
    eg_time patience = stream->viewer_count > 0 ? eg__time_after(stream->silent_since, grace) : EG_TIME_NEVER;
    eg_time relay = eg__time_min(stream->subscribers.retry_at, eg__time_after(stream->idle_since, EG_MIRROR_LINGER));
    eg_time sources = eg__time_min(eg__source_deadline(&stream->sources[EG_VIDEO]), eg__source_deadline(&stream->sources[EG_AUDIO]));
    return eg__time_min(eg__time_min(patience, relay), sources);
}

// A round under way counts its viewers from its end, so it starts again when that moves: those it has reached have nothing left to get.
static void restart_rounds(struct eg_stream *stream) {
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++)
        if (stream->rounds[kind].left > 0) stream->rounds[kind].left = stream->viewer_count;
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
