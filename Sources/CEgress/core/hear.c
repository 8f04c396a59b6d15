// What a worker hears from the others of its engine: pictures for its mirrors, which of them has a mirror no longer, and whose viewers the
// addresses are that datagrams come from.
#include "core/parts.h"

// A mirror went to sleep. One that was woken meanwhile has another number.
static void receive_unsubscribe(struct eg_core *core, uint32_t from, const struct eg_unsubscribe_record *record) {
    struct eg_stream *stream = eg__core_find_stream(core, record->stream);
    if (stream == NULL || stream->subscribers.numbers[from] != record->subscription) return;
    stream->subscribers.awake &= ~(1u << from);
    for (uint32_t i = 0; i < stream->source_count; i++) stream->subscribers.stale[i] &= ~(1u << from);
}

static void receive_run(struct eg_core *core, eg_time now, const struct eg_run_record *record) {
    struct eg_stream *mirror = eg__core_find_stream(core, record->stream);
    if (mirror != NULL && !mirror->is_asleep) {
        struct eg_relay_run run = {.source = record->source, .count = record->count, .packets = record->packets, .ready_end = record->ready_end};
        eg__relay_adopt(mirror, now, &run);
        eg__relay_take_over(mirror, record->source, &record->state);
        eg__core_follow_stream(core, mirror, now);
    } else {
        eg__core_unsubscribe(core, record->stream, record->subscription);
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
        eg__core_unsubscribe(core, record->stream, record->subscription);
    }
    eg__relay_snapshot_destroy(record->snapshot, &core->chunks);
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

void eg__core_hear(struct eg_core *core, eg_time now) {
    struct eg_exchange *exchange = core->config.exchange;
    for (uint32_t from = 0; from < exchange->worker_count; from++)
        if (from != core->config.worker) receive_relay(core, now, from, &eg__exchange_link(exchange, from, core->config.worker)->relay);
}

// As among the viewers of one worker: RTCP is of the one whose media goes there, and else, of two that have had checks from one address, the
// newer is meant. An owner says that an address is its viewer's before it answers the check, so what the viewer sends next may be here before
// that was heard, but not before it was said.
const struct eg_route *eg__core_find_route(struct eg_core *core, const struct eg_arrival *arrival, const struct eg_viewer *viewer, bool is_rtcp) {
    const struct eg_path *path = &arrival->path;
    const struct eg_route *route = eg__routes_find(&core->routes, &path->remote, is_rtcp);
    if (route == NULL && viewer == NULL) {
        eg__core_hear(core, arrival->at);
        route = eg__routes_find(&core->routes, &path->remote, is_rtcp);
    }
    if (route == NULL || viewer == NULL) return route;
    bool has_media = eg__viewer_has_media(viewer, path);
    bool is_theirs = is_rtcp && route->has_media != has_media ? route->has_media : route->created_at > viewer->created_at;
    return is_theirs ? route : NULL;
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
