// What most tests on a simulated world begin and end with.
#ifndef EG_SIM_SCENE_H
#define EG_SIM_SCENE_H

#include "sim/world.h"
#include "support/check.h"

static const eg_time eg_sim_grace = 30 * EG_SECOND;

// With 5 ms each way, and RTX.
extern const struct eg_sim_script eg_sim_browser;

// One engine, one stream whose sender does not run yet. No two of its pictures are alike.
struct eg_sim_world *eg_sim_world_with_gop(uint64_t seed, uint32_t gop_s);
// Its sender runs.
struct eg_sim_world *eg_sim_world_with_source(uint64_t seed, uint32_t gop_s);

const struct eg_sim_log *eg_sim_video_of(const struct eg_sim_world *world);

// It has been sent everything that there is.
bool eg_sim_viewer_is_up_to_date(const struct eg_sim_viewer *viewer);

uint64_t eg_sim_dropped(const struct eg_sim_world *world, eg_drop drop);

// Every statement of the world's own, and that nothing is left of it.
void eg_sim_end(struct eg_check *check, struct eg_sim_world *world);

#endif
