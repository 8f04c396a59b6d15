// A whole engine with live streams and real viewers, beside the bare loop (score.h), and what a viewer takes of memory, part by part.
#include "bench.h"
#include "delivery/viewer.h"
#include "score.h"
#include "transport/crypto.h"
#include "weight.h"

#include <string.h>

enum {
    ROUNDS_QUICK = 2,
    ROUNDS = 5,
    WEIGHED_VIEWERS_MIN = 500, // with fewer it is the first slab and the handshakes under way at a time that are weighed, with more
                               // streams their stores
    TRIVIAL_VIEWERS = 1,       // up to so many there is no excuse for a lost packet
    COUNTED_VIEWERS_MIN = 100, // with fewer one allocation of anything stands out
};

static const double ALLOCATIONS_MAX = 0.1; // for 1,000 packets: nothing is allocated for any of them

static bool is_weighed(const struct scene *scene) { return scene->plan.streams == 1 && scene->viewers >= WEIGHED_VIEWERS_MIN; }

// The store is full and the sources' memory has been paid for before the first viewer is counted; bursts and handshakes are over after.
static void join_and_weigh(struct scene *scene, struct weight *before, struct weight *after) {
    struct eg_engine_stats stats;
    if (is_weighed(scene)) scene_feed(scene, 1);
    else scene_prime(scene);
    *before = weight_now();
    scene_join(scene);
    scene_feed(scene, 1); // all of a GOP: whoever was made to wait for an IDR has begun by its end
    scene_settle(scene, &stats);
    *after = weight_now();
}

static void add_store_row(struct bench *bench, const char *name, const struct scene *scene) {
    struct eg_stream_stats stats;
    if (eg_stream_stats(scene->engine, scene->streams[0].stream, &stats) != EG_STATUS_OK) return;
    table_add(bench->table, name, "memory: store, once for all", (double)(stats.video.bytes_stored + stats.audio.bytes_stored) / 1024,
              "KiB/stream", 0, 0);
}

// The struct and the key tables are what their sizes say, OpenSSL's and all of the heap's what was counted; what is left are hash tables,
// lists and deadlines, and above them what the allocator keeps: half-filled pages, and those that the handshakes under way at a time took.
static void add_memory_rows(struct bench *bench, const char *name, const struct scene *scene, const struct weight *before,
                            const struct weight *after) {
    struct table *table = bench->table;
    struct eg_crypto *crypto = eg__crypto_create(scene->info.crypto);
    if (crypto == NULL) return;
    double keys = (double)eg__srtp_context_size(crypto) / 1024, all = (double)eg__viewer_size(crypto) / 1024;
    eg__crypto_destroy(crypto);
    uint32_t viewers = scene->connected;
    double resident = weight_each(after->resident, before->resident, viewers), heap = weight_each(after->heap, before->heap, viewers);
    double openssl = weight_each(after->openssl, before->openssl, viewers), rest = heap - openssl - all;
    table_add(table, name, "memory", resident, "KiB/viewer", 0, 0);
    table_add(table, name, "memory: viewer, ICE, DTLS, tracks (sizeof)", all - keys, "KiB/viewer", 0, 0);
    table_add(table, name, "memory: SRTP key tables (sizeof)", keys, "KiB/viewer", 0, 0);
    if (heap > 0) {
        table_add(table, name, "memory: left of OpenSSL (counted)", openssl, "KiB/viewer", 0, 0);
        table_add(table, name, "memory: tables, lists, slots (counted)", rest > 0 ? rest : 0, "KiB/viewer", 0, 0);
        table_add(table, name, "memory: kept by the allocator (the rest)", resident > heap ? resident - heap : 0, "KiB/viewer", 0, 0);
    }
    add_store_row(bench, name, scene);
}

static void measure(struct bench *bench, const char *name, struct scene *scene, struct score *score) {
    struct weight before, after;
    join_and_weigh(scene, &before, &after);
    if (scene->connected < scene->viewers) bench_break(bench, name, "%u of %u viewers connected", scene->connected, scene->viewers);
    if (scene->connected == 0) return;
    for (int round = 0; round < (bench->is_quick ? ROUNDS_QUICK : ROUNDS); round++) {
        score_engine(scene, score);
        score_bare_full(scene, score);
        if (!bench->is_quick) score_bare_paced(scene, score);
    }
    score_calls(scene, score);
    score_add_rows(bench, name, scene, score);
    if (is_weighed(scene)) add_memory_rows(bench, name, scene, &before, &after);
    score_add_complaints(bench, name, scene);
    score_check(bench, name, score);
    if (scene->viewers >= COUNTED_VIEWERS_MIN && score->allocations > ALLOCATIONS_MAX)
        bench_break(bench, name, "%.2f allocations for 1,000 packets", score->allocations);
    if (scene->viewers <= TRIVIAL_VIEWERS && score->lost + score->sample_lost > 0) bench_break(bench, name, "packets were lost");
}

void shape_fanout(struct bench *bench, const char *name) {
    static struct score score; // too large for a stack
    struct scene_plan plan = {0};
    struct scene scene;
    struct eg_error error = {0};
    const char *rest = strchr(name, '_');
    if (rest == NULL || !scene_parse(rest + 1, &plan)) {
        bench_break(bench, name, "that is no fan-out: at most %d streams, %d viewers", SCENE_STREAMS_MAX, SWARM_VIEWERS_MAX);
        return;
    }
    const char *problem = scene_open(&scene, &plan, &error);
    score_init(&score);
    if (problem == NULL) measure(bench, name, &scene, &score);
    else bench_break(bench, name, "%s", problem);
    scene_close(&scene);
}
