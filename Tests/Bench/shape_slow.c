// One viewer of 200 stops reading, and asks for a picture ten times a second. GOPs in which it does alternate with GOPs in which it is as
// the others: what those lose, and when they get it, must not tell which is which.
#include "bench.h"
#include "score.h"

enum { ROUNDS_QUICK = 1, ROUNDS = 6, VIEWERS = 200, SLOW_VIEWER = 101 };

static void add_ratio_row(struct bench *bench, const char *name, const char *what, const struct rounds *with, const struct rounds *without) {
    table_add(bench->table, name, what, rounds_median(with), "us", rounds_median(without), rounds_ratio(with, without));
}

static void add_rows(struct bench *bench, const char *name, const struct scene *scene, const struct score *with, const struct score *without) {
    score_add_rows(bench, name, scene, without);
    table_add(bench->table, name, "one does not read: cpu", rounds_median(&with->cpu), "us/packet", rounds_median(&without->cpu),
              rounds_ratio(&with->cpu, &without->cpu));
    add_ratio_row(bench, name, "one does not read: others' latency p50", &with->latencies[0], &without->latencies[0]);
    add_ratio_row(bench, name, "one does not read: others' latency p99", &with->latencies[1], &without->latencies[1]);
    add_ratio_row(bench, name, "one does not read: others' latency p99.9", &with->latencies[2], &without->latencies[2]);
    table_add(bench->table, name, "one does not read: lost by the others", (double)with->lost, "packets", 0, 0);
    table_add(bench->table, name, "one does not read: lost at samples", (double)with->sample_lost, "packets", 0, 0);
}

static void play_with_slow_one(struct scene *scene, struct score *score) {
    struct score_round round;
    swarm_stall(scene->swarm, SLOW_VIEWER, true);
    score_begin(scene, &round);
    scene_feed(scene, 1);
    score_end(scene, score, &round, 1);
    swarm_stall(scene->swarm, SLOW_VIEWER, false);
}

static void measure(struct bench *bench, const char *name, struct scene *scene, struct score *with, struct score *without) {
    scene_prime(scene);
    scene_join(scene);
    scene_feed(scene, 1);
    if (scene->connected < scene->viewers) bench_break(bench, name, "%u of %u viewers connected", scene->connected, scene->viewers);
    if (scene->connected == 0) return;
    for (int round = 0; round < (bench->is_quick ? ROUNDS_QUICK : ROUNDS); round++) {
        score_engine(scene, without);
        play_with_slow_one(scene, with);
        score_bare_full(scene, without);
    }
    if (!bench->is_quick) score_calls(scene, without);
    add_rows(bench, name, scene, with, without);
    score_add_complaints(bench, name, scene);
    score_check(bench, name, without);
    score_check(bench, name, with);
}

void shape_slow(struct bench *bench, const char *name) {
    static struct score with, without; // too large for a stack
    struct scene_plan plan = {.streams = 1, .viewers_each = VIEWERS};
    struct scene scene;
    struct eg_error error = {0};
    const char *problem = scene_open(&scene, &plan, &error);
    score_init(&with);
    score_init(&without);
    if (problem == NULL) measure(bench, name, &scene, &with, &without);
    else bench_break(bench, name, "%s", problem);
    scene_close(&scene);
}
