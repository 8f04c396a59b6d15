// What the files of the engine share with each other and with nobody else. They stand in a line, as those of core/ do (core/parts.h):
// engine_checks.c (what a caller gives), engine.c (the engine, streams, viewers), engine_stats.c (numbers).
#ifndef EG_ENGINE_PARTS_H
#define EG_ENGINE_PARTS_H

#include "base/quota.h"
#include "io/worker.h"

#include <stdatomic.h>

// What a worker has, with what callers are just about to give it.
struct eg_load {
    _Atomic uint32_t streams_coming;
    _Atomic uint32_t viewers_coming;
};

struct eg_engine {
    uint32_t worker_count;
    struct eg_worker *workers[EG_WORKERS_MAX];
    struct eg_load loads[EG_WORKERS_MAX];
    struct eg_exchange *exchange; // NULL with one worker
    struct eg_dtls_context *dtls; // one certificate for all
    struct eg_quota streams;
    struct eg_quota viewers;
    struct eg_engine_info info;
    uint16_t source_port_min;
    uint16_t source_port_max;
    uint32_t source_receive_buffer_size; // [B]
};

// --- engine_checks.c ---

// EG_STATUS_INVALID_ARGUMENT, with what is wrong in words.
eg_status eg__check_config(const struct eg_config *config, struct eg_error *error);
eg_status eg__check_stream(const struct eg_stream_config *config, struct eg_error *error);
eg_status eg__check_viewer(const struct eg_viewer_config *config, struct eg_error *error);

// --- engine.c ---

// Has a worker run a command and gives its status. From inside a hook a call could only wait for itself, or for another worker that waits for
// this one, so there it is refused.
eg_status eg__engine_call(struct eg_engine *engine, uint32_t worker, struct eg_command *command, struct eg_error *error);

#endif
