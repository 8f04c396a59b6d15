// Streams come and go: those at home here, by command, and the mirrors of other workers' streams.
#include "core/parts.h"

#include "base/error.h"

static struct eg_stream *take_stream(struct eg_core *core, const struct eg_stream_config *config) {
    eg_handle handle;
    struct eg_stream *stream = eg__pool_take(&core->streams, &handle);
    if (stream == NULL) return NULL;
    if (!eg__deadlines_reserve(&core->stream_deadlines, core->streams.count) ||
        !eg__stream_init(stream, config, &core->chunks, core->config.ntp_origin)) {
        eg__pool_release(&core->streams, handle);
        return NULL;
    }
    stream->handle = handle;
    eg__deadline_init(&stream->deadline, handle);
    return stream;
}

eg_status eg__core_add_stream(struct eg_core *core, const struct eg_stream_config *config, eg_stream_id *id, struct eg_error *error) {
    if (!eg__quota_take(core->config.streams)) return eg__fail(error, EG_STATUS_LIMIT_REACHED, 0, "as many streams as streams_max allows");
    struct eg_stream *stream = take_stream(core, config);
    if (stream == NULL) {
        eg__quota_release(core->config.streams);
        return eg__fail(error, EG_STATUS_NO_MEMORY, 0, "no memory for a stream");
    }
    stream->id = *id = eg__worker_id(core->config.worker, stream->handle);
    core->home_count++;
    return EG_STATUS_OK;
}

struct eg_stream *eg__core_add_mirror(struct eg_core *core, eg_stream_id id, const struct eg_stream_config *config) {
    struct eg_stream *mirror = take_stream(core, config);
    if (mirror == NULL) return NULL;
    mirror->id = id;
    mirror->is_mirror = true;
    if (eg__table_insert(&core->by_home, eg__core_hash_stream(core, id), mirror->handle)) return mirror;
    eg__stream_deinit(mirror);
    eg__pool_release(&core->streams, mirror->handle);
    return NULL;
}

eg_status eg__core_remove_stream(struct eg_core *core, eg_time now, eg_stream_id id) {
    struct eg_stream *stream = eg__core_find_stream(core, id);
    if (stream == NULL) return EG_STATUS_NOT_FOUND;
    while (stream->viewer_count > 0) eg__core_end_viewer(core, stream->viewers[stream->viewer_count - 1], now, EG_CLOSE_STREAM_STOPPED);
    // Its counters live on in the engine's, which never fall.
    for (int i = 0; i < EG_DROP_COUNT; i++) core->stats.dropped[i] += stream->drops[i];
    eg__list_remove(&stream->event);
    eg__stream_end_rounds(stream);
    eg__deadlines_set(&core->stream_deadlines, &stream->deadline, EG_TIME_NEVER);
    eg__stream_deinit(stream);
    if (stream->is_mirror) {
        eg__table_remove(&core->by_home, eg__core_hash_stream(core, id), stream->handle);
    } else {
        core->home_count--;
        eg__quota_release(core->config.streams);
    }
    eg__pool_release(&core->streams, stream->handle);
    return EG_STATUS_OK;
}

bool eg__core_is_given_up(const struct eg_core *core, const struct eg_stream *stream, eg_time now) {
    return now >= eg__time_after(stream->silent_since, core->config.source_grace);
}

void eg__core_remove_mirrors(struct eg_core *core, eg_time now) {
    uint32_t index = 0;
    for (const struct eg_stream *stream; (stream = eg__pool_next(&core->streams, &index, &(eg_handle){0})) != NULL;)
        if (stream->is_mirror) eg__core_remove_stream(core, now, stream->id);
}

void eg__core_tick_mirror(struct eg_core *core, struct eg_stream *mirror, eg_time now) {
    if (mirror->is_asleep || now < eg__time_after(mirror->idle_since, EG_MIRROR_LINGER)) return;
    eg__stream_sleep(mirror);
    eg__core_unsubscribe(core, mirror->id, mirror->subscription);
}
