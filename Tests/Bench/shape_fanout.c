// A whole engine with live streams and real viewers. A round is one GOP: first the engine carries it, then the bare loop sends the same
// packets to the same sockets, as fast as it goes and once more at the pace of the media.
//
// CPU per packet is that of the engine's thread: receiving, storing, protecting and sending, what the kernel does in its system calls
// (on loopback that includes the delivery to the viewers' sockets), reports and checks of viewers. Latency is from right before the
// feeder's send to the arrival at the viewer's socket; for the first packet of a picture it holds the time until the picture is complete.
//
// An engine that lags behind, because the machine is busy or the load too high, sends two pictures in one message and so looks cheaper than
// it is, down to below the bare cost. Latency and messages per packet tell when that happened.
#include "bare.h"
#include "bench.h"
#include "feeder.h"
#include "resident.h"
#include "statistics.h"
#include "swarm.h"
#include "ticks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    STREAMS_MAX = 200,
    JOIN_AT_ONCE = 250,                  // viewers that are made before they check: each waits 15 s at most
    ROUNDS_QUICK = 2,
    ROUNDS = 5,
    BARE_DURATION_MIN_NS = 200 * 1000 * 1000, // [ns] of sending as fast as it goes
    QUIET_AFTER_US = 20 * 1000,          // [us] without a packet sent: the engine has caught up
    QUIET_TRIES_MAX = 250,
    WEIGHED_VIEWERS_MIN = 500,
    TRIVIAL_VIEWERS = 1,                 // up to so many there is no excuse for a lost packet
};

struct fanout {
    // The plan, from the shape's name.
    uint32_t streams;
    uint32_t viewers_each;
    bool has_audio;
    bool is_unsplit;
    eg_io io;
    const char *crypto; // NULL: the engine's choice

    uint32_t viewers;
    uint32_t connected;
    struct media *media;
    struct schedule *schedule;
    struct swarm *swarm;
    struct bare *bare;
    eg_engine *engine;
    struct eg_engine_info info;
    struct eg_stream_info *stream_infos;
    struct feeder *feeder;

    // What was measured.
    double memory_each;        // [B]
    struct rounds cpu;         // [us] a packet
    struct rounds bare_full;   // the same
    struct rounds bare_paced;
    struct rounds load;        // [%] CPU time over media time
    struct rounds messages;    // a packet
    struct rounds calls;       // per 1,000 packets
    struct rounds latencies[3]; // [us] p50, p99, p99.9
    uint64_t packets;
    uint64_t lost;
    struct swarm_report samples; // sums over the rounds
};

static bool take_option(const char **text, const char *option) {
    size_t size = strlen(option);
    if (strncmp(*text, option, size) != 0) return false;
    *text += size;
    return true;
}

static bool parse_name(const char *name, struct fanout *fanout) {
    int read = 0;
    if (sscanf(name, "fanout_%ux%u%n", &fanout->streams, &fanout->viewers_each, &read) != 2) return false;
    fanout->has_audio = true;
    for (const char *rest = name + read; *rest != '\0';) {
        if (take_option(&rest, "_video")) fanout->has_audio = false;
        else if (take_option(&rest, "_unsplit")) fanout->is_unsplit = true;
        else if (take_option(&rest, "_epoll")) fanout->io = EG_IO_EPOLL;
        else if (take_option(&rest, "_openssl")) fanout->crypto = "openssl";
        else return false;
    }
    if (fanout->streams == 0 || fanout->streams > STREAMS_MAX || fanout->viewers_each == 0) return false;
    fanout->viewers = fanout->streams * fanout->viewers_each;
    return fanout->viewers_each <= SWARM_VIEWERS_MAX && fanout->viewers <= SWARM_VIEWERS_MAX;
}

static eg_status create_engine(struct fanout *fanout, struct eg_error *error) {
    // All viewers come from one address.
    struct eg_config config = {.udp_address = "127.0.0.1", .io = fanout->io, .crypto = fanout->crypto, .handshakes_per_address_max = 1000};
    struct eg_hooks hooks = {0};
    eg_status status = eg_engine_create(&config, &hooks, &fanout->engine, error);
    if (status == EG_STATUS_OK) eg_engine_info(fanout->engine, &fanout->info);
    return status;
}

static eg_status create_streams(struct fanout *fanout, struct eg_error *error) {
    struct eg_stream_config config = {.has_video = true, .has_audio = fanout->has_audio, .video_payload_type = MEDIA_VIDEO_PAYLOAD_TYPE,
                                      .audio_payload_type = MEDIA_AUDIO_PAYLOAD_TYPE};
    for (uint32_t i = 0; i < fanout->streams; i++) {
        eg_status status = eg_stream_create(fanout->engine, &config, &fanout->stream_infos[i], error);
        if (status != EG_STATUS_OK) return status;
    }
    return EG_STATUS_OK;
}

static struct feeder *create_feeder(const struct fanout *fanout) {
    struct feeder_target targets[STREAMS_MAX];
    for (uint32_t i = 0; i < fanout->streams; i++) {
        targets[i] = (struct feeder_target){{fanout->stream_infos[i].video_port, fanout->stream_infos[i].audio_port}};
    }
    return feeder_create(fanout->schedule, targets);
}

// The viewers' process is forked before there is a thread.
static const char *prepare(struct fanout *fanout, struct eg_error *error) {
    fanout->swarm = swarm_start(fanout->viewers, fanout->is_unsplit);
    if (fanout->swarm == NULL) return "no viewers: are there file descriptors for their sockets?";
    fanout->media = media_create(fanout->has_audio);
    fanout->schedule = fanout->media != NULL ? schedule_create(fanout->media, fanout->streams) : NULL;
    fanout->stream_infos = calloc(fanout->streams, sizeof *fanout->stream_infos);
    if (fanout->schedule == NULL || fanout->stream_infos == NULL) return "no memory";
    if (create_engine(fanout, error) != EG_STATUS_OK || create_streams(fanout, error) != EG_STATUS_OK) return error->message;
    fanout->bare = bare_create(fanout->info.crypto, fanout->viewers);
    fanout->feeder = create_feeder(fanout);
    if (fanout->bare == NULL || fanout->feeder == NULL) return "no memory or socket";
    for (uint32_t i = 0; i < fanout->viewers; i++) bare_aim(fanout->bare, i, swarm_port(fanout->swarm, i));
    return NULL;
}

static void tear_down(struct fanout *fanout) {
    feeder_destroy(fanout->feeder);
    eg_engine_destroy(fanout->engine);
    bare_destroy(fanout->bare);
    swarm_stop(fanout->swarm);
    schedule_destroy(fanout->schedule);
    media_destroy(fanout->media);
    free(fanout->stream_infos);
}

static void join_all(struct fanout *fanout) {
    for (uint32_t stream = 0; stream < fanout->streams; stream++) {
        for (uint32_t at = 0; at < fanout->viewers_each; at += JOIN_AT_ONCE) {
            uint32_t left = fanout->viewers_each - at, count = left < JOIN_AT_ONCE ? left : JOIN_AT_ONCE;
            uint32_t connected = swarm_join(fanout->swarm, fanout->engine, fanout->stream_infos[stream].stream,
                                            stream * fanout->viewers_each + at, count, fanout->has_audio);
            fanout->connected += connected;
            if (connected == 0) return;
        }
    }
}

// Waits until everything that was fed has left, and gives the engine's figures as they are then.
static void settle(const struct fanout *fanout, struct eg_engine_stats *stats) {
    eg_engine_stats(fanout->engine, stats);
    for (int i = 0; i < QUIET_TRIES_MAX; i++) {
        uint64_t before = stats->packets_sent;
        ticks_sleep_us(QUIET_AFTER_US);
        eg_engine_stats(fanout->engine, stats);
        if (stats->packets_sent == before) return;
    }
}

// The store is full and the sources' memory has been paid for before the first viewer is counted; bursts and handshakes are over after.
static void join_and_weigh(struct fanout *fanout) {
    struct eg_engine_stats stats;
    feeder_play(fanout->feeder, MEDIA_PERIOD_US, 1);
    uint64_t before = resident_size();
    join_all(fanout);
    feeder_play(fanout->feeder, MEDIA_PERIOD_US, 1); // all of a GOP: whoever was made to wait for an IDR has begun by its end
    settle(fanout, &stats);
    uint64_t after = resident_size();
    if (fanout->connected > 0 && after > before) fanout->memory_each = (double)(after - before) / fanout->connected;
}

static uint64_t dropped_on_the_way_out(const struct eg_engine_stats *stats) {
    return stats->dropped[EG_DROP_SEND_BUFFER_FULL] + stats->dropped[EG_DROP_SEND_FAILED];
}

static void add_latencies(struct fanout *fanout, const struct swarm_report *report) {
    static const double percents[] = {50, 99, 99.9};
    if (report->latency_count == 0) return;
    uint32_t *latencies = malloc(report->latency_count * sizeof *latencies);
    if (latencies == NULL) return;
    memcpy(latencies, report->latencies, report->latency_count * sizeof *latencies);
    for (size_t i = 0; i < 3; i++) rounds_add(&fanout->latencies[i], percentile(latencies, report->latency_count, percents[i]) / 10.0);
    free(latencies);
}

static void add_report(struct fanout *fanout, const struct swarm_report *report) {
    fanout->samples.sample_packets += report->sample_packets;
    fanout->samples.sample_lost += report->sample_lost;
    fanout->samples.sample_refused += report->sample_refused;
    add_latencies(fanout, report);
}

// Each viewer is owed each packet that was fed. Split, the kernel counts them at its socket, so every one is accounted for. Unsplit, it
// counts messages, of which nobody knows the size: then the engine's own count has to do, and what the samples see.
static void count_lost(struct fanout *fanout, uint64_t fed, uint64_t sent, uint64_t delivered) {
    uint64_t owed = fed * fanout->viewers_each, arrived = fanout->is_unsplit ? sent : delivered;
    if (arrived < owed) fanout->lost += owed - arrived;
}

static void run_engine(struct fanout *fanout) {
    struct eg_engine_stats before, after;
    struct swarm_report report;
    swarm_begin(fanout->swarm);
    settle(fanout, &before);
    uint64_t fed_before = feeder_packets(fanout->feeder);
    feeder_play(fanout->feeder, MEDIA_PERIOD_US, 1);
    settle(fanout, &after);
    swarm_end(fanout->swarm, &report);
    uint64_t sent = after.packets_sent - before.packets_sent;
    uint64_t sent_in_vain = dropped_on_the_way_out(&after) - dropped_on_the_way_out(&before);
    double packets = (double)sent, cpu_us = (double)(after.thread_cpu_us - before.thread_cpu_us);
    if (sent == 0) return;
    fanout->packets += sent;
    rounds_add(&fanout->cpu, cpu_us / packets);
    rounds_add(&fanout->load, cpu_us * 100 / (double)MEDIA_PERIOD_US);
    rounds_add(&fanout->messages, (double)(after.messages_sent - before.messages_sent) / packets);
    rounds_add(&fanout->calls, (double)(after.send_calls - before.send_calls) * 1000 / packets);
    count_lost(fanout, feeder_packets(fanout->feeder) - fed_before, sent - sent_in_vain, report.delivered);
    add_report(fanout, &report);
}

// As fast as it goes: the least that these packets can cost on this machine right now.
static void run_bare_full(struct fanout *fanout) {
    uint64_t begin = ticks_cpu(), cpu, packets = 0;
    do {
        packets += bare_play(fanout->bare, fanout->schedule, fanout->viewers_each, false);
        cpu = ticks_cpu() - begin;
    } while (cpu < BARE_DURATION_MIN_NS);
    rounds_add(&fanout->bare_full, (double)cpu / 1e3 / (double)packets);
}

// At the media's pace a wake-up and cold caches are part of each picture, for the engine as for anybody.
static void run_bare_paced(struct fanout *fanout) {
    uint64_t begin = ticks_cpu(), packets = bare_play(fanout->bare, fanout->schedule, fanout->viewers_each, true);
    rounds_add(&fanout->bare_paced, (double)(ticks_cpu() - begin) / 1e3 / (double)packets);
}

// What the engine says went wrong, from its creation on.
static void add_complaints(struct bench *bench, const char *name, const struct fanout *fanout) {
    struct eg_engine_stats stats;
    char text[64];
    eg_engine_stats(fanout->engine, &stats);
    for (int drop = 0; drop < EG_DROP_COUNT; drop++) {
        if (stats.dropped[drop] == 0) continue;
        snprintf(text, sizeof text, "engine: dropped, %s", eg_drop_name((eg_drop)drop));
        table_add(bench->table, name, text, (double)stats.dropped[drop], "packets", 0, 0);
    }
    for (int reason = EG_CLOSE_NONE + 1; reason <= EG_CLOSE_CONGESTION; reason++) {
        if (stats.closed[reason] == 0) continue;
        snprintf(text, sizeof text, "engine: closed, %s", eg_close_reason_name((eg_close_reason)reason));
        table_add(bench->table, name, text, (double)stats.closed[reason], "viewers", 0, 0);
    }
}

static void add_rows(struct bench *bench, const char *name, const struct fanout *fanout) {
    struct table *table = bench->table;
    double cpu = rounds_median(&fanout->cpu), full = rounds_median(&fanout->bare_full), paced = rounds_median(&fanout->bare_paced);
    const char *split = fanout->is_unsplit ? "not split" : "split in software";
    char text[64];
    snprintf(text, sizeof text, "cpu (%s, %s)", fanout->info.io == EG_IO_URING ? "io_uring" : "epoll", fanout->info.crypto);
    table_add(table, name, text, cpu, "us/packet", full, rounds_ratio(&fanout->cpu, &fanout->bare_full));
    snprintf(text, sizeof text, "bare, full speed (GSO %s)", split);
    table_add(table, name, text, full, "us/packet", 0, 0);
    table_add(table, name, "cpu beside bare at the media's pace", cpu, "us/packet", paced, rounds_ratio(&fanout->cpu, &fanout->bare_paced));
    table_add(table, name, "load of one core", rounds_median(&fanout->load), "%", 0, 0);
    table_add(table, name, "messages", rounds_median(&fanout->messages), "/packet", 0, 0);
    table_add(table, name, "send calls", rounds_median(&fanout->calls), "/1000 packets", 0, 0);
    table_add(table, name, "latency p50", rounds_median(&fanout->latencies[0]), "us", 0, 0);
    table_add(table, name, "latency p99", rounds_median(&fanout->latencies[1]), "us", 0, 0);
    table_add(table, name, "latency p99.9", rounds_median(&fanout->latencies[2]), "us", 0, 0);
    // With a few viewers it is the first slab and the handshakes under way at a time that are weighed.
    if (fanout->viewers >= WEIGHED_VIEWERS_MIN) table_add(table, name, "memory", fanout->memory_each / 1024, "KiB/viewer", 0, 0);
    table_add(table, name, "packets", (double)fanout->packets, "", 0, 0);
    table_add(table, name, "lost", (double)fanout->lost, "packets", 0, 0);
    table_add(table, name, "opened by samples", (double)fanout->samples.sample_packets, "packets", 0, 0);
    table_add(table, name, "lost at samples", (double)fanout->samples.sample_lost, "packets", 0, 0);
    if (bare_refused(fanout->bare) > 0) table_add(table, name, "bare: refused", (double)bare_refused(fanout->bare), "messages", 0, 0);
}

static void check(struct bench *bench, const char *name, const struct fanout *fanout) {
    if (fanout->samples.sample_packets == 0) bench_break(bench, name, "no viewer got a packet");
    if (fanout->samples.sample_refused > 0) {
        bench_break(bench, name, "%llu packets did not open or came twice", (unsigned long long)fanout->samples.sample_refused);
    }
    if (fanout->viewers <= TRIVIAL_VIEWERS && fanout->lost + fanout->samples.sample_lost > 0) bench_break(bench, name, "packets were lost");
}

static void measure(struct bench *bench, const char *name, struct fanout *fanout) {
    join_and_weigh(fanout);
    if (fanout->connected < fanout->viewers) bench_break(bench, name, "%u of %u viewers connected", fanout->connected, fanout->viewers);
    if (fanout->connected == 0) return;
    for (int round = 0; round < (bench->is_quick ? ROUNDS_QUICK : ROUNDS); round++) {
        run_engine(fanout);
        run_bare_full(fanout);
        if (round == 0 || !bench->is_quick) run_bare_paced(fanout);
    }
    add_rows(bench, name, fanout);
    add_complaints(bench, name, fanout);
    check(bench, name, fanout);
}

void shape_fanout(struct bench *bench, const char *name) {
    struct fanout fanout = {0};
    struct eg_error error = {0};
    if (!parse_name(name, &fanout)) {
        bench_break(bench, name, "that is no fan-out: at most %d streams, %d viewers", STREAMS_MAX, SWARM_VIEWERS_MAX);
        return;
    }
    const char *problem = prepare(&fanout, &error);
    if (problem == NULL) measure(bench, name, &fanout);
    else bench_break(bench, name, "%s", problem);
    tear_down(&fanout);
}
