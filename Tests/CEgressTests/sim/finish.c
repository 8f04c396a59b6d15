// The end of a world: what is left of it, and whether the counters add up.
#include "sim/world.h"

static void finish_worker(struct eg_sim_world *world, const struct eg_sim_worker *worker) {
    struct eg_core_usage usage;
    struct eg_engine_stats stats;
    eg__core_usage(worker->core, &usage);
    eg__core_stats(worker->core, &stats);
    if (usage.streams + usage.viewers + usage.chunks + usage.deadlines + usage.names + usage.addresses + usage.handshakes > 0)
        eg_sim_fail(world, "left: %u streams, %u viewers, %u chunks, %u deadlines, %u names, %u addresses, %u handshakes", usage.streams,
                    usage.viewers, usage.chunks, usage.deadlines, usage.names, usage.addresses, usage.handshakes);
    // Where a viewer's datagrams arrive here and there, or what is said gets lost, some are left to expire.
    if (usage.routes > 0 && world->workers.relay_size == 0 && !world->workers.is_spread_anew) eg_sim_fail(world, "left: %u routes", usage.routes);
    uint64_t closed = 0;
    for (int reason = 0; reason < 16; reason++) closed += stats.closed[reason];
    if (closed != stats.viewers_created || stats.viewers_connected != 0) eg_sim_fail(world, "viewers made and closed do not add up");
    if (eg__core_deadline(worker->core) != EG_TIME_NEVER) eg_sim_fail(world, "a deadline without anybody");
    uint64_t sent = stats.packets_sent + stats.repairs_sent + stats.probe_packets_sent;
    if (sent != worker->media_out || stats.bytes_sent != worker->media_bytes_out)
        eg_sim_fail(world, "%llu packets of media have left, and %llu are counted", (unsigned long long)worker->media_out,
                    (unsigned long long)sent);
}

static void finish_sources(struct eg_sim_world *world, const struct eg_sim_engine *engine) {
    uint64_t sent = 0, received = 0;
    for (unsigned i = 0; i < world->stream_count; i++)
        if (&world->engines[world->streams[i].engine] == engine) sent += world->streams[i].datagrams;
    for (unsigned i = 0; i < engine->worker_count; i++) {
        struct eg_engine_stats stats;
        eg__core_stats(engine->workers[i].core, &stats);
        received += stats.packets_received;
    }
    if (sent != received)
        eg_sim_fail(world, "%llu datagrams came from sources, and %llu are counted", (unsigned long long)sent, (unsigned long long)received);
}

void eg_sim_world_finish(struct eg_sim_world *world) {
    for (unsigned i = 0; i < world->stream_count; i++) eg_sim_world_remove_stream(world, i);
    for (unsigned i = 0; i < world->engine_count; i++) {
        struct eg_sim_engine *engine = &world->engines[i];
        eg_sim_engine_hear_all(world, engine);
        for (unsigned j = 0; j < engine->worker_count; j++) finish_worker(world, &engine->workers[j]);
        finish_sources(world, engine);
        if (engine->streams.taken + engine->viewers.taken > 0) eg_sim_fail(world, "a quota is not given back");
    }
    for (unsigned i = 0; i < world->viewer_count; i++)
        if (world->viewers[i]->state != EG_VIEWER_CLOSED || world->viewers[i]->reason == EG_CLOSE_NONE)
            eg_sim_fail(world, "viewer %u: was never closed", i);
}
