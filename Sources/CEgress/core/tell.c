// What a worker says to the others of its engine: pictures of streams that have viewers there, which addresses are its own viewers', and datagrams
// that arrived here and belong there.
#include "core/parts.h"

#include "base/bits.h"
#include "base/error.h"

#include <string.h>

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

// One record for one subscriber, of as many of the places as go into it. False when its queue is full.
static bool tell_run(struct eg_core *core, const struct eg_stream *stream, uint32_t worker, struct eg_relay_places *left) {
    uint64_t count = left->end - left->begin;
    uint32_t count_max = count < EG_RELAY_RUN_MAX ? (uint32_t)count : EG_RELAY_RUN_MAX;
    struct eg_run_record *record = eg__ring_claim(relay_to(core, worker), sizeof *record + count_max * sizeof record->packets[0]);
    if (record == NULL) return false;
    record->kind = EG_RECORD_RUN;
    record->source = left->source;
    record->stream = stream->id;
    record->subscription = stream->subscribers.numbers[worker];
    record->count = eg__relay_collect(stream, left, record->packets, count_max);
    // One that came late has a place that was passed before: what is ready stays as it is.
    record->ready_end = left->begin;
    eg__relay_describe(stream, left->source, &record->state);
    publish_to(core, worker, sizeof *record + record->count * sizeof record->packets[0]);
    return true;
}

static uint64_t count_packets(const struct eg_stream *stream, struct eg_relay_places places) {
    uint64_t count = 0;
    for (; places.begin < places.end; places.begin++) count += eg__store_get(&stream->stores[places.source], places.begin) != NULL;
    return count;
}

// A picture, as many records as it takes. What does not fit is lost to that worker's viewers, and counted once.
static void tell_places(struct eg_core *core, struct eg_stream *stream, uint32_t worker, struct eg_relay_places left) {
    uint32_t *stale = &stream->subscribers.stale[left.source];
    do {
        if (!tell_run(core, stream, worker, &left)) {
            core->stats.dropped[EG_DROP_WORKER_BUSY] += count_packets(stream, left);
            *stale |= 1u << worker;
            return;
        }
    } while (left.begin < left.end);
    *stale &= ~(1u << worker);
}

// What a source has that is new; of a source that the worker missed something of, and that has nothing new, how it stands.
static bool tell_source(struct eg_core *core, struct eg_stream *stream, uint32_t worker, uint32_t index) {
    const struct eg_source *source = &stream->sources[index];
    uint64_t begin = stream->subscribers.told_end[index];
    bool is_stale = (stream->subscribers.stale[index] >> worker & 1) != 0;
    bool is_told = source->ready_end > begin || is_stale;
    if (is_told) tell_places(core, stream, worker, (struct eg_relay_places){index, begin, source->ready_end});
    if (source->has_late) tell_places(core, stream, worker, (struct eg_relay_places){index, source->late_place, source->late_place + 1});
    return is_told;
}

static void tell_new(struct eg_core *core, struct eg_stream *stream, uint32_t worker) {
    bool is_told = false;
    for (uint32_t i = 0; i < stream->source_count; i++) is_told |= tell_source(core, stream, worker, i);
    if (is_told || stream->silent_since == stream->subscribers.told_silent_since) return;
    uint64_t end = stream->subscribers.told_end[EG_VIDEO];
    tell_places(core, stream, worker, (struct eg_relay_places){EG_VIDEO, end, end}); // no packets, but how the stream stands
}

static bool has_news(const struct eg_stream *stream) {
    for (uint32_t i = 0; i < stream->source_count; i++)
        if (stream->sources[i].ready_end > stream->subscribers.told_end[i] || stream->sources[i].has_late) return true;
    return stream->silent_since != stream->subscribers.told_silent_since;
}

static uint32_t stale_workers(const struct eg_stream *stream) {
    uint32_t workers = 0;
    for (uint32_t i = 0; i < stream->source_count; i++) workers |= stream->subscribers.stale[i];
    return workers;
}

void eg__core_relay(struct eg_core *core, struct eg_stream *stream, eg_time now) {
    struct eg_subscribers *subscribers = &stream->subscribers;
    if (stream->is_mirror) return;
    bool is_retry = now >= subscribers->retry_at;
    if (!has_news(stream) && !is_retry) return;
    uint32_t told = has_news(stream) ? subscribers->awake : stale_workers(stream);
    for (uint32_t worker; eg__bits_take(&told, &worker);) tell_new(core, stream, worker);
    for (uint32_t i = 0; i < stream->source_count; i++) {
        subscribers->told_end[i] = stream->sources[i].ready_end;
        stream->sources[i].has_late = false;
    }
    subscribers->told_silent_since = stream->silent_since;
    if (stale_workers(stream) == 0) subscribers->retry_at = EG_TIME_NEVER;
    else if (is_retry || subscribers->retry_at == EG_TIME_NEVER) subscribers->retry_at = now + EG_RELAY_RETRY;
}

eg_status eg__core_subscribe(struct eg_core *core, eg_stream_id id, uint32_t worker, bool is_again, struct eg_error *error) {
    struct eg_stream *stream = eg__core_find_stream(core, id);
    if (stream == NULL) return eg__fail(error, EG_STATUS_NOT_FOUND, 0, "no such stream");
    EG_ASSERT(!stream->is_mirror && worker != core->config.worker);
    struct eg_subscribers *subscribers = &stream->subscribers;
    if ((subscribers->awake >> worker & 1) != 0 && !is_again) return EG_STATUS_OK;
    struct eg_snapshot_record *record = eg__ring_claim(relay_to(core, worker), sizeof *record);
    if (record == NULL) return eg__fail(error, EG_STATUS_NO_MEMORY, 0, "the engine's threads are too busy to take another stream");
    struct eg_relay_snapshot *snapshot = eg__relay_snapshot_create(stream);
    if (snapshot == NULL) return eg__fail(error, EG_STATUS_NO_MEMORY, 0, "no memory for what a stream's viewers on another thread begin with");
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

// --- a mirror ---

void eg__core_unsubscribe(struct eg_core *core, eg_stream_id id, uint32_t subscription) {
    uint32_t home = eg__worker_id_worker(id);
    struct eg_unsubscribe_record *record = eg__ring_claim(relay_to(core, home), sizeof *record);
    if (record == NULL) return;
    *record = (struct eg_unsubscribe_record){.kind = EG_RECORD_UNSUBSCRIBE, .subscription = subscription, .stream = id};
    publish_to(core, home, sizeof *record);
}

// --- datagrams ---

void eg__core_forward(struct eg_core *core, uint32_t worker, const struct eg_arrival *arrival) {
    struct eg_ring *ring = &eg__exchange_link(core->config.exchange, core->config.worker, worker)->forward;
    struct eg_forward *forward = eg__ring_claim(ring, sizeof *forward + arrival->size);
    if (forward == NULL) {
        core->stats.dropped[EG_DROP_WORKER_BUSY]++;
        return;
    }
    forward->path = arrival->path;
    forward->size = (uint16_t)arrival->size;
    memcpy(forward->bytes, arrival->bytes, arrival->size);
    eg__ring_publish(ring, sizeof *forward + arrival->size);
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
