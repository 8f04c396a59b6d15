// The core as a whole: its life, deadlines, and events for the embedder.
#include "core/parts.h"

#include "base/error.h"
#include "base/memory.h"
#include "delivery/adaptation.h"

// --- life ---

struct eg_core *eg__core_create(const struct eg_core_config *config, struct eg_random *random, struct eg_error *error) {
    struct eg_core *core = eg__memory_take(1, sizeof *core);
    if (core == NULL) {
        eg__fail(error, EG_STATUS_NO_MEMORY, 0, "no memory for the engine");
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
        eg__fail(error, EG_STATUS_UNSUPPORTED, 0, "%s", core->crypto == NULL ? "this SRTP back end is not available here" : reason);
        eg__core_destroy(core);
        return NULL;
    }
    if (!eg__handshakes_init(&core->handshakes, core->hash_seed, config->handshakes_max, config->handshakes_per_address_max) ||
        !eg__ring_init(&core->handshake_queue, EG_HANDSHAKE_QUEUE_SIZE)) {
        eg__fail(error, EG_STATUS_NO_MEMORY, 0, "no memory for the engine");
        eg__core_destroy(core);
        return NULL;
    }
    // With other workers, mirrors of streams that are being removed may still exist when the next streams come, and may hold packets that are
    // history at home.
    uint32_t room = config->exchange != NULL ? 2 : 1;
    eg__pool_init(&core->streams, sizeof(struct eg_stream), room * config->streams_max);
    eg__pool_init(&core->viewers, eg__viewer_size(core->crypto), config->viewers_max);
    eg__chunk_pool_init(&core->chunks, room * config->streams_max * (EG_ENCODINGS_MAX * EG_STORE_VIDEO_CHUNKS_MAX + EG_STORE_AUDIO_CHUNKS_MAX));
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
            .speed_min_percent = EG_BURST_SPEED_MIN_PERCENT,
            .bytes = &core->burst_bytes,
            .begun = &core->stats.bursts_begun,
            .refused = &core->stats.bursts_refused,
        },
        .deadlines = &core->viewer_deadlines,
        .stats = &core->stats,
        .events = &core->viewer_events,
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

// --- time ---

static void tick_stream(struct eg_core *core, struct eg_stream *stream, eg_time now) {
    for (uint32_t i = 0; i < stream->source_count; i++) eg__source_tick(&stream->sources[i], now);
    if (eg__core_is_given_up(core, stream, now))
        while (stream->viewer_count > 0) eg__core_end_viewer(core, stream->viewers[stream->viewer_count - 1], now, EG_CLOSE_SOURCE_LOST);
    if (stream->is_mirror) eg__core_tick_mirror(core, stream, now);
    eg__core_follow_stream(core, stream, now);
}

static void tick_viewer(struct eg_core *core, struct eg_viewer *viewer, eg_time now) {
    eg__viewer_tick(viewer, &core->context, now);
    // A report that is due goes out with transmit, like media.
    if (viewer->state == EG_VIEWER_CONNECTED && viewer->next_report > 0 && viewer->next_report <= now) viewer->transmit_at = now;
    eg__core_follow_viewer(core, viewer, now);
}

void eg__core_tick(struct eg_core *core, eg_time now, struct eg_batch *batch) {
    struct eg_deadline *deadline;
    while ((deadline = eg__deadlines_pop(&core->stream_deadlines, now)) != NULL)
        tick_stream(core, eg__pool_find(&core->streams, deadline->owner), now);
    eg__core_lend(core, batch);
    while (eg__batch_has_reserve(batch) && (deadline = eg__deadlines_pop(&core->viewer_deadlines, now)) != NULL)
        tick_viewer(core, eg__core_viewer_at(core, deadline->owner), now);
    eg__core_take_back(core);
}

eg_time eg__core_deadline(const struct eg_core *core) {
    return eg__time_min(eg__deadlines_next(&core->stream_deadlines), eg__deadlines_next(&core->viewer_deadlines));
}

// --- events ---

// The source that it is about; the first one for what is told of the whole stream. It stays for those that have it too.
static uint32_t take_event(struct eg_stream *stream, unsigned kind) {
    uint32_t source = 0, found = 0;
    for (uint32_t i = stream->source_count; i-- > 0;) {
        if ((stream->events_of[i] >> kind & 1) == 0) continue;
        source = i;
        found++;
    }
    stream->events_of[source] &= ~(1u << kind);
    if (found < 2) stream->events &= ~(1u << kind);
    return source;
}

static bool poll_stream_event(struct eg_core *core, struct eg_event *event) {
    if (eg__list_is_empty(&core->stream_events)) return false;
    struct eg_stream *stream = EG_LIST_OWNER(core->stream_events.next, struct eg_stream, event);
    unsigned kind = 0;
    while ((stream->events >> kind & 1) == 0) kind++;
    uint32_t source = take_event(stream, kind);
    *event = (struct eg_event){
        .kind = EG_EVENT_STREAM,
        .stream = {.stream = stream->id, .kind = (eg_stream_event_kind)kind, .video = stream->sources[source].format,
                   .encoding = eg__encoding_of_source(source)},
    };
    if (stream->events == 0) eg__list_remove(&stream->event);
    return true;
}

static int32_t alert_of(const struct eg_dtls *dtls) { return dtls->alert.from == EG_DTLS_NO_ALERT ? -1 : dtls->alert.description; }

static void describe_state(const struct eg_core *core, const struct eg_viewer *viewer, struct eg_event *event) {
    *event = (struct eg_event){
        .kind = EG_EVENT_VIEWER,
        .viewer = {.viewer = eg__worker_id(core->config.worker, viewer->handle), .stream = viewer->stream_id, .state = viewer->state,
                   .reason = viewer->close_reason, .alert = alert_of(&viewer->dtls),
                   .alert_is_ours = viewer->dtls.alert.from == EG_DTLS_ALERT_OURS},
    };
    if (viewer->ice.has_path) eg__addr_format(&viewer->ice.path.remote, event->viewer.remote_address);
}

static void describe_switch(const struct eg_core *core, const struct eg_viewer *viewer, struct eg_event *event) {
    *event = (struct eg_event){
        .kind = EG_EVENT_SWITCH,
        .change = {.viewer = eg__worker_id(core->config.worker, viewer->handle), .stream = viewer->stream_id,
                   .encoding = eg__adaptation_encoding(viewer), .reason = viewer->adaptation->reason},
    };
}

static bool poll_viewer_event(struct eg_core *core, struct eg_event *event) {
    for (struct eg_list *node = core->viewer_events.next; node != &core->viewer_events; node = node->next) {
        struct eg_viewer *viewer = EG_LIST_OWNER(node, struct eg_viewer, event);
        if (eg__list_contains(&viewer->leaving)) continue; // its goodbye is still to be written
        bool is_change = viewer->adaptation != NULL && viewer->adaptation->has_event && viewer->state != EG_VIEWER_CLOSED;
        if (viewer->has_event) {
            describe_state(core, viewer, event);
            viewer->has_event = false;
            if (is_change) return true; // it is told of that next
        } else {
            EG_ASSERT(is_change);
            describe_switch(core, viewer, event);
            viewer->adaptation->has_event = false;
        }
        eg__list_remove(&viewer->event);
        if (viewer->state == EG_VIEWER_CLOSED) eg__core_release_viewer(core, viewer);
        return true;
    }
    return false;
}

bool eg__core_poll_event(struct eg_core *core, struct eg_event *event) {
    return poll_stream_event(core, event) || poll_viewer_event(core, event);
}
