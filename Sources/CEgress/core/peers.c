// What a worker says to the others of its engine and hears from them: pictures of streams that have their home at one and viewers at another,
// and datagrams that arrived at the wrong one.
#include "core/parts.h"

#include "base/bits.h"
#include "base/memory.h"

#include <stdio.h>
#include <string.h>

enum { FORWARDED_MAX = 64 }; // datagrams taken from each worker at a time

static struct eg_ring *relay_to(const struct eg_core *core, uint32_t worker) {
    return &eg__exchange_link(core->config.exchange, core->config.worker, worker)->relay;
}

static void publish_to(struct eg_core *core, uint32_t worker, size_t size) {
    eg__ring_publish(relay_to(core, worker), size);
    core->wakes |= 1u << worker;
}

uint32_t eg__core_take_wakes(struct eg_core *core) {
    uint32_t wakes = core->wakes;
    core->wakes = 0;
    return wakes;
}

// --- a stream's home ---

// One record for one subscriber. False when its queue is full.
static bool tell_run(struct eg_core *core, const struct eg_stream *stream, uint32_t worker, enum eg_track_kind kind, uint64_t first, uint64_t end,
                     uint64_t *next) {
    uint32_t count_max = end - first < EG_RELAY_RUN_MAX ? (uint32_t)(end - first) : EG_RELAY_RUN_MAX;
    struct eg_run_record *record = eg__ring_claim(relay_to(core, worker), sizeof *record + count_max * sizeof record->packets[0]);
    if (record == NULL) return false;
    record->kind = EG_RECORD_RUN;
    record->track = kind;
    record->stream = stream->id;
    record->subscription = stream->subscribers.numbers[worker];
    record->count = eg__relay_collect(&stream->stores[kind], first, end, record->packets, count_max, next);
    // One that came late has a place that was passed before: what is ready stays as it is.
    record->ready_end = *next;
    eg__relay_describe(stream, &record->state);
    publish_to(core, worker, sizeof *record + record->count * sizeof record->packets[0]);
    return true;
}

static uint64_t count_packets(const struct eg_store *store, uint64_t first, uint64_t end) {
    uint64_t count = 0;
    for (; first < end; first++) count += eg__store_get(store, first) != NULL;
    return count;
}

// A picture, as many records as it takes. What does not fit is lost to that worker's viewers, and counted once.
static void tell_places(struct eg_core *core, struct eg_stream *stream, uint32_t worker, enum eg_track_kind kind, uint64_t first, uint64_t end) {
    struct eg_subscribers *subscribers = &stream->subscribers;
    do {
        if (!tell_run(core, stream, worker, kind, first, end, &first)) {
            core->stats.dropped[EG_DROP_WORKER_BUSY] += count_packets(&stream->stores[kind], first, end);
            subscribers->stale |= 1u << worker;
            return;
        }
    } while (first < end);
    subscribers->stale &= ~(1u << worker);
}

static void tell_new(struct eg_core *core, struct eg_stream *stream, uint32_t worker) {
    const struct eg_subscribers *subscribers = &stream->subscribers;
    bool is_told = false;
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) {
        const struct eg_source *source = &stream->sources[kind];
        if (source->ready_end > subscribers->told_end[kind]) {
            tell_places(core, stream, worker, kind, subscribers->told_end[kind], source->ready_end);
            is_told = true;
        }
        if (source->has_late) tell_places(core, stream, worker, kind, source->late_place, source->late_place + 1);
    }
    bool is_stale = (subscribers->stale >> worker & 1) != 0;
    if (is_told || (!is_stale && stream->silent_since == subscribers->told_silent_since)) return;
    uint64_t end = subscribers->told_end[EG_VIDEO];
    tell_places(core, stream, worker, EG_VIDEO, end, end); // no packets, but how the stream stands
}

static bool has_news(const struct eg_stream *stream) {
    const struct eg_source *video = &stream->sources[EG_VIDEO], *audio = &stream->sources[EG_AUDIO];
    const struct eg_subscribers *subscribers = &stream->subscribers;
    return video->ready_end > subscribers->told_end[EG_VIDEO] || audio->ready_end > subscribers->told_end[EG_AUDIO] || video->has_late ||
           audio->has_late || stream->silent_since != subscribers->told_silent_since;
}

void eg__core_relay(struct eg_core *core, struct eg_stream *stream, eg_time now) {
    struct eg_subscribers *subscribers = &stream->subscribers;
    if (stream->is_mirror) return;
    bool is_retry = now >= subscribers->retry_at;
    if (!has_news(stream) && !is_retry) return;
    uint32_t told = has_news(stream) ? subscribers->awake : subscribers->stale;
    for (uint32_t worker; eg__bits_take(&told, &worker);) tell_new(core, stream, worker);
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) {
        subscribers->told_end[kind] = stream->sources[kind].ready_end;
        stream->sources[kind].has_late = false;
    }
    subscribers->told_silent_since = stream->silent_since;
    if (subscribers->stale == 0) subscribers->retry_at = EG_TIME_NEVER;
    else if (is_retry || subscribers->retry_at == EG_TIME_NEVER) subscribers->retry_at = now + EG_RELAY_RETRY;
}

static eg_status refuse(struct eg_error *error, const char *message) {
    if (error != NULL) {
        *error = (struct eg_error){.status = EG_STATUS_NO_MEMORY};
        snprintf(error->message, sizeof error->message, "%s", message);
    }
    return EG_STATUS_NO_MEMORY;
}

static eg_status not_found(struct eg_error *error) {
    if (error != NULL) *error = (struct eg_error){.status = EG_STATUS_NOT_FOUND, .message = "no such stream"};
    return EG_STATUS_NOT_FOUND;
}

eg_status eg__core_subscribe(struct eg_core *core, eg_stream_id id, uint32_t worker, bool is_again, struct eg_error *error) {
    struct eg_stream *stream = eg__core_find_stream(core, id);
    if (stream == NULL) return not_found(error);
    EG_ASSERT(!stream->is_mirror && worker != core->config.worker);
    struct eg_subscribers *subscribers = &stream->subscribers;
    if ((subscribers->awake >> worker & 1) != 0 && !is_again) return EG_STATUS_OK;
    struct eg_snapshot_record *record = eg__ring_claim(relay_to(core, worker), sizeof *record);
    if (record == NULL) return refuse(error, "the engine's threads are too busy to take another stream");
    struct eg_relay_snapshot *snapshot = eg__relay_snapshot_create(stream);
    if (snapshot == NULL) return refuse(error, "no memory for what a stream's viewers on another thread begin with");
    *record = (struct eg_snapshot_record){
        .kind = EG_RECORD_SNAPSHOT, .subscription = ++subscribers->numbers[worker], .stream = id, .snapshot = snapshot};
    publish_to(core, worker, sizeof *record);
    subscribers->awake |= 1u << worker;
    subscribers->ever |= 1u << worker;
    return EG_STATUS_OK;
}

uint32_t eg__core_stream_mirrors(const struct eg_core *core, eg_stream_id id) {
    const struct eg_stream *stream = eg__core_find_stream(core, id);
    return stream != NULL && !stream->is_mirror ? stream->subscribers.ever : 0;
}

// A mirror went to sleep. One that was woken meanwhile has another number.
static void receive_unsubscribe(struct eg_core *core, uint32_t from, const struct eg_unsubscribe_record *record) {
    struct eg_stream *stream = eg__core_find_stream(core, record->stream);
    if (stream == NULL || stream->subscribers.numbers[from] != record->subscription) return;
    stream->subscribers.awake &= ~(1u << from);
    stream->subscribers.stale &= ~(1u << from);
}

// --- a mirror ---

// Should this be lost, the next run is answered with it again.
static void unsubscribe(struct eg_core *core, eg_stream_id id, uint32_t subscription) {
    uint32_t home = eg__worker_id_worker(id);
    struct eg_unsubscribe_record *record = eg__ring_claim(relay_to(core, home), sizeof *record);
    if (record == NULL) return;
    *record = (struct eg_unsubscribe_record){.kind = EG_RECORD_UNSUBSCRIBE, .subscription = subscription, .stream = id};
    publish_to(core, home, sizeof *record);
}

void eg__core_tick_mirror(struct eg_core *core, struct eg_stream *mirror, eg_time now) {
    if (mirror->is_asleep || now < eg__time_after(mirror->idle_since, EG_MIRROR_LINGER)) return;
    eg__stream_sleep(mirror);
    unsubscribe(core, mirror->id, mirror->subscription);
}

void eg__core_remove_mirrors(struct eg_core *core, eg_time now) {
    uint32_t index = 0;
    for (const struct eg_stream *stream; (stream = eg__pool_next(&core->streams, &index, &(eg_handle){0})) != NULL;)
        if (stream->is_mirror) eg__core_remove_stream(core, now, stream->id);
}

static void receive_run(struct eg_core *core, eg_time now, const struct eg_run_record *record) {
    struct eg_stream *mirror = eg__core_find_stream(core, record->stream);
    if (mirror != NULL && !mirror->is_asleep) {
        eg__relay_adopt(mirror, now, record->track, record->packets, record->count, record->ready_end);
        eg__relay_take_over(mirror, &record->state);
        eg__core_follow_stream(core, mirror, now);
    } else {
        unsubscribe(core, record->stream, record->subscription);
    }
    eg__relay_let_go(record->packets, record->count, &core->chunks);
}

static struct eg_stream *wake_mirror(struct eg_core *core, const struct eg_snapshot_record *record) {
    struct eg_stream *mirror = eg__core_find_stream(core, record->stream);
    if (mirror == NULL) return eg__core_add_mirror(core, record->stream, &record->snapshot->config);
    return !mirror->is_asleep || eg__stream_wake(mirror, &core->chunks) ? mirror : NULL;
}

// One that is awake already was asked for twice at a time: it has what the second snapshot has.
static void receive_snapshot(struct eg_core *core, eg_time now, const struct eg_snapshot_record *record) {
    struct eg_stream *mirror = wake_mirror(core, record);
    if (mirror != NULL) {
        mirror->subscription = record->subscription;
        if (mirror->viewer_count == 0) mirror->idle_since = now;
        eg__relay_adopt_snapshot(mirror, now, record->snapshot);
        eg__core_follow_stream(core, mirror, now);
    } else {
        unsubscribe(core, record->stream, record->subscription);
    }
    eg__relay_snapshot_destroy(record->snapshot, &core->chunks);
}

// --- datagrams ---

void eg__core_forward(struct eg_core *core, uint32_t worker, const struct eg_path *path, const uint8_t *bytes, size_t size) {
    struct eg_ring *ring = &eg__exchange_link(core->config.exchange, core->config.worker, worker)->forward;
    struct eg_forward *forward = eg__ring_claim(ring, sizeof *forward + size);
    if (forward == NULL) {
        core->stats.dropped[EG_DROP_WORKER_BUSY]++;
        return;
    }
    forward->path = *path;
    forward->size = (uint16_t)size;
    memcpy(forward->bytes, bytes, size);
    eg__ring_publish(ring, sizeof *forward + size);
    core->wakes |= 1u << worker;
}

void eg__core_tell_route(struct eg_core *core, const struct eg_viewer *viewer, const struct eg_path *path, bool is_over) {
    if (core->config.exchange == NULL || path->via == core->config.worker) return;
    struct eg_route_record *record = eg__ring_claim(relay_to(core, path->via), sizeof *record);
    if (record == NULL) return; // one that is missing is told with the next check, one that is over expires
    *record = (struct eg_route_record){
        .kind = EG_RECORD_ROUTE,
        .is_over = is_over,
        .has_media = eg__viewer_has_media(viewer, path),
        .remote = path->remote,
        .viewer = eg__worker_id(core->config.worker, viewer->handle),
        .created_at = viewer->created_at,
    };
    publish_to(core, path->via, sizeof *record);
}

static void receive_route(struct eg_core *core, eg_time now, uint32_t from, const struct eg_route_record *record) {
    if (record->is_over) {
        eg__routes_remove(&core->routes, &record->remote, record->viewer);
        return;
    }
    struct eg_route route = {.remote = record->remote, .worker = from, .viewer = record->viewer, .created_at = record->created_at,
                             .has_media = record->has_media};
    eg__routes_add(&core->routes, now, &route);
}

// --- reading ---

static void receive_record(struct eg_core *core, eg_time now, uint32_t from, const void *record) {
    switch (*(const enum eg_record_kind *)record) {
    case EG_RECORD_RUN:
        receive_run(core, now, record);
        return;
    case EG_RECORD_SNAPSHOT:
        receive_snapshot(core, now, record);
        return;
    case EG_RECORD_UNSUBSCRIBE:
        receive_unsubscribe(core, from, record);
        return;
    case EG_RECORD_ROUTE:
        receive_route(core, now, from, record);
        return;
    }
}

static void receive_relay(struct eg_core *core, eg_time now, uint32_t from, struct eg_ring *ring) {
    uint64_t end = eg__ring_end(ring); // no further, or one that writes as fast as this reads would hold it for ever
    for (const void *record; eg__ring_is_before(ring, end) && (record = eg__ring_peek(ring)) != NULL;) {
        receive_record(core, now, from, record);
        eg__ring_advance(ring);
    }
}

static void receive_relays(struct eg_core *core, eg_time now) {
    struct eg_exchange *exchange = core->config.exchange;
    for (uint32_t from = 0; from < exchange->worker_count; from++)
        if (from != core->config.worker) receive_relay(core, now, from, &eg__exchange_link(exchange, from, core->config.worker)->relay);
}

// As among the viewers of one worker: RTCP is of the one whose media goes there, and else, of two that have had checks from one address, the
// newer is meant. An owner says that an address is its
// viewer's before it answers the check, so what the viewer sends next may be here before that was heard, but not before it was said.
const struct eg_route *eg__core_find_route(struct eg_core *core, eg_time now, const struct eg_path *path, const struct eg_viewer *viewer,
                                           bool is_rtcp) {
    const struct eg_route *route = eg__routes_find(&core->routes, &path->remote, is_rtcp);
    if (route == NULL && viewer == NULL) {
        receive_relays(core, now);
        route = eg__routes_find(&core->routes, &path->remote, is_rtcp);
    }
    if (route == NULL || viewer == NULL) return route;
    bool has_media = eg__viewer_has_media(viewer, path);
    bool is_theirs = is_rtcp && route->has_media != has_media ? route->has_media : route->created_at > viewer->created_at;
    return is_theirs ? route : NULL;
}

// True: there may be more.
static bool receive_forwarded(struct eg_core *core, eg_time now, struct eg_ring *ring, struct eg_batch *batch) {
    const struct eg_forward *forward;
    for (uint32_t count = 0; (forward = eg__ring_peek(ring)) != NULL; count++) {
        if (count == FORWARDED_MAX || !eg__batch_has_reserve(batch)) return true;
        eg__core_receive_datagram(core, now, &forward->path, forward->bytes, forward->size, batch);
        eg__ring_advance(ring);
    }
    return false;
}

bool eg__core_receive_peers(struct eg_core *core, eg_time now, struct eg_batch *batch) {
    struct eg_exchange *exchange = core->config.exchange;
    if (exchange == NULL) return false;
    bool has_more = false;
    eg__chunk_pool_collect(&core->chunks);
    receive_relays(core, now);
    for (uint32_t from = 0; from < exchange->worker_count; from++)
        if (from != core->config.worker)
            has_more |= receive_forwarded(core, now, &eg__exchange_link(exchange, from, core->config.worker)->forward, batch);
    return has_more;
}

bool eg__core_has_from_peers(const struct eg_core *core) {
    struct eg_exchange *exchange = core->config.exchange;
    for (uint32_t from = 0; exchange != NULL && from < exchange->worker_count; from++) {
        if (from == core->config.worker) continue;
        const struct eg_link *link = eg__exchange_link(exchange, from, core->config.worker);
        if (eg__ring_is_before(&link->relay, eg__ring_end(&link->relay))) return true;
        if (eg__ring_is_before(&link->forward, eg__ring_end(&link->forward))) return true;
    }
    return false;
}

static void discard_relay(struct eg_core *core, struct eg_ring *ring) {
    for (const void *record; (record = eg__ring_peek(ring)) != NULL; eg__ring_advance(ring)) {
        const struct eg_run_record *run = record;
        const struct eg_snapshot_record *snapshot = record;
        if (run->kind == EG_RECORD_RUN) eg__relay_let_go(run->packets, run->count, &core->chunks);
        if (snapshot->kind == EG_RECORD_SNAPSHOT) eg__relay_snapshot_destroy(snapshot->snapshot, &core->chunks);
    }
}

void eg__core_discard_peers(struct eg_core *core) {
    struct eg_exchange *exchange = core->config.exchange;
    for (uint32_t from = 0; exchange != NULL && from < exchange->worker_count; from++)
        if (from != core->config.worker) discard_relay(core, &eg__exchange_link(exchange, from, core->config.worker)->relay);
}
