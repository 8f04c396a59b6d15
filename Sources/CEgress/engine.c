// The public interface on the workers: checks what the caller gave, chooses the worker, and has the rest done on its thread, by a command for each
// step. What only the core can judge (credentials, fingerprints, limits) it checks itself.
#include "engine_parts.h"

#include "base/bits.h"
#include "base/error.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/sized.h"
#include "base/worker_id.h"
#include "core/exchange.h"
#include "io/clock.h"
#include "io/random.h"
#include "io/udp.h"
#include "transport/dtls.h"
#include "transport/ice.h"

#include <stdio.h>
#include <string.h>

enum {
    STREAMS_DEFAULT = 1024,
    VIEWERS_DEFAULT = 20 * 1000,
    BURST_BIT_RATE_DEFAULT = 16 * 1000 * 1000, // [bit/s]
    BURST_ALL_KBIT_DEFAULT = 1000 * 1000,       // [kbit/s]
    SOURCE_GRACE_DEFAULT_MS = 30 * 1000,       // [ms]
    HANDSHAKE_TIMEOUT_DEFAULT_MS = EG_DTLS_HANDSHAKE_TIMEOUT / EG_MILLISECOND, // [ms]
    SUBSCRIBE_ATTEMPTS_MAX = 4,                // each but the first because a mirror went to sleep in this very moment, or a queue was full
};

// No caller's padding is ever taken for a field that comes later.
#define EG_HAS_NO_PADDING(type, last) (offsetof(type, last) + sizeof(((type *)NULL)->last) == sizeof(type))
_Static_assert(EG_HAS_NO_PADDING(struct eg_config, handshake_size_max), "grows by 8 bytes");
_Static_assert(EG_HAS_NO_PADDING(struct eg_hooks, encoding), "grows by 8 bytes");
_Static_assert(EG_HAS_NO_PADDING(struct eg_stream_config, bit_rates), "grows by 8 bytes");
_Static_assert(EG_HAS_NO_PADDING(struct eg_viewer_config, bit_rate_max), "grows by 8 bytes");
_Static_assert(EG_HAS_NO_PADDING(struct eg_encoding_config, payload_type), "none inside of what is taken");
_Static_assert(sizeof(struct eg_error) == 256, "never grows");
_Static_assert(sizeof(struct eg_video_format) == 8, "never grows");
_Static_assert(sizeof(struct eg_source_stats) == 56, "never grows");
_Static_assert((int)EG_DROP_COUNT <= (int)EG_DROP_ROOM, "a counter for each");

static uint32_t or_default(uint32_t value, uint32_t fallback) { return value != 0 ? value : fallback; }

static uint32_t share(uint32_t all, uint32_t count) { return (all + count - 1) / count; }

// A struct of the caller's, by the name of its parameter.
static eg_status take_struct(const char *name, void *value, size_t value_size, const void *from, size_t from_size, struct eg_error *error) {
    if (from == NULL) return eg__fail(error, EG_STATUS_INVALID_ARGUMENT, 0, "%s is NULL", name);
    if (eg__sized_take(value, value_size, from, from_size)) return EG_STATUS_OK;
    return eg__fail(error, EG_STATUS_UNSUPPORTED, 0, "%s sets a field that this library is too old to know: install the one of its header", name);
}

static eg_status check_info(const void *info, struct eg_error *error) {
    return info != NULL ? EG_STATUS_OK : eg__fail(error, EG_STATUS_INVALID_ARGUMENT, 0, "info is NULL");
}

static struct eg_worker_config worker_config(struct eg_engine *engine, const struct eg_config *config, const struct eg_hooks *hooks) {
    return (struct eg_worker_config){
        .core = {.streams_max = engine->streams.max,
                 .viewers_max = engine->viewers.max,
                 .burst_bit_rate_max = or_default(config->burst_bit_rate_max, BURST_BIT_RATE_DEFAULT),
                 .burst_bit_rate_all_max = or_default(config->burst_bit_rate_all_max_kbit, BURST_ALL_KBIT_DEFAULT) * (uint64_t)1000,
                 .source_grace = (eg_time)or_default(config->source_grace_ms, SOURCE_GRACE_DEFAULT_MS) * EG_MILLISECOND,
                 // Each worker has its share of what all may have under way.
                 .handshakes_max = share(or_default(config->handshakes_max, EG_HANDSHAKES_DEFAULT), engine->worker_count),
                 .handshakes_per_address_max =
                     share(or_default(config->handshakes_per_address_max, EG_HANDSHAKES_PER_ADDRESS_DEFAULT), engine->worker_count),
                 .crypto = config->crypto,
                 .ntp_origin = eg__clock_ntp_origin(),
                 .worker_count = engine->worker_count,
                 .exchange = engine->exchange,
                 .dtls = engine->dtls,
                 .streams = &engine->streams,
                 .viewers = &engine->viewers},
        .io = config->io,
        .hooks = *hooks,
    };
}

// What the workers share.
static eg_status create_shared(struct eg_engine *engine, const struct eg_config *config, struct eg_error *error) {
    char reason[160] = "";
    engine->dtls = eg__dtls_context_create(reason, sizeof reason);
    if (engine->dtls == NULL) return eg__fail(error, EG_STATUS_UNSUPPORTED, 0, "%s", reason);
    const struct eg_dtls_limits limits = {
        .timeout = (eg_time)or_default(config->handshake_timeout_ms, HANDSHAKE_TIMEOUT_DEFAULT_MS) * EG_MILLISECOND,
        .size_max = or_default(config->handshake_size_max, EG_DTLS_HANDSHAKE_SIZE_MAX),
    };
    eg__dtls_context_limit(engine->dtls, &limits);
    if (engine->worker_count == 1) return EG_STATUS_OK;
    engine->exchange = eg__exchange_create(engine->worker_count, EG_RELAY_QUEUE_SIZE, EG_FORWARD_QUEUE_SIZE);
    if (engine->exchange != NULL) return EG_STATUS_OK;
    return eg__fail(error, EG_STATUS_NO_MEMORY, 0, "no memory for the queues between %u workers", engine->worker_count);
}

// Each takes its socket, and those left over are closed. All of them use the back end that the first one found to work.
static eg_status create_workers(struct eg_engine *engine, struct eg_worker_config *config, struct eg_udp_socket *sockets,
                                struct eg_error *error) {
    eg_status status = EG_STATUS_OK;
    for (uint32_t i = 0; i < engine->worker_count; i++) {
        if (status != EG_STATUS_OK) {
            eg__udp_close(&sockets[i]);
            continue;
        }
        config->core.worker = i;
        config->udp = sockets[i];
        status = eg__worker_create(config, &engine->workers[i], error);
        if (status != EG_STATUS_OK) continue;
        config->io = eg__worker_io(engine->workers[i]);
        if (i == 0) snprintf(engine->info.io_reason, sizeof engine->info.io_reason, "%s", eg__worker_io_reason(engine->workers[i]));
    }
    return status;
}

static eg_status start_workers(struct eg_engine *engine, const struct eg_config *config, struct eg_worker_config *worker, struct eg_error *error) {
    struct eg_udp_socket sockets[EG_WORKERS_MAX];
    uint32_t buffer_size = or_default(config->viewer_buffer_size, EG_UDP_VIEWER_BUFFER_SIZE);
    eg_status status = eg__udp_open_viewers(config->udp_address, config->udp_port, buffer_size, sockets, engine->worker_count, error);
    if (status != EG_STATUS_OK) return status;
    worker->has_gso = eg__udp_has_gso(sockets[0].fd, NULL, 0);
    struct eg_engine_info *info = &engine->info;
    info->udp_port = sockets[0].local.port;
    info->gso = worker->has_gso;
    info->viewer_send_buffer_size = sockets[0].send_buffer_size;
    info->viewer_receive_buffer_size = sockets[0].receive_buffer_size;
    status = create_workers(engine, worker, sockets, error);
    for (uint32_t i = 0; status == EG_STATUS_OK && i < engine->worker_count; i++)
        status = eg__worker_start(engine->workers[i], engine->workers, error);
    return status;
}

// Frees the workers that exist. A core may hold memory of another's, so none is freed before all have released what they hold.
static void stop_workers(struct eg_engine *engine) {
    for (uint32_t i = 0; i < engine->worker_count; i++)
        if (engine->workers[i] != NULL) eg__worker_stop(engine->workers[i]);
    for (uint32_t i = 0; i < engine->worker_count; i++)
        if (engine->workers[i] != NULL) eg__worker_join(engine->workers[i]);
    for (uint32_t i = 0; i < engine->worker_count; i++) {
        if (engine->workers[i] != NULL) eg__worker_destroy(engine->workers[i]);
        engine->workers[i] = NULL;
    }
}

// With EG_IO_AUTO io_uring can be had by the first few workers alone, where memory for it is limited: then all of them do without.
static eg_status start(struct eg_engine *engine, const struct eg_config *config, const struct eg_hooks *hooks, struct eg_error *error) {
    struct eg_worker_config worker = worker_config(engine, config, hooks);
    struct eg_error cause = {0};
    eg_status status = start_workers(engine, config, &worker, &cause);
    if (status == EG_STATUS_UNSUPPORTED && config->io == EG_IO_AUTO && worker.io == EG_IO_URING) {
        stop_workers(engine);
        snprintf(engine->info.io_reason, sizeof engine->info.io_reason, "%.120s", cause.message);
        char reason[sizeof engine->info.io_reason];
        memcpy(reason, engine->info.io_reason, sizeof reason);
        worker.io = EG_IO_EPOLL;
        status = start_workers(engine, config, &worker, &cause);
        memcpy(engine->info.io_reason, reason, sizeof reason);
    }
    if (status != EG_STATUS_OK && error != NULL) *error = cause;
    if (status != EG_STATUS_OK) return status;
    struct eg_engine_info *info = &engine->info;
    info->workers = engine->worker_count;
    info->io = eg__worker_io(engine->workers[0]);
    strncpy(info->crypto, eg__worker_crypto_name(engine->workers[0]), sizeof info->crypto - 1);
    strncpy(info->fingerprint, eg__dtls_context_fingerprint(engine->dtls), sizeof info->fingerprint - 1);
    return EG_STATUS_OK;
}

static eg_status create_engine(const struct eg_config *config, const struct eg_hooks *hooks, eg_engine **out, struct eg_error *error) {
    eg_status status = eg__check_config(config, error);
    if (status != EG_STATUS_OK) return status;
    struct eg_engine *engine = eg__memory_take(1, sizeof *engine);
    if (engine == NULL) return eg__fail(error, EG_STATUS_NO_MEMORY, 0, "no memory for an engine");
    engine->worker_count = or_default(config->workers, 1);
    engine->streams.max = or_default(config->streams_max, STREAMS_DEFAULT);
    engine->viewers.max = or_default(config->viewers_max, VIEWERS_DEFAULT);
    engine->source_port_min = config->source_port_min;
    engine->source_port_max = config->source_port_max;
    engine->source_receive_buffer_size = or_default(config->source_receive_buffer_size, EG_UDP_SOURCE_BUFFER_SIZE);
    status = create_shared(engine, config, error);
    if (status == EG_STATUS_OK) status = start(engine, config, hooks, error);
    if (status == EG_STATUS_OK) *out = engine;
    else eg_engine_destroy(engine);
    return status;
}

eg_status eg_engine_create_sized(const struct eg_config *config, size_t config_size, const struct eg_hooks *hooks, size_t hooks_size,
                                 eg_engine **out, struct eg_error *error) {
    struct eg_config known_config;
    struct eg_hooks known_hooks;
    *out = NULL;
    eg_status status = take_struct("config", &known_config, sizeof known_config, config, config_size, error);
    if (status == EG_STATUS_OK) status = take_struct("hooks", &known_hooks, sizeof known_hooks, hooks, hooks_size, error);
    return status == EG_STATUS_OK ? create_engine(&known_config, &known_hooks, out, error) : status;
}

// On a thread of the engine no code of the caller's runs but hooks.
static bool is_inside_hook(const struct eg_engine *engine) {
    for (uint32_t i = 0; i < engine->worker_count; i++)
        if (engine->workers[i] != NULL && eg__worker_is_current(engine->workers[i])) return true;
    return false;
}

void eg_engine_destroy(eg_engine *engine) {
    if (engine == NULL) return;
    if (is_inside_hook(engine)) eg__assertion_failed("eg_engine_destroy is not called from inside a hook, which it waits for", __FILE__, __LINE__);
    stop_workers(engine);
    eg__exchange_destroy(engine->exchange);
    eg__dtls_context_destroy(engine->dtls);
    eg__memory_release(engine);
}

eg_status eg__engine_call(struct eg_engine *engine, uint32_t worker, struct eg_command *command, struct eg_error *error) {
    if (is_inside_hook(engine)) return eg__fail(error, EG_STATUS_INVALID_ARGUMENT, 0, "no function may be called from inside a hook");
    // An id can be anything.
    if (worker >= engine->worker_count) return eg__fail(error, EG_STATUS_NOT_FOUND, 0, "no such stream or viewer");
    return eg__worker_call(engine->workers[worker], command);
}

void eg_engine_info_sized(const eg_engine *engine, struct eg_engine_info *info, size_t info_size) {
    eg__sized_give(info, info_size, &engine->info, sizeof engine->info);
}

// The worker that receives the fewest streams.
static uint32_t choose_home(struct eg_engine *engine) {
    uint32_t least = 0, load_min = UINT32_MAX;
    for (uint32_t i = 0; i < engine->worker_count; i++) {
        uint32_t load = eg__worker_stream_count(engine->workers[i]) + atomic_load(&engine->loads[i].streams_coming);
        if (load >= load_min) continue;
        load_min = load;
        least = i;
    }
    return least;
}

struct create_stream {
    struct eg_command base;
    const struct eg_stream_config *config;
    const struct eg_udp_socket *udp;
    uint32_t udp_count;
    bool is_udp_taken; // by the worker: the sockets are not this function's to close any more
    eg_stream_id stream;
    struct eg_error *error;
};

// The core first: once a socket is in the receiver, packets come for the stream.
static void run_create_stream(struct eg_worker *worker, struct eg_command *command) {
    struct create_stream *self = (struct create_stream *)command;
    struct eg_core *core = eg__worker_core(worker);
    command->status = eg__core_add_stream(core, self->config, &self->stream, self->error);
    if (command->status != EG_STATUS_OK) return;
    self->is_udp_taken = true;
    if (eg__worker_add_sockets(worker, self->stream, self->udp, self->udp_count)) return;
    eg__core_remove_stream(core, eg__worker_now(worker), self->stream);
    command->status = eg__fail(self->error, EG_STATUS_NO_MEMORY, 0, "no memory for the stream's sockets");
}

// A pair for the first encoding and the sound, and a socket for each further encoding. All are open or none is.
static eg_status open_sockets(const eg_engine *engine, struct eg_udp_socket *udp, uint32_t count, struct eg_error *error) {
    struct eg_udp_range range = {.min = engine->source_port_min, .max = engine->source_port_max, .buffer_size = engine->source_receive_buffer_size};
    struct eg_kernel_random random;
    eg__kernel_random_init(&random);
    eg_status status = eg__udp_open_pair(&range, &random.base, udp, error);
    uint32_t opened = status == EG_STATUS_OK ? EG_TRACK_COUNT : 0;
    for (; status == EG_STATUS_OK && opened < count; opened += status == EG_STATUS_OK)
        status = eg__udp_open_source(&range, &random.base, &udp[opened], error);
    eg__kernel_random_deinit(&random);
    for (uint32_t i = 0; status != EG_STATUS_OK && i < opened; i++) eg__udp_close(&udp[i]);
    return status;
}

static eg_status create_stream(eg_engine *engine, const struct eg_stream_config *config, struct eg_stream_info *info, struct eg_error *error) {
    eg_status status = eg__check_stream(config, error);
    if (status != EG_STATUS_OK) return status;
    struct eg_udp_socket udp[EG_SOURCES_MAX];
    uint32_t count = EG_TRACK_COUNT + config->further_count;
    status = open_sockets(engine, udp, count, error);
    if (status != EG_STATUS_OK) return status;
    struct create_stream command = {.base.run = run_create_stream, .config = config, .udp = udp, .udp_count = count, .error = error};
    uint32_t home = choose_home(engine);
    atomic_fetch_add(&engine->loads[home].streams_coming, 1);
    status = eg__engine_call(engine, home, &command.base, error);
    atomic_fetch_sub(&engine->loads[home].streams_coming, 1);
    for (uint32_t i = 0; !command.is_udp_taken && i < count; i++) eg__udp_close(&udp[i]);
    if (status != EG_STATUS_OK) return status;
    *info = (struct eg_stream_info){.stream = command.stream,
                                    .video_port = udp[EG_VIDEO].local.port,
                                    .audio_port = udp[EG_AUDIO].local.port,
                                    .receive_buffer_size = udp[EG_VIDEO].receive_buffer_size};
    for (uint32_t i = 0; i < config->further_count; i++) info->further_ports[i] = udp[EG_TRACK_COUNT + i].local.port;
    return EG_STATUS_OK;
}

eg_status eg_stream_create_sized(eg_engine *engine, const struct eg_stream_config *config, size_t config_size, struct eg_stream_info *info,
                                 size_t info_size, struct eg_error *error) {
    struct eg_stream_config known;
    struct eg_stream_info told;
    eg_status status = take_struct("config", &known, sizeof known, config, config_size, error);
    if (status == EG_STATUS_OK) status = check_info(info, error);
    if (status == EG_STATUS_OK) status = create_stream(engine, &known, &told, error);
    if (status == EG_STATUS_OK) eg__sized_give(info, info_size, &told, sizeof told);
    return status;
}

struct destroy_stream {
    struct eg_command base;
    eg_stream_id stream;
    uint32_t mirrors; // bits of 1 << worker
};

static void run_destroy_stream(struct eg_worker *worker, struct eg_command *command) {
    struct destroy_stream *self = (struct destroy_stream *)command;
    struct eg_core *core = eg__worker_core(worker);
    self->mirrors = eg__core_stream_mirrors(core, self->stream);
    command->status = eg__core_remove_stream(core, eg__worker_now(worker), self->stream);
    eg__worker_remove_sockets(worker, self->stream);
}

static void run_remove_mirror(struct eg_worker *worker, struct eg_command *command) {
    eg_stream_id stream = ((struct destroy_stream *)command)->stream;
    command->status = eg__core_remove_stream(eg__worker_core(worker), eg__worker_now(worker), stream);
}

// At its home first: from then on no worker can be subscribed any more.
eg_status eg_stream_destroy(eg_engine *engine, eg_stream_id stream) {
    struct destroy_stream command = {.base.run = run_destroy_stream, .stream = stream};
    eg_status status = eg__engine_call(engine, eg__worker_id_worker(stream), &command.base, NULL);
    for (uint32_t i; status == EG_STATUS_OK && eg__bits_take(&command.mirrors, &i);) {
        struct destroy_stream mirror = {.base.run = run_remove_mirror, .stream = stream};
        eg__engine_call(engine, i, &mirror.base, NULL);
    }
    return status;
}

static uint32_t viewer_load(struct eg_engine *engine, uint32_t worker) {
    return eg__worker_viewer_count(engine->workers[worker]) + atomic_load(&engine->loads[worker].viewers_coming);
}

// A viewer whose credentials the caller made belongs where they say. Any other belongs with its stream, which is cheapest, as long as nobody
// has much less to do.
static uint32_t choose_worker(struct eg_engine *engine, const struct eg_viewer_config *config, uint32_t home) {
    if (home >= engine->worker_count) return home;
    if (config->local_ice_ufrag != NULL) {
        uint32_t named = eg__ice_ufrag_worker(config->local_ice_ufrag, strlen(config->local_ice_ufrag), engine->worker_count);
        return named < engine->worker_count ? named : home; // one that can't be is refused there
    }
    uint32_t least = home, load_min = viewer_load(engine, home);
    load_min = load_min > EG_PLACEMENT_SLACK ? load_min - EG_PLACEMENT_SLACK : 0;
    for (uint32_t i = 0; i < engine->worker_count; i++) {
        uint32_t load = viewer_load(engine, i);
        if (load >= load_min) continue;
        load_min = load;
        least = i;
    }
    return least;
}

struct subscribe {
    struct eg_command base;
    eg_stream_id stream;
    uint32_t worker;
    bool is_again;
    struct eg_error *error;
};

static void run_subscribe(struct eg_worker *home, struct eg_command *command) {
    struct subscribe *self = (struct subscribe *)command;
    command->status = eg__core_subscribe(eg__worker_core(home), self->stream, self->worker, self->is_again, self->error);
}

// A worker hears what the others have said before it runs any command.
static void run_hear(struct eg_worker *worker, struct eg_command *command) {
    (void)worker;
    command->status = EG_STATUS_OK;
}

struct create_viewer {
    struct eg_command base;
    const struct eg_viewer_config *config;
    struct eg_viewer_info *info;
    struct eg_error *error;
};

static void run_create_viewer(struct eg_worker *worker, struct eg_command *command) {
    struct create_viewer *self = (struct create_viewer *)command;
    command->status = eg__core_add_viewer(eg__worker_core(worker), eg__worker_now(worker), self->config, self->info, self->error);
}

static eg_status create_viewer_at(struct eg_engine *engine, uint32_t worker, const struct eg_viewer_config *config, struct eg_viewer_info *info,
                                  struct eg_error *error) {
    struct create_viewer command = {.base.run = run_create_viewer, .config = config, .info = info, .error = error};
    return eg__engine_call(engine, worker, &command.base, error);
}

// First the stream, then the viewer. That the worker does not find the stream means that its mirror fell asleep in between, or that the stream
// is gone, which its home then says.
static eg_status create_viewer_elsewhere(struct eg_engine *engine, uint32_t home, uint32_t worker, const struct eg_viewer_config *config,
                                         struct eg_viewer_info *info, struct eg_error *error) {
    eg_status status = EG_STATUS_NOT_FOUND;
    for (int attempt = 0; attempt < SUBSCRIBE_ATTEMPTS_MAX; attempt++) {
        struct subscribe subscribe = {.base.run = run_subscribe, .stream = config->stream, .worker = worker, .is_again = attempt > 0, .error = error};
        struct eg_command hear = {.run = run_hear};
        status = eg__engine_call(engine, home, &subscribe.base, error);
        if (status == EG_STATUS_OK) {
            status = create_viewer_at(engine, worker, config, info, error);
            if (status != EG_STATUS_NOT_FOUND) return status;
        } else if (status == EG_STATUS_NO_MEMORY) {
            eg__engine_call(engine, worker, &hear, error); // which makes room in the queue to it
        } else {
            return status;
        }
    }
    return status;
}

static eg_status create_viewer(eg_engine *engine, const struct eg_viewer_config *config, struct eg_viewer_info *info, struct eg_error *error) {
    eg_status status = eg__check_viewer(config, error);
    if (status != EG_STATUS_OK) return status;
    uint32_t home = eg__worker_id_worker(config->stream), worker = choose_worker(engine, config, home);
    if (worker >= engine->worker_count) return eg__fail(error, EG_STATUS_NOT_FOUND, 0, "no such stream");
    atomic_fetch_add(&engine->loads[worker].viewers_coming, 1);
    status = worker == home ? create_viewer_at(engine, worker, config, info, error)
                            : create_viewer_elsewhere(engine, home, worker, config, info, error);
    atomic_fetch_sub(&engine->loads[worker].viewers_coming, 1);
    return status;
}

eg_status eg_viewer_create_sized(eg_engine *engine, const struct eg_viewer_config *config, size_t config_size, struct eg_viewer_info *info,
                                 size_t info_size, struct eg_error *error) {
    struct eg_viewer_config known;
    struct eg_viewer_info told;
    eg_status status = take_struct("config", &known, sizeof known, config, config_size, error);
    if (status == EG_STATUS_OK) status = check_info(info, error);
    if (status == EG_STATUS_OK) status = create_viewer(engine, &known, &told, error);
    if (status == EG_STATUS_OK) eg__sized_give(info, info_size, &told, sizeof told);
    return status;
}

struct restart_ice {
    struct eg_command base;
    eg_viewer_id viewer;
    const char *ice_ufrag;
    const char *ice_pwd;
    struct eg_viewer_info *info;
    struct eg_error *error;
};

static void run_restart_ice(struct eg_worker *worker, struct eg_command *command) {
    struct restart_ice *self = (struct restart_ice *)command;
    command->status = eg__core_restart_ice(eg__worker_core(worker), self->viewer, self->ice_ufrag, self->ice_pwd, self->info, self->error);
}

eg_status eg_viewer_restart_ice_sized(eg_engine *engine, eg_viewer_id viewer, const char *ice_ufrag, const char *ice_pwd,
                                      struct eg_viewer_info *info, size_t info_size, struct eg_error *error) {
    struct eg_viewer_info told;
    struct restart_ice command = {.base.run = run_restart_ice, .viewer = viewer, .ice_ufrag = ice_ufrag, .ice_pwd = ice_pwd, .info = &told,
                                  .error = error};
    eg_status status = check_info(info, error);
    if (status == EG_STATUS_OK) status = eg__engine_call(engine, eg__worker_id_worker(viewer), &command.base, error);
    if (status == EG_STATUS_OK) eg__sized_give(info, info_size, &told, sizeof told);
    return status;
}

struct close_viewer {
    struct eg_command base;
    eg_viewer_id viewer;
};

static void run_close_viewer(struct eg_worker *worker, struct eg_command *command) {
    eg_viewer_id viewer = ((struct close_viewer *)command)->viewer;
    command->status = eg__core_close_viewer(eg__worker_core(worker), eg__worker_now(worker), viewer, EG_CLOSE_REQUESTED);
}

eg_status eg_viewer_close(eg_engine *engine, eg_viewer_id viewer) {
    struct close_viewer command = {.base.run = run_close_viewer, .viewer = viewer};
    return eg__engine_call(engine, eg__worker_id_worker(viewer), &command.base, NULL);
}

struct pin_viewer {
    struct eg_command base;
    eg_viewer_id viewer;
    int32_t encoding;
    struct eg_error *error;
};

static void run_pin_viewer(struct eg_worker *worker, struct eg_command *command) {
    const struct pin_viewer *self = (struct pin_viewer *)command;
    command->status = eg__core_pin_viewer(eg__worker_core(worker), eg__worker_now(worker), self->viewer, self->encoding, self->error);
}

eg_status eg_viewer_pin(eg_engine *engine, eg_viewer_id viewer, int32_t encoding, struct eg_error *error) {
    struct pin_viewer command = {.base.run = run_pin_viewer, .viewer = viewer, .encoding = encoding, .error = error};
    return eg__engine_call(engine, eg__worker_id_worker(viewer), &command.base, error);
}

void eg_turn_password(const char *secret, const char *username, char *password) {
    _Static_assert(EG_TURN_PASSWORD_SIZE == (EG_SHA1_SIZE + 2) / 3 * 4 + 1, "the base64 of a SHA-1");
    const struct eg_piece name = {(const uint8_t *)username, strlen(username)};
    uint8_t digest[EG_SHA1_SIZE];
    eg__hmac_sha1((const uint8_t *)secret, strlen(secret), &name, 1, digest);
    eg__base64(digest, sizeof digest, password);
}
