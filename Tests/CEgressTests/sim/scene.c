#include "sim/scene.h"

const struct eg_sim_script eg_sim_browser = {.up.delay = 5 * EG_MILLISECOND, .down.delay = 5 * EG_MILLISECOND, .has_rtx = true};

struct eg_sim_world *eg_sim_world_with_gop(uint64_t seed, uint32_t gop_s) {
    struct eg_sim_world *world = eg_sim_world_create(seed, 1, eg_sim_grace);
    struct eg_sim_ffmpeg_config config = eg_sim_ffmpeg_default;
    config.gop_pictures = gop_s * config.frame_rate;
    config.has_sei = true;
    eg_sim_world_add_stream(world, 0, &config);
    return world;
}

struct eg_sim_world *eg_sim_world_with_source(uint64_t seed, uint32_t gop_s) {
    struct eg_sim_world *world = eg_sim_world_with_gop(seed, gop_s);
    eg_sim_world_start_source(world, 0);
    return world;
}

const struct eg_sim_log *eg_sim_video_of(const struct eg_sim_world *world) { return &world->streams[0].logs[EG_VIDEO]; }

bool eg_sim_viewer_is_up_to_date(const struct eg_sim_viewer *viewer) {
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) {
        const struct eg_sim_ledger *ledger = &viewer->ledgers[kind];
        if (ledger->log != NULL && ledger->place != ledger->log->highest) return false;
    }
    return true;
}

uint64_t eg_sim_dropped(const struct eg_sim_world *world, eg_drop drop) {
    struct eg_engine_stats stats;
    eg__core_stats(world->engines[0].workers[0].core, &stats);
    return stats.dropped[drop];
}

void eg_sim_end(struct eg_check *check, struct eg_sim_world *world) {
    eg_sim_world_finish(world);
    if (world->failures > 0) eg_check_fail(check, __FILE__, __LINE__, "%u failures\n%s", world->failures, world->report);
    eg_sim_world_destroy(world);
}
