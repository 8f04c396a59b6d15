// Viewers of a stream in several renditions who are switched by what they tell of their links, beside as many viewers of the same stream who
// are not: an engine each, which carry a GOP in turn. On the one side there are transport-wide numbers in the packets and feedback about them
// ten times a second, on the other neither. The links are good: viewers of a ladder begin with the second rendition, and are measured once all
// have the first, which is the standard load. On both sides the kernel hands out the same packets of each picture, so what it does for viewers
// on the engine's account is the same.
#include "bench.h"
#include "delivery/adaptation.h"
#include "score.h"
#include "weight.h"

#include <stdio.h>

enum {
    ROUNDS_QUICK = 3,
    ROUNDS = 15,
    SIDES = 2,
    LADDER = 0, // the sides
    PLAIN = 1,
    WIDEN_GOPS = 7, // in which pictures come to go out at four times their bit rate (headroom.h)
    CLIMB_GOPS_MAX = 60, // a step that failed because the machine was busy is tried again after a minute
};

static const double ALLOCATIONS_MAX = 0.1; // for 1,000 packets

struct side {
    struct scene scene;
    struct weight before;
    struct weight after;
    uint32_t climb_gops; // until all had the first rendition
};

static bool parse_name(const char *name, struct scene_plan *plan) {
    if (sscanf(name, "ladder_%ux%u", &plan->renditions, &plan->viewers_each) != 2) return false;
    plan->streams = 1;
    return plan->renditions >= 2 && plan->renditions <= SCENE_RENDITIONS_MAX && plan->viewers_each > 0 && plan->viewers_each <= SWARM_VIEWERS_MAX / 2;
}

static uint32_t count_at_top(const struct scene *scene) {
    struct eg_encoding_stats stats;
    return eg_encoding_stats(scene->engine, scene->streams[0].stream, 0, &stats) == EG_STATUS_OK ? stats.viewers : 0;
}

// Their links have let all go up, the last probes are over, and it is known how fast pictures may go out.
static void climb(struct bench *bench, const char *name, struct side *side) {
    struct scene *scene = &side->scene;
    while (count_at_top(scene) < scene->connected && side->climb_gops < CLIMB_GOPS_MAX) {
        scene_feed(scene, 1);
        side->climb_gops++;
    }
    uint32_t at_top = count_at_top(scene);
    if (at_top < scene->connected) bench_break(bench, name, "%u of %u viewers have the first rendition", at_top, scene->connected);
    scene_feed(scene, WIDEN_GOPS);
}

// The stores are full before the first viewer is counted.
static bool join(struct bench *bench, const char *name, struct side *side) {
    struct eg_engine_stats stats;
    struct scene *scene = &side->scene;
    scene_feed(scene, 1);
    side->before = weight_now();
    scene_join(scene);
    scene_feed(scene, 1);
    if (scene->connected < scene->viewers) bench_break(bench, name, "%u of %u viewers connected", scene->connected, scene->viewers);
    if (scene->connected == 0) return false;
    climb(bench, name, side);
    scene_settle(scene, &stats);
    side->after = weight_now();
    return true;
}

static void add_beside(struct bench *bench, const char *name, const char *quantity, const char *unit, const struct rounds sides[SIDES]) {
    table_add(bench->table, name, quantity, rounds_median(&sides[LADDER]), unit, rounds_median(&sides[PLAIN]),
              rounds_ratio(&sides[LADDER], &sides[PLAIN]));
}

static void add_memory_rows(struct bench *bench, const char *name, const struct side *sides) {
    double resident[SIDES], heap[SIDES];
    for (int i = 0; i < SIDES; i++) {
        const struct side *side = &sides[i];
        resident[i] = weight_each(side->after.resident, side->before.resident, side->scene.connected);
        heap[i] = weight_each(side->after.heap, side->before.heap, side->scene.connected);
    }
    table_add(bench->table, name, "memory", resident[LADDER], "KiB/viewer", resident[PLAIN], 0);
    if (heap[LADDER] > 0) table_add(bench->table, name, "memory: of the heap (counted)", heap[LADDER], "KiB/viewer", heap[PLAIN], 0);
    table_add(bench->table, name, "memory: what its link does (sizeof)", (double)sizeof(struct eg_adaptation) / 1024, "KiB/viewer", 0, 0);
}

static void add_ladder_rows(struct bench *bench, const char *name, const struct side *side, const struct score *score) {
    struct table *table = bench->table;
    const struct scene *scene = &side->scene;
    struct eg_engine_stats stats;
    eg_engine_stats(scene->engine, &stats);
    double seconds = (double)score->cpu.count * scene->media->period_us / 1e6;
    double reports = seconds > 0 ? (double)score->feedback / seconds / scene->connected : 0;
    double size = score->feedback > 0 ? (double)score->feedback_bytes / (double)score->feedback : 0;
    table_add(table, name, "feedback of a viewer", reports, "/s", 0, 0);
    table_add(table, name, "feedback, a report", size, "B", 0, 0);
    table_add(table, name, "all at the highest rung after", (double)side->climb_gops * scene->media->period_us / 1e6, "s", 0, 0);
    table_add(table, name, "switches up", (double)stats.switches_up, "", 0, 0);
    table_add(table, name, "switches down", (double)stats.switches_down, "", 0, 0);
    table_add(table, name, "probes", (double)stats.probes_begun, "", 0, 0);
    table_add(table, name, "probes that failed", (double)stats.probes_failed, "", 0, 0);
    if (score->allocations >= 0) table_add(table, name, "allocations", score->allocations, "/1000 packets", 0, 0);
}

static void add_rows(struct bench *bench, const char *name, const struct side *sides, const struct score *scores) {
    const struct score *ladder = &scores[LADDER], *plain = &scores[PLAIN];
    add_beside(bench, name, "cpu, ladder and feedback beside neither", "us/packet", (struct rounds[]){ladder->cpu, plain->cpu});
    add_beside(bench, name, "messages", "/packet", (struct rounds[]){ladder->messages, plain->messages});
    add_beside(bench, name, "latency p50", "us", (struct rounds[]){ladder->latencies[0], plain->latencies[0]});
    add_beside(bench, name, "load of one core", "%", (struct rounds[]){ladder->load, plain->load});
    add_beside(bench, name, "ready, but without a processor", "%", (struct rounds[]){ladder->waited, plain->waited});
    add_memory_rows(bench, name, sides);
    add_ladder_rows(bench, name, &sides[LADDER], ladder);
    table_add(bench->table, name, "packets", (double)ladder->packets, "", (double)plain->packets, 0);
    table_add(bench->table, name, "lost", (double)(ladder->lost + plain->lost), "packets", 0, 0);
    table_add(bench->table, name, "lost at samples", (double)(ladder->sample_lost + plain->sample_lost), "packets", 0, 0);
}

// A viewer that left the first rendition meanwhile got other packets than its neighbour on the other side.
static void check_ladder(struct bench *bench, const char *name, const struct side *side, const struct score *score) {
    const struct scene *scene = &side->scene;
    if (count_at_top(scene) < scene->connected) bench_break(bench, name, "viewers were switched while they were measured");
    if (score->feedback == 0) bench_break(bench, name, "nobody told what arrived");
    if (score->allocations > ALLOCATIONS_MAX) bench_break(bench, name, "%.2f allocations for 1,000 packets", score->allocations);
}

static void measure(struct bench *bench, const char *name, struct side *sides, struct score *scores) {
    for (int side = 0; side < SIDES; side++) {
        score_init(&scores[side]);
        if (!join(bench, name, &sides[side])) return;
    }
    int rounds = bench->is_quick ? ROUNDS_QUICK : ROUNDS;
    for (int turn = 0; turn < rounds * SIDES; turn++) {
        int side = (turn + turn / SIDES) % SIDES; // nobody is always first
        score_engine(&sides[side].scene, &scores[side]);
    }
    score_calls(&sides[LADDER].scene, &scores[LADDER]);
    add_rows(bench, name, sides, scores);
    check_ladder(bench, name, &sides[LADDER], &scores[LADDER]);
    for (int side = 0; side < SIDES; side++) {
        score_add_complaints(bench, name, &sides[side].scene);
        score_check(bench, name, &scores[side]);
    }
}

void shape_ladder(struct bench *bench, const char *name) {
    static struct score scores[SIDES]; // too large for a stack
    struct side sides[SIDES] = {0};
    struct scene_plan plans[SIDES] = {{0}};
    struct eg_error error = {0};
    if (!parse_name(name, &plans[PLAIN])) {
        bench_break(bench, name, "2 or %d renditions, at most %d viewers", SCENE_RENDITIONS_MAX, SWARM_VIEWERS_MAX / 2);
        return;
    }
    plans[LADDER] = plans[PLAIN];
    plans[LADDER].has_ladder = true;
    bool is_forked = true;
    for (int side = 0; side < SIDES; side++) is_forked = scene_fork(&sides[side].scene, &plans[side]) && is_forked;
    const char *problem = is_forked ? NULL : "no viewers: are there file descriptors for their sockets?";
    for (int side = 0; side < SIDES && problem == NULL; side++) problem = scene_start(&sides[side].scene, &error);
    if (problem == NULL) measure(bench, name, sides, scores);
    else bench_break(bench, name, "%s", problem);
    for (int side = 0; side < SIDES; side++) scene_close(&sides[side].scene);
}
