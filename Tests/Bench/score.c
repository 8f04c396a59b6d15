#include "score.h"

#include "calls.h"
#include "ticks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BARE_DURATION_MIN_NS = 200 * 1000 * 1000 }; // [ns] of sending as fast as it goes

static const double percents[SCORE_PERCENTILES] = {50, 99, 99.9};

void score_init(struct score *score) {
    memset(score, 0, sizeof *score);
    score->system_calls = score->allocations = -1;
}

void score_begin(const struct scene *scene, struct score_round *round) {
    swarm_begin(scene->swarm);
    scene_settle(scene, &round->before);
    round->fed_before = feeder_packets(scene->feeder);
    round->waited = calls_waited();
    round->begin = ticks_now();
}

static uint64_t dropped_on_the_way_out(const struct eg_engine_stats *stats) {
    return stats->dropped[EG_DROP_SEND_BUFFER_FULL] + stats->dropped[EG_DROP_SEND_FAILED];
}

static void add_latencies(struct score *score, const struct swarm_report *report) {
    size_t video = report->latency_counts[MEDIA_VIDEO], audio = report->latency_counts[MEDIA_AUDIO];
    uint32_t *values = malloc((video + audio + 1) * sizeof *values);
    if (values == NULL) return;
    memcpy(values, report->latencies[MEDIA_AUDIO], audio * sizeof *values);
    for (size_t i = 0; audio > 0 && i < SCORE_PERCENTILES; i++) rounds_add(&score->audio[i], percentile(values, audio, percents[i]) / 10.0);
    if (audio > 0) rounds_add(&score->audio_worst, percentile(values, audio, 100) / 10.0);
    memcpy(values + audio, report->latencies[MEDIA_VIDEO], video * sizeof *values);
    for (size_t i = 0; video + audio > 0 && i < SCORE_PERCENTILES; i++) {
        rounds_add(&score->latencies[i], percentile(values, video + audio, percents[i]) / 10.0);
    }
    free(values);
}

// Of the pictures that every sample of the stream has.
static void add_pictures(const struct scene *scene, struct score *score, const struct swarm_report *report) {
    uint32_t *values = calloc(report->picture_count + 1, sizeof *values);
    size_t count = 0;
    for (size_t i = 0; values != NULL && i < report->picture_count; i++) {
        const struct swarm_picture *picture = &report->pictures[i];
        if (picture->samples != scene->samples_each || picture->last <= picture->sent) continue;
        values[count++] = (uint32_t)((picture->last - picture->sent) / 100);
    }
    if (count > 0) {
        rounds_add(&score->picture_wall, percentile(values, count, 50) / 10.0);
        rounds_add(&score->picture_wall_worst, percentile(values, count, 100) / 10.0);
    }
    free(values);
}

// Each viewer is owed each packet that was fed. Split, the kernel counts them at its socket, so every one is accounted for. Unsplit, it
// counts messages, of which nobody knows the size: then the engine's own count has to do, and what the samples see.
static void count_lost(const struct scene *scene, struct score *score, uint64_t fed, uint64_t sent, uint64_t delivered, uint32_t silent) {
    uint64_t owed = fed * (scene->plan.viewers_each - silent), arrived = scene->plan.is_unsplit ? sent : delivered;
    if (arrived < owed) score->lost += owed - arrived;
    score->fed += fed;
}

void score_end(struct scene *scene, struct score *score, const struct score_round *round, uint32_t silent) {
    struct eg_engine_stats after;
    struct swarm_report report;
    const struct eg_engine_stats *before = &round->before;
    double wall_us = (double)(ticks_now() - round->begin) / 1e3, waited_us = (double)(calls_waited() - round->waited) / 1e3;
    scene_settle(scene, &after);
    swarm_end(scene->swarm, &report);
    uint64_t sent = after.packets_sent - before->packets_sent;
    uint64_t sent_in_vain = dropped_on_the_way_out(&after) - dropped_on_the_way_out(before);
    double packets = (double)sent, cpu_us = (double)(after.thread_cpu_us - before->thread_cpu_us);
    if (sent == 0) return;
    score->packets += sent;
    rounds_add(&score->cpu, cpu_us / packets);
    rounds_add(&score->cpu_all, cpu_us);
    rounds_add(&score->load, cpu_us * 100 / wall_us);
    rounds_add(&score->waited, waited_us * 100 / wall_us);
    rounds_add(&score->messages, (double)(after.messages_sent - before->messages_sent) / packets);
    rounds_add(&score->send_calls, (double)(after.send_calls - before->send_calls) * 1000 / packets);
    count_lost(scene, score, feeder_packets(scene->feeder) - round->fed_before, sent - sent_in_vain, report.delivered, silent);
    score->sample_packets += report.sample_packets;
    score->sample_lost += report.sample_lost;
    score->sample_refused += report.sample_refused;
    score->feedback += report.feedback;
    score->feedback_bytes += report.feedback_bytes;
    add_latencies(score, &report);
    add_pictures(scene, score, &report);
}

void score_engine(struct scene *scene, struct score *score) {
    struct score_round round;
    score_begin(scene, &round);
    scene_feed(scene, 1);
    score_end(scene, score, &round, 0);
}

// As fast as it goes: the least that these packets can cost on this machine right now.
void score_bare_full(struct scene *scene, struct score *score) {
    uint64_t begin = ticks_cpu(), cpu, packets = 0;
    do {
        packets += bare_play(scene->bare, scene->schedule, scene->plan.viewers_each, false);
        cpu = ticks_cpu() - begin;
    } while (cpu < BARE_DURATION_MIN_NS);
    rounds_add(&score->bare_full, (double)cpu / 1e3 / (double)packets);
    rounds_add(&score->bare_picture, bare_picture_wall(scene->bare));
}

// At the media's pace a wake-up and cold caches are part of each picture, for the engine as for anybody.
void score_bare_paced(struct scene *scene, struct score *score) {
    uint64_t begin = ticks_cpu(), packets = bare_play(scene->bare, scene->schedule, scene->plan.viewers_each, true);
    rounds_add(&score->bare_paced, (double)(ticks_cpu() - begin) / 1e3 / (double)packets);
}

void score_calls(struct scene *scene, struct score *score) {
    struct eg_engine_stats before, after;
    struct calls calls;
    uint64_t system_calls;
    scene_settle(scene, &before);
    bool is_counting = calls_begin(&calls);
    struct heap_calls heap_before = calls_of_heap(&calls);
    scene_feed(scene, 1);
    scene_settle(scene, &after); // its questions are a handful of calls
    struct heap_calls heap_after = calls_of_heap(&calls);
    calls_end(&calls, &system_calls);
    double thousands = (double)(after.packets_sent - before.packets_sent) / 1000;
    if (thousands == 0) return;
    if (is_counting) score->system_calls = (double)system_calls / thousands;
    if (calls.thread_count == 0) return;
    score->allocations = (double)(heap_after.all - heap_before.all) / thousands;
    score->allocations_openssl = (double)(heap_after.openssl - heap_before.openssl) / thousands;
}

static void add_latency_rows(struct table *table, const char *name, const struct score *score) {
    static const char *const names[SCORE_PERCENTILES] = {"latency p50", "latency p99", "latency p99.9"};
    for (size_t i = 0; i < SCORE_PERCENTILES; i++) table_add(table, name, names[i], rounds_median(&score->latencies[i]), "us", 0, 0);
}

static void add_cost_rows(struct table *table, const char *name, const struct scene *scene, const struct score *score) {
    double cpu = rounds_median(&score->cpu), full = rounds_median(&score->bare_full), paced = rounds_median(&score->bare_paced);
    bool is_one = scene->plan.streams == 1; // a few viewers each are over before there is anything to compare
    const char *reader = scene->plan.is_unsplit ? "UDP_GRO readers, not split" : "filtered sockets, split in software";
    char text[64];
    snprintf(text, sizeof text, "cpu (%s, %s)", scene->info.io == EG_IO_URING ? "io_uring" : "epoll", scene->info.crypto);
    table_add(table, name, text, cpu, "us/packet", full, rounds_ratio(&score->cpu, &score->bare_full));
    if (full > 0) {
        snprintf(text, sizeof text, "bare (%s)", reader);
        table_add(table, name, text, full, "us/packet", 0, 0);
    }
    if (paced > 0) {
        table_add(table, name, "cpu beside bare at the media's pace", cpu, "us/packet", paced, rounds_ratio(&score->cpu, &score->bare_paced));
    }
    if (score->picture_wall.count > 0) {
        table_add(table, name, "wall time of a picture, in to the last out", rounds_median(&score->picture_wall), "us",
                  is_one ? rounds_median(&score->bare_picture) : 0, is_one ? rounds_ratio(&score->picture_wall, &score->bare_picture) : 0);
    }
    table_add(table, name, "load of one core", rounds_median(&score->load), "%", 0, 0);
    table_add(table, name, "ready, but without a processor", rounds_median(&score->waited), "%", 0, 0);
}

void score_add_rows(struct bench *bench, const char *name, const struct scene *scene, const struct score *score) {
    struct table *table = bench->table;
    add_cost_rows(table, name, scene, score);
    table_add(table, name, "messages", rounds_median(&score->messages), "/packet", 0, 0);
    if (score->system_calls >= 0) table_add(table, name, "system calls, by the kernel's count", score->system_calls, "/1000 packets", 0, 0);
    else table_add(table, name, "send calls, by the engine's count", rounds_median(&score->send_calls), "/1000 packets", 0, 0);
    if (score->allocations >= 0) {
        table_add(table, name, "allocations: the engine's own", score->allocations - score->allocations_openssl, "/1000 packets", 0, 0);
        table_add(table, name, "allocations: OpenSSL's", score->allocations_openssl, "/1000 packets", 0, 0);
    }
    add_latency_rows(table, name, score);
    table_add(table, name, "packets", (double)score->packets, "", 0, 0);
    table_add(table, name, "lost", (double)score->lost, "packets", 0, 0);
    table_add(table, name, "lost at samples", (double)score->sample_lost, "packets", 0, 0);
    if (bare_refused(scene->bare) > 0) table_add(table, name, "bare: refused", (double)bare_refused(scene->bare), "messages", 0, 0);
}

void score_add_complaints(struct bench *bench, const char *name, const struct scene *scene) {
    struct eg_engine_stats stats;
    char text[64];
    eg_engine_stats(scene->engine, &stats);
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

void score_check(struct bench *bench, const char *name, const struct score *score) {
    if (score->sample_packets == 0) bench_break(bench, name, "no viewer got a packet");
    if (score->sample_refused > 0) {
        bench_break(bench, name, "%llu packets did not open or came twice", (unsigned long long)score->sample_refused);
    }
}
