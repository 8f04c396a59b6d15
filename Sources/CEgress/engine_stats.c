// The numbers of an engine, of a stream and of a viewer, gathered from the workers that have them.
#include "engine_parts.h"

#include "base/bits.h"
#include "base/sized.h"
#include "base/worker_id.h"

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
        status = eg__engine_call(engine, i, &command.base, NULL);
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
    command->status = eg__core_stream_stats(eg__worker_core(worker), self->stream, self->stats);
}

// What the home says, and of the others what they have sent and to whom.
static eg_status get_stream_stats(eg_engine *engine, eg_stream_id stream, struct eg_stream_stats *stats) {
    struct get_stream_stats command = {.base.run = run_stream_stats, .stream = stream, .stats = stats};
    eg_status status = eg__engine_call(engine, eg__worker_id_worker(stream), &command.base, NULL);
    for (uint32_t i; status == EG_STATUS_OK && eg__bits_take(&command.mirrors, &i);) {
        struct eg_stream_stats part = {0};
        struct get_stream_stats mirror = {.base.run = run_stream_stats, .stream = stream, .stats = &part};
        if (eg__engine_call(engine, i, &mirror.base, NULL) != EG_STATUS_OK) continue; // it is just being destroyed
        stats->viewers += part.viewers;
        stats->viewers_connected += part.viewers_connected;
        stats->packets_sent += part.packets_sent;
        stats->bytes_sent += part.bytes_sent;
        stats->switches_up += part.switches_up;
        stats->switches_down += part.switches_down;
        stats->paused_ms += part.paused_ms;
    }
    return status;
}

eg_status eg_stream_stats_sized(eg_engine *engine, eg_stream_id stream, struct eg_stream_stats *stats, size_t stats_size) {
    struct eg_stream_stats known = {0};
    eg_status status = get_stream_stats(engine, stream, &known);
    eg__sized_give(stats, stats_size, &known, sizeof known);
    return status;
}

struct get_encoding_stats {
    struct eg_command base;
    eg_stream_id stream;
    uint32_t encoding;
    uint32_t mirrors; // bits of 1 << worker
    struct eg_encoding_stats *stats;
};

static void run_encoding_stats(struct eg_worker *worker, struct eg_command *command) {
    struct get_encoding_stats *self = (struct get_encoding_stats *)command;
    self->mirrors = eg__core_stream_mirrors(eg__worker_core(worker), self->stream);
    command->status = eg__core_encoding_stats(eg__worker_core(worker), self->stream, self->encoding, self->stats);
}

// What the home says, and the viewers of the others.
eg_status eg_encoding_stats_sized(eg_engine *engine, eg_stream_id stream, uint32_t encoding, struct eg_encoding_stats *stats, size_t stats_size) {
    struct eg_encoding_stats known = {0};
    struct get_encoding_stats command = {.base.run = run_encoding_stats, .stream = stream, .encoding = encoding, .stats = &known};
    eg_status status = eg__engine_call(engine, eg__worker_id_worker(stream), &command.base, NULL);
    for (uint32_t i; status == EG_STATUS_OK && eg__bits_take(&command.mirrors, &i);) {
        struct eg_encoding_stats part = {0};
        struct get_encoding_stats mirror = {.base.run = run_encoding_stats, .stream = stream, .encoding = encoding, .stats = &part};
        if (eg__engine_call(engine, i, &mirror.base, NULL) == EG_STATUS_OK) known.viewers += part.viewers;
    }
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
    eg_status status = eg__engine_call(engine, eg__worker_id_worker(viewer), &command.base, NULL);
    eg__sized_give(stats, stats_size, &known, sizeof known);
    return status;
}
