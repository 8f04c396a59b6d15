// The public interface on the workers: checks what the caller gave, chooses the worker, and has the rest done on its thread, by a command for each
// step. What only the core can judge (credentials, fingerprints, limits) it checks itself.
#include "base/bits.h"
#include "base/hash.h"
#include "base/memory.h"
#include "base/sized.h"
#include "base/worker_id.h"
#include "core/exchange.h"
#include "io/clock.h"
#include "io/error.h"
#include "io/random.h"
#include "io/udp.h"
#include "io/worker.h"
#include "transport/dtls.h"
#include "transport/ice.h"

#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

enum {
    STREAMS_DEFAULT = 1024,
    VIEWERS_DEFAULT = 20 * 1000,
    BURST_BIT_RATE_DEFAULT = 16 * 1000 * 1000, // [bit/s]
    BURST_ALL_KBIT_DEFAULT = 1000 * 1000,       // [kbit/s]
    SOURCE_GRACE_DEFAULT_MS = 30 * 1000,       // [ms]
    HANDSHAKE_TIMEOUT_DEFAULT_MS = EG_DTLS_HANDSHAKE_TIMEOUT / EG_MILLISECOND, // [ms]
    BUFFER_SIZE_MAX = 1 << 30,                 // [B] an int holds what the kernel makes of it
    SUBSCRIBE_ATTEMPTS_MAX = 4,                // each but the first because a mirror went to sleep in this very moment, or a queue was full
};

// What a worker has, with what callers are just about to give it.
struct load {
    _Atomic uint32_t streams_coming;
    _Atomic uint32_t viewers_coming;
};

struct eg_engine {
    uint32_t worker_count;
    struct eg_worker *workers[EG_WORKERS_MAX];
    struct load loads[EG_WORKERS_MAX];
    struct eg_exchange *exchange; // NULL with one worker
    struct eg_dtls_context *dtls; // one certificate for all
    struct eg_quota streams;
    struct eg_quota viewers;
    struct eg_engine_info info;
    uint16_t source_port_min;
    uint16_t source_port_max;
    uint32_t source_receive_buffer_size; // [B]
};

// No caller's padding is ever taken for a field that comes later.
#define EG_HAS_NO_PADDING(type, last) (offsetof(type, last) + sizeof(((type *)NULL)->last) == sizeof(type))
_Static_assert(EG_HAS_NO_PADDING(struct eg_config, handshake_size_max), "grows by 8 bytes");
_Static_assert(EG_HAS_NO_PADDING(struct eg_hooks, stream), "grows by 8 bytes");
_Static_assert(EG_HAS_NO_PADDING(struct eg_stream_config, audio_payload_type), "grows by 8 bytes");
_Static_assert(EG_HAS_NO_PADDING(struct eg_viewer_config, local_ice_pwd), "grows by 8 bytes");
_Static_assert(sizeof(struct eg_error) == 256, "never grows");
_Static_assert(sizeof(struct eg_video_format) == 8, "never grows");
_Static_assert(sizeof(struct eg_source_stats) == 56, "never grows");
_Static_assert((int)EG_DROP_COUNT <= (int)EG_DROP_ROOM, "a counter for each");

static uint32_t or_default(uint32_t value, uint32_t fallback) { return value != 0 ? value : fallback; }

static uint32_t share(uint32_t all, uint32_t count) { return (all + count - 1) / count; }

static eg_status check_range(const char *field, uint32_t value, uint32_t max, struct eg_error *error) {
    if (value <= max) return EG_STATUS_OK;
    return eg__fail(error, EG_STATUS_INVALID_ARGUMENT, 0, "%s is %u, at most %u is allowed", field, value, max);
}

// A struct of the caller's, by the name of its parameter.
static eg_status take_struct(const char *name, void *value, size_t value_size, const void *from, size_t from_size, struct eg_error *error) {
    if (from == NULL) return eg__fail(error, EG_STATUS_INVALID_ARGUMENT, 0, "%s is NULL", name);
    if (eg__sized_take(value, value_size, from, from_size)) return EG_STATUS_OK;
    return eg__fail(error, EG_STATUS_UNSUPPORTED, 0, "%s says what this library is too old for: install the one of its header", name);
}

static eg_status check_info(const void *info, struct eg_error *error) {
    return info != NULL ? EG_STATUS_OK : eg__fail(error, EG_STATUS_INVALID_ARGUMENT, 0, "info is NULL");
}

static eg_status check_crypto(const char *name, struct eg_error *error) {
    if (name == NULL || strcmp(name, "ipsec-mb") == 0 || strcmp(name, "openssl") == 0) return EG_STATUS_OK;
    return eg__fail(error, EG_STATUS_INVALID_ARGUMENT, 0, "crypto is \"%.60s\", \"ipsec-mb\" and \"openssl\" are allowed, or NULL", name);
}

static eg_status check_config(const struct eg_config *config, struct eg_error *error) {
    const struct {
        const char *field;
        uint32_t value;
        uint32_t max;
    } ranges[] = {
        {"io", (uint32_t)config->io, EG_IO_EPOLL},
        {"workers", config->workers, EG_WORKERS_MAX},
        {"streams_max", config->streams_max, EG_STREAMS_MAX},
        {"viewers_max", config->viewers_max, EG_VIEWERS_MAX},
        {"source_receive_buffer_size", config->source_receive_buffer_size, BUFFER_SIZE_MAX},
        {"viewer_buffer_size", config->viewer_buffer_size, BUFFER_SIZE_MAX},
        {"handshakes_max", config->handshakes_max, EG_HANDSHAKES_MAX},
        {"handshakes_per_address_max", config->handshakes_per_address_max, EG_HANDSHAKES_MAX},
        {"handshake_timeout_ms", config->handshake_timeout_ms, EG_DTLS_HANDSHAKE_TIMEOUT_MAX_MS},
        {"handshake_size_max", config->handshake_size_max, EG_DTLS_HANDSHAKE_SIZE_MAX},
    };
    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        eg_status status = check_range(ranges[i].field, ranges[i].value, ranges[i].max, error);
        if (status != EG_STATUS_OK) return status;
    }
    if (config->handshake_size_max != 0 && config->handshake_size_max < EG_DTLS_HANDSHAKE_SIZE_MIN) {
        return eg__fail(error, EG_STATUS_INVALID_ARGUMENT, 0, "handshake_size_max is %u, at least %u is needed", config->handshake_size_max,
                        EG_DTLS_HANDSHAKE_SIZE_MIN);
    }
    eg_status status = check_crypto(config->crypto, error);
    if (status != EG_STATUS_OK) return status;
    uint16_t min = config->source_port_min, max = config->source_port_max;
    if (min == 0 && max == 0) return EG_STATUS_OK;
    if (min > 0 && min < max) return EG_STATUS_OK;
    return eg__fail(error, EG_STATUS_INVALID_ARGUMENT, 0, "source_port_min %u and source_port_max %u leave no room for a pair", min, max);
}

// 64..95 would look like RTCP where both share a port (RFC 5761 §4).
static eg_status check_payload_type(const char *field, uint8_t payload_type, struct eg_error *error) {
    if (payload_type <= 127 && (payload_type < 64 || payload_type > 95)) return EG_STATUS_OK;
    return eg__fail(error, EG_STATUS_INVALID_ARGUMENT, 0, "%s is %u, 0 to 63 and 96 to 127 are allowed", field, payload_type);
}

struct payload_type {
    const char *field;
    bool is_used;
    uint8_t value;
};

// Each that is used is allowed, and no two are the same.
static eg_status check_payload_types(const struct payload_type *types, size_t count, struct eg_error *error) {
    for (size_t i = 0; i < count; i++) {
        if (!types[i].is_used) continue;
        eg_status status = check_payload_type(types[i].field, types[i].value, error);
        if (status != EG_STATUS_OK) return status;
        for (size_t j = 0; j < i; j++) {
            if (!types[j].is_used || types[j].value != types[i].value) continue;
            return eg__fail(error, EG_STATUS_INVALID_ARGUMENT, 0, "%s is %u, and so is %s", types[i].field, types[i].value, types[j].field);
        }
    }
    return EG_STATUS_OK;
}

static eg_status check_stream(const struct eg_stream_config *config, struct eg_error *error) {
    if (!config->has_video && !config->has_audio) {
        return eg__fail(error, EG_STATUS_INVALID_ARGUMENT, 0, "has_video and has_audio are both false");
    }
    const struct payload_type types[] = {
        {"video_payload_type", config->has_video, config->video_payload_type},
        {"audio_payload_type", config->has_audio, config->audio_payload_type},
    };
    return check_payload_types(types, sizeof types / sizeof types[0], error);
}

static eg_status check_viewer(const struct eg_viewer_config *config, struct eg_error *error) {
    if (config->has_video_rtx && !config->has_video) {
        return eg__fail(error, EG_STATUS_INVALID_ARGUMENT, 0, "has_video_rtx without has_video");
    }
    const struct payload_type types[] = {
        {"video_payload_type", config->has_video, config->video_payload_type},
        {"video_rtx_payload_type", config->has_video_rtx, config->video_rtx_payload_type},
        {"audio_payload_type", config->has_audio, config->audio_payload_type},
    };
    return check_payload_types(types, sizeof types / sizeof types[0], error);
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
    char no_reason[sizeof engine->info.io_reason];
    for (uint32_t i = 0; i < engine->worker_count; i++) {
        if (status != EG_STATUS_OK) {
            eg__udp_close(&sockets[i]);
            continue;
        }
        config->core.worker = i;
        config->udp = sockets[i];
        status = eg__worker_create(config, &engine->workers[i], i == 0 ? engine->info.io_reason : no_reason, sizeof no_reason, error);
        if (status == EG_STATUS_OK) config->io = eg__worker_io(engine->workers[i]);
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

// What there is of them. A core may hold what lies in another's memory, so none is freed before all have let go.
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
    eg_status status = check_config(config, error);
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

// From inside a hook a call could only wait for itself, or for another worker that waits for this one.
static eg_status call(struct eg_engine *engine, uint32_t worker, struct eg_command *command, struct eg_error *error) {
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
    const struct eg_udp_socket *pair;
    bool is_pair_taken; // by the worker: it is not this function's to close any more
    eg_stream_id stream;
    struct eg_error *error;
};

// The core first: once a socket is in the receiver, packets come for the stream.
static void run_create_stream(struct eg_worker *worker, struct eg_command *command) {
    struct create_stream *self = (struct create_stream *)command;
    struct eg_core *core = eg__worker_core(worker);
    command->status = eg__core_add_stream(core, eg__worker_now(worker), self->config, &self->stream, self->error);
    if (command->status != EG_STATUS_OK) return;
    self->is_pair_taken = true;
    if (eg__worker_add_sockets(worker, self->stream, self->pair)) return;
    eg__core_remove_stream(core, eg__worker_now(worker), self->stream);
    command->status = eg__fail(self->error, EG_STATUS_NO_MEMORY, 0, "no memory for the stream's sockets");
}

static eg_status create_stream(eg_engine *engine, const struct eg_stream_config *config, struct eg_stream_info *info, struct eg_error *error) {
    eg_status status = check_stream(config, error);
    if (status != EG_STATUS_OK) return status;
    struct eg_udp_socket pair[EG_TRACK_COUNT];
    struct eg_kernel_random random;
    eg__kernel_random_init(&random);
    status = eg__udp_open_pair(engine->source_port_min, engine->source_port_max, engine->source_receive_buffer_size, &random.base, pair,
                               error);
    eg__kernel_random_deinit(&random);
    if (status != EG_STATUS_OK) return status;
    struct create_stream command = {.base.run = run_create_stream, .config = config, .pair = pair, .error = error};
    uint32_t home = choose_home(engine);
    atomic_fetch_add(&engine->loads[home].streams_coming, 1);
    status = call(engine, home, &command.base, error);
    atomic_fetch_sub(&engine->loads[home].streams_coming, 1);
    if (!command.is_pair_taken) {
        eg__udp_close(&pair[EG_VIDEO]);
        eg__udp_close(&pair[EG_AUDIO]);
    }
    if (status != EG_STATUS_OK) return status;
    *info = (struct eg_stream_info){.stream = command.stream,
                                    .video_port = pair[EG_VIDEO].local.port,
                                    .audio_port = pair[EG_AUDIO].local.port,
                                    .receive_buffer_size = pair[EG_VIDEO].receive_buffer_size};
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
    eg_status status = call(engine, eg__worker_id_worker(stream), &command.base, NULL);
    for (uint32_t i; status == EG_STATUS_OK && eg__bits_take(&command.mirrors, &i);) {
        struct destroy_stream mirror = {.base.run = run_remove_mirror, .stream = stream};
        call(engine, i, &mirror.base, NULL);
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
    return call(engine, worker, &command.base, error);
}

// First the stream, then the viewer. That the worker does not find the stream means that its mirror fell asleep in between, or that the stream
// is gone, which its home then says.
static eg_status create_viewer_elsewhere(struct eg_engine *engine, uint32_t home, uint32_t worker, const struct eg_viewer_config *config,
                                         struct eg_viewer_info *info, struct eg_error *error) {
    eg_status status = EG_STATUS_NOT_FOUND;
    for (int attempt = 0; attempt < SUBSCRIBE_ATTEMPTS_MAX; attempt++) {
        struct subscribe subscribe = {.base.run = run_subscribe, .stream = config->stream, .worker = worker, .is_again = attempt > 0, .error = error};
        struct eg_command hear = {.run = run_hear};
        status = call(engine, home, &subscribe.base, error);
        if (status == EG_STATUS_OK) {
            status = create_viewer_at(engine, worker, config, info, error);
            if (status != EG_STATUS_NOT_FOUND) return status;
        } else if (status == EG_STATUS_NO_MEMORY) {
            call(engine, worker, &hear, error); // which makes room in the queue to it
        } else {
            return status;
        }
    }
    return status;
}

static eg_status create_viewer(eg_engine *engine, const struct eg_viewer_config *config, struct eg_viewer_info *info, struct eg_error *error) {
    eg_status status = check_viewer(config, error);
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
    if (status == EG_STATUS_OK) status = call(engine, eg__worker_id_worker(viewer), &command.base, error);
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
    return call(engine, eg__worker_id_worker(viewer), &command.base, NULL);
}

struct get_engine_stats {
    struct eg_command base;
    struct eg_engine_stats *stats;
};

static void run_engine_stats(struct eg_worker *worker, struct eg_command *command) {
    struct eg_engine_stats *stats = ((struct get_engine_stats *)command)->stats;
    eg__core_stats(eg__worker_core(worker), stats);
    eg__worker_stats(worker, stats);
    command->status = EG_STATUS_OK;
}

eg_status eg_engine_stats_sized(eg_engine *engine, struct eg_engine_stats *stats, size_t stats_size) {
    struct eg_engine_stats sum = {0};
    eg_status status = EG_STATUS_OK;
    for (uint32_t i = 0; i < engine->worker_count && status == EG_STATUS_OK; i++) {
        struct eg_engine_stats part = {0};
        struct get_engine_stats command = {.base.run = run_engine_stats, .stats = &part};
        status = call(engine, i, &command.base, NULL);
        eg__core_add_stats(&sum, &part);
    }
    eg__sized_give(stats, stats_size, &sum, sizeof sum);
    return status;
}

struct get_stream_stats {
    struct eg_command base;
    eg_stream_id stream;
    uint32_t mirrors; // bits of 1 << worker
    struct eg_stream_stats *stats;
};

static void run_stream_stats(struct eg_worker *worker, struct eg_command *command) {
    struct get_stream_stats *self = (struct get_stream_stats *)command;
    self->mirrors = eg__core_stream_mirrors(eg__worker_core(worker), self->stream);
    command->status = eg__core_stream_stats(eg__worker_core(worker), eg__worker_now(worker), self->stream, self->stats);
}

// What the home says, and of the others what they have sent and to whom.
static eg_status get_stream_stats(eg_engine *engine, eg_stream_id stream, struct eg_stream_stats *stats) {
    struct get_stream_stats command = {.base.run = run_stream_stats, .stream = stream, .stats = stats};
    eg_status status = call(engine, eg__worker_id_worker(stream), &command.base, NULL);
    for (uint32_t i; status == EG_STATUS_OK && eg__bits_take(&command.mirrors, &i);) {
        struct eg_stream_stats part = {0};
        struct get_stream_stats mirror = {.base.run = run_stream_stats, .stream = stream, .stats = &part};
        if (call(engine, i, &mirror.base, NULL) != EG_STATUS_OK) continue; // it is just being destroyed
        stats->viewers += part.viewers;
        stats->viewers_connected += part.viewers_connected;
        stats->packets_sent += part.packets_sent;
        stats->bytes_sent += part.bytes_sent;
    }
    return status;
}

eg_status eg_stream_stats_sized(eg_engine *engine, eg_stream_id stream, struct eg_stream_stats *stats, size_t stats_size) {
    struct eg_stream_stats known = {0};
    eg_status status = get_stream_stats(engine, stream, &known);
    eg__sized_give(stats, stats_size, &known, sizeof known);
    return status;
}

struct get_viewer_stats {
    struct eg_command base;
    eg_viewer_id viewer;
    struct eg_viewer_stats *stats;
};

static void run_viewer_stats(struct eg_worker *worker, struct eg_command *command) {
    struct get_viewer_stats *self = (struct get_viewer_stats *)command;
    command->status = eg__core_viewer_stats(eg__worker_core(worker), eg__worker_now(worker), self->viewer, self->stats);
}

eg_status eg_viewer_stats_sized(eg_engine *engine, eg_viewer_id viewer, struct eg_viewer_stats *stats, size_t stats_size) {
    struct eg_viewer_stats known = {0};
    struct get_viewer_stats command = {.base.run = run_viewer_stats, .viewer = viewer, .stats = &known};
    eg_status status = call(engine, eg__worker_id_worker(viewer), &command.base, NULL);
    eg__sized_give(stats, stats_size, &known, sizeof known);
    return status;
}

void eg_turn_password(const char *secret, const char *username, char *password) {
    _Static_assert(EG_TURN_PASSWORD_SIZE == (EG_SHA1_SIZE + 2) / 3 * 4 + 1, "the base64 of a SHA-1");
    const uint8_t *const pieces[] = {(const uint8_t *)username};
    const size_t sizes[] = {strlen(username)};
    uint8_t digest[EG_SHA1_SIZE];
    eg__hmac_sha1((const uint8_t *)secret, strlen(secret), pieces, sizes, 1, digest);
    eg__base64(digest, sizeof digest, password);
}
