// One stream in several encodings, its viewers spread over them, beside as many streams of one encoding with as many viewers: an engine each,
// which carry a GOP in turn. Both get the same pictures at the same times and hand out the same packets, so a packet should cost the same. Sound
// comes in once for all encodings, and once for each stream.
#include "bench.h"
#include "score.h"

#include <stdio.h>

enum {
    ROUNDS_QUICK = 2,
    ROUNDS = 15,
    SIDES = 2,
    ENCODINGS = 0, // the sides
    STREAMS = 1,
};

static bool parse_name(const char *name, struct scene_plan *plan) {
    uint32_t viewers;
    if (sscanf(name, "encodings_%ux%u", &plan->streams, &viewers) != 2) return false;
    if (plan->streams == 0 || plan->streams > EG_ENCODINGS_MAX || viewers == 0 || viewers > SWARM_VIEWERS_MAX / 2) return false;
    plan->viewers_each = (viewers + plan->streams - 1) / plan->streams; // each encoding has as many as the others
    plan->is_in_step = true;
    return true;
}

static bool join(struct bench *bench, const char *name, struct scene *scene) {
    struct eg_engine_stats stats;
    scene_prime(scene);
    scene_join(scene);
    scene_feed(scene, 1);
    scene_settle(scene, &stats);
    if (scene->connected < scene->viewers) bench_break(bench, name, "%u of %u viewers connected", scene->connected, scene->viewers);
    return scene->connected > 0;
}

static void add_beside(struct bench *bench, const char *name, const char *quantity, const char *unit, const struct rounds sides[SIDES]) {
    table_add(bench->table, name, quantity, rounds_median(&sides[ENCODINGS]), unit, rounds_median(&sides[STREAMS]),
              rounds_ratio(&sides[ENCODINGS], &sides[STREAMS]));
}

static void add_rows(struct bench *bench, const char *name, const struct score *scores) {
    const struct score *encodings = &scores[ENCODINGS], *streams = &scores[STREAMS];
    add_beside(bench, name, "cpu, encodings beside streams", "us/packet", (struct rounds[]){encodings->cpu, streams->cpu});
    add_beside(bench, name, "messages", "/packet", (struct rounds[]){encodings->messages, streams->messages});
    add_beside(bench, name, "latency p50", "us", (struct rounds[]){encodings->latencies[0], streams->latencies[0]});
    add_beside(bench, name, "ready, but without a processor", "%", (struct rounds[]){encodings->waited, streams->waited});
    table_add(bench->table, name, "packets", (double)encodings->packets, "", (double)streams->packets, 0);
    table_add(bench->table, name, "lost", (double)(encodings->lost + streams->lost), "packets", 0, 0);
    table_add(bench->table, name, "lost at samples", (double)(encodings->sample_lost + streams->sample_lost), "packets", 0, 0);
}

static void measure(struct bench *bench, const char *name, struct scene *scenes, struct score *scores) {
    for (int side = 0; side < SIDES; side++) {
        score_init(&scores[side]);
        if (!join(bench, name, &scenes[side])) return;
    }
    int rounds = bench->is_quick ? ROUNDS_QUICK : ROUNDS;
    for (int turn = 0; turn < rounds * SIDES; turn++) {
        int side = (turn + turn / SIDES) % SIDES; // nobody is always first
        score_engine(&scenes[side], &scores[side]);
    }
    add_rows(bench, name, scores);
    for (int side = 0; side < SIDES; side++) {
        score_add_complaints(bench, name, &scenes[side]);
        score_check(bench, name, &scores[side]);
    }
}

void shape_encodings(struct bench *bench, const char *name) {
    static struct score scores[SIDES]; // too large for a stack
    struct scene scenes[SIDES];
    struct scene_plan plans[SIDES] = {{0}};
    struct eg_error error = {0};
    if (!parse_name(name, &plans[STREAMS])) {
        bench_break(bench, name, "at most %d encodings, %d viewers", EG_ENCODINGS_MAX, SWARM_VIEWERS_MAX / 2);
        return;
    }
    plans[ENCODINGS] = plans[STREAMS];
    plans[ENCODINGS].are_encodings = true;
    bool is_forked = true;
    for (int side = 0; side < SIDES; side++) is_forked = scene_fork(&scenes[side], &plans[side]) && is_forked;
    const char *problem = is_forked ? NULL : "no viewers: are there file descriptors for their sockets?";
    for (int side = 0; side < SIDES && problem == NULL; side++) problem = scene_start(&scenes[side], &error);
    if (problem == NULL) measure(bench, name, scenes, scores);
    else bench_break(bench, name, "%s", problem);
    for (int side = 0; side < SIDES; side++) scene_close(&scenes[side]);
}
