// Worlds at random: what is in one, and what happens to it, follows from its seed.
#include "cegress_tests.h"

#include "sim/world.h"

#include <stdio.h>
#include <string.h>

enum {
    STREAMS_MAX = 2,
    VIEWERS_MAX = 8,
    BOTTLENECKS = 3,
    CROWD = 40, // more of them, in one world of twenty-five
    ACTIONS_MAX = 96,
    GRACE = 4 * EG_SECOND, // [us]
    SMALL_RELAY = 16 * 1024,  // [B] the least that holds a record of each size
    SMALL_FORWARD = 16 * 1024,
};

enum action_kind { JOIN, STRAY, RESTART_WITH_BYE, RESTART_AFTER_KILL, RESTART_IN_PLACE, STOP_FOR_GOOD, REMOVE, STOP_ENCODING, START_ENCODING };

struct action {
    eg_time at;
    enum action_kind kind;
    unsigned stream;
};

struct plan {
    struct action actions[ACTIONS_MAX];
    size_t count;
    eg_time duration;
};

static void add_action(struct plan *plan, eg_time at, enum action_kind kind, unsigned stream) {
    if (plan->count == ACTIONS_MAX) return;
    size_t place = plan->count++;
    for (; place > 0 && plan->actions[place - 1].at > at; place--) plan->actions[place] = plan->actions[place - 1];
    plan->actions[place] = (struct action){.at = at, .kind = kind, .stream = stream};
}

static void choose_codecs(struct eg_sim_random *random, struct eg_sim_ffmpeg_config *config) {
    static const eg_codec video[] = {EG_CODEC_DEFAULT, EG_CODEC_H264, EG_CODEC_H265, EG_CODEC_VP8, EG_CODEC_VP9, EG_CODEC_AV1};
    static const eg_codec audio[] = {EG_CODEC_DEFAULT, EG_CODEC_OPUS, EG_CODEC_PCMU, EG_CODEC_PCMA, EG_CODEC_G722};
    config->video_codec = video[eg_sim_random_below(random, sizeof video / sizeof video[0])];
    config->audio_codec = audio[eg_sim_random_below(random, sizeof audio / sizeof audio[0])];
    bool has_b_frames = config->video_codec <= EG_CODEC_H265;
    config->has_b_frames = config->has_b_frames && has_b_frames;
    config->sets_every = eg_sim_random_chance(random, 200) ? 3 : 0;
    config->garbage = eg_sim_random_chance(random, 200) ? 50 : 0;
}

static struct eg_sim_ffmpeg_config make_source(struct eg_sim_random *random) {
    static const uint32_t frame_rates[] = {10, 15, 25, 30};
    struct eg_sim_ffmpeg_config config = eg_sim_ffmpeg_default;
    config.frame_rate = frame_rates[eg_sim_random_below(random, 4)];
    config.gop_pictures = config.frame_rate * (1 + eg_sim_random_below(random, 10));
    config.slices = 1 + eg_sim_random_below(random, 4);
    config.idr_size = 3000 + eg_sim_random_below(random, 12000);
    config.picture_size = 200 + eg_sim_random_below(random, 2500);
    config.has_audio = eg_sim_random_chance(random, 400);
    config.has_single_sets = eg_sim_random_chance(random, 100);
    config.has_b_frames = eg_sim_random_chance(random, 30);
    config.has_no_reports = eg_sim_random_chance(random, 100);
    config.has_sei = true;
    choose_codecs(random, &config);
    return config;
}

// The first is as it is; the further ones have half the bytes of the one before. No two key pictures begin alike.
static void make_ladder(struct eg_sim_random *random, struct eg_sim_ffmpeg_config configs[EG_SIM_RUNGS_MAX], uint32_t bit_rates[EG_SIM_RUNGS_MAX]) {
    configs[0].has_single_sets = configs[0].has_b_frames = false;
    configs[0].sets_every = 0;
    bool is_told = eg_sim_random_chance(random, 700);
    for (unsigned i = 0; i < EG_SIM_RUNGS_MAX; i++) {
        if (i > 0) configs[i] = configs[i - 1];
        if (i > 0) configs[i].idr_size = configs[i].idr_size / 2 + 500;
        if (i > 0) configs[i].picture_size = configs[i].picture_size / 2 + 50;
        configs[i].late_max = i > 0 ? 4 * EG_MILLISECOND : 0;
        bit_rates[i] = is_told ? 8 * configs[i].picture_size * configs[i].frame_rate + 8 * configs[i].idr_size : 0;
    }
}

static void add_stream(struct eg_sim_world *world, unsigned engine) {
    struct eg_sim_ffmpeg_config configs[EG_SIM_RUNGS_MAX] = {make_source(&world->random)};
    uint32_t bit_rates[EG_SIM_RUNGS_MAX];
    unsigned count = eg_sim_random_chance(&world->random, 350) ? 2 + eg_sim_random_below(&world->random, EG_SIM_RUNGS_MAX - 1) : 1;
    if (count > 1) make_ladder(&world->random, configs, bit_rates);
    eg_sim_world_add_ladder(world, engine, configs, count, count > 1 ? bit_rates : NULL);
}

// Lines of a stream's width or so, that change now and then; some carry other flows.
static void add_bottlenecks(struct eg_sim_world *world) {
    struct eg_sim_random *random = &world->random;
    unsigned count = eg_sim_random_below(random, BOTTLENECKS + 1);
    for (unsigned i = 0; i < count; i++) {
        uint32_t bit_rate = 50000 + eg_sim_random_below(random, 4000000);
        unsigned number = eg_sim_world_add_bottleneck(world, bit_rate, 8192 + eg_sim_random_below(random, 131072));
        struct eg_sim_bottleneck *line = &world->bottlenecks[number - 1];
        eg_time at = world->now;
        for (unsigned changes = eg_sim_random_below(random, 6); changes > 0; changes--)
            eg_sim_bottleneck_change(line, at += 1 + eg_sim_random_below(random, 4 * EG_SECOND), 50000 + eg_sim_random_below(random, 4000000));
        const struct eg_sim_flow_config flow = {.begins = world->now + eg_sim_random_below(random, 5 * EG_SECOND),
                                                .ends = EG_TIME_NEVER,
                                                .size = eg_sim_random_below(random, 400000),
                                                .every = eg_sim_random_chance(random, 500) ? 3 * EG_SECOND : 0,
                                                .round_trip = 20 * EG_MILLISECOND};
        if (eg_sim_random_chance(random, 300)) eg_sim_bottleneck_add_flow(line, &flow);
    }
}

static struct eg_sim_quality make_quality(struct eg_sim_random *random) {
    struct eg_sim_quality quality = {.delay = eg_sim_random_below(random, 60 * EG_MILLISECOND)};
    if (eg_sim_random_chance(random, 400)) return quality;
    quality.jitter = eg_sim_random_below(random, 10 * EG_MILLISECOND);
    quality.loss = eg_sim_random_below(random, 80);
    quality.duplicates = eg_sim_random_below(random, 20);
    quality.corrupted = eg_sim_random_chance(random, 300) ? eg_sim_random_below(random, 20) : 0;
    quality.reordered = eg_sim_random_below(random, 30);
    return quality;
}

static void choose_feedback(struct eg_sim_random *random, struct eg_sim_feedback_habits *habits) {
    habits->is_negotiated = eg_sim_random_chance(random, 750);
    if (eg_sim_random_chance(random, 700)) return;
    habits->honesty = (enum eg_sim_honesty)eg_sim_random_below(random, 3);
    habits->every = eg_sim_random_chance(random, 300) ? 1 + eg_sim_random_below(random, EG_SECOND) : 0;
    habits->late_by = eg_sim_random_chance(random, 300) ? eg_sim_random_below(random, 3 * EG_SECOND) : 0;
    habits->stops_after = eg_sim_random_chance(random, 300) ? 1 + eg_sim_random_below(random, 6 * EG_SECOND) : 0;
    habits->stops_reports_too = eg_sim_random_chance(random, 300);
}

// What it has to do with a ladder.
static void choose_rungs(struct eg_sim_world *world, struct eg_sim_script *script) {
    struct eg_sim_random *random = &world->random;
    const struct eg_sim_stream *stream = &world->streams[script->stream];
    if (world->bottleneck_count > 0 && eg_sim_random_chance(random, 400))
        script->bottleneck = 1 + eg_sim_random_below(random, world->bottleneck_count);
    if (stream->rung_count == 0 || eg_sim_random_chance(random, 150)) return;
    script->has_ladder = true;
    script->encoding = eg_sim_random_below(random, stream->rung_count + 1);
    script->bit_rate_max = eg_sim_random_chance(random, 200) ? eg_sim_random_below(random, 2000000) : 0;
    choose_feedback(random, &script->feedback);
}

static struct eg_sim_script make_script(struct eg_sim_random *random, unsigned stream) {
    struct eg_sim_script script = {
        .stream = stream,
        .up = make_quality(random),
        .down = make_quality(random),
        .has_rtx = eg_sim_random_chance(random, 700),
        .has_cm_only = eg_sim_random_chance(random, 250),
        .asks_for_no_repair = eg_sim_random_chance(random, 100),
        .sends_early_hello = eg_sim_random_chance(random, 200),
        .leaves_after = eg_sim_random_below(random, 8 * EG_SECOND),
    };
    if (eg_sim_random_chance(random, 150)) {
        script.down.bit_rate = 1000 * 1000 + eg_sim_random_below(random, 10 * 1000 * 1000);
        script.down.queue_size = 16 * 1024 + eg_sim_random_below(random, 128 * 1024);
    }
    switch (eg_sim_random_below(random, 12)) {
    case 0: script.has_wrong_password = true; break;
    case 1: script.has_wrong_fingerprint = true; break;
    case 2: script.sends_no_checks = true; break;
    case 3: script.sends_no_hello = true; break;
    default: break;
    }
    script.farewell = (enum eg_sim_farewell)eg_sim_random_below(random, 4);
    if (eg_sim_random_chance(random, 400)) script.farewell = EG_SIM_STAYS;
    if (eg_sim_random_chance(random, 200)) script.mtu = 300;
    if (eg_sim_random_chance(random, 200)) script.padding = 1500;
    if (eg_sim_random_chance(random, 300))
        script.asks_for_pictures_every = 200 * EG_MILLISECOND + eg_sim_random_below(random, 3 * EG_SECOND);
    if (eg_sim_random_chance(random, 150)) script.moves_after = 1 + eg_sim_random_below(random, 6 * EG_SECOND);
    return script;
}

static void make_plan(struct eg_sim_world *world, struct plan *plan) {
    struct eg_sim_random *random = &world->random;
    plan->duration = 3 * EG_SECOND + eg_sim_random_below(random, 8 * EG_SECOND);
    if (eg_sim_random_chance(random, 30)) plan->duration += 40 * (eg_time)EG_SECOND; // long enough for what takes long
    unsigned viewers = 2 + eg_sim_random_below(random, VIEWERS_MAX - 1);
    if (eg_sim_random_chance(random, 40)) viewers += CROWD;
    for (unsigned i = 0; i < viewers; i++)
        add_action(plan, eg_sim_random_below(random, 6 * EG_SECOND), JOIN, eg_sim_random_below(random, world->stream_count));
    for (unsigned stream = 0; stream < world->stream_count; stream++) {
        // Far enough from each other that one is over before the next begins.
        eg_time at = EG_SECOND / 2;
        while ((at += eg_sim_random_below(random, 6 * EG_SECOND)) < plan->duration) {
            add_action(plan, at, (enum action_kind)(STRAY + eg_sim_random_below(random, 4)), stream);
            at += EG_SECOND;
        }
        for (unsigned i = eg_sim_random_below(random, 3); world->streams[stream].rung_count > 0 && i > 0; i--) {
            add_action(plan, eg_sim_random_below(random, (uint32_t)plan->duration), STOP_ENCODING, stream);
            add_action(plan, eg_sim_random_below(random, (uint32_t)plan->duration), START_ENCODING, stream);
        }
        if (eg_sim_random_chance(random, 100)) add_action(plan, plan->duration / 2, STOP_FOR_GOOD, stream);
        else if (eg_sim_random_chance(random, 150)) add_action(plan, plan->duration / 2, REMOVE, stream);
    }
}

static void restart(struct eg_sim_world *world, unsigned number, enum action_kind kind) {
    struct eg_sim_stream *stream = &world->streams[number];
    struct eg_addr addrs[EG_TRACK_COUNT] = {stream->ffmpeg.legs[EG_VIDEO].addr, stream->ffmpeg.legs[EG_AUDIO].addr};
    eg_sim_world_stop_source(world, number, kind == RESTART_WITH_BYE);
    eg_sim_world_run(world, kind == RESTART_AFTER_KILL ? 300 * EG_MILLISECOND + eg_sim_random_below(&world->random, EG_SECOND / 2)
                                                       : eg_sim_random_below(&world->random, EG_SECOND / 2));
    if (!stream->is_there) return;
    eg_sim_world_start_source(world, number);
    for (int kind_of_leg = 0; kind == RESTART_IN_PLACE && kind_of_leg < EG_TRACK_COUNT; kind_of_leg++)
        stream->ffmpeg.legs[kind_of_leg].addr = addrs[kind_of_leg];
}

static void act(struct eg_sim_world *world, const struct action *action) {
    struct eg_sim_stream *stream = &world->streams[action->stream];
    if (!stream->is_there) return;
    if (action->kind == JOIN) {
        struct eg_sim_script script = make_script(&world->random, action->stream);
        choose_rungs(world, &script);
        eg_sim_world_add_viewer(world, &script);
        return;
    }
    if (!stream->is_running) return;
    switch (action->kind) {
    case STRAY:
        eg_sim_world_stray(world, action->stream);
        return;
    case RESTART_WITH_BYE:
    case RESTART_AFTER_KILL:
    case RESTART_IN_PLACE:
        restart(world, action->stream, action->kind);
        return;
    case STOP_FOR_GOOD:
        eg_sim_world_stop_source(world, action->stream, eg_sim_random_chance(&world->random, 500));
        stream->was_lost = true;
        return;
    case REMOVE:
        eg_sim_world_remove_stream(world, action->stream);
        return;
    case STOP_ENCODING:
        eg_sim_world_stop_encoding(world, action->stream, 1 + eg_sim_random_below(&world->random, stream->rung_count),
                                   eg_sim_random_chance(&world->random, 500));
        return;
    case START_ENCODING:
        eg_sim_world_start_encoding(world, action->stream, 1 + eg_sim_random_below(&world->random, stream->rung_count));
        return;
    case JOIN:
        return;
    }
}

// Whether nothing is lost between workers, and nothing is late.
static bool keep_up(const struct eg_sim_world *world) { return world->workers.relay_size == 0; }

// Whether no worker gets what it knows no route for yet, from an address that has been checked at others.
static bool is_routed(const struct eg_sim_world *world) { return keep_up(world) && !world->workers.is_spread_anew; }

static bool is_clean(const struct eg_sim_quality *quality) {
    return quality->loss + quality->corrupted + quality->reordered + quality->bit_rate == 0;
}

static bool is_reason_plausible(const struct eg_sim_viewer *viewer) {
    const struct eg_sim_script *script = &viewer->script;
    bool is_corrupted = script->up.corrupted + script->down.corrupted > 0;
    // Between workers that don't keep up checks are lost too, or come too late to be answered.
    bool is_lossy = script->up.loss + script->down.loss + script->down.bit_rate + script->bottleneck > 0 || is_corrupted || !is_routed(viewer->world);
    switch (viewer->reason) {
    case EG_CLOSE_REQUESTED: return viewer->was_closed;
    case EG_CLOSE_STREAM_STOPPED: return true;
    case EG_CLOSE_PEER: return script->farewell == EG_SIM_SAYS_GOODBYE || is_corrupted; // or an alert that it was done for
    case EG_CLOSE_NO_CHECK: return script->sends_no_checks || script->has_wrong_password || viewer->is_gone;
    case EG_CLOSE_WRONG_PASSWORD: return script->has_wrong_password || is_corrupted;
    case EG_CLOSE_NO_HANDSHAKE: return script->sends_no_hello || is_lossy || viewer->is_gone;
    case EG_CLOSE_CONSENT_EXPIRED: return viewer->is_gone || script->moves_after > 0;
    case EG_CLOSE_HANDSHAKE_TIMEOUT: return is_lossy || viewer->is_gone;
    case EG_CLOSE_HANDSHAKE_FAILED: return is_corrupted || script->sends_early_hello; // that may come when it is heard already
    case EG_CLOSE_FINGERPRINT: return script->has_wrong_fingerprint || is_corrupted; // what is hashed is what arrived
    case EG_CLOSE_CONGESTION: return is_lossy;
    case EG_CLOSE_SOURCE_LOST: return viewer->world->streams[script->stream].was_lost;
    default: return false;
    }
}

static void judge(struct eg_sim_world *world, const struct eg_sim_viewer *viewer) {
    const struct eg_sim_script *script = &viewer->script;
    bool is_refused = script->has_wrong_password || script->has_wrong_fingerprint || script->sends_no_checks || script->sends_no_hello;
    bool has_connected = viewer->connected_at != EG_TIME_NEVER;
    if (!is_reason_plausible(viewer)) eg_sim_fail(world, "viewer %u: closed for reason %d", viewer->number, viewer->reason);
    if (is_refused && has_connected) eg_sim_fail(world, "viewer %u: must not have connected", viewer->number);
    bool stayed = script->farewell == EG_SIM_STAYS || script->leaves_after >= 2 * EG_SECOND;
    bool had_time = stayed && viewer->closed_at - viewer->joined_at >= 2 * EG_SECOND;
    if (!is_refused && had_time && is_routed(world) && is_clean(&script->up) && is_clean(&script->down) &&
        script->bottleneck == 0 && !has_connected)
        eg_sim_fail(world, "viewer %u: did not connect over a good network", viewer->number);
}

// Half of the engines have several workers. Some of those hardly keep up with each other, so that their small queues fill.
static struct eg_sim_workers make_workers(uint64_t seed) {
    struct eg_sim_random random;
    eg_sim_random_init(&random, eg_sim_mix(seed, 7, 0));
    struct eg_sim_workers workers = {.count = 1};
    if (eg_sim_random_chance(&random, 500)) return workers;
    workers.count = 2 + eg_sim_random_below(&random, EG_SIM_WORKERS_MAX - 1);
    workers.delay_max = eg_sim_random_chance(&random, 200) ? 0 : EG_MILLISECOND;
    workers.is_spread_anew = eg_sim_random_chance(&random, 200);
    if (!eg_sim_random_chance(&random, 250)) return workers;
    workers.relay_size = SMALL_RELAY;
    workers.forward_size = SMALL_FORWARD;
    workers.delay_max = 700 * EG_MILLISECOND;
    return workers;
}

static struct eg_sim_world *run_world(uint64_t seed) {
    struct eg_sim_workers workers = make_workers(seed);
    struct eg_sim_world *world = eg_sim_world_create_with(seed, 1 + seed % 4 / 3, GRACE, &workers);
    struct eg_sim_random *random = &world->random;
    unsigned streams = 1 + eg_sim_random_below(random, STREAMS_MAX);
    for (unsigned i = 0; i < streams; i++) {
        add_stream(world, i % world->engine_count);
        world->streams[i].loss = eg_sim_random_chance(random, 200) ? eg_sim_random_below(random, 20) : 0;
        eg_sim_world_start_source(world, i);
    }
    if (eg_sim_random_chance(random, 400)) add_bottlenecks(world);
    if (eg_sim_random_chance(random, 300)) world->transmit_room = EG_BATCH_RESERVE_SIZE + 2048;
    struct plan plan = {0};
    make_plan(world, &plan);
    eg_time begin = world->now;
    for (size_t i = 0; i < plan.count && world->failures == 0; i++) {
        if (begin + plan.actions[i].at > world->now) eg_sim_world_run(world, begin + plan.actions[i].at - world->now);
        act(world, &plan.actions[i]);
    }
    if (begin + plan.duration > world->now) eg_sim_world_run(world, begin + plan.duration - world->now);
    if (world->failures > 0) return world;
    eg_sim_world_finish(world);
    for (unsigned i = 0; i < world->viewer_count; i++) judge(world, world->viewers[i]);
    for (unsigned i = 0; i < world->engine_count && keep_up(world); i++)
        if (eg_sim_engine_drops(&world->engines[i], EG_DROP_WORKER_BUSY, EG_DROP_SOURCE_PAYLOAD) > 0)
            eg_sim_fail(world, "something was lost between workers that keep up");
    return world;
}

uint64_t eg_sim_fingerprint(uint64_t seed) {
    struct eg_sim_world *world = run_world(seed);
    uint64_t fingerprint = world->fingerprint;
    eg_sim_world_destroy(world);
    return fingerprint;
}

uint64_t eg_sim_run(uint64_t first_seed, uint64_t count, char *report, size_t report_size) {
    uint64_t failed = 0;
    size_t at = 0;
    if (report_size > 0) report[0] = '\0';
    for (uint64_t seed = first_seed; seed < first_seed + count; seed++) {
        struct eg_sim_world *world = run_world(seed);
        if (world->failures > 0) {
            failed++;
            if (at < report_size) at += (size_t)snprintf(report + at, report_size - at, "%s", world->report);
        }
        eg_sim_world_destroy(world);
    }
    return failed;
}
