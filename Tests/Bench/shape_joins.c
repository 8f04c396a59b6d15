// Handshakes as fast as the clients' process can make them, while 100 viewers watch. GOPs with joins alternate with GOPs without: the
// difference in CPU time is what the joins cost, the difference in latency what those who watch notice of it. Joiners watch a stream that
// is silent, so there are no catch-ups in it. Beside it OpenSSL's handshake alone.
#include "bench.h"
#include "handshake.h"
#include "score.h"
#include "ticks.h"

enum {
    ROUNDS_QUICK = 2,
    ROUNDS = 5,
    WATCHERS = 100,
    JOINS_MAX = 2000,       // of one round
    JOINS_AT_ONCE = 64,
    HANDSHAKES = 100,       // of OpenSSL alone, in one round
};

struct joins {
    struct scene *scene;
    uint32_t joined; // of this round
    uint32_t failed;
    uint64_t wall_ns;
};

static void join_on(struct joins *joins) {
    struct scene *scene = joins->scene;
    struct swarm_watch watch = {.stream = scene->streams[scene->plan.streams].stream, .has_audio = true}; // the silent one
    uint64_t begin = ticks_now();
    for (uint32_t at = 0; at + JOINS_AT_ONCE <= JOINS_MAX && feeder_is_playing(scene->feeder); at += JOINS_AT_ONCE) {
        uint32_t joined = swarm_join(scene->swarm, scene->engine, &watch, scene->viewers + at, JOINS_AT_ONCE);
        joins->joined += joined;
        joins->failed += JOINS_AT_ONCE - joined;
    }
    joins->wall_ns = ticks_now() - begin;
}

static void play_with_joins(struct joins *joins, struct score *score) {
    struct scene *scene = joins->scene;
    struct score_round round;
    joins->joined = 0;
    score_begin(scene, &round);
    if (feeder_start(scene->feeder, scene->media->period_us, 1)) {
        join_on(joins);
        feeder_wait(scene->feeder);
    }
    score_end(scene, score, &round, 0);
    swarm_leave(scene->swarm, scene->engine, scene->viewers, JOINS_MAX);
}

static bool time_openssl(struct handshake *handshake, struct rounds *rounds) {
    uint64_t server_ns = 0, one_ns = 0;
    for (int i = 0; i < HANDSHAKES; i++) {
        if (!handshake_run(handshake, &one_ns)) return false;
        server_ns += one_ns;
    }
    rounds_add(rounds, (double)server_ns / 1e3 / (double)HANDSHAKES);
    return true;
}

static void add_rows(struct bench *bench, const char *name, const struct score *with, const struct score *without, const struct rounds *cost,
                     const struct rounds *openssl, const struct rounds *rate) {
    struct table *table = bench->table;
    table_add(table, name, "a join beside OpenSSL's handshake", rounds_median(cost), "us/join", rounds_median(openssl),
              rounds_ratio(cost, openssl));
    table_add(table, name, "joins that one core could take", 1e6 / rounds_median(cost), "/s", 0, 0);
    table_add(table, name, "joins done, by one core of clients", rounds_median(rate), "/s", 0, 0);
    table_add(table, name, "load of one core meanwhile", rounds_median(&with->load), "%", rounds_median(&without->load), 0);
    table_add(table, name, "ready, but without a processor, meanwhile", rounds_median(&with->waited), "%", rounds_median(&without->waited), 0);
    table_add(table, name, "latency p50 beside joins", rounds_median(&with->latencies[0]), "us", rounds_median(&without->latencies[0]),
              rounds_ratio(&with->latencies[0], &without->latencies[0]));
    table_add(table, name, "latency p99 beside joins", rounds_median(&with->latencies[1]), "us", rounds_median(&without->latencies[1]),
              rounds_ratio(&with->latencies[1], &without->latencies[1]));
    table_add(table, name, "latency p99.9 beside joins", rounds_median(&with->latencies[2]), "us", rounds_median(&without->latencies[2]),
              rounds_ratio(&with->latencies[2], &without->latencies[2]));
    table_add(table, name, "lost beside joins", (double)with->lost, "packets", 0, 0);
    table_add(table, name, "lost at samples beside joins", (double)with->sample_lost, "packets", 0, 0);
}

static void measure(struct bench *bench, const char *name, struct scene *scene, struct score *with, struct score *without) {
    struct handshake *handshake = handshake_create();
    struct rounds cost = {0}, openssl = {0}, rate = {0};
    struct joins joins = {.scene = scene};
    scene_prime(scene);
    scene_join(scene);
    scene_feed(scene, 1);
    for (int round = 0; round < (bench->is_quick ? ROUNDS_QUICK : ROUNDS) && handshake != NULL; round++) {
        score_engine(scene, without);
        play_with_joins(&joins, with);
        if (!time_openssl(handshake, &openssl)) bench_break(bench, name, "OpenSSL's own handshake failed");
        double more_us = with->cpu_all.values[with->cpu_all.count - 1] - without->cpu_all.values[without->cpu_all.count - 1];
        if (joins.joined > 0) rounds_add(&cost, more_us / joins.joined);
        rounds_add(&rate, joins.joined / ((double)joins.wall_ns / 1e9));
    }
    handshake_destroy(handshake);
    if (joins.failed > 0 || scene->connected < scene->viewers) bench_break(bench, name, "%u viewers did not connect", joins.failed);
    if (cost.count == 0) return;
    add_rows(bench, name, with, without, &cost, &openssl, &rate);
    if (!bench->is_quick) score_calls(scene, without);
    score_bare_full(scene, without);
    score_add_rows(bench, name, scene, without);
    score_check(bench, name, with);
}

void shape_joins(struct bench *bench, const char *name) {
    static struct score with, without; // too large for a stack
    struct scene_plan plan = {.streams = 1, .viewers_each = WATCHERS, .spares = JOINS_MAX, .has_silent_stream = true};
    struct scene scene;
    struct eg_error error = {0};
    const char *problem = scene_open(&scene, &plan, &error);
    score_init(&with);
    score_init(&without);
    if (problem == NULL) measure(bench, name, &scene, &with, &without);
    else bench_break(bench, name, "%s", problem);
    scene_close(&scene);
}
