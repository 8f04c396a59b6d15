// What most tests on renditions begin with: a stream of three encodings and sound, and viewers behind lines.
#ifndef EG_SIM_LADDER_H
#define EG_SIM_LADDER_H

#include "sim/scene.h"

enum { EG_SIM_TOP = 0, EG_SIM_MIDDLE = 1, EG_SIM_LOWEST = 2, EG_SIM_QUEUE_SIZE = 64 * 1024 };

// [bit/s] 4.5, 2 and 0.6 million, 30 Hz, key pictures every 2 s.
extern const uint32_t eg_sim_ladder_bit_rates[EG_SIM_RUNGS_MAX];

// 20 ms each way, RTX and transport-wide feedback, all encodings, and it begins with the middle one.
extern const struct eg_sim_script eg_sim_ladder_viewer;

// An engine, or one of two workers, and a stream whose senders have run for 3 s.
struct eg_sim_world *eg_sim_world_with_ladder(uint64_t seed);
struct eg_sim_world *eg_sim_world_with_ladder_at(uint64_t seed, const struct eg_sim_workers *workers);
unsigned eg_sim_ladder_add(struct eg_sim_world *world, unsigned engine, bool has_audio);

// One viewer behind a line of its own.
struct eg_sim_viewer *eg_sim_ladder_join(struct eg_sim_world *world, const struct eg_sim_script *script, uint64_t bit_rate);

struct eg_sim_bottleneck *eg_sim_bottleneck_of(struct eg_sim_world *world, const struct eg_sim_viewer *viewer);

// Of all viewers, anew from now on, or after some time.
void eg_sim_measure(const struct eg_sim_world *world);
void eg_sim_measure_after(struct eg_sim_world *world, eg_time duration);

// [us] The longest time without a new picture, and without a packet of sound; how often the encoding that is seen changed.
eg_time eg_sim_stall_of(const struct eg_sim_viewer *viewer);
eg_time eg_sim_silence_of(const struct eg_sim_viewer *viewer);
unsigned eg_sim_switches_of(const struct eg_sim_viewer *viewer);

// Runs until the engine says that the viewer has an encoding. Gives how long that took; `most` when it did not come to it.
eg_time eg_sim_run_until_at(struct eg_sim_world *world, const struct eg_sim_viewer *viewer, int32_t encoding, eg_time most);

// [%] of the time that was measured.
unsigned eg_sim_share_at(const struct eg_sim_viewer *viewer, unsigned encoding);

// One picture has one timestamp, whichever encoding a viewer sees it in: within a tick since the measuring began, of what came live.
bool eg_sim_timelines_agree(const struct eg_sim_viewer *viewer);

// "12.0 s at 0, 3.1 at 1, 0 at 2; 1 up, 1 down; stall 310 ms at 14.2 s": for a report.
const char *eg_sim_describe(const struct eg_sim_viewer *viewer, char *text, size_t size);

// A statement about a viewer, with what it saw.
#define CHECK_VIEWER(condition, viewer, row) \
    do { \
        char text_[200]; \
        if (!(condition)) \
            eg_check_fail(check, __FILE__, __LINE__, "seed %llu, row %u: %s: %s", (unsigned long long)check->seed, (unsigned)(row), #condition, \
                          eg_sim_describe(viewer, text_, sizeof text_)); \
    } while (0)

#endif
