// Viewers that come while the stream is under way: how long after the end of the handshake their media begins, at GOPs of 2 and of 10
// seconds. The end of the handshake is the arrival of its last datagram at the viewer, so what the viewer makes of it takes no part. They
// come one after the other, at all places of a GOP, and 100 others watch.
#include "bench.h"
#include "score.h"
#include "ticks.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    WATCHERS = 100,
    JOINS_QUICK = 16,
    JOINS = 48,
    INTERVAL_US = 210 * 1000,    // [us] between two; no divisor of a GOP
    PRIME_US = 1000 * 1000,      // [us] of media before the first viewer: an IDR is there
};

struct late {
    uint32_t gop_s;
    uint32_t join_count;
    struct swarm_start starts[JOINS];
    uint32_t start_count;
};

static void join_one_by_one(struct late *late, struct scene *scene) {
    uint64_t begin = ticks_now();
    struct swarm_watch watch = {.stream = scene->streams[0].stream, .has_audio = true};
    for (uint32_t i = 0; i < late->join_count; i++) {
        ticks_sleep_until(begin + (uint64_t)i * INTERVAL_US * 1000);
        swarm_join(scene->swarm, scene->engine, &watch, scene->viewers + i, 1);
    }
}

static void play(struct late *late, struct scene *scene, struct score *score) {
    struct score_round round;
    feeder_play(scene->feeder, PRIME_US, 1);
    scene_join(scene);
    score_begin(scene, &round);
    // Half a second more, so that the last one's media has begun.
    if (!feeder_start(scene->feeder, (uint64_t)late->join_count * INTERVAL_US + SECOND_US / 2, 1)) return;
    join_one_by_one(late, scene);
    feeder_wait(scene->feeder);
    struct swarm_report report;
    struct eg_engine_stats stats;
    scene_settle(scene, &stats);
    swarm_end(scene->swarm, &report);
    for (size_t i = 0; i < report.start_count && late->start_count < JOINS; i++) late->starts[late->start_count++] = report.starts[i];
    score->sample_packets = report.sample_packets;
    score->sample_lost = report.sample_lost;
    score->sample_refused = report.sample_refused;
    uint64_t packets = stats.packets_sent - round.before.packets_sent;
    if (packets > 0) rounds_add(&score->cpu, (double)(stats.thread_cpu_us - round.before.thread_cpu_us) / (double)packets);
    score_bare_full(scene, score);
}

static uint32_t start_at(struct late *late, bool is_video, double percent) {
    uint32_t values[JOINS];
    for (uint32_t i = 0; i < late->start_count; i++) values[i] = is_video ? late->starts[i].video_us : late->starts[i].any_us;
    return percentile(values, late->start_count, percent);
}

static void add_rows(struct bench *bench, const char *name, struct late *late, const struct score *score) {
    static const struct {
        const char *what;
        bool is_video;
        double percent;
    } rows[] = {{"first packet p50", false, 50}, {"first packet p99", false, 99}, {"first of video p50", true, 50}, {"first of video p99", true, 99}};
    char text[64];
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        snprintf(text, sizeof text, "GOP of %u s: %s", late->gop_s, rows[i].what);
        table_add(bench->table, name, text, start_at(late, rows[i].is_video, rows[i].percent), "us", 0, 0);
    }
    snprintf(text, sizeof text, "GOP of %u s: joins", late->gop_s);
    table_add(bench->table, name, text, late->start_count, "", 0, 0);
    snprintf(text, sizeof text, "GOP of %u s: lost by them", late->gop_s);
    table_add(bench->table, name, text, (double)score->sample_lost, "packets", 0, 0);
    snprintf(text, sizeof text, "GOP of %u s: cpu, joins included", late->gop_s);
    table_add(bench->table, name, text, rounds_median(&score->cpu), "us/packet", rounds_median(&score->bare_full),
              rounds_ratio(&score->cpu, &score->bare_full));
}

static void run(struct bench *bench, const char *name, uint32_t gop_s) {
    static struct score score; // too large for a stack
    static struct late late;
    late = (struct late){.gop_s = gop_s, .join_count = bench->is_quick ? JOINS_QUICK : JOINS};
    struct scene_plan plan = {.streams = 1, .viewers_each = WATCHERS, .spares = late.join_count, .are_spares_samples = true,
                              .media = {.gop_s = gop_s}};
    struct scene scene;
    struct eg_error error = {0};
    const char *problem = scene_open(&scene, &plan, &error);
    score_init(&score);
    if (problem == NULL) {
        play(&late, &scene, &score);
        if (late.start_count < late.join_count) bench_break(bench, name, "%u of %u viewers got media", late.start_count, late.join_count);
        if (late.start_count > 0) add_rows(bench, name, &late, &score);
        score_check(bench, name, &score);
    } else {
        bench_break(bench, name, "%s", problem);
    }
    scene_close(&scene);
}

void shape_late(struct bench *bench, const char *name) {
    run(bench, name, 2);
    run(bench, name, 10);
}
