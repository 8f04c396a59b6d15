#include "core/parts.h"

#include "base/memory.h"
#include "delivery/viewer_config.h"

#include <stdio.h>
#include <string.h>

static eg_status fail(struct eg_error *error, eg_status status, const char *message) {
    if (error != NULL) {
        *error = (struct eg_error){.status = status};
        snprintf(error->message, sizeof error->message, "%s", message);
    }
    return status;
}

// --- life ---

struct eg_core *eg__core_create(const struct eg_core_config *config, struct eg_random *random, struct eg_error *error) {
    struct eg_core *core = eg__memory_take(1, sizeof *core);
    if (core == NULL) {
        fail(error, EG_STATUS_NO_MEMORY, "no memory for the engine");
        return NULL;
    }
    core->config = *config;
    if (core->config.worker_count == 0) core->config.worker_count = 1;
    core->own_quotas[0].max = config->streams_max;
    core->own_quotas[1].max = config->viewers_max;
    if (config->streams == NULL) core->config.streams = &core->own_quotas[0];
    if (config->viewers == NULL) core->config.viewers = &core->own_quotas[1];
    core->random = random;
    core->hash_seed = eg__random_u64(random);
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) eg__list_init(&core->ready[kind]);
    eg__list_init(&core->due);
    eg__list_init(&core->leaving);
    eg__list_init(&core->stream_events);
    eg__list_init(&core->viewer_events);
    eg__deadlines_init(&core->stream_deadlines);
    eg__deadlines_init(&core->viewer_deadlines);
    eg__table_init(&core->by_ufrag, EG_VIEWERS_MAX);
    eg__table_init(&core->by_address, EG_VIEWERS_MAX * EG_ICE_VALIDATED_MAX);
    eg__table_init(&core->by_home, 2 * EG_STREAMS_MAX);
    eg__routes_init(&core->routes, core->hash_seed, EG_ROUTES_MAX);
    char reason[160] = "";
    core->crypto = eg__crypto_create(config->crypto);
    core->dtls = config->dtls != NULL ? config->dtls : eg__dtls_context_create(reason, sizeof reason);
    if (core->crypto == NULL || core->dtls == NULL) {
        fail(error, EG_STATUS_UNSUPPORTED, core->crypto == NULL ? "this SRTP back end is not to be had here" : reason);
        eg__core_destroy(core);
        return NULL;
    }
    if (!eg__handshakes_init(&core->handshakes, core->hash_seed, config->handshakes_max, config->handshakes_per_address_max) ||
        !eg__ring_init(&core->handshake_queue, EG_HANDSHAKE_QUEUE_SIZE)) {
        fail(error, EG_STATUS_NO_MEMORY, "no memory for the engine");
        eg__core_destroy(core);
        return NULL;
    }
    // With others, mirrors of streams that are being removed may still be there when the next ones come, and they may hold packets that are
    // history at home.
    uint32_t room = config->exchange != NULL ? 2 : 1;
    eg__pool_init(&core->streams, sizeof(struct eg_stream), room * config->streams_max);
    eg__pool_init(&core->viewers, eg__viewer_size(core->crypto), config->viewers_max);
    eg__chunk_pool_init(&core->chunks, room * config->streams_max * (EG_STORE_VIDEO_CHUNKS_MAX + EG_STORE_AUDIO_CHUNKS_MAX));
    // Each worker has its share of what all may take.
    uint64_t burst_rate = config->burst_bit_rate_all_max / 8 / core->config.worker_count;
    uint64_t repair_rate = EG_REPAIR_RATE_ALL / core->config.worker_count;
    eg__budget_init(&core->burst_bytes, 0, burst_rate, burst_rate);
    core->context = (struct eg_viewer_context){
        .random = random,
        .dtls = core->dtls,
        .crypto = core->crypto,
        .handshakes = &core->handshakes,
        .burst = {
            .bit_rate_max = config->burst_bit_rate_max,
            .bytes = &core->burst_bytes,
            .begun = &core->stats.bursts_begun,
            .refused = &core->stats.bursts_refused,
        },
        .deadlines = &core->viewer_deadlines,
        .stats = &core->stats,
    };
    eg__budget_init(&core->context.repairs, 0, repair_rate, repair_rate / 4);
    return core;
}

static void deinit_all(struct eg_core *core) {
    uint32_t index = 0;
    for (struct eg_viewer *viewer; (viewer = eg__pool_next(&core->viewers, &index, &(eg_handle){0})) != NULL;) eg__viewer_deinit(viewer);
    index = 0;
    for (struct eg_stream *stream; (stream = eg__pool_next(&core->streams, &index, &(eg_handle){0})) != NULL;) eg__stream_deinit(stream);
    eg__pool_deinit(&core->viewers);
    eg__pool_deinit(&core->streams);
}

void eg__core_clear(struct eg_core *core) {
    deinit_all(core);
    eg__core_discard_peers(core);
}

void eg__core_destroy(struct eg_core *core) {
    if (core == NULL) return;
    deinit_all(core);
    eg__chunk_pool_deinit(&core->chunks);
    eg__deadlines_deinit(&core->stream_deadlines);
    eg__deadlines_deinit(&core->viewer_deadlines);
    eg__table_deinit(&core->by_ufrag);
    eg__table_deinit(&core->by_address);
    eg__handshakes_deinit(&core->handshakes);
    eg__ring_deinit(&core->handshake_queue);
    eg__table_deinit(&core->by_home);
    eg__routes_deinit(&core->routes);
    if (core->config.dtls == NULL) eg__dtls_context_destroy(core->dtls);
    eg__crypto_destroy(core->crypto);
    eg__memory_release(core);
}

const char *eg__core_fingerprint(const struct eg_core *core) { return eg__dtls_context_fingerprint(core->dtls); }

const char *eg__core_crypto_name(const struct eg_core *core) { return core->crypto->name; }

// --- finding ---

uint64_t eg__core_hash_stream(const struct eg_core *core, eg_stream_id id) { return eg__hash(core->hash_seed, &id, sizeof id); }

struct eg_stream *eg__core_find_stream(const struct eg_core *core, eg_stream_id id) {
    if (eg__worker_id_worker(id) == core->config.worker) {
        struct eg_stream *stream = eg__pool_find(&core->streams, eg__worker_id_handle(id));
        return stream != NULL && !stream->is_mirror ? stream : NULL;
    }
    uint32_t cursor = 0;
    for (eg_handle handle; (handle = eg__table_find(&core->by_home, eg__core_hash_stream(core, id), &cursor)) != 0;) {
        struct eg_stream *mirror = eg__pool_find(&core->streams, handle);
        if (mirror->id == id) return mirror;
    }
    return NULL;
}

struct eg_viewer *eg__core_viewer_at(const struct eg_core *core, eg_handle handle) {
    struct eg_viewer *viewer = eg__pool_find(&core->viewers, handle);
    return viewer != NULL && viewer->state != EG_VIEWER_CLOSED ? viewer : NULL;
}

struct eg_viewer *eg__core_find_viewer(const struct eg_core *core, eg_viewer_id id) {
    return eg__worker_id_worker(id) == core->config.worker ? eg__core_viewer_at(core, eg__worker_id_handle(id)) : NULL;
}

uint64_t eg__core_hash_ufrag(const struct eg_core *core, const char *ufrag, size_t size) { return eg__hash(core->hash_seed, ufrag, size); }

// --- what follows from a change ---

// Who has something to send now waits in line for transmit; else its deadline wakes it.
static void schedule_viewer(struct eg_core *core, struct eg_viewer *viewer, eg_time now) {
    if (viewer->state == EG_VIEWER_CONNECTED && viewer->transmit_at <= now) {
        viewer->transmit_at = EG_TIME_NEVER;
        if (!eg__list_contains(&viewer->due)) eg__list_append(&core->due, &viewer->due);
    }
    eg__viewer_schedule(viewer, &core->context);
}

static void detach(struct eg_core *core, struct eg_viewer *viewer, eg_time now) {
    struct eg_stream *stream = viewer->stream;
    eg__table_remove(&core->by_ufrag, eg__core_hash_ufrag(core, viewer->ice.local_ufrag, strlen(viewer->ice.local_ufrag)), viewer->handle);
    for (size_t i = 0; i < viewer->ice.validated_count; i++) {
        eg__table_remove(&core->by_address, eg__addr_hash(core->hash_seed, &viewer->ice.validated[i].remote), viewer->handle);
        eg__core_tell_route(core, viewer, &viewer->ice.validated[i], true);
    }
    eg__stream_remove_viewer(stream, viewer);
    viewer->stream = NULL;
    eg__list_remove(&viewer->due);
    eg__deadlines_set(&core->viewer_deadlines, &viewer->deadline, EG_TIME_NEVER);
    if (!stream->is_mirror || stream->viewer_count > 0) return;
    stream->idle_since = now;
    eg__core_follow_stream(core, stream, now);
}

void eg__core_follow_viewer(struct eg_core *core, struct eg_viewer *viewer, eg_time now) {
    if (viewer->state != viewer->reported) {
        bool was_connected = viewer->reported == EG_VIEWER_CONNECTED;
        if (viewer->state == EG_VIEWER_CONNECTED) core->connected++;
        else if (was_connected) core->connected--;
        viewer->reported = viewer->state;
        if (!eg__list_contains(&viewer->event)) eg__list_append(&core->viewer_events, &viewer->event);
    }
    if (viewer->state != EG_VIEWER_CLOSED) {
        schedule_viewer(core, viewer, now);
        return;
    }
    if (viewer->stream == NULL) return;
    core->stats.closed[viewer->close_reason]++;
    detach(core, viewer, now);
    eg__list_append(&core->leaving, &viewer->leaving);
}

static void close_viewer(struct eg_core *core, struct eg_viewer *viewer, eg_time now, eg_close_reason reason) {
    eg__viewer_close(viewer, reason);
    eg__core_follow_viewer(core, viewer, now);
}

void eg__core_follow_stream(struct eg_core *core, struct eg_stream *stream, eg_time now) {
    eg__stream_follow_sources(stream);
    if (stream->events != 0 && !eg__list_contains(&stream->event)) eg__list_append(&core->stream_events, &stream->event);
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) {
        struct eg_list *ready = &stream->rounds[kind].ready;
        if (eg__stream_is_ready(stream, kind) && !eg__list_contains(ready)) eg__list_append(&core->ready[kind], ready);
    }
    if (core->config.exchange != NULL) eg__core_relay(core, stream, now);
    // A deadline that has moved away, as silence does with each packet, is left where it is: its tick finds nothing to do and sets it anew.
    eg_time at = eg__stream_deadline(stream, core->config.source_grace);
    if (at < stream->deadline.at) eg__deadlines_set(&core->stream_deadlines, &stream->deadline, at);
}

// --- commands ---

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

eg_status eg__core_add_stream(struct eg_core *core, eg_time now, const struct eg_stream_config *config, eg_stream_id *id,
                              struct eg_error *error) {
    (void)now;
    if (!eg__quota_take(core->config.streams)) return fail(error, EG_STATUS_LIMIT_REACHED, "as many streams as streams_max allows");
    struct eg_stream *stream = take_stream(core, config);
    if (stream == NULL) {
        eg__quota_release(core->config.streams);
        return fail(error, EG_STATUS_NO_MEMORY, "no memory for a stream");
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
    while (stream->viewer_count > 0) close_viewer(core, stream->viewers[stream->viewer_count - 1], now, EG_CLOSE_STREAM_STOPPED);
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

static void describe_viewer(const struct eg_core *core, const struct eg_viewer *viewer, struct eg_viewer_info *info) {
    *info = (struct eg_viewer_info){
        .viewer = eg__worker_id(core->config.worker, viewer->handle),
        .video_ssrc = viewer->tracks[EG_VIDEO].ssrc,
        .video_rtx_ssrc = viewer->tracks[EG_VIDEO].has_rtx ? viewer->tracks[EG_VIDEO].rtx_ssrc : 0,
        .audio_ssrc = viewer->tracks[EG_AUDIO].ssrc,
    };
    snprintf(info->ice_ufrag, sizeof info->ice_ufrag, "%s", viewer->ice.local_ufrag);
    snprintf(info->ice_pwd, sizeof info->ice_pwd, "%s", viewer->ice.local_pwd);
    snprintf(info->cname, sizeof info->cname, "%s", viewer->cname);
}

// Its source has been away for longer than viewers wait.
static bool is_given_up(const struct eg_core *core, const struct eg_stream *stream, eg_time now) {
    return now >= eg__time_after(stream->silent_since, core->config.source_grace);
}

// A viewer without a stream, under a quota that has been taken. NULL when memory is refused.
static struct eg_viewer *take_viewer(struct eg_core *core, eg_time now, const struct eg_viewer_config *config,
                                     const struct eg_fingerprint *fingerprint) {
    eg_handle handle;
    struct eg_viewer *viewer = eg__pool_take(&core->viewers, &handle);
    if (viewer == NULL) return NULL;
    if (!eg__deadlines_reserve(&core->viewer_deadlines, core->viewers.count) ||
        !eg__viewer_init(viewer, &core->context, now, config, fingerprint)) {
        eg__pool_release(&core->viewers, handle);
        return NULL;
    }
    viewer->handle = handle;
    eg__deadline_init(&viewer->deadline, handle);
    if (config->local_ice_ufrag == NULL) eg__ice_name_worker(&viewer->ice, core->config.worker, core->config.worker_count);
    return viewer;
}

static bool attach(struct eg_core *core, struct eg_viewer *viewer, struct eg_stream *stream) {
    if (!eg__stream_add_viewer(stream, viewer)) return false;
    uint64_t hash = eg__core_hash_ufrag(core, viewer->ice.local_ufrag, strlen(viewer->ice.local_ufrag));
    if (!eg__table_insert(&core->by_ufrag, hash, viewer->handle)) {
        eg__stream_remove_viewer(stream, viewer);
        return false;
    }
    viewer->stream_id = stream->id;
    viewer->stream = stream;
    stream->idle_since = EG_TIME_NEVER;
    return true;
}

static void release_viewer(struct eg_core *core, struct eg_viewer *viewer) {
    eg__viewer_deinit(viewer);
    eg__pool_release(&core->viewers, viewer->handle);
    eg__quota_release(core->config.viewers);
}

eg_status eg__core_add_viewer(struct eg_core *core, eg_time now, const struct eg_viewer_config *config, struct eg_viewer_info *info,
                              struct eg_error *error) {
    struct eg_stream *stream = eg__core_find_stream(core, config->stream);
    if (stream == NULL || stream->is_asleep) return fail(error, EG_STATUS_NOT_FOUND, "no such stream");
    if (is_given_up(core, stream, now)) return fail(error, EG_STATUS_INACTIVE, "nothing has come from the stream's source for too long");
    const char *problem = eg__viewer_config_problem(config, &stream->config);
    if (problem != NULL) return fail(error, EG_STATUS_INVALID_ARGUMENT, problem);
    struct eg_fingerprint fingerprint = {0};
    if (!eg__fingerprint_parse(config->fingerprint, &fingerprint))
        return fail(error, EG_STATUS_INVALID_ARGUMENT, "fingerprint: a hash name and its bytes in hex with colons (RFC 8122 §5)");
    if (!eg__quota_take(core->config.viewers)) return fail(error, EG_STATUS_LIMIT_REACHED, "as many viewers as viewers_max allows");
    struct eg_viewer *viewer = take_viewer(core, now, config, &fingerprint);
    if (viewer == NULL) {
        eg__quota_release(core->config.viewers);
        return fail(error, EG_STATUS_NO_MEMORY, "no memory for a viewer");
    }
    if (!attach(core, viewer, stream)) {
        release_viewer(core, viewer);
        return fail(error, EG_STATUS_NO_MEMORY, "no memory for a viewer");
    }
    core->stats.viewers_created++;
    schedule_viewer(core, viewer, now);
    eg__core_follow_stream(core, stream, now);
    describe_viewer(core, viewer, info);
    return EG_STATUS_OK;
}

eg_status eg__core_restart_ice(struct eg_core *core, eg_viewer_id id, const char *ice_ufrag, const char *ice_pwd,
                               struct eg_viewer_info *info, struct eg_error *error) {
    struct eg_viewer *viewer = eg__core_find_viewer(core, id);
    if (viewer == NULL) return fail(error, EG_STATUS_NOT_FOUND, "no such viewer");
    const char *problem = eg__ice_credentials_problem(ice_ufrag, ice_pwd);
    if (problem != NULL) return fail(error, EG_STATUS_INVALID_ARGUMENT, problem);
    uint64_t old_hash = eg__core_hash_ufrag(core, viewer->ice.local_ufrag, strlen(viewer->ice.local_ufrag));
    if (!eg__ice_restart(&viewer->ice, core->random, ice_ufrag, ice_pwd)) return fail(error, EG_STATUS_NO_MEMORY, "no memory for credentials");
    eg__ice_name_worker(&viewer->ice, core->config.worker, core->config.worker_count);
    eg__table_remove(&core->by_ufrag, old_hash, viewer->handle);
    // A place has just become free, so this can't fail.
    uint64_t new_hash = eg__core_hash_ufrag(core, viewer->ice.local_ufrag, strlen(viewer->ice.local_ufrag));
    bool is_inserted = eg__table_insert(&core->by_ufrag, new_hash, viewer->handle);
    EG_ASSERT(is_inserted);
    describe_viewer(core, viewer, info);
    return EG_STATUS_OK;
}

eg_status eg__core_close_viewer(struct eg_core *core, eg_time now, eg_viewer_id id, eg_close_reason reason) {
    struct eg_viewer *viewer = eg__core_find_viewer(core, id);
    if (viewer == NULL) return EG_STATUS_NOT_FOUND;
    close_viewer(core, viewer, now, reason);
    return EG_STATUS_OK;
}

// --- time ---

static void tick_stream(struct eg_core *core, struct eg_stream *stream, eg_time now) {
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) eg__source_tick(&stream->sources[kind], now);
    if (is_given_up(core, stream, now))
        while (stream->viewer_count > 0) close_viewer(core, stream->viewers[stream->viewer_count - 1], now, EG_CLOSE_SOURCE_LOST);
    if (stream->is_mirror) eg__core_tick_mirror(core, stream, now);
    eg__core_follow_stream(core, stream, now);
}

void eg__core_tick(struct eg_core *core, eg_time now, struct eg_batch *batch) {
    for (struct eg_deadline *deadline; (deadline = eg__deadlines_pop(&core->stream_deadlines, now)) != NULL;)
        tick_stream(core, eg__pool_find(&core->streams, deadline->owner), now);
    while (eg__batch_has_reserve(batch)) {
        struct eg_deadline *deadline = eg__deadlines_pop(&core->viewer_deadlines, now);
        if (deadline == NULL) return;
        struct eg_viewer *viewer = eg__core_viewer_at(core, deadline->owner);
        eg__viewer_tick(viewer, &core->context, now, batch);
        // A report that is due goes out with transmit, like media.
        if (viewer->state == EG_VIEWER_CONNECTED && viewer->next_report > 0 && viewer->next_report <= now) viewer->transmit_at = now;
        eg__core_follow_viewer(core, viewer, now);
    }
}

eg_time eg__core_deadline(const struct eg_core *core) {
    return eg__time_min(eg__deadlines_next(&core->stream_deadlines), eg__deadlines_next(&core->viewer_deadlines));
}

// --- events ---

static bool poll_stream_event(struct eg_core *core, struct eg_event *event) {
    if (eg__list_is_empty(&core->stream_events)) return false;
    struct eg_stream *stream = EG_LIST_OWNER(core->stream_events.next, struct eg_stream, event);
    unsigned kind = 0;
    while ((stream->events >> kind & 1) == 0) kind++;
    stream->events &= ~(1u << kind);
    *event = (struct eg_event){
        .kind = EG_EVENT_STREAM,
        .stream = {.stream = stream->id, .kind = (eg_stream_event_kind)kind, .video = stream->sources[EG_VIDEO].format},
    };
    if (stream->events == 0) eg__list_remove(&stream->event);
    return true;
}

static bool poll_viewer_event(struct eg_core *core, struct eg_event *event) {
    for (struct eg_list *node = core->viewer_events.next; node != &core->viewer_events; node = node->next) {
        struct eg_viewer *viewer = EG_LIST_OWNER(node, struct eg_viewer, event);
        if (eg__list_contains(&viewer->leaving)) continue; // its goodbye is still to be written
        *event = (struct eg_event){
            .kind = EG_EVENT_VIEWER,
            .viewer = {.viewer = eg__worker_id(core->config.worker, viewer->handle), .stream = viewer->stream_id, .state = viewer->state,
                       .reason = viewer->close_reason},
        };
        if (viewer->ice.has_path) eg__addr_format(&viewer->ice.path.remote, event->viewer.remote_address);
        eg__list_remove(&viewer->event);
        if (viewer->state == EG_VIEWER_CLOSED) release_viewer(core, viewer);
        return true;
    }
    return false;
}

bool eg__core_poll_event(struct eg_core *core, struct eg_event *event) {
    return poll_stream_event(core, event) || poll_viewer_event(core, event);
}
