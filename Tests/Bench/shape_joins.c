// What it costs the engine that a viewer joins, with no media under way: making the viewer, its ICE check, the DTLS handshake, the SRTP
// keys. The clients' side is in the process of the viewers. Beside it OpenSSL's handshake alone.
#include "bench.h"
#include "handshake.h"
#include "statistics.h"
#include "swarm.h"
#include "ticks.h"

enum { ROUNDS_QUICK = 3, ROUNDS = 7, JOINS = 100 }; // JOINS of one round

static void measure(struct bench *bench, const char *name, struct swarm *swarm, eg_engine *engine, eg_stream_id stream, int round_count) {
    struct handshake *handshake = handshake_create();
    struct rounds cpu = {0}, bare = {0}, rate = {0};
    uint32_t connected = 0;
    for (int round = 0; round < round_count && handshake != NULL; round++) {
        struct eg_engine_stats before, after;
        eg_engine_stats(engine, &before);
        uint64_t begin = ticks_now();
        uint32_t joined = swarm_join(swarm, engine, stream, (uint32_t)round * JOINS, JOINS, true);
        double wall = (double)(ticks_now() - begin) / 1e9;
        eg_engine_stats(engine, &after);
        connected += joined;
        if (joined > 0) rounds_add(&cpu, (double)(after.thread_cpu_us - before.thread_cpu_us) / joined);
        rounds_add(&rate, joined / wall);
        uint64_t server_ns = 0, one_ns = 0;
        for (int i = 0; i < JOINS; i++) {
            if (!handshake_run(handshake, &one_ns)) bench_break(bench, name, "OpenSSL's own handshake failed");
            server_ns += one_ns;
        }
        rounds_add(&bare, (double)server_ns / 1e3 / (double)JOINS);
    }
    handshake_destroy(handshake);
    uint32_t expected = (uint32_t)round_count * JOINS;
    if (connected < expected) bench_break(bench, name, "%u of %u viewers connected", connected, expected);
    if (connected == 0) return;
    table_add(bench->table, name, "cpu beside OpenSSL's handshake", rounds_median(&cpu), "us/join", rounds_median(&bare),
              rounds_ratio(&cpu, &bare));
    table_add(bench->table, name, "one core could take", 1e6 / rounds_median(&cpu), "joins/s", 0, 0);
    table_add(bench->table, name, "done, by one core of clients", rounds_median(&rate), "joins/s", 0, 0);
}

void shape_joins(struct bench *bench, const char *name) {
    int round_count = bench->is_quick ? ROUNDS_QUICK : ROUNDS;
    struct swarm *swarm = swarm_start((uint32_t)round_count * JOINS, false);
    // All viewers come from one address, and at once.
    struct eg_config config = {.udp_address = "127.0.0.1", .handshakes_per_address_max = 1000};
    struct eg_hooks hooks = {0};
    struct eg_stream_config stream = {.has_video = true, .has_audio = true, .video_payload_type = 102, .audio_payload_type = 111};
    struct eg_stream_info info;
    struct eg_error error = {0};
    eg_engine *engine = NULL;
    bool is_ready = swarm != NULL && eg_engine_create(&config, &hooks, &engine, &error) == EG_STATUS_OK &&
                    eg_stream_create(engine, &stream, &info, &error) == EG_STATUS_OK;
    if (is_ready) measure(bench, name, swarm, engine, info.stream, round_count);
    else bench_break(bench, name, "%s", swarm == NULL ? "no viewers" : error.message);
    eg_engine_destroy(engine);
    swarm_stop(swarm);
}
