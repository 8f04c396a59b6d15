#include "sim/ladder.h"

#include <stdio.h>

enum {
    FRAME_RATE = 30,
    GOP_PICTURES = 60,
    KEY_SHARE = 5,      // a key picture is so many times as large as another: 4 to 6 times, mostly
    SLICES = 4,         // of random sizes
    LATE_MIN = 100,     // [us] by which the encodings' pictures come apart
    LATE_MAX = 4 * EG_MILLISECOND,
};

const uint32_t eg_sim_ladder_bit_rates[EG_SIM_RUNGS_MAX] = {4500 * 1000, 2000 * 1000, 600 * 1000};

const struct eg_sim_script eg_sim_ladder_viewer = {
    .up.delay = 20 * EG_MILLISECOND,
    .down.delay = 20 * EG_MILLISECOND,
    .has_rtx = true,
    .has_ladder = true,
    .encoding = EG_SIM_MIDDLE,
    .feedback.is_negotiated = true,
};

unsigned eg_sim_ladder_add(struct eg_sim_world *world, unsigned engine, bool has_audio) {
    struct eg_sim_ffmpeg_config configs[EG_SIM_RUNGS_MAX];
    for (unsigned i = 0; i < EG_SIM_RUNGS_MAX; i++) {
        uint32_t gop_size = eg_sim_ladder_bit_rates[i] / 8 * GOP_PICTURES / FRAME_RATE;
        configs[i] = eg_sim_ffmpeg_default;
        configs[i].frame_rate = FRAME_RATE;
        configs[i].gop_pictures = GOP_PICTURES;
        configs[i].picture_size = gop_size / (GOP_PICTURES - 1 + KEY_SHARE);
        configs[i].idr_size = KEY_SHARE * configs[i].picture_size;
        configs[i].slices = SLICES;
        configs[i].has_sei = true; // no two key pictures begin alike
        configs[i].has_audio = has_audio;
        configs[i].late_min = i == 0 ? 0 : LATE_MIN;
        configs[i].late_max = i == 0 ? 0 : LATE_MAX;
    }
    return eg_sim_world_add_ladder(world, engine, configs, EG_SIM_RUNGS_MAX, eg_sim_ladder_bit_rates);
}

struct eg_sim_world *eg_sim_world_with_ladder_at(uint64_t seed, const struct eg_sim_workers *workers) {
    struct eg_sim_world *world = eg_sim_world_create_with(seed, 1, eg_sim_grace, workers);
    eg_sim_world_start_source(world, eg_sim_ladder_add(world, 0, true));
    eg_sim_world_run(world, 3 * EG_SECOND);
    return world;
}

struct eg_sim_world *eg_sim_world_with_ladder(uint64_t seed) {
    const struct eg_sim_workers workers = {.count = 1};
    return eg_sim_world_with_ladder_at(seed, &workers);
}

struct eg_sim_viewer *eg_sim_ladder_join(struct eg_sim_world *world, const struct eg_sim_script *script, uint64_t bit_rate) {
    struct eg_sim_script own = *script;
    own.bottleneck = eg_sim_world_add_bottleneck(world, bit_rate, EG_SIM_QUEUE_SIZE);
    return eg_sim_world_add_viewer(world, &own);
}

struct eg_sim_bottleneck *eg_sim_bottleneck_of(struct eg_sim_world *world, const struct eg_sim_viewer *viewer) {
    return &world->bottlenecks[viewer->script.bottleneck - 1];
}

unsigned eg_sim_share_at(const struct eg_sim_viewer *viewer, unsigned encoding) {
    eg_time now = viewer->world->now, measured = now - viewer->screen.since;
    return measured > 0 ? (unsigned)(100 * eg_sim_screen_time_at(&viewer->screen, now, encoding) / measured) : 0;
}

bool eg_sim_timelines_agree(const struct eg_sim_viewer *viewer) {
    const struct eg_sim_timeline *first = NULL;
    for (unsigned i = 0; i < EG_SIM_RUNGS_MAX; i++) {
        const struct eg_sim_timeline *timeline = &viewer->screen.timelines[i];
        if (!timeline->is_known) continue;
        if (first == NULL) first = timeline;
        int32_t apart = eg__timestamp_distance(first->offset, timeline->offset);
        if (apart < -1 || apart > 1) return false;
    }
    return first != NULL;
}

const char *eg_sim_describe(const struct eg_sim_viewer *viewer, char *text, size_t size) {
    const struct eg_sim_screen *screen = &viewer->screen;
    eg_time now = viewer->world->now;
    size_t at = 0;
    for (unsigned i = 0; i < EG_SIM_RUNGS_MAX && at < size; i++)
        at += (size_t)snprintf(text + at, size - at, "%.1f s at %u, ", (double)eg_sim_screen_time_at(screen, now, i) * 1e-6, i);
    if (at < size)
        snprintf(text + at, size - at, "%u up, %u down, stall %.0f ms %.1f s ago, silence %.0f ms", screen->ups, screen->downs,
                 (double)eg_sim_screen_stall(screen, now) * 1e-3, (double)(now - screen->stall_at) * 1e-6,
                 (double)eg_sim_screen_silence(screen, now) * 1e-3);
    return text;
}

void eg_sim_measure(const struct eg_sim_world *world) {
    for (unsigned i = 0; i < world->viewer_count; i++) eg_sim_screen_measure(&world->viewers[i]->screen, world->now);
}

void eg_sim_measure_after(struct eg_sim_world *world, eg_time duration) {
    eg_sim_world_run(world, duration);
    eg_sim_measure(world);
}

eg_time eg_sim_stall_of(const struct eg_sim_viewer *viewer) { return eg_sim_screen_stall(&viewer->screen, viewer->world->now); }
eg_time eg_sim_silence_of(const struct eg_sim_viewer *viewer) { return eg_sim_screen_silence(&viewer->screen, viewer->world->now); }
unsigned eg_sim_switches_of(const struct eg_sim_viewer *viewer) { return viewer->screen.ups + viewer->screen.downs; }

eg_time eg_sim_run_until_at(struct eg_sim_world *world, const struct eg_sim_viewer *viewer, int32_t encoding, eg_time most) {
    eg_time begin = world->now;
    while (viewer->switches.encoding != encoding && world->now < begin + most && world->failures == 0) eg_sim_world_run(world, 20 * EG_MILLISECOND);
    return viewer->switches.encoding == encoding ? world->now - begin : most;
}
