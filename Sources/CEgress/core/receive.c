// What arrives: on streams' ports, on the viewers' port, and there at the wrong worker.
#include "core/parts.h"

#include "delivery/feedback.h"
#include "wire/demux.h"

#include <string.h>

enum {
    HANDSHAKE_DATAGRAMS_MAX = 16, // looked at in one call
    FORWARDED_MAX = 64,           // datagrams taken from each worker at a time
};

// --- from senders ---

void eg__core_receive_source(struct eg_core *core, eg_stream_id id, uint32_t source, const struct eg_arrival *arrival) {
    struct eg_stream *stream = eg__core_find_stream(core, id);
    if (stream == NULL || source >= stream->source_count || !eg__stream_has(stream, eg__kind_of_source(source))) return;
    core->stats.packets_received++;
    core->stats.bytes_received += arrival->size;
    eg__source_receive(&stream->sources[source], arrival);
    eg__core_follow_stream(core, stream, arrival->at);
}

void eg__core_count_overflow(struct eg_core *core, eg_stream_id id, uint32_t source, uint32_t count) {
    struct eg_stream *stream = eg__core_find_stream(core, id);
    if (stream == NULL || source >= stream->source_count || !eg__stream_has(stream, eg__kind_of_source(source))) return;
    stream->drops[EG_DROP_SOURCE_OVERFLOW] += count;
}

void eg__core_count_viewer_overflow(struct eg_core *core, uint32_t count) { core->stats.dropped[EG_DROP_VIEWER_OVERFLOW] += count; }

// --- whose it is ---

static struct eg_viewer *find_viewer_by_ufrag(const struct eg_core *core, const char *ufrag, size_t size) {
    uint64_t hash = eg__core_hash_ufrag(core, ufrag, size);
    uint32_t cursor = 0;
    for (eg_handle handle; (handle = eg__table_find(&core->by_ufrag, hash, &cursor)) != 0;) {
        struct eg_viewer *viewer = eg__core_viewer_at(core, handle);
        if (viewer != NULL && size == strlen(viewer->ice.local_ufrag) && memcmp(viewer->ice.local_ufrag, ufrag, size) == 0) return viewer;
    }
    return NULL;
}

// How well a datagram along `path` fits a viewer that validates it. Only one with keys can have sent SRTCP, and rather the one whose media
// goes there.
static int fitness(const struct eg_viewer *viewer, const struct eg_path *path, enum eg_datagram_kind kind) {
    if (kind != EG_DATAGRAM_RTCP || viewer->state != EG_VIEWER_CONNECTED) return 0;
    return eg__viewer_has_media(viewer, path) ? 2 : 1;
}

// Several viewers can have had checks from one address: a NAT reuses a port, or a client with a session of its own forges another viewer's
// address on its checks. The datagram goes to the viewer that it fits best, and of two to the newer one.
static struct eg_viewer *find_viewer_by_path(const struct eg_core *core, const struct eg_path *path, enum eg_datagram_kind kind) {
    struct eg_viewer *found = NULL;
    int found_fitness = 0;
    uint32_t cursor = 0;
    for (eg_handle handle; (handle = eg__table_find(&core->by_address, eg__addr_hash(core->hash_seed, &path->remote), &cursor)) != 0;) {
        struct eg_viewer *viewer = eg__core_viewer_at(core, handle);
        if (viewer == NULL || !eg__ice_is_validated(&viewer->ice, path)) continue;
        int viewer_fitness = fitness(viewer, path, kind);
        bool is_newer = found == NULL || viewer->created_at > found->created_at;
        if (found != NULL && (viewer_fitness < found_fitness || (viewer_fitness == found_fitness && !is_newer))) continue;
        found = viewer;
        found_fitness = viewer_fitness;
    }
    return found;
}

// --- handshakes ---

// A datagram of a handshake that waits for its step.
struct handshake_datagram {
    eg_handle viewer;
    struct eg_path path;
    uint16_t size; // [B]
    uint8_t bytes[];
};

// No client sends more datagrams than this before it gets an answer. Further ones are dropped, so that no client fills the line for the others.
static bool queue_handshake(struct eg_core *core, struct eg_viewer *viewer, const struct eg_arrival *arrival) {
    if (viewer->handshake_waiting == EG_HANDSHAKE_WAITING_MAX) return false;
    struct handshake_datagram *datagram = eg__ring_claim(&core->handshake_queue, sizeof *datagram + arrival->size);
    if (datagram == NULL) return false;
    datagram->viewer = viewer->handle;
    datagram->path = arrival->path;
    datagram->size = (uint16_t)arrival->size;
    memcpy(datagram->bytes, arrival->bytes, arrival->size);
    eg__ring_publish(&core->handshake_queue, sizeof *datagram + arrival->size);
    viewer->handshake_waiting++;
    return true;
}

// Whether a datagram is for a handshake to go on with, or to begin. Anything else is passed over as soon as it is looked at.
static bool is_of_handshake(const struct eg_viewer *viewer, const struct eg_arrival *arrival) {
    if (viewer->state != EG_VIEWER_CONNECTING) return false;
    return viewer->handshake_waiting > 0 || eg__dtls_is_under_way(&viewer->dtls) ||
           eg__dtls_would_begin(&viewer->dtls, arrival->bytes, arrival->size);
}

// True when it was a step: the others cost next to nothing.
static bool advance_handshake(struct eg_core *core, eg_time now, const struct handshake_datagram *datagram) {
    struct eg_viewer *viewer = eg__core_viewer_at(core, datagram->viewer);
    if (viewer == NULL) return false; // it has been closed since
    viewer->handshake_waiting--;
    uint32_t steps = viewer->dtls.steps;
    // Only now it counts as having arrived: its answer goes out now.
    struct eg_arrival arrival = {.path = datagram->path, .bytes = datagram->bytes, .size = datagram->size, .at = now};
    eg__viewer_receive_dtls(viewer, &core->context, &arrival);
    bool is_step = viewer->dtls.steps != steps;
    eg__core_follow_viewer(core, viewer, now);
    return is_step;
}

bool eg__core_advance_handshakes(struct eg_core *core, eg_time now, struct eg_batch *batch) {
    EG_ASSERT(eg__batch_has_reserve(batch));
    const struct handshake_datagram *datagram;
    bool is_step = false;
    uint32_t count = 0;
    eg__core_lend(core, batch);
    for (; !is_step && count < HANDSHAKE_DATAGRAMS_MAX && eg__batch_has_reserve(batch); count++) {
        if ((datagram = eg__ring_peek(&core->handshake_queue)) == NULL) break;
        is_step = advance_handshake(core, now, datagram);
        eg__ring_advance(&core->handshake_queue);
    }
    eg__core_take_back(core);
    return count > 0;
}

// --- from viewers ---

static bool is_validated(const struct eg_viewer *viewer, const struct eg_addr *remote) {
    for (size_t i = 0; i < viewer->ice.validated_count; i++)
        if (eg__addr_equal(&viewer->ice.validated[i].remote, remote)) return true;
    return false;
}

// The addresses that a viewer's checks came from are where its DTLS and SRTCP may come from.
static void index_paths(struct eg_core *core, struct eg_viewer *viewer, const struct eg_path *before, size_t before_count) {
    for (size_t i = 0; i < before_count; i++) {
        eg__table_remove(&core->by_address, eg__addr_hash(core->hash_seed, &before[i].remote), viewer->handle);
        if (!is_validated(viewer, &before[i].remote)) eg__core_tell_route(core, viewer, &before[i], true);
    }
    for (size_t i = 0; i < viewer->ice.validated_count; i++) {
        uint64_t hash = eg__addr_hash(core->hash_seed, &viewer->ice.validated[i].remote);
        eg__table_remove(&core->by_address, hash, viewer->handle); // two local addresses, one remote: one entry
        if (!eg__table_insert(&core->by_address, hash, viewer->handle)) core->stats.dropped[EG_DROP_NO_ROOM]++;
    }
}

// The worker that the kernel gave a datagram checks once whether it belongs to another worker, which then does not check again.
static bool is_first_hand(const struct eg_core *core, const struct eg_path *path) {
    return core->config.exchange != NULL && path->via == core->config.worker;
}

// True: it is another worker's, and has been handed on. `viewer` is whose it is here, as far as that is known.
static bool hand_on(struct eg_core *core, const struct eg_arrival *arrival, const struct eg_viewer *viewer, enum eg_datagram_kind kind) {
    if (!is_first_hand(core, &arrival->path)) return false;
    const struct eg_route *route = eg__core_find_route(core, arrival, viewer, kind == EG_DATAGRAM_RTCP);
    if (route != NULL) eg__core_forward(core, route->worker, arrival);
    return route != NULL;
}

static void receive_own_stun(struct eg_core *core, struct eg_viewer *viewer, const struct eg_arrival *arrival, const struct eg_stun *stun) {
    if (viewer == NULL) {
        core->stats.dropped[EG_DROP_STUN_UNKNOWN_USER]++;
        return;
    }
    struct eg_path before[EG_ICE_VALIDATED_MAX];
    size_t before_count = viewer->ice.validated_count;
    memcpy(before, viewer->ice.validated, sizeof before);
    eg__viewer_receive_stun(viewer, &core->context, arrival, stun);
    if (before_count != viewer->ice.validated_count || memcmp(before, viewer->ice.validated, sizeof before) != 0)
        index_paths(core, viewer, before, before_count);
    // Said with each check, so that a route that was lost, or forgotten there, comes back.
    if (eg__ice_is_validated(&viewer->ice, &arrival->path)) eg__core_tell_route(core, viewer, &arrival->path, false);
    eg__core_follow_viewer(core, viewer, arrival->at);
}

static void receive_stun(struct eg_core *core, const struct eg_arrival *arrival) {
    struct eg_stun stun;
    if (!eg__stun_parse(&stun, arrival->bytes, arrival->size)) {
        core->stats.dropped[EG_DROP_STUN_MALFORMED]++;
        return;
    }
    const char *ufrag;
    size_t ufrag_size;
    struct eg_viewer *viewer;
    if (eg__ice_local_ufrag(&stun, &ufrag, &ufrag_size)) {
        uint32_t owner = eg__ice_ufrag_worker(ufrag, ufrag_size, core->config.worker_count);
        if (is_first_hand(core, &arrival->path) && owner < core->config.worker_count && owner != core->config.worker) {
            eg__core_forward(core, owner, arrival);
            return;
        }
        viewer = find_viewer_by_ufrag(core, ufrag, ufrag_size);
    } else {
        viewer = find_viewer_by_path(core, &arrival->path, EG_DATAGRAM_STUN); // a reply to a check of ours names no user
        if (hand_on(core, arrival, viewer, EG_DATAGRAM_STUN)) return;
    }
    receive_own_stun(core, viewer, arrival, &stun);
}

static void receive_from_viewer(struct eg_core *core, const struct eg_arrival *arrival, enum eg_datagram_kind kind) {
    struct eg_viewer *viewer = find_viewer_by_path(core, &arrival->path, kind);
    if (hand_on(core, arrival, viewer, kind)) return;
    if (viewer == NULL) {
        core->stats.dropped[EG_DROP_UNVALIDATED]++;
        return;
    }
    if (kind == EG_DATAGRAM_DTLS && is_of_handshake(viewer, arrival)) {
        if (!queue_handshake(core, viewer, arrival)) core->stats.dropped[EG_DROP_HANDSHAKE_BUSY]++;
        return;
    }
    if (kind == EG_DATAGRAM_DTLS) eg__viewer_receive_dtls(viewer, &core->context, arrival);
    else if (kind == EG_DATAGRAM_RTP) core->stats.dropped[EG_DROP_MEDIA_FROM_VIEWER]++;
    else if (viewer->state != EG_VIEWER_CONNECTED || !eg__feedback_receive(viewer, &core->context, arrival))
        core->stats.dropped[EG_DROP_SRTCP_REJECTED]++;
    eg__core_follow_viewer(core, viewer, arrival->at);
}

// A datagram along a path whose `via` says where it arrived.
static void receive_datagram(struct eg_core *core, const struct eg_arrival *arrival) {
    EG_ASSERT(eg__batch_has_reserve(core->context.batch));
    enum eg_datagram_kind kind = eg__demux(arrival->bytes, arrival->size);
    if (kind == EG_DATAGRAM_UNKNOWN) core->stats.dropped[EG_DROP_UNKNOWN]++;
    else if (kind == EG_DATAGRAM_STUN) receive_stun(core, arrival);
    else receive_from_viewer(core, arrival, kind);
}

void eg__core_receive_viewer(struct eg_core *core, const struct eg_arrival *arrival, struct eg_batch *batch) {
    struct eg_arrival here = *arrival;
    here.path.via = (uint16_t)core->config.worker;
    eg__core_lend(core, batch);
    receive_datagram(core, &here);
    eg__core_take_back(core);
}

// --- from other workers ---

// True: there may be more.
static bool receive_forwarded(struct eg_core *core, eg_time now, struct eg_ring *ring) {
    const struct eg_forward *forward;
    for (uint32_t count = 0; (forward = eg__ring_peek(ring)) != NULL; count++) {
        if (count == FORWARDED_MAX || !eg__batch_has_reserve(core->context.batch)) return true;
        struct eg_arrival arrival = {.path = forward->path, .bytes = forward->bytes, .size = forward->size, .at = now};
        receive_datagram(core, &arrival);
        eg__ring_advance(ring);
    }
    return false;
}

bool eg__core_receive_peers(struct eg_core *core, eg_time now, struct eg_batch *batch) {
    struct eg_exchange *exchange = core->config.exchange;
    if (exchange == NULL) return false;
    bool has_more = false;
    eg__chunk_pool_collect(&core->chunks);
    eg__core_hear(core, now);
    eg__core_lend(core, batch);
    for (uint32_t from = 0; from < exchange->worker_count; from++)
        if (from != core->config.worker)
            has_more |= receive_forwarded(core, now, &eg__exchange_link(exchange, from, core->config.worker)->forward);
    eg__core_take_back(core);
    return has_more;
}
