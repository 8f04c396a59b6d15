// IDRs of 100 packets. First on their way in: one stream's, and those of 50 streams at one moment, to each back end; whatever is lost
// there was lost in a socket's buffer. Then on their way out, to 3,000 viewers: meanwhile somebody's checks, NACKs and joins want answers,
// and sound is under way. Their worst cases are what the IDR makes them wait, at most.
//
// Between the IDRs the pictures are small and few, so that the load as a whole leaves room, and what is seen is the burst alone.
#include "bench.h"
#include "prober.h"
#include "score.h"
#include "ticks.h"

#include <stdio.h>
#include <stdlib.h>

enum {
    IDR_PACKETS = 100,
    VIEWERS = 3000,
    VIEWERS_QUICK = 1000,
    GOPS = 5,
    GOPS_QUICK = 1,
    STREAMS_TOGETHER = 50,
    GOPS_IN = 3,
    DRAIN_US = 20 * 1000,
    PICTURES_PER_S = 5,
    PICTURE_BIT_RATE = PICTURES_PER_S * 800 * 8, // [bit/s] one packet each
};

static const struct media_plan burst_plan = {.idr_packets = IDR_PACKETS, .pictures_per_s = PICTURES_PER_S, .bit_rate = PICTURE_BIT_RATE};

struct way_in {
    uint64_t fed;
    uint64_t received;
    uint64_t overflow;
};

static void receive(eg_engine *engine, const struct schedule *schedule, const struct feeder_target *targets, struct way_in *way) {
    struct feeder *feeder = feeder_create(schedule, targets);
    struct eg_engine_stats stats;
    if (feeder == NULL) return;
    // One GOP more, as it begins: the kernel tells of an overflow with the next packet only.
    feeder_play(feeder, (uint64_t)GOPS_IN * schedule->media->period_us + 1, 4);
    ticks_sleep_us(DRAIN_US);
    eg_engine_stats(engine, &stats);
    *way = (struct way_in){feeder_packets(feeder), stats.packets_received, stats.dropped[EG_DROP_SOURCE_OVERFLOW]};
    feeder_destroy(feeder);
}

static void measure_way_in(struct bench *bench, const char *name, eg_io io, uint32_t streams) {
    struct eg_config config = {.udp_address = "127.0.0.1", .io = io, .handshakes_per_address_max = 1000};
    struct eg_hooks hooks = {0};
    struct feeder_target targets[STREAMS_TOGETHER];
    struct way_in way = {0};
    eg_engine *engine = NULL;
    struct eg_error error;
    if (eg_engine_create(&config, &hooks, &engine, &error) != EG_STATUS_OK) return; // not to be had on this machine
    struct media *media = media_create(&burst_plan);
    struct schedule *schedule = media != NULL ? schedule_create(media, streams, true) : NULL;
    if (schedule != NULL && feeder_open_targets(engine, streams, targets)) receive(engine, schedule, targets, &way);
    eg_engine_destroy(engine);
    schedule_destroy(schedule);
    media_destroy(media);
    if (way.fed == 0) {
        bench_break(bench, name, "nothing was fed");
        return;
    }
    char text[64];
    snprintf(text, sizeof text, "in, %s, %u stream%s at once: lost", io == EG_IO_URING ? "io_uring" : "epoll", streams, streams == 1 ? "" : "s");
    double lost = way.received < way.fed ? (double)(way.fed - way.received) : 0;
    table_add(bench->table, name, text, lost, "packets", (double)way.fed, 0);
    if (lost > 0) bench_break(bench, name, "%.0f of %.0f packets lost on their way in, %.0f counted", lost, (double)way.fed, (double)way.overflow);
}

static void add_probe_rows(struct bench *bench, const char *name, struct prober_report *report) {
    static const char *const names[PROBER_KINDS] = {"STUN check", "NACK to repair", "eg_viewer_create", "join"};
    static const struct {
        const char *what;
        double percent;
    } rows[] = {{"p50", 50}, {"p99", 99}, {"worst", 100}};
    char text[64];
    for (int kind = 0; kind < PROBER_KINDS; kind++) {
        if (report->counts[kind] == 0) bench_break(bench, name, "%s: no answer", names[kind]);
        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            snprintf(text, sizeof text, "beside it: %s, %s of %zu", names[kind], rows[i].what, report->counts[kind]);
            table_add(bench->table, name, text, percentile(report->values[kind], report->counts[kind], rows[i].percent), "us", 0, 0);
        }
        if (report->unanswered[kind] == 0) continue;
        snprintf(text, sizeof text, "beside it: %s, no answer in 1 s", names[kind]);
        table_add(bench->table, name, text, (double)report->unanswered[kind], "", 0, 0);
    }
}

static void measure_way_out(struct bench *bench, const char *name, struct scene *scene, struct score *score) {
    static struct prober_report report; // too large for a stack
    int gops = bench->is_quick ? GOPS_QUICK : GOPS;
    scene_prime(scene);
    scene_join(scene);
    scene_feed(scene, 1);
    if (scene->connected < scene->viewers) bench_break(bench, name, "%u of %u viewers connected", scene->connected, scene->viewers);
    struct prober *prober = scene->connected > 0 ? prober_start(scene->engine, scene->streams[0].stream) : NULL;
    if (prober == NULL) {
        bench_break(bench, name, "nobody to ask while it goes on");
        return;
    }
    for (int i = 0; i < gops; i++) score_engine(scene, score);
    prober_stop(prober, &report);
    for (int i = 0; i < gops; i++) score_bare_full(scene, score);
    score_calls(scene, score);
    score_add_rows(bench, name, scene, score);
    table_add(bench->table, name, "IDR: in to out at the last viewer, worst", rounds_median(&score->picture_wall_worst), "us", 0, 0);
    table_add(bench->table, name, "beside it: sound p50", rounds_median(&score->audio[0]), "us", 0, 0);
    table_add(bench->table, name, "beside it: sound p99", rounds_median(&score->audio[1]), "us", 0, 0);
    table_add(bench->table, name, "beside it: sound, worst of a GOP, median", rounds_median(&score->audio_worst), "us", 0, 0);
    add_probe_rows(bench, name, &report);
    score_add_complaints(bench, name, scene);
    score_check(bench, name, score);
}

void shape_idr(struct bench *bench, const char *name) {
    static struct score score; // too large for a stack
    struct scene_plan plan = {.streams = 1, .viewers_each = bench->is_quick ? VIEWERS_QUICK : VIEWERS, .media = burst_plan};
    struct scene scene;
    struct eg_error error = {0};
    const eg_io ios[] = {EG_IO_URING, EG_IO_EPOLL};
    for (size_t i = 0; i < 2; i++) {
        measure_way_in(bench, name, ios[i], 1);
        measure_way_in(bench, name, ios[i], STREAMS_TOGETHER);
    }
    const char *problem = scene_open(&scene, &plan, &error);
    score_init(&score);
    if (problem == NULL) measure_way_out(bench, name, &scene, &score);
    else bench_break(bench, name, "%s", problem);
    scene_close(&scene);
}
