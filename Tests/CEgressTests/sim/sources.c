// Streams of a simulated world, and their senders.
#include "sim/world.h"

#include "wire/demux.h"

static void take(struct eg_sim_stream *stream, uint32_t source, struct eg_sim_log *log, const struct eg_arrival *arrival) {
    struct eg_sim_world *world = stream->world;
    if (!stream->is_there) return;
    if (eg_sim_random_chance(&world->random, stream->loss)) return;
    stream->datagrams++;
    if (eg__demux(arrival->bytes, arrival->size) == EG_DATAGRAM_RTCP) stream->reports++;
    if (!stream->is_stray) eg_sim_log_receive(log, world->now, &arrival->path.remote, arrival->bytes, arrival->size);
    struct eg_sim_worker *home = eg_sim_home_of(world, stream);
    eg__core_receive_source(home->core, stream->handle, source, arrival);
    eg_sim_settle(world, &world->engines[stream->engine], home);
}

static void take_from_source(struct eg_sim_ffmpeg_output *output, enum eg_track_kind kind, const struct eg_addr *from, const uint8_t *bytes,
                             size_t size) {
    struct eg_sim_stream *stream = (struct eg_sim_stream *)output;
    struct eg_arrival arrival = {.path.remote = *from, .bytes = bytes, .size = size, .at = stream->world->now};
    stream->logs[kind].ticks = eg_sim_ffmpeg_newest_ticks(&stream->ffmpeg, kind);
    take(stream, kind, &stream->logs[kind], &arrival);
}

static void take_from_rung(struct eg_sim_ffmpeg_output *output, enum eg_track_kind kind, const struct eg_addr *from, const uint8_t *bytes,
                           size_t size) {
    struct eg_sim_rung *rung = (struct eg_sim_rung *)output;
    struct eg_arrival arrival = {.path.remote = *from, .bytes = bytes, .size = size, .at = rung->stream->world->now};
    if (kind != EG_VIDEO) return; // its BYE is for both tracks
    rung->log.ticks = eg_sim_ffmpeg_newest_ticks(&rung->ffmpeg, kind);
    take(rung->stream, eg__source_of_encoding(rung->encoding), &rung->log, &arrival);
}

unsigned eg_sim_world_add_ladder(struct eg_sim_world *world, unsigned engine, const struct eg_sim_ffmpeg_config *configs, unsigned count,
                                 const uint32_t *bit_rates) {
    EG_ASSERT(world->stream_count < EG_SIM_STREAMS_MAX && count > 0 && count <= EG_SIM_RUNGS_MAX);
    struct eg_sim_stream *stream = &world->streams[world->stream_count];
    *stream = (struct eg_sim_stream){
        .output.datagram = take_from_source,
        .world = world,
        .engine = engine,
        .is_there = true,
        .config = configs[0],
        .rung_count = count - 1,
    };
    const eg_codec codecs[EG_TRACK_COUNT] = {configs->video_codec, configs->audio_codec};
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) eg_sim_log_init(&stream->logs[kind], kind, codecs[kind], configs->has_b_frames);
    struct eg_stream_config stream_config = {
        .has_video = configs->has_video,
        .has_audio = configs->has_audio,
        .video_payload_type = EG_SIM_VIDEO_PAYLOAD_TYPE,
        .audio_payload_type = EG_SIM_AUDIO_PAYLOAD_TYPE,
        .video_codec = configs->video_codec,
        .audio_codec = configs->audio_codec,
        .further_count = count - 1,
    };
    for (unsigned i = 0; i < count; i++) stream_config.bit_rates[i] = stream->bit_rates[i] = bit_rates != NULL ? bit_rates[i] : 0;
    for (unsigned i = 0; i + 1 < count; i++) {
        stream_config.further[i] = (struct eg_encoding_config){.codec = configs->video_codec, .payload_type = EG_SIM_VIDEO_PAYLOAD_TYPE};
        stream->rungs[i] = (struct eg_sim_rung){
            .output.datagram = take_from_rung, .stream = stream, .encoding = i + 1, .config = configs[i + 1]};
        stream->rungs[i].config.has_audio = false;
        eg_sim_log_init(&stream->rungs[i].log, EG_VIDEO, configs->video_codec, configs->has_b_frames);
    }
    struct eg_sim_engine *owner = &world->engines[engine];
    unsigned home = owner->worker_count > 1 ? eg_sim_random_below(&world->random, owner->worker_count) : 0;
    EG_ASSERT(eg__core_add_stream(owner->workers[home].core, &stream_config, &stream->handle, NULL) == EG_STATUS_OK);
    return world->stream_count++;
}

unsigned eg_sim_world_add_stream(struct eg_sim_world *world, unsigned engine, const struct eg_sim_ffmpeg_config *config) {
    return eg_sim_world_add_ladder(world, engine, config, 1, NULL);
}

void eg_sim_stream_deinit(struct eg_sim_stream *stream) {
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) eg_sim_log_deinit(&stream->logs[kind]);
    for (unsigned i = 0; i < stream->rung_count; i++) eg_sim_log_deinit(&stream->rungs[i].log);
}

const struct eg_sim_log *eg_sim_log_of(const struct eg_sim_stream *stream, unsigned encoding) {
    return encoding == 0 ? &stream->logs[EG_VIDEO] : &stream->rungs[encoding - 1].log;
}

eg_time eg_sim_stream_deadline(const struct eg_sim_stream *stream) {
    eg_time deadline = stream->is_running ? eg_sim_ffmpeg_deadline(&stream->ffmpeg) : EG_TIME_NEVER;
    for (unsigned i = 0; i < stream->rung_count; i++)
        if (stream->rungs[i].is_running) deadline = eg__time_min(deadline, eg_sim_ffmpeg_deadline(&stream->rungs[i].ffmpeg));
    return deadline;
}

void eg_sim_stream_tick(struct eg_sim_stream *stream) {
    eg_time now = stream->world->now;
    if (stream->is_running) eg_sim_ffmpeg_tick(&stream->ffmpeg, now);
    for (unsigned i = 0; i < stream->rung_count; i++)
        if (stream->rungs[i].is_running) eg_sim_ffmpeg_tick(&stream->rungs[i].ffmpeg, now);
}

static void start_rung(struct eg_sim_world *world, unsigned number, struct eg_sim_rung *rung) {
    uint64_t seed = eg_sim_mix(world->seed, 600 + EG_SIM_RUNGS_MAX * number + rung->encoding, rung->runs++);
    rung->is_running = true;
    eg_sim_ffmpeg_start(&rung->ffmpeg, &rung->config, &rung->output, seed, world->now, eg_sim_ntp_origin);
}

void eg_sim_world_start_source(struct eg_sim_world *world, unsigned number) {
    struct eg_sim_stream *stream = &world->streams[number];
    stream->is_running = true;
    uint64_t seed = eg_sim_mix(world->seed, 6 + number, stream->runs++);
    eg_sim_ffmpeg_start(&stream->ffmpeg, &stream->config, &stream->output, seed, world->now, eg_sim_ntp_origin);
    for (unsigned i = 0; i < stream->rung_count; i++) start_rung(world, number, &stream->rungs[i]);
}

// Of the first one the pictures alone: its sender goes on with the sound, and at a key picture with the pictures.
void eg_sim_world_start_encoding(struct eg_sim_world *world, unsigned number, unsigned encoding) {
    struct eg_sim_stream *stream = &world->streams[number];
    struct eg_sim_ffmpeg *ffmpeg = &stream->ffmpeg;
    if (encoding > 0) {
        start_rung(world, number, &stream->rungs[encoding - 1]);
        return;
    }
    uint64_t due = (world->now - ffmpeg->began_at) * ffmpeg->config.frame_rate / EG_SECOND;
    ffmpeg->legs[EG_VIDEO].next = (due / ffmpeg->config.gop_pictures + 1) * ffmpeg->config.gop_pictures;
    ffmpeg->config.has_video = true;
}

static void stop_rung(struct eg_sim_rung *rung, bool says_bye) {
    if (rung->is_running && says_bye) eg_sim_ffmpeg_send_bye(&rung->ffmpeg);
    rung->is_running = false;
}

void eg_sim_world_stop_encoding(struct eg_sim_world *world, unsigned number, unsigned encoding, bool says_bye) {
    struct eg_sim_stream *stream = &world->streams[number];
    if (encoding > 0) stop_rung(&stream->rungs[encoding - 1], says_bye);
    else stream->ffmpeg.config.has_video = false;
}

void eg_sim_world_stop_source(struct eg_sim_world *world, unsigned number, bool says_bye) {
    struct eg_sim_stream *stream = &world->streams[number];
    if (stream->is_running && says_bye) eg_sim_ffmpeg_send_bye(&stream->ffmpeg);
    stream->is_running = false;
    for (unsigned i = 0; i < stream->rung_count; i++) stop_rung(&stream->rungs[i], says_bye);
}

void eg_sim_world_stray(struct eg_sim_world *world, unsigned number) {
    struct eg_sim_stream *stream = &world->streams[number];
    struct eg_sim_ffmpeg stray;
    struct eg_sim_ffmpeg_config config = eg_sim_ffmpeg_default;
    config.video_codec = stream->config.video_codec;
    eg_sim_ffmpeg_start(&stray, &config, &stream->output, eg_sim_random_u64(&world->random), world->now, eg_sim_ntp_origin);
    stream->is_stray = true;
    if (stream->config.has_video) eg_sim_ffmpeg_send_picture(&stray);
    stream->is_stray = false;
}

// Every datagram on its ports was a report, a packet that was taken, or one that a counter tells of; at most one a leg is still held back.
static void check_source(struct eg_sim_world *world, struct eg_sim_stream *stream) {
    struct eg_stream_stats stats;
    EG_ASSERT(eg__core_stream_stats(eg_sim_home_of(world, stream)->core, stream->handle, &stats) == EG_STATUS_OK);
    uint64_t used = stats.video.packets + stats.audio.packets + stats.dropped[EG_DROP_SOURCE_STRANGER] + stats.dropped[EG_DROP_SOURCE_PAYLOAD] +
                    stream->reports;
    for (unsigned i = 0; i < stream->rung_count; i++) {
        struct eg_encoding_stats encoding;
        EG_ASSERT(eg__core_encoding_stats(eg_sim_home_of(world, stream)->core, stream->handle, i + 1, &encoding) == EG_STATUS_OK);
        used += encoding.source.packets;
    }
    if (stream->datagrams - used > EG_TRACK_COUNT + stream->rung_count)
        eg_sim_fail(world, "%llu datagrams of a source, %llu accounted for", (unsigned long long)stream->datagrams,
                    (unsigned long long)used);
    if (stats.dropped[EG_DROP_SOURCE_MALFORMED] + stats.dropped[EG_DROP_SOURCE_UNKNOWN] + stats.dropped[EG_DROP_SOURCE_LATE] +
            stats.dropped[EG_DROP_SOURCE_DUPLICATE] + (stream->config.garbage > 0 ? 0 : stats.dropped[EG_DROP_SOURCE_PAYLOAD]) > 0)
        eg_sim_fail(world, "a good datagram of a source was dropped");
    if (stats.video.bytes_stored > (uint64_t)EG_STORE_VIDEO_CHUNKS_MAX * EG_STORE_CHUNK_SIZE)
        eg_sim_fail(world, "a store beyond its limit");
}

// A worker hears what others have said before it carries out a command.
static void remove_at(struct eg_sim_world *world, struct eg_sim_engine *engine, struct eg_sim_worker *worker, eg_stream_id stream) {
    eg_sim_hear(world, engine, worker);
    EG_ASSERT(eg__core_remove_stream(worker->core, world->now, stream) == EG_STATUS_OK);
    eg_sim_settle(world, engine, worker);
}

void eg_sim_world_remove_stream(struct eg_sim_world *world, unsigned number) {
    struct eg_sim_stream *stream = &world->streams[number];
    struct eg_sim_engine *engine = &world->engines[stream->engine];
    if (!stream->is_there) return;
    check_source(world, stream);
    uint64_t before = eg_sim_engine_drops(engine, 0, EG_DROP_COUNT);
    uint32_t mirrors = eg__core_stream_mirrors(eg_sim_home_of(world, stream)->core, stream->handle);
    remove_at(world, engine, eg_sim_home_of(world, stream), stream->handle);
    for (unsigned i = 0; i < engine->worker_count; i++)
        if (mirrors >> i & 1) remove_at(world, engine, &engine->workers[i], stream->handle);
    if (eg_sim_engine_drops(engine, 0, EG_DROP_COUNT) < before) eg_sim_fail(world, "a counter goes back when a stream is removed");
    stream->is_there = stream->is_running = false;
    for (unsigned i = 0; i < stream->rung_count; i++) stream->rungs[i].is_running = false;
}

