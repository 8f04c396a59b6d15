#include "sim/world.h"

#include "base/worker_id.h"
#include "core/exchange.h"
#include "wire/demux.h"
#include "wire/stun.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    TICKS_AT_ONCE_MAX = 64,      // of one engine at one moment: more is a busy loop
    STREAM_CHUNKS_MAX = EG_STORE_VIDEO_CHUNKS_MAX + EG_STORE_AUDIO_CHUNKS_MAX,
    VIEWERS_PORT = 8189,
    RELAY_SIZE = 128 * 1024,     // [B] unless the world says otherwise
    FORWARD_SIZE = 16 * 1024,
};

static const struct eg_sim_workers one_worker = {.count = 1};

const uint64_t eg_sim_ntp_origin = UINT64_C(0xe8f00000) << 32;
static const eg_time start = 100 * (eg_time)EG_SECOND;

void eg_sim_fail(struct eg_sim_world *world, const char *format, ...) {
    world->failures++;
    if (world->report_at + 256 > sizeof world->report) return;
    char *report = world->report;
    world->report_at += (size_t)snprintf(report + world->report_at, 64, "seed %llu, %.6f s: ", (unsigned long long)world->seed,
                                         (double)(world->now - start) * 1e-6);
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(report + world->report_at, 180, format, arguments);
    va_end(arguments);
    world->report_at += size < 180 ? (size_t)size : 179;
    report[world->report_at++] = '\n';
    report[world->report_at] = '\0';
}

static void note(struct eg_sim_world *world, uint64_t a, uint64_t b) {
    world->fingerprint = eg_sim_mix(world->fingerprint ^ world->now, a, b);
}

static void init_worker(struct eg_sim_world *world, struct eg_sim_engine *engine, unsigned engine_number, unsigned number) {
    struct eg_sim_worker *worker = &engine->workers[number];
    struct eg_core_config config = {
        .streams_max = EG_SIM_STREAMS_MAX,
        .viewers_max = EG_SIM_VIEWERS_MAX,
        .burst_bit_rate_max = 16000000,
        .source_grace = world->grace,
        .handshakes_max = world->handshakes_max,
        .handshakes_per_address_max = EG_SIM_VIEWERS_MAX,
        .ntp_origin = eg_sim_ntp_origin,
        .worker = number,
        .worker_count = engine->worker_count,
        .exchange = engine->exchange,
        .dtls = engine->dtls,
        .streams = &engine->streams,
        .viewers = &engine->viewers,
    };
    struct eg_error error = {0};
    eg_sim_random_init(&worker->random, eg_sim_mix(world->seed, 1, engine_number + EG_SIM_ENGINES_MAX * number));
    worker->number = number;
    worker->wakes_at = EG_TIME_NEVER;
    worker->core = eg__core_create(&config, &worker->random.random, &error);
    EG_ASSERT(worker->core != NULL);
    EG_ASSERT(eg__batch_init(&worker->batch));
}

static void init_engine(struct eg_sim_world *world, struct eg_sim_engine *engine, unsigned number) {
    const struct eg_sim_workers *workers = &world->workers;
    char reason[160];
    engine->worker_count = workers->count;
    engine->streams.max = EG_SIM_STREAMS_MAX;
    engine->viewers.max = EG_SIM_VIEWERS_MAX;
    engine->dtls = eg__dtls_context_create(reason, sizeof reason);
    EG_ASSERT(engine->dtls != NULL);
    if (workers->count > 1)
        engine->exchange = eg__exchange_create(workers->count, workers->relay_size > 0 ? workers->relay_size : RELAY_SIZE,
                                               workers->forward_size > 0 ? workers->forward_size : FORWARD_SIZE);
    for (unsigned i = 0; i < workers->count; i++) init_worker(world, engine, number, i);
    engine->addr = eg__addr_ipv4(203, 0, 113, (uint8_t)(1 + number), VIEWERS_PORT);
}

static struct eg_sim_world *create(uint64_t seed, unsigned engine_count, eg_time grace, const struct eg_sim_workers *workers,
                                   uint32_t handshakes_max) {
    struct eg_sim_world *world = calloc(1, sizeof *world);
    EG_ASSERT(world != NULL && engine_count <= EG_SIM_ENGINES_MAX && workers->count <= EG_SIM_WORKERS_MAX);
    world->seed = seed;
    world->now = start;
    world->engine_count = engine_count;
    world->grace = grace;
    world->handshakes_max = handshakes_max;
    world->workers = *workers;
    eg_sim_random_init(&world->random, seed);
    world->crypto = eg__crypto_create("openssl");
    EG_ASSERT(world->crypto != NULL);
    for (unsigned i = 0; i < engine_count; i++) init_engine(world, &world->engines[i], i);
    return world;
}

struct eg_sim_world *eg_sim_world_create_limited(uint64_t seed, unsigned engine_count, eg_time grace, uint32_t handshakes_max) {
    return create(seed, engine_count, grace, &one_worker, handshakes_max);
}

struct eg_sim_world *eg_sim_world_create_with(uint64_t seed, unsigned engine_count, eg_time grace, const struct eg_sim_workers *workers) {
    return create(seed, engine_count, grace, workers, EG_SIM_VIEWERS_MAX);
}

struct eg_sim_world *eg_sim_world_create(uint64_t seed, unsigned engine_count, eg_time grace) {
    return eg_sim_world_create_with(seed, engine_count, grace, &one_worker);
}

static void deinit_engine(struct eg_sim_engine *engine) {
    for (unsigned i = 0; i < engine->worker_count; i++) eg__core_clear(engine->workers[i].core);
    for (unsigned i = 0; i < engine->worker_count; i++) {
        eg__core_destroy(engine->workers[i].core);
        eg__batch_deinit(&engine->workers[i].batch);
    }
    eg__exchange_destroy(engine->exchange);
    eg__dtls_context_destroy(engine->dtls);
}

void eg_sim_world_destroy(struct eg_sim_world *world) {
    for (unsigned i = 0; i < world->engine_count; i++) deinit_engine(&world->engines[i]);
    for (unsigned i = 0; i < world->viewer_count; i++) eg_sim_viewer_destroy(world->viewers[i]);
    for (unsigned i = 0; i < world->stream_count; i++) eg_sim_stream_deinit(&world->streams[i]);
    eg_sim_network_deinit(&world->network);
    eg__crypto_destroy(world->crypto);
    free(world);
}

struct eg_sim_engine *eg_sim_engine_of(struct eg_sim_world *world, const struct eg_sim_viewer *viewer) {
    return &world->engines[world->streams[viewer->script.stream].engine];
}

static struct eg_sim_worker *worker_of(struct eg_sim_world *world, const struct eg_sim_viewer *viewer) {
    return &eg_sim_engine_of(world, viewer)->workers[viewer->worker];
}

struct eg_core *eg_sim_core_of(struct eg_sim_world *world, const struct eg_sim_viewer *viewer) { return worker_of(world, viewer)->core; }

struct eg_sim_worker *eg_sim_home_of(struct eg_sim_world *world, const struct eg_sim_stream *stream) {
    return &world->engines[stream->engine].workers[eg__worker_id_worker(stream->handle)];
}

// --- what leaves an engine ---

// Their addresses name them.
static struct eg_sim_viewer *find_viewer(struct eg_sim_world *world, const struct eg_sim_engine *engine, const struct eg_addr *addr,
                                         unsigned *address) {
    if (world->viewer_count == 0) return NULL;
    struct eg_addr first = eg_sim_viewer_addr(world->viewers[0], 0);
    unsigned number = (unsigned)addr->ip[sizeof addr->ip - 1] - first.ip[sizeof first.ip - 1];
    *address = (unsigned)addr->port - first.port;
    if (number >= world->viewer_count || *address >= EG_SIM_ADDRESSES) return NULL;
    struct eg_sim_viewer *viewer = world->viewers[number];
    struct eg_addr own = eg_sim_viewer_addr(viewer, *address);
    return eg__addr_equal(&own, addr) && eg_sim_engine_of(world, viewer) == engine ? viewer : NULL;
}

// The one packet that its script takes from it.
static bool is_lost_by_script(struct eg_sim_viewer *viewer, const struct eg_sim_datagram *datagram) {
    if (viewer->script.loses_packet == 0 || viewer->has_lost_packet || datagram->track != EG_VIDEO) return false;
    viewer->has_lost_packet = datagram->index == viewer->ledgers[EG_VIDEO].first_index + viewer->script.loses_packet - 1;
    return viewer->has_lost_packet;
}

static void emit(struct eg_sim_world *world, struct eg_sim_engine *engine, const struct eg_path *path, const uint8_t *bytes, size_t size) {
    unsigned address;
    struct eg_sim_viewer *viewer = find_viewer(world, engine, &path->remote, &address);
    if (viewer == NULL || !eg__addr_equal(&path->local, &engine->addr)) {
        eg_sim_fail(world, "a datagram to or from an address that is nobody's");
        return;
    }
    if (!viewer->is_validated[address])
        eg_sim_fail(world, "viewer %u: sent to an address that no authentic check came from", viewer->number);
    // Another worker may hear of a check as much later, and so begin to count later.
    if (world->now >= viewer->consent_at + EG_ICE_CONSENT_TIMEOUT + world->workers.delay_max)
        eg_sim_fail(world, "viewer %u: sent to without its consent", viewer->number);
    if (eg__demux(bytes, size) == EG_DATAGRAM_RTP && !viewer->is_proven[address])
        eg_sim_fail(world, "viewer %u: media to an address that has not been proven", viewer->number);
    if (size > EG_DATAGRAM_SIZE_MAX) {
        eg_sim_fail(world, "viewer %u: a datagram of %zu bytes", viewer->number, size);
        return;
    }
    struct eg_sim_datagram datagram = {.viewer = viewer->number, .path = *path, .size = size};
    memcpy(datagram.bytes, bytes, size);
    eg_sim_viewer_watch(viewer, &datagram);
    note(world, viewer->number, (uint64_t)(unsigned)datagram.track << 32 ^ datagram.index);
    if (is_lost_by_script(viewer, &datagram)) return;
    // A viewer is heard and reached where it is now; what goes to where it was is lost.
    if (address == viewer->address) eg_sim_network_send(&world->network, &viewer->down, world->now, &datagram);
}

static void drain(struct eg_sim_world *world, struct eg_sim_engine *engine, struct eg_sim_worker *worker) {
    struct eg_batch *batch = &worker->batch;
    for (uint32_t i = 0; i < batch->message_count; i++) {
        const struct eg_message *message = &batch->messages[i];
        uint32_t segments = (message->size + message->segment_size - 1) / message->segment_size;
        if (segments != message->segment_count || segments > EG_GSO_SEGMENTS_MAX || message->size > EG_GSO_SIZE_MAX)
            eg_sim_fail(world, "a message of %u bytes in %u segments of %u", message->size, message->segment_count, message->segment_size);
        for (uint32_t at = 0; at < message->size; at += message->segment_size) {
            uint32_t left = message->size - at;
            uint32_t size = left < message->segment_size ? left : message->segment_size;
            const uint8_t *bytes = batch->arena + message->at + at;
            bool is_media = eg__demux(bytes, size) == EG_DATAGRAM_RTP;
            worker->media_out += is_media;
            worker->media_bytes_out += is_media ? size : 0;
            emit(world, engine, &message->path, bytes, size);
        }
    }
    eg__batch_clear(batch);
}

static struct eg_sim_viewer *find_viewer_by_id(struct eg_sim_world *world, const struct eg_sim_engine *engine, eg_viewer_id id) {
    for (unsigned i = 0; i < world->viewer_count; i++) {
        struct eg_sim_viewer *viewer = world->viewers[i];
        if (viewer->info.viewer == id && eg_sim_engine_of(world, viewer) == engine) return viewer;
    }
    return NULL;
}

static void take_viewer_event(struct eg_sim_world *world, const struct eg_sim_engine *engine, const struct eg_viewer_event *event) {
    struct eg_sim_viewer *viewer = find_viewer_by_id(world, engine, event->viewer);
    if (viewer == NULL) {
        eg_sim_fail(world, "an event of a viewer that nobody knows");
        return;
    }
    if (event->state <= viewer->state) eg_sim_fail(world, "viewer %u: from state %d to %d", viewer->number, viewer->state, event->state);
    if ((event->state == EG_VIEWER_CLOSED) != (event->reason != EG_CLOSE_NONE))
        eg_sim_fail(world, "viewer %u: closed without a reason", viewer->number);
    viewer->state = event->state;
    if (event->state == EG_VIEWER_CONNECTED) viewer->connected_at = world->now;
    if (event->state != EG_VIEWER_CLOSED) return;
    viewer->reason = event->reason;
    viewer->closed_at = world->now;
    note(world, viewer->number, (uint64_t)event->reason);
}

static void take_stream_event(struct eg_sim_world *world, const struct eg_sim_engine *engine, const struct eg_stream_event *event) {
    for (unsigned i = 0; i < world->stream_count; i++) {
        struct eg_sim_stream *stream = &world->streams[i];
        if (stream->handle == event->stream && &world->engines[stream->engine] == engine) stream->events_seen |= 1u << event->kind;
    }
}

static bool is_above(const struct eg_sim_stream *stream, int32_t encoding, int32_t other) {
    if (encoding < 0 || other < 0) return other < 0;
    return stream->bit_rates[encoding] > stream->bit_rates[other];
}

static void take_switch_event(struct eg_sim_world *world, const struct eg_sim_engine *engine, const struct eg_switch_event *event) {
    struct eg_sim_viewer *viewer = find_viewer_by_id(world, engine, event->viewer);
    if (viewer == NULL || !viewer->script.has_ladder || event->reason == EG_SWITCH_NONE || event->reason >= EG_SWITCH_REASON_COUNT) {
        eg_sim_fail(world, "a switch of a viewer that has no ladder, or for no reason");
        return;
    }
    struct eg_sim_switches *switches = &viewer->switches;
    if (event->encoding == switches->encoding) return; // there and back, told as one
    if (is_above(&world->streams[viewer->script.stream], event->encoding, switches->encoding)) switches->ups++;
    else switches->downs++;
    switches->encoding = event->encoding;
    switches->reason = event->reason;
    note(world, viewer->number, (uint64_t)event->reason << 32 | (uint32_t)event->encoding);
}

static bool transmit(struct eg_sim_world *world, struct eg_sim_engine *engine, struct eg_sim_worker *worker, uint32_t room) {
    if (room > 0) worker->batch.used = EG_BATCH_SIZE - room;
    bool has_more = eg__core_transmit(worker->core, world->now, &worker->batch);
    if (has_more && worker->batch.message_count == 0) {
        eg_sim_fail(world, "transmit says that there is more, and writes nothing");
        has_more = false;
    }
    drain(world, engine, worker);
    return has_more;
}

bool eg_sim_world_transmit_once(struct eg_sim_world *world, unsigned engine, uint32_t room) {
    return transmit(world, &world->engines[engine], &world->engines[engine].workers[0], room);
}

static bool advance_handshakes(struct eg_sim_world *world, struct eg_sim_engine *engine, struct eg_sim_worker *worker) {
    bool has_more = eg__core_advance_handshakes(worker->core, world->now, &worker->batch);
    drain(world, engine, worker);
    return has_more;
}

bool eg_sim_world_advance_handshakes_once(struct eg_sim_world *world, unsigned engine) {
    return advance_handshakes(world, &world->engines[engine], &world->engines[engine].workers[0]);
}

// Those that were written to hear of it now or later.
static void wake(struct eg_sim_world *world, struct eg_sim_engine *engine, struct eg_sim_worker *worker) {
    uint32_t wakes = eg__core_take_wakes(worker->core);
    for (unsigned i = 0; wakes >> i != 0; i++) {
        if ((wakes >> i & 1) == 0) continue;
        eg_time delay_max = world->workers.delay_max;
        eg_time at = world->now + (delay_max > 0 ? eg_sim_random_below(&world->random, (uint32_t)delay_max) : 0);
        engine->workers[i].wakes_at = eg__time_min(engine->workers[i].wakes_at, at);
    }
}

void eg_sim_settle(struct eg_sim_world *world, struct eg_sim_engine *engine, struct eg_sim_worker *worker) {
    drain(world, engine, worker);
    wake(world, engine, worker);
    if (world->holds_transmit) return;
    while (transmit(world, engine, worker, world->transmit_room) ||
           (!world->holds_handshakes && advance_handshakes(world, engine, worker))) {
    }
    struct eg_event event;
    while (eg__core_poll_event(worker->core, &event)) {
        if (event.kind == EG_EVENT_VIEWER) take_viewer_event(world, engine, &event.viewer);
        else if (event.kind == EG_EVENT_STREAM) take_stream_event(world, engine, &event.stream);
        else take_switch_event(world, engine, &event.change);
    }
    wake(world, engine, worker);
}

void eg_sim_hear(struct eg_sim_world *world, struct eg_sim_engine *engine, struct eg_sim_worker *worker) {
    worker->wakes_at = EG_TIME_NEVER;
    bool has_more;
    do {
        has_more = eg__core_receive_peers(worker->core, world->now, &worker->batch);
        eg_sim_settle(world, engine, worker);
    } while (has_more);
}

static bool has_heard_all(const struct eg_sim_engine *engine) {
    for (unsigned i = 0; i < engine->worker_count; i++)
        if (eg__core_has_from_peers(engine->workers[i].core)) return false;
    return true;
}

void eg_sim_engine_hear_all(struct eg_sim_world *world, struct eg_sim_engine *engine) {
    while (!has_heard_all(engine))
        for (unsigned i = 0; i < engine->worker_count; i++) eg_sim_hear(world, engine, &engine->workers[i]);
}

// --- what arrives at one ---

uint64_t eg_sim_engine_drops(const struct eg_sim_engine *engine, eg_drop first, eg_drop end) {
    uint64_t count = 0;
    for (unsigned worker = 0; worker < engine->worker_count; worker++) {
        struct eg_engine_stats stats;
        eg__core_stats(engine->workers[worker].core, &stats);
        for (int i = (int)first; i < (int)end; i++) count += stats.dropped[i];
    }
    return count;
}

// Corruption may hit what lies behind the integrity attribute, which counts for nothing (RFC 8489 §14.5).
static bool is_still_authentic(const struct eg_sim_viewer *viewer, const struct eg_sim_datagram *datagram) {
    struct eg_stun stun;
    if (!eg__stun_parse(&stun, datagram->bytes, datagram->size)) return false;
    const char *password = stun.type == EG_STUN_BINDING_SUCCESS ? viewer->pwd : viewer->info.ice_pwd;
    return eg__stun_verify(&stun, datagram->bytes, datagram->size, password, strlen(password));
}

static bool is_authentic_check(const struct eg_sim_viewer *viewer, const struct eg_sim_datagram *datagram) {
    if (viewer->script.has_wrong_password || viewer->has_old_credentials || viewer->state == EG_VIEWER_CLOSED) return false;
    if (eg__demux(datagram->bytes, datagram->size) != EG_DATAGRAM_STUN) return false;
    return !datagram->is_corrupted || is_still_authentic(viewer, datagram);
}

// An answer to a check of the engine's, or any check before the handshake is over, makes an address fit for media. Consent is that of the
// address where media goes: where the viewer is.
static void note_check(struct eg_sim_world *world, struct eg_sim_viewer *viewer, unsigned address, const struct eg_sim_datagram *datagram) {
    struct eg_stun stun;
    bool is_answer = eg__stun_parse(&stun, datagram->bytes, datagram->size) && stun.type == EG_STUN_BINDING_SUCCESS;
    if (is_answer || viewer->state < EG_VIEWER_CONNECTED) viewer->is_proven[address] = true;
    viewer->is_validated[address] = true;
    viewer->consent_at = world->now;
}

// The kernel spreads datagrams by their addresses.
static struct eg_sim_worker *arrives_at(struct eg_sim_world *world, struct eg_sim_engine *engine, const struct eg_sim_datagram *datagram) {
    if (engine->worker_count == 1) return &engine->workers[0];
    const struct eg_addr *remote = &datagram->path.remote;
    uint64_t number = world->workers.is_spread_anew ? eg_sim_random_u64(&world->random) : eg__addr_hash(world->seed, remote);
    return &engine->workers[number % engine->worker_count];
}

// A datagram is used, or it is dropped and one counter says why. What goes to another worker may be dropped there, later: that is seen only
// where nothing else is on its way.
static void deliver_to_engine(struct eg_sim_world *world, struct eg_sim_viewer *viewer, const struct eg_sim_datagram *datagram) {
    struct eg_sim_engine *engine = eg_sim_engine_of(world, viewer);
    struct eg_sim_worker *worker = arrives_at(world, engine, datagram);
    bool is_seen = engine->worker_count == 1 || (has_heard_all(engine) && eg_sim_random_chance(&world->random, 500));
    unsigned address;
    bool is_check = is_authentic_check(viewer, datagram);
    bool is_request = is_check && datagram->bytes[0] == 0 && datagram->bytes[1] == EG_STUN_BINDING_REQUEST;
    bool may_be_used = false;
    if (find_viewer(world, engine, &datagram->path.remote, &address) == viewer) {
        may_be_used = is_check || viewer->is_validated[address];
        if (is_check) note_check(world, viewer, address, datagram);
    }
    uint64_t before = eg_sim_engine_drops(engine, EG_DROP_UNKNOWN, EG_DROP_SEND_BUFFER_FULL);
    struct eg_arrival arrival = {.path = datagram->path, .bytes = datagram->bytes, .size = datagram->size, .at = world->now};
    eg__core_receive_viewer(worker->core, &arrival, &worker->batch);
    drain(world, engine, worker);
    if (is_seen) eg_sim_engine_hear_all(world, engine);
    uint64_t dropped = eg_sim_engine_drops(engine, EG_DROP_UNKNOWN, EG_DROP_SEND_BUFFER_FULL) - before;
    if (dropped > 1) eg_sim_fail(world, "viewer %u: one datagram, %llu drops", viewer->number, (unsigned long long)dropped);
    if (is_request && dropped != 0) eg_sim_fail(world, "viewer %u: an authentic check was dropped", viewer->number);
    if (is_seen && !may_be_used && dropped != 1)
        eg_sim_fail(world, "viewer %u: a datagram that nothing entitles was not dropped", viewer->number);
    eg_sim_settle(world, engine, worker);
}

void eg_sim_world_send(struct eg_sim_world *world, struct eg_sim_viewer *viewer, unsigned address, const uint8_t *bytes, size_t size) {
    struct eg_sim_datagram datagram = {
        .viewer = viewer->number,
        .is_to_engine = true,
        .track = -1,
        .path = {.local = eg_sim_engine_of(world, viewer)->addr, .remote = eg_sim_viewer_addr(viewer, address)},
        .size = size,
    };
    EG_ASSERT(size <= sizeof datagram.bytes);
    memcpy(datagram.bytes, bytes, size);
    eg_sim_network_send(&world->network, &viewer->up, world->now, &datagram);
}

// --- viewers ---

unsigned eg_sim_world_add_bottleneck(struct eg_sim_world *world, uint64_t bit_rate, uint32_t queue_size) {
    EG_ASSERT(world->bottleneck_count < EG_SIM_BOTTLENECKS_MAX);
    eg_sim_bottleneck_init(&world->bottlenecks[world->bottleneck_count], bit_rate, queue_size);
    return ++world->bottleneck_count;
}

static void write_fingerprint(const struct eg_sim_script *script, char text[16 + EG_FINGERPRINT_TEXT_SIZE]) {
    struct eg_fingerprint fingerprint;
    eg_dtls_client_fingerprint(&fingerprint);
    if (script->has_wrong_fingerprint) fingerprint.bytes[7] ^= 1;
    size_t at = (size_t)sprintf(text, "sha-256 ");
    for (size_t i = 0; i < 32; i++) at += (size_t)sprintf(text + at, i < 31 ? "%02X:" : "%02X", fingerprint.bytes[i]);
}

// As the public function does it.
static eg_status add_viewer(struct eg_sim_world *world, struct eg_sim_viewer *viewer, const struct eg_viewer_config *config,
                            struct eg_error *error) {
    struct eg_sim_engine *engine = eg_sim_engine_of(world, viewer);
    struct eg_sim_worker *worker = worker_of(world, viewer);
    struct eg_sim_worker *home = eg_sim_home_of(world, &world->streams[viewer->script.stream]);
    eg_status status = EG_STATUS_OK;
    for (int attempt = 0; attempt < 3; attempt++) {
        if (home != worker) {
            eg_sim_hear(world, engine, home);
            status = eg__core_subscribe(home->core, config->stream, worker->number, attempt > 0, error);
            eg_sim_settle(world, engine, home);
        }
        eg_sim_hear(world, engine, worker);
        if (status == EG_STATUS_OK) status = eg__core_add_viewer(worker->core, world->now, config, &viewer->info, error);
        eg_sim_settle(world, engine, worker);
        if (status == EG_STATUS_OK) break;
    }
    return status;
}

// One who comes when those who watched have been closed already.
static void turn_away(struct eg_sim_viewer *viewer) {
    viewer->is_gone = true;
    viewer->state = EG_VIEWER_CLOSED;
    viewer->reason = EG_CLOSE_SOURCE_LOST;
    viewer->closed_at = viewer->world->now;
}

struct eg_sim_viewer *eg_sim_world_add_viewer(struct eg_sim_world *world, const struct eg_sim_script *script) {
    unsigned workers = world->engines[world->streams[script->stream].engine].worker_count;
    return eg_sim_world_add_viewer_at(world, script, workers > 1 ? eg_sim_random_below(&world->random, workers) : 0);
}

struct eg_sim_viewer *eg_sim_world_add_viewer_at(struct eg_sim_world *world, const struct eg_sim_script *script, unsigned worker) {
    EG_ASSERT(world->viewer_count < EG_SIM_VIEWERS_MAX);
    struct eg_sim_stream *stream = &world->streams[script->stream];
    struct eg_sim_viewer *viewer = eg_sim_viewer_create(world, world->viewer_count, script);
    viewer->worker = worker;
    world->viewers[world->viewer_count++] = viewer;
    char fingerprint[16 + EG_FINGERPRINT_TEXT_SIZE];
    write_fingerprint(script, fingerprint);
    struct eg_viewer_config config = {
        .stream = stream->handle,
        .ice_ufrag = viewer->ufrag,
        .ice_pwd = viewer->pwd,
        .fingerprint = fingerprint,
        .has_video = stream->config.has_video && !script->has_no_video,
        .has_audio = stream->config.has_audio && !script->has_no_audio,
        .has_video_rtx = script->has_rtx,
        .video_payload_type = 102,
        .video_rtx_payload_type = 103,
        .audio_payload_type = 111,
        .encoding = script->encoding,
        .ladder = script->has_ladder ? (1u << (stream->rung_count + 1)) - 1 : 0,
        .transport_cc_id = script->feedback.is_negotiated ? EG_SIM_TRANSPORT_ID : 0,
        .bit_rate_max = script->bit_rate_max,
    };
    struct eg_error error = {0};
    eg_status status = add_viewer(world, viewer, &config, &error);
    if (status == EG_STATUS_INACTIVE && !stream->is_running) {
        turn_away(viewer);
        return viewer;
    }
    if (status != EG_STATUS_OK) eg_sim_fail(world, "viewer %u: %s", viewer->number, error.message);
    if (config.has_video)
        eg_sim_ledger_init(&viewer->ledgers[EG_VIDEO], eg_sim_log_of(stream, script->encoding), viewer->info.video_ssrc,
                           viewer->info.video_rtx_ssrc);
    for (unsigned i = 0; config.ladder >> i != 0; i++)
        eg_sim_ledger_add_rung(&viewer->ledgers[EG_VIDEO], eg_sim_log_of(stream, i), stream->bit_rates[i]);
    if (config.has_audio) eg_sim_ledger_init(&viewer->ledgers[EG_AUDIO], &stream->logs[EG_AUDIO], viewer->info.audio_ssrc, 0);
    for (int kind = 0; kind < EG_TRACK_COUNT && eg_sim_home_of(world, stream) != worker_of(world, viewer); kind++) {
        viewer->ledgers[kind].may_lose = world->workers.relay_size > 0;
        viewer->ledgers[kind].idrs_late = world->workers.relay_size > 0 ? 4 : 1;
    }
    eg_sim_settle(world, eg_sim_engine_of(world, viewer), worker_of(world, viewer));
    return viewer;
}

// --- time ---

static eg_time next_moment(const struct eg_sim_world *world) {
    eg_time next = eg_sim_network_deadline(&world->network);
    for (unsigned i = 0; i < world->stream_count; i++)
        next = eg__time_min(next, eg_sim_stream_deadline(&world->streams[i]));
    for (unsigned i = 0; i < world->viewer_count; i++) next = eg__time_min(next, eg_sim_viewer_deadline(world->viewers[i]));
    for (unsigned i = 0; i < world->engine_count; i++) {
        const struct eg_sim_engine *engine = &world->engines[i];
        for (unsigned j = 0; j < engine->worker_count; j++)
            next = eg__time_min(next, eg__time_min(engine->workers[j].wakes_at, eg__core_deadline(engine->workers[j].core)));
    }
    return next;
}

static void tick_worker(struct eg_sim_world *world, struct eg_sim_engine *engine, struct eg_sim_worker *worker) {
    while (eg__core_deadline(worker->core) <= world->now) {
        if (++worker->ticks_here > TICKS_AT_ONCE_MAX) {
            eg_sim_fail(world, "an engine's deadline does not move on");
            return;
        }
        eg__core_tick(worker->core, world->now, &worker->batch);
        eg_sim_settle(world, engine, worker);
    }
}

static void check_usage(struct eg_sim_world *world, const struct eg_sim_worker *worker) {
    struct eg_core_usage usage;
    eg__core_usage(worker->core, &usage);
    // What has gone from a stream that was removed may be on its way back.
    if (usage.chunks > EG_SIM_STREAMS_MAX * 2 * STREAM_CHUNKS_MAX) eg_sim_fail(world, "%u chunks of %u streams", usage.chunks, usage.streams);
    if (world->workers.count == 1 && usage.chunks > usage.streams * STREAM_CHUNKS_MAX)
        eg_sim_fail(world, "%u chunks of %u streams", usage.chunks, usage.streams);
    if (usage.handshakes > world->handshakes_max) eg_sim_fail(world, "%u handshakes are under way", usage.handshakes);
    if (usage.names > usage.viewers || usage.addresses > usage.viewers * EG_SIM_ADDRESSES ||
        usage.deadlines > usage.viewers + usage.streams)
        eg_sim_fail(world, "tables hold more than there are viewers");
}

// Which of them comes first is chance.
static void live_one_engine(struct eg_sim_world *world, struct eg_sim_engine *engine) {
    unsigned first = engine->worker_count > 1 ? eg_sim_random_below(&world->random, engine->worker_count) : 0;
    for (unsigned i = 0; i < engine->worker_count; i++) {
        struct eg_sim_worker *worker = &engine->workers[(first + i) % engine->worker_count];
        if (worker->wakes_at <= world->now) eg_sim_hear(world, engine, worker);
        tick_worker(world, engine, worker);
        check_usage(world, worker);
    }
}

static void live_one_moment(struct eg_sim_world *world) {
    struct eg_sim_datagram *datagram;
    while ((datagram = eg_sim_network_take(&world->network, world->now)) != NULL) {
        struct eg_sim_viewer *viewer = world->viewers[datagram->viewer];
        if (datagram->is_to_engine) deliver_to_engine(world, viewer, datagram);
        else eg_sim_viewer_receive(viewer, datagram);
        free(datagram);
    }
    for (unsigned i = 0; i < world->stream_count; i++) eg_sim_stream_tick(&world->streams[i]);
    for (unsigned i = 0; i < world->viewer_count; i++) {
        eg_sim_viewer_tick(world->viewers[i]);
        eg_sim_settle(world, eg_sim_engine_of(world, world->viewers[i]), worker_of(world, world->viewers[i]));
    }
    for (unsigned i = 0; i < world->engine_count; i++) live_one_engine(world, &world->engines[i]);
}

void eg_sim_world_run(struct eg_sim_world *world, eg_time duration) {
    eg_time end = world->now + duration;
    for (eg_time next; world->failures == 0 && (next = next_moment(world)) <= end;) {
        if (next > world->now) {
            world->now = next;
            for (unsigned i = 0; i < world->engine_count * EG_SIM_WORKERS_MAX; i++)
                world->engines[i / EG_SIM_WORKERS_MAX].workers[i % EG_SIM_WORKERS_MAX].ticks_here = 0;
        }
        live_one_moment(world);
    }
    if (world->now < end) world->now = end;
}
