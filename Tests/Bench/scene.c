#include "scene.h"

#include "ticks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    JOIN_AT_ONCE = 250,     // viewers that are made before they check: each waits 15 s at most
    QUIET_AFTER_US = 20 * 1000, // [us] without a packet sent: the engine has caught up
    QUIET_TRIES_MAX = 250,
    SAMPLES_EACH_MAX = 5,   // of one stream among many
    PRIME_US = 100 * 1000,  // [us] of media: a GOP begins with its IDR
};

// Below the standard load. Real pictures get smaller as their bit rate falls, key pictures too.
static const struct {
    uint32_t bit_rate;    // [bit/s] of the pictures between IDRs
    uint32_t idr_packets;
} further_renditions[SCENE_RENDITIONS_MAX - 1] = {{1100 * 1000, 18}, {350 * 1000, 6}};

// [bit/s] what they are with their IDRs, as an encoder is told.
static const uint32_t bit_rates[SCENE_RENDITIONS_MAX] = {2500 * 1000, 1200 * 1000, 400 * 1000};

enum { TRANSPORT_ID = 5 }; // of the header extension

static bool take_option(const char **text, const char *option) {
    size_t size = strlen(option);
    if (strncmp(*text, option, size) != 0) return false;
    *text += size;
    return true;
}

bool scene_parse(const char *name, struct scene_plan *plan) {
    int read = 0;
    if (sscanf(name, "%ux%u%n", &plan->streams, &plan->viewers_each, &read) != 2) return false;
    for (const char *rest = name + read; *rest != '\0';) {
        if (take_option(&rest, "_video")) plan->media.has_no_audio = true;
        else if (take_option(&rest, "_unsplit")) plan->is_unsplit = true;
        else if (take_option(&rest, "_epoll")) plan->io = EG_IO_EPOLL;
        else if (take_option(&rest, "_uring")) plan->io = EG_IO_URING;
        else if (take_option(&rest, "_openssl")) plan->crypto = "openssl";
        else if (take_option(&rest, "_workers2")) plan->workers = 2;
        else return false;
    }
    if (plan->streams == 0 || plan->streams > SCENE_STREAMS_MAX || plan->viewers_each == 0) return false;
    return plan->viewers_each <= SWARM_VIEWERS_MAX && plan->streams * plan->viewers_each <= SWARM_VIEWERS_MAX;
}

static uint32_t stream_count(const struct scene_plan *plan) { return (plan->are_encodings ? 1 : plan->streams) + plan->has_silent_stream; }

static eg_status create_engine(struct scene *scene, struct eg_error *error) {
    // All viewers come from one address, and at once.
    struct eg_config config = {.udp_address = "127.0.0.1", .io = scene->plan.io, .crypto = scene->plan.crypto,
                               .workers = scene->plan.workers, .handshakes_per_address_max = 1000};
    struct eg_hooks hooks = {0};
    eg_status status = eg_engine_create(&config, &hooks, &scene->engine, error);
    if (status == EG_STATUS_OK) eg_engine_info(scene->engine, &scene->info);
    return status;
}

static uint32_t encoding_count(const struct scene_plan *plan) {
    return plan->are_encodings ? plan->streams : plan->renditions > 0 ? plan->renditions : 1;
}

static eg_status create_streams(struct scene *scene, struct eg_error *error) {
    struct eg_stream_config config = {.has_video = true, .has_audio = !scene->plan.media.has_no_audio,
                                      .video_payload_type = MEDIA_VIDEO_PAYLOAD_TYPE, .audio_payload_type = MEDIA_AUDIO_PAYLOAD_TYPE};
    for (uint32_t i = 1; i < encoding_count(&scene->plan); i++) {
        config.further[config.further_count++] = (struct eg_encoding_config){EG_CODEC_H264, MEDIA_VIDEO_PAYLOAD_TYPE};
    }
    for (uint32_t i = 0; i < scene->plan.renditions; i++) config.bit_rates[i] = bit_rates[i];
    for (uint32_t i = 0; i < stream_count(&scene->plan); i++) {
        eg_status status = eg_stream_create(scene->engine, &config, &scene->streams[i], error);
        if (status != EG_STATUS_OK) return status;
    }
    return EG_STATUS_OK;
}

static uint32_t fed_count(const struct scene_plan *plan) { return plan->renditions > 0 ? plan->renditions : plan->streams; }

// Further encodings have their sound from the first one's leg.
static struct feeder *create_feeder(const struct scene *scene) {
    struct feeder_target targets[SCENE_STREAMS_MAX];
    for (uint32_t i = 0; i < fed_count(&scene->plan); i++) {
        bool is_further = encoding_count(&scene->plan) > 1 && i > 0;
        const struct eg_stream_info *stream = &scene->streams[is_further ? 0 : i];
        targets[i] = is_further ? (struct feeder_target){.ports = {stream->further_ports[i - 1]}}
                                : (struct feeder_target){.ports = {stream->video_port, stream->audio_port}};
        if (scene->plan.renditions == 0 || i == 0) continue;
        targets[i].media = scene->further[i - 1];
        targets[i].is_unwatched = true;
    }
    return feeder_create(scene->schedule, targets);
}

static uint32_t at_least_one(uint32_t count) { return count > 0 ? count : 1; }

// Spread over all, or over some whole streams: the order in which the engine serves its viewers is part of what they measure.
static struct swarm_samples choose_samples(const struct scene *scene) {
    const struct scene_plan *plan = &scene->plan;
    if (plan->are_spares_samples) return (struct swarm_samples){scene->viewers, 1, 1, plan->spares};
    if (plan->streams == 1) return (struct swarm_samples){0, at_least_one(plan->viewers_each / SCENE_SAMPLES), 1, SCENE_SAMPLES};
    uint32_t run = plan->viewers_each < SAMPLES_EACH_MAX ? plan->viewers_each : SAMPLES_EACH_MAX;
    return (struct swarm_samples){0, plan->viewers_each * at_least_one(plan->streams / SCENE_SAMPLES), run, SCENE_SAMPLES};
}

// The viewers' process is forked before there is a thread.
static bool start_swarm(struct scene *scene) {
    struct swarm_plan plan = {
        .viewer_count = scene->viewers + scene->plan.spares,
        .takes_whole = scene->plan.is_unsplit,
        .keeps_ends = scene->plan.renditions > 0,
        .transport_id = scene->plan.has_ladder ? TRANSPORT_ID : 0,
        .samples = choose_samples(scene),
    };
    bool is_spread = scene->plan.streams == 1;
    scene->samples_each = !is_spread ? plan.samples.run : scene->viewers < SCENE_SAMPLES ? scene->viewers : SCENE_SAMPLES;
    scene->swarm = swarm_start(&plan);
    return scene->swarm != NULL;
}

bool scene_fork(struct scene *scene, const struct scene_plan *plan) {
    *scene = (struct scene){.plan = *plan, .viewers = plan->streams * plan->viewers_each};
    return start_swarm(scene);
}

static bool create_renditions(struct scene *scene) {
    for (uint32_t i = 0; i + 1 < scene->plan.renditions; i++) {
        struct media_plan plan = scene->plan.media;
        plan.bit_rate = further_renditions[i].bit_rate;
        plan.idr_packets = further_renditions[i].idr_packets;
        scene->further[i] = media_create(&plan);
        if (scene->further[i] == NULL) return false;
    }
    return true;
}

const char *scene_start(struct scene *scene, struct eg_error *error) {
    const struct scene_plan *plan = &scene->plan;
    scene->media = media_create(&plan->media);
    if (!create_renditions(scene)) return "no memory";
    bool is_in_step = plan->is_in_step || plan->renditions > 0;
    scene->schedule = scene->media != NULL ? schedule_create(scene->media, fed_count(plan), is_in_step) : NULL;
    scene->streams = calloc(stream_count(plan), sizeof *scene->streams);
    if (scene->schedule == NULL || scene->streams == NULL) return "no memory";
    if (create_engine(scene, error) != EG_STATUS_OK || create_streams(scene, error) != EG_STATUS_OK) return error->message;
    scene->bare = bare_create(scene->info.crypto, scene->viewers);
    scene->feeder = create_feeder(scene);
    if (scene->bare == NULL || scene->feeder == NULL) return "no memory or socket";
    for (uint32_t i = 0; i < scene->viewers; i++) bare_aim(scene->bare, i, swarm_port(scene->swarm, i));
    return NULL;
}

const char *scene_open(struct scene *scene, const struct scene_plan *plan, struct eg_error *error) {
    if (!scene_fork(scene, plan)) return "no viewers: are there file descriptors for their sockets?";
    return scene_start(scene, error);
}

void scene_close(struct scene *scene) {
    feeder_destroy(scene->feeder);
    eg_engine_destroy(scene->engine);
    bare_destroy(scene->bare);
    swarm_stop(scene->swarm);
    schedule_destroy(scene->schedule);
    media_destroy(scene->media);
    for (uint32_t i = 0; i + 1 < SCENE_RENDITIONS_MAX; i++) media_destroy(scene->further[i]);
    free(scene->streams);
}

// False when none of them is connected.
static bool join_run(struct scene *scene, const struct swarm_watch *watch, uint32_t first, uint32_t count) {
    for (uint32_t at = 0; at < count; at += JOIN_AT_ONCE) {
        uint32_t left = count - at, run = left < JOIN_AT_ONCE ? left : JOIN_AT_ONCE;
        uint32_t connected = swarm_join(scene->swarm, scene->engine, watch, first + at, run);
        scene->connected += connected;
        if (connected == 0) return false;
    }
    return true;
}

void scene_join(struct scene *scene) {
    const struct scene_plan *plan = &scene->plan;
    struct swarm_watch watch = {.encodings = plan->are_encodings ? plan->streams : 1, .has_audio = !plan->media.has_no_audio};
    if (plan->has_ladder) watch.ladder = (1u << plan->renditions) - 1;
    watch.begin = plan->has_ladder;
    uint32_t streams = plan->are_encodings ? 1 : plan->streams, viewers_each = scene->viewers / streams;
    for (uint32_t stream = 0; stream < streams; stream++) {
        watch.stream = scene->streams[stream].stream;
        if (!join_run(scene, &watch, stream * viewers_each, viewers_each)) return;
    }
}

void scene_settle(const struct scene *scene, struct eg_engine_stats *stats) {
    eg_engine_stats(scene->engine, stats);
    for (int i = 0; i < QUIET_TRIES_MAX; i++) {
        uint64_t before = stats->packets_sent;
        ticks_sleep_us(QUIET_AFTER_US);
        eg_engine_stats(scene->engine, stats);
        if (stats->packets_sent == before) return;
    }
}

void scene_feed(struct scene *scene, uint32_t gops) { feeder_play(scene->feeder, (uint64_t)gops * scene->media->period_us, 1); }

// Many streams are spread over the GOP, so it takes all of it.
void scene_prime(struct scene *scene) { feeder_play(scene->feeder, scene->plan.streams == 1 ? PRIME_US : scene->media->period_us, 1); }
