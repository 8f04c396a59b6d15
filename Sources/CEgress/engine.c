// The public interface on the worker: checks what the caller gave, and has the rest done on the engine's thread, by a command for each
// function. What only the core can judge (credentials, fingerprints, limits) it checks itself.
#include "base/hash.h"
#include "base/memory.h"
#include "io/error.h"
#include "io/random.h"
#include "io/udp.h"
#include "io/worker.h"

#include <string.h>

enum {
    STREAMS_DEFAULT = 1024,
    VIEWERS_DEFAULT = 20 * 1000,
    BURST_BIT_RATE_DEFAULT = 16 * 1000 * 1000, // [bit/s]
    BURST_ALL_KBIT_DEFAULT = 1000 * 1000,       // [kbit/s]
    SOURCE_GRACE_DEFAULT_MS = 30 * 1000,       // [ms]
    HANDSHAKE_TIMEOUT_DEFAULT_MS = EG_DTLS_HANDSHAKE_TIMEOUT / EG_MILLISECOND, // [ms]
    BUFFER_SIZE_MAX = 1 << 30,                 // [B] an int holds what the kernel makes of it
};

struct eg_engine {
    struct eg_worker *worker;
    struct eg_engine_info info;
    uint16_t source_port_min;
    uint16_t source_port_max;
    uint32_t source_receive_buffer_size; // [B]
};

static uint32_t or_default(uint32_t value, uint32_t fallback) { return value != 0 ? value : fallback; }

static eg_status check_range(const char *field, uint32_t value, uint32_t max, struct eg_error *error) {
    if (value <= max) return EG_STATUS_OK;
    return eg__fail(error, EG_STATUS_INVALID_ARGUMENT, 0, "%s is %u, at most %u is allowed", field, value, max);
}

static eg_status check_config(const struct eg_config *config, struct eg_error *error) {
    const struct {
        const char *field;
        uint32_t value;
        uint32_t max;
    } ranges[] = {
        {"io", (uint32_t)config->io, EG_IO_EPOLL},
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

static eg_status start_worker(struct eg_engine *engine, const struct eg_config *config, const struct eg_hooks *hooks,
                              struct eg_error *error) {
    struct eg_worker_config worker = {
        .core = {.streams_max = or_default(config->streams_max, STREAMS_DEFAULT),
                 .viewers_max = or_default(config->viewers_max, VIEWERS_DEFAULT),
                 .burst_bit_rate_max = or_default(config->burst_bit_rate_max, BURST_BIT_RATE_DEFAULT),
                 .burst_bit_rate_all_max = or_default(config->burst_bit_rate_all_max_kbit, BURST_ALL_KBIT_DEFAULT) * (uint64_t)1000,
                 .source_grace = (eg_time)or_default(config->source_grace_ms, SOURCE_GRACE_DEFAULT_MS) * EG_MILLISECOND,
                 .handshakes_max = or_default(config->handshakes_max, EG_HANDSHAKES_DEFAULT),
                 .handshakes_per_address_max = or_default(config->handshakes_per_address_max, EG_HANDSHAKES_PER_ADDRESS_DEFAULT),
                 .handshake = {.timeout = (eg_time)or_default(config->handshake_timeout_ms, HANDSHAKE_TIMEOUT_DEFAULT_MS) * EG_MILLISECOND,
                               .size_max = or_default(config->handshake_size_max, EG_DTLS_HANDSHAKE_SIZE_MAX)},
                 .crypto = config->crypto},
        .io = config->io,
        .hooks = *hooks,
    };
    uint32_t buffer_size = or_default(config->viewer_buffer_size, EG_UDP_VIEWER_BUFFER_SIZE);
    eg_status status = eg__udp_open_viewer(config->udp_address, config->udp_port, buffer_size, &worker.udp, error);
    if (status != EG_STATUS_OK) return status;
    worker.has_gso = eg__udp_has_gso(worker.udp.fd, NULL, 0);
    struct eg_engine_info *info = &engine->info;
    status = eg__worker_create(&worker, &engine->worker, info->io_reason, sizeof info->io_reason, error);
    if (status != EG_STATUS_OK) return status;
    info->udp_port = worker.udp.local.port;
    info->gso = worker.has_gso;
    info->viewer_send_buffer_size = worker.udp.send_buffer_size;
    info->viewer_receive_buffer_size = worker.udp.receive_buffer_size;
    info->io = eg__worker_io(engine->worker);
    strncpy(info->crypto, eg__worker_crypto_name(engine->worker), sizeof info->crypto - 1);
    strncpy(info->fingerprint, eg__worker_fingerprint(engine->worker), sizeof info->fingerprint - 1);
    return EG_STATUS_OK;
}

eg_status eg_engine_create(const struct eg_config *config, const struct eg_hooks *hooks, eg_engine **out, struct eg_error *error) {
    *out = NULL;
    eg_status status = check_config(config, error);
    if (status != EG_STATUS_OK) return status;
    struct eg_engine *engine = eg__memory_take(1, sizeof *engine);
    if (engine == NULL) return eg__fail(error, EG_STATUS_NO_MEMORY, 0, "no memory for an engine");
    engine->source_port_min = config->source_port_min;
    engine->source_port_max = config->source_port_max;
    engine->source_receive_buffer_size = or_default(config->source_receive_buffer_size, EG_UDP_SOURCE_BUFFER_SIZE);
    status = start_worker(engine, config, hooks, error);
    if (status == EG_STATUS_OK) {
        *out = engine;
    } else {
        eg__memory_release(engine);
    }
    return status;
}

void eg_engine_destroy(eg_engine *engine) {
    if (engine == NULL) return;
    eg__worker_destroy(engine->worker);
    eg__memory_release(engine);
}

void eg_engine_info(const eg_engine *engine, struct eg_engine_info *info) { *info = engine->info; }

struct create_stream {
    struct eg_command base;
    const struct eg_stream_config *config;
    const struct eg_udp_socket *pair;
    bool is_pair_taken; // by the worker: it is not this function's to close any more
    eg_handle stream;
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

eg_status eg_stream_create(eg_engine *engine, const struct eg_stream_config *config, struct eg_stream_info *info, struct eg_error *error) {
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
    status = eg__worker_call(engine->worker, &command.base, error);
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

struct destroy_stream {
    struct eg_command base;
    eg_stream_id stream;
};

static void run_destroy_stream(struct eg_worker *worker, struct eg_command *command) {
    eg_stream_id stream = ((struct destroy_stream *)command)->stream;
    command->status = eg__core_remove_stream(eg__worker_core(worker), eg__worker_now(worker), stream);
    eg__worker_remove_sockets(worker, stream);
}

eg_status eg_stream_destroy(eg_engine *engine, eg_stream_id stream) {
    struct destroy_stream command = {.base.run = run_destroy_stream, .stream = stream};
    return eg__worker_call(engine->worker, &command.base, NULL);
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

eg_status eg_viewer_create(eg_engine *engine, const struct eg_viewer_config *config, struct eg_viewer_info *info, struct eg_error *error) {
    eg_status status = check_viewer(config, error);
    if (status != EG_STATUS_OK) return status;
    struct create_viewer command = {.base.run = run_create_viewer, .config = config, .info = info, .error = error};
    return eg__worker_call(engine->worker, &command.base, error);
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

eg_status eg_viewer_restart_ice(eg_engine *engine, eg_viewer_id viewer, const char *ice_ufrag, const char *ice_pwd,
                                struct eg_viewer_info *info, struct eg_error *error) {
    struct restart_ice command = {.base.run = run_restart_ice, .viewer = viewer, .ice_ufrag = ice_ufrag, .ice_pwd = ice_pwd, .info = info,
                                  .error = error};
    return eg__worker_call(engine->worker, &command.base, error);
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
    return eg__worker_call(engine->worker, &command.base, NULL);
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

void eg_engine_stats(eg_engine *engine, struct eg_engine_stats *stats) {
    *stats = (struct eg_engine_stats){0};
    struct get_engine_stats command = {.base.run = run_engine_stats, .stats = stats};
    eg__worker_call(engine->worker, &command.base, NULL);
}

struct get_stream_stats {
    struct eg_command base;
    eg_stream_id stream;
    struct eg_stream_stats *stats;
};

static void run_stream_stats(struct eg_worker *worker, struct eg_command *command) {
    struct get_stream_stats *self = (struct get_stream_stats *)command;
    command->status = eg__core_stream_stats(eg__worker_core(worker), eg__worker_now(worker), self->stream, self->stats);
}

eg_status eg_stream_stats(eg_engine *engine, eg_stream_id stream, struct eg_stream_stats *stats) {
    struct get_stream_stats command = {.base.run = run_stream_stats, .stream = stream, .stats = stats};
    return eg__worker_call(engine->worker, &command.base, NULL);
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

eg_status eg_viewer_stats(eg_engine *engine, eg_viewer_id viewer, struct eg_viewer_stats *stats) {
    struct get_viewer_stats command = {.base.run = run_viewer_stats, .viewer = viewer, .stats = stats};
    return eg__worker_call(engine->worker, &command.base, NULL);
}

void eg_turn_password(const char *secret, const char *username, char *password) {
    _Static_assert(EG_TURN_PASSWORD_SIZE == (EG_SHA1_SIZE + 2) / 3 * 4 + 1, "the base64 of a SHA-1");
    const uint8_t *const pieces[] = {(const uint8_t *)username};
    const size_t sizes[] = {strlen(username)};
    uint8_t digest[EG_SHA1_SIZE];
    eg__hmac_sha1((const uint8_t *)secret, strlen(secret), pieces, sizes, 1, digest);
    eg__base64(digest, sizeof digest, password);
}

const char *eg_drop_name(eg_drop drop) {
    static const char *const names[EG_DROP_COUNT] = {
        [EG_DROP_SOURCE_UNKNOWN] = "source_unknown",
        [EG_DROP_SOURCE_MALFORMED] = "source_malformed",
        [EG_DROP_SOURCE_PAYLOAD_TYPE] = "source_payload_type",
        [EG_DROP_SOURCE_STRANGER] = "source_stranger",
        [EG_DROP_SOURCE_DUPLICATE] = "source_duplicate",
        [EG_DROP_SOURCE_LATE] = "source_late",
        [EG_DROP_SOURCE_TOO_LARGE] = "source_too_large",
        [EG_DROP_SOURCE_BEFORE_IDR] = "source_before_idr",
        [EG_DROP_SOURCE_OVERFLOW] = "source_overflow",
        [EG_DROP_UNKNOWN] = "unknown",
        [EG_DROP_STUN_MALFORMED] = "stun_malformed",
        [EG_DROP_STUN_UNKNOWN_USER] = "stun_unknown_user",
        [EG_DROP_STUN_REJECTED] = "stun_rejected",
        [EG_DROP_UNVALIDATED] = "unvalidated",
        [EG_DROP_SRTCP_REJECTED] = "srtcp_rejected",
        [EG_DROP_MEDIA_FROM_VIEWER] = "media_from_viewer",
        [EG_DROP_NO_ROOM] = "no_room",
        [EG_DROP_SEND_BUFFER_FULL] = "send_buffer_full",
        [EG_DROP_SEND_FAILED] = "send_failed",
        [EG_DROP_SLOW_VIEWER] = "slow_viewer",
        [EG_DROP_HANDSHAKE_LIMIT] = "handshake_limit",
    };
    return (uint32_t)drop < EG_DROP_COUNT ? names[drop] : "other";
}

const char *eg_close_reason_name(eg_close_reason reason) {
    static const char *const names[] = {
        [EG_CLOSE_NONE] = "none",
        [EG_CLOSE_REQUESTED] = "requested",
        [EG_CLOSE_STREAM_STOPPED] = "stream_stopped",
        [EG_CLOSE_PEER] = "peer",
        [EG_CLOSE_NO_CHECK] = "no_check",
        [EG_CLOSE_CONSENT_EXPIRED] = "consent_expired",
        [EG_CLOSE_HANDSHAKE_TIMEOUT] = "handshake_timeout",
        [EG_CLOSE_HANDSHAKE_FAILED] = "handshake_failed",
        [EG_CLOSE_FINGERPRINT] = "fingerprint",
        [EG_CLOSE_SOURCE_LOST] = "source_lost",
        [EG_CLOSE_CONGESTION] = "congestion",
    };
    return (uint32_t)reason < sizeof names / sizeof names[0] ? names[reason] : "other";
}
