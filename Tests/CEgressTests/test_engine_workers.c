// Engines of several workers, on real sockets and threads: where viewers are placed, that their datagrams find them, that every packet reaches
// them once, and that streams, sources and viewers may come and go at any moment.
#include "support/check.h"

#include "base/worker_id.h"
#include "cegress.h"
#include "sim/ffmpeg.h"
#include "support/back_ends.h"
#include "support/live_viewer.h"
#include "support/sockets.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct eg_hooks no_hooks;

static const struct eg_stream_config both_tracks = {.has_video = true, .has_audio = true, .video_payload_type = EG_SIM_VIDEO_PAYLOAD_TYPE,
                                                    .audio_payload_type = EG_SIM_AUDIO_PAYLOAD_TYPE};

static const char peer_fingerprint[] =
    "sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F";

static struct eg_viewer_config viewer_of(eg_stream_id stream) {
    return (struct eg_viewer_config){.stream = stream, .ice_ufrag = "abcd", .ice_pwd = "abcdefghijklmnopqrstuv",
                                     .fingerprint = peer_fingerprint, .has_video = true, .has_audio = true,
                                     .video_payload_type = 102, .audio_payload_type = 111};
}

static eg_engine *create(eg_io io, uint32_t workers, const struct eg_hooks *hooks) {
    struct eg_config config = {.io = io, .workers = workers, .streams_max = 16, .viewers_max = 256};
    eg_engine *engine = NULL;
    return eg_engine_create(&config, hooks, &engine, NULL) == EG_STATUS_OK ? engine : NULL;
}

// --- the port ---

static void a_port_is_an_engines_own_however_many_workers_share_it(struct eg_check *check) {
    static const struct {
        uint32_t first, second;
    } rows[] = {{2, 1}, {2, 2}, {1, 2}, {4, 4}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        eg_engine *engine = create(EG_IO_AUTO, rows[i].first, &no_hooks), *second = NULL;
        REQUIRE(engine != NULL);
        struct eg_engine_info info;
        eg_engine_info(engine, &info);
        CHECK_ROW(info.workers == rows[i].first, i);
        struct eg_config config = {.udp_port = info.udp_port, .workers = rows[i].second};
        CHECK_ROW(eg_engine_create(&config, &no_hooks, &second, NULL) == EG_STATUS_ADDRESS_IN_USE, i);
        eg_engine_destroy(engine);
        // Free again the moment destroy returns.
        REQUIRE(eg_engine_create(&config, &no_hooks, &second, NULL) == EG_STATUS_OK);
        eg_engine_destroy(second);
    }
}

static void too_many_workers_are_refused_by_field(struct eg_check *check) {
    struct eg_config config = {.workers = EG_WORKERS_MAX + 1};
    struct eg_error error = {0};
    eg_engine *engine = NULL;
    CHECK_EQUAL(eg_engine_create(&config, &no_hooks, &engine, &error), EG_STATUS_INVALID_ARGUMENT);
    CHECK(strstr(error.message, "workers") != NULL);
    config.workers = EG_WORKERS_MAX;
    REQUIRE(eg_engine_create(&config, &no_hooks, &engine, &error) == EG_STATUS_OK);
    struct eg_engine_stats stats;
    eg_engine_stats(engine, &stats);
    CHECK_EQUAL(stats.streams, 0);
    eg_engine_destroy(engine);
}

// --- placement ---

static void streams_and_viewers_are_spread_and_credentials_say_where(struct eg_check *check) {
    enum { WORKERS = 3, VIEWERS = 120 };
    eg_engine *engine = create(EG_IO_AUTO, WORKERS, &no_hooks);
    struct eg_stream_info streams[WORKERS];
    REQUIRE(engine != NULL);
    unsigned homes = 0, counts[WORKERS] = {0};
    for (int i = 0; i < WORKERS; i++) {
        REQUIRE(eg_stream_create(engine, &both_tracks, &streams[i], NULL) == EG_STATUS_OK);
        homes |= 1u << eg__worker_id_worker(streams[i].stream);
    }
    CHECK_EQUAL(homes, (1u << WORKERS) - 1);
    // All of them want one stream.
    struct eg_viewer_config config = viewer_of(streams[1].stream);
    for (int i = 0; i < VIEWERS; i++) {
        struct eg_viewer_info info;
        REQUIRE(eg_viewer_create(engine, &config, &info, NULL) == EG_STATUS_OK);
        unsigned worker = eg__worker_id_worker(info.viewer);
        REQUIRE(worker < WORKERS);
        if (i < EG_PLACEMENT_SLACK) CHECK_ROW(worker == eg__worker_id_worker(streams[1].stream), i);
        counts[worker]++;
    }
    for (int i = 0; i < WORKERS; i++) CHECK_ROW(counts[i] + EG_PLACEMENT_SLACK >= VIEWERS / WORKERS, i);
    struct eg_stream_stats stats;
    REQUIRE(eg_stream_stats(engine, streams[1].stream, &stats) == EG_STATUS_OK);
    CHECK_EQUAL(stats.viewers, VIEWERS);
    // Whatever that means for the load.
    config.local_ice_pwd = "abcdefghABCDEFGH0123456+";
    static const char *const ufrags[] = {"ABCDEFGH", "BBCDEFGH", "CBCDEFGH", "DBCDEFGH"};
    for (unsigned i = 0; i < 4; i++) {
        struct eg_viewer_info info;
        config.local_ice_ufrag = ufrags[i];
        REQUIRE(eg_viewer_create(engine, &config, &info, NULL) == EG_STATUS_OK);
        CHECK_ROW(eg__worker_id_worker(info.viewer) == i % WORKERS, i);
    }
    struct eg_error error = {0};
    struct eg_viewer_info info;
    config.local_ice_ufrag = ":BCDEFGH";
    CHECK_EQUAL(eg_viewer_create(engine, &config, &info, &error), EG_STATUS_INVALID_ARGUMENT);
    CHECK(strstr(error.message, "local_ice_ufrag") != NULL);
    eg_engine_destroy(engine);
}

static void the_last_of_as_many_workers_as_there_may_be_is_one_like_the_others(struct eg_check *check) {
    enum { VIEWERS = 300 };
    eg_engine *engine = NULL;
    const struct eg_config engine_config = {.workers = EG_WORKERS_MAX, .streams_max = 4, .viewers_max = VIEWERS, .viewer_buffer_size = 65536};
    REQUIRE(eg_engine_create(&engine_config, &no_hooks, &engine, NULL) == EG_STATUS_OK);
    struct eg_stream_info stream;
    REQUIRE(eg_stream_create(engine, &both_tracks, &stream, NULL) == EG_STATUS_OK);
    struct eg_viewer_config config = viewer_of(stream.stream);
    uint32_t workers = 0;
    for (int i = 0; i < VIEWERS; i++) {
        struct eg_viewer_info info;
        REQUIRE(eg_viewer_create(engine, &config, &info, NULL) == EG_STATUS_OK);
        workers |= UINT32_C(1) << eg__worker_id_worker(info.viewer);
    }
    CHECK_EQUAL(workers, UINT32_MAX);
    struct eg_stream_stats stats;
    CHECK_EQUAL(eg_stream_stats(engine, stream.stream, &stats), EG_STATUS_OK);
    CHECK_EQUAL(stats.viewers, VIEWERS);
    CHECK_EQUAL(eg_stream_destroy(engine, stream.stream), EG_STATUS_OK);
    struct eg_engine_stats left;
    eg_engine_stats(engine, &left);
    CHECK_EQUAL(left.viewers + left.streams, 0);
    eg_engine_destroy(engine);
}

static void limits_are_the_engines_and_ids_of_no_worker_are_not_found(struct eg_check *check) {
    struct eg_config config = {.workers = 4, .streams_max = 2, .viewers_max = 30};
    eg_engine *engine = NULL;
    struct eg_stream_info streams[3];
    struct eg_viewer_info viewers[31];
    struct eg_stream_stats stream_stats;
    REQUIRE(eg_engine_create(&config, &no_hooks, &engine, NULL) == EG_STATUS_OK);
    for (int i = 0; i < 2; i++) REQUIRE(eg_stream_create(engine, &both_tracks, &streams[i], NULL) == EG_STATUS_OK);
    CHECK_EQUAL(eg_stream_create(engine, &both_tracks, &streams[2], NULL), EG_STATUS_LIMIT_REACHED);
    struct eg_viewer_config viewer = viewer_of(streams[0].stream);
    for (int i = 0; i < 30; i++) REQUIRE(eg_viewer_create(engine, &viewer, &viewers[i], NULL) == EG_STATUS_OK);
    CHECK_EQUAL(eg_viewer_create(engine, &viewer, &viewers[30], NULL), EG_STATUS_LIMIT_REACHED);
    CHECK_EQUAL(eg_viewer_close(engine, viewers[29].viewer), EG_STATUS_OK);
    CHECK_EQUAL(eg_viewer_create(engine, &viewer, &viewers[30], NULL), EG_STATUS_OK);
    CHECK_EQUAL(eg_stream_destroy(engine, streams[0].stream), EG_STATUS_OK);
    for (int i = 0; i < 31; i++) CHECK_ROW(eg_viewer_close(engine, viewers[i].viewer) == EG_STATUS_NOT_FOUND, i);
    CHECK_EQUAL(eg_stream_create(engine, &both_tracks, &streams[2], NULL), EG_STATUS_OK);
    for (uint32_t worker = 0; worker <= EG_WORKER_ID_MASK; worker++) {
        uint64_t id = eg__worker_id(worker, eg__worker_id_handle(streams[1].stream) + 7);
        struct eg_viewer_config lost = viewer_of(id);
        CHECK_ROW(eg_stream_stats(engine, id, &stream_stats) == EG_STATUS_NOT_FOUND, worker);
        CHECK_ROW(eg_viewer_create(engine, &lost, &viewers[0], NULL) == EG_STATUS_NOT_FOUND, worker);
        CHECK_ROW(eg_stream_destroy(engine, id) == EG_STATUS_NOT_FOUND && eg_viewer_close(engine, id) == EG_STATUS_NOT_FOUND, worker);
    }
    eg_engine_destroy(engine);
}

// --- media ---

struct live_source {
    struct eg_sim_ffmpeg_output output; // first
    struct eg_sim_ffmpeg ffmpeg;
    int fds[EG_TRACK_COUNT];
    struct eg_stream_info info;
    uint64_t video;                     // packets sent
    eg_time now;                        // its own: it sends as fast as it is asked to
};

static void write_to_engine(struct eg_sim_ffmpeg_output *output, enum eg_track_kind kind, const struct eg_addr *from, const uint8_t *bytes,
                            size_t size) {
    struct live_source *source = (struct live_source *)output;
    (void)from;
    send_to(source->fds[kind], kind == EG_VIDEO ? source->info.video_port : source->info.audio_port, bytes, size);
    source->video += kind == EG_VIDEO && (bytes[1] & 0x7f) == EG_SIM_VIDEO_PAYLOAD_TYPE;
}

// Another run from another port, as FFmpeg's next one.
static void start_source(struct live_source *source, const struct eg_stream_info *info, uint64_t seed) {
    *source = (struct live_source){.output.datagram = write_to_engine, .info = *info, .now = EG_SECOND};
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) source->fds[kind] = open_peer();
    struct eg_sim_ffmpeg_config config = eg_sim_ffmpeg_default;
    config.gop_pictures = 10;
    eg_sim_ffmpeg_start(&source->ffmpeg, &config, &source->output, seed, source->now, 0);
}

static void stop_source(struct live_source *source, bool says_bye) {
    if (says_bye) eg_sim_ffmpeg_send_bye(&source->ffmpeg);
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) close(source->fds[kind]);
}

static bool has_all_video(struct live_viewer *viewer, uint64_t count) {
    for (int waits = 0; viewer->video < count && waits < 500; waits++) eg_live_viewer_read(viewer, 10);
    return viewer->video == count;
}

static bool has_repair(struct live_viewer *viewer) {
    eg_live_viewer_ask_again(viewer);
    for (int waits = 0; viewer->repaired == 0 && waits < 500; waits++) eg_live_viewer_read(viewer, 10);
    return viewer->repaired == 1;
}

// Picture by picture, each awaited by all of them. They outnumber what fits at home, and arrive at whatever worker the kernel chooses.
static void viewers_of_all_workers_get_every_packet_once(struct eg_check *check) {
    enum { WORKERS = 3, VIEWERS = 30, PICTURES = 25 };
    FOR_EACH_BACK_END(io) {
        static struct live_viewer viewers[VIEWERS];
        struct live_source source;
        struct eg_stream_info stream;
        eg_engine *engine = create(io, WORKERS, &no_hooks);
        REQUIRE(engine != NULL && eg_stream_create(engine, &both_tracks, &stream, NULL) == EG_STATUS_OK);
        start_source(&source, &stream, 5);
        unsigned workers = 0;
        for (int i = 0; i < VIEWERS; i++) {
            REQUIRE(eg_live_viewer_open(&viewers[i], engine, stream.stream) == EG_STATUS_OK);
            REQUIRE(eg_live_viewer_connect(&viewers[i], 20 * EG_SECOND));
            workers |= 1u << eg__worker_id_worker(viewers[i].info.viewer);
        }
        CHECK_EQUAL(workers, (1u << WORKERS) - 1);
        for (int picture = 0; picture < PICTURES; picture++) {
            eg_sim_ffmpeg_send_picture(&source.ffmpeg);
            for (int i = 0; i < VIEWERS; i++) CHECK_ROW(has_all_video(&viewers[i], source.video), i);
        }
        for (int i = 0; i < VIEWERS; i++) {
            CHECK_ROW(has_repair(&viewers[i]), i);
            CHECK_ROW(viewers[i].out_of_order == 0 && viewers[i].broken == 0, i);
        }
        struct eg_stream_stats stream_stats;
        struct eg_engine_stats stats;
        CHECK_EQUAL(eg_stream_stats(engine, stream.stream, &stream_stats), EG_STATUS_OK);
        eg_engine_stats(engine, &stats);
        CHECK_EQUAL(stream_stats.viewers_connected, VIEWERS);
        CHECK_EQUAL(stream_stats.packets_sent, VIEWERS * source.video);
        CHECK_EQUAL(stats.packets_sent, VIEWERS * source.video);
        CHECK_EQUAL(stats.handshakes_done, VIEWERS);
        CHECK_EQUAL(stats.dropped[EG_DROP_WORKER_BUSY], 0);
        CHECK_EQUAL(stats.streams, 1);
        CHECK_EQUAL(eg_stream_destroy(engine, stream.stream), EG_STATUS_OK);
        for (int i = 0; i < VIEWERS; i++) {
            for (int waits = 0; !viewers[i].is_closed && waits < 500; waits++) eg_live_viewer_read(&viewers[i], 10);
            CHECK_ROW(viewers[i].is_closed, i); // each has heard the goodbye
            eg_live_viewer_close(&viewers[i]);
        }
        stop_source(&source, false);
        eg_engine_destroy(engine);
    }
}

// --- storms ---

enum { STREAMS = 3, STORM_WORKERS = 4, WATCHERS = 2, JOINS = 12, CHANGES = 15 };

struct storm {
    eg_engine *engine;
    pthread_mutex_t lock;               // of the streams' names: they are destroyed and made anew
    struct eg_stream_info streams[STREAMS];
    atomic_bool is_over;
    atomic_uint created, closed;        // viewers, as hooks tell
    atomic_uint broken, connected;
};

static void note_viewer(void *context, const struct eg_viewer_event *event) {
    struct storm *storm = context;
    if (event->state == EG_VIEWER_CLOSED) atomic_fetch_add(&storm->closed, 1);
}

static struct eg_stream_info stream_at(struct storm *storm, unsigned index) {
    pthread_mutex_lock(&storm->lock);
    struct eg_stream_info info = storm->streams[index % STREAMS];
    pthread_mutex_unlock(&storm->lock);
    return info;
}

// Feeds all streams, each restarted now and then. It goes as fast as the engine answers.
static void *run_sources(void *context) {
    struct storm *storm = context;
    struct live_source sources[STREAMS];
    for (unsigned i = 0; i < STREAMS; i++) {
        struct eg_stream_info info = stream_at(storm, i);
        start_source(&sources[i], &info, i);
    }
    for (unsigned round = 1; !atomic_load(&storm->is_over); round++) {
        for (unsigned i = 0; i < STREAMS; i++) {
            struct eg_stream_info info = stream_at(storm, i);
            if (info.stream != sources[i].info.stream || (round + i) % 40 == 0) {
                stop_source(&sources[i], round % 2 == 0);
                start_source(&sources[i], &info, round);
            }
            eg_sim_ffmpeg_send_picture(&sources[i].ffmpeg);
            eg_sim_ffmpeg_send_audio(&sources[i].ffmpeg);
        }
        struct eg_engine_stats stats;
        eg_engine_stats(storm->engine, &stats);
    }
    for (unsigned i = 0; i < STREAMS; i++) stop_source(&sources[i], false);
    return NULL;
}

// Joins for real, watches a little, asks for repairs, and leaves in one way or another.
static void *run_watcher(void *context) {
    struct storm *storm = context;
    for (unsigned i = 0; i < JOINS; i++) {
        struct live_viewer viewer;
        if (eg_live_viewer_open(&viewer, storm->engine, stream_at(storm, i).stream) != EG_STATUS_OK) continue;
        atomic_fetch_add(&storm->created, 1);
        // Not long: its stream may be gone, and nobody tells one that has not come up.
        if (eg_live_viewer_connect(&viewer, EG_SECOND)) atomic_fetch_add(&storm->connected, 1);
        for (int reads = 0; reads < 20 && !viewer.is_closed; reads++) {
            eg_live_viewer_read(&viewer, 5);
            eg_live_viewer_ask_again(&viewer);
        }
        if (i % 3 == 0) eg_live_viewer_say_goodbye(&viewer);
        if (i % 3 == 1) (void)eg_viewer_close(storm->engine, viewer.info.viewer);
        atomic_fetch_add(&storm->broken, (unsigned)viewer.broken);
        eg_live_viewer_close(&viewer);
    }
    return NULL;
}

// Viewers that never come, restarts of their ICE, numbers asked for meanwhile.
static void *run_caller(void *context) {
    struct storm *storm = context;
    while (!atomic_load(&storm->is_over)) {
        struct eg_viewer_info viewers[20];
        for (unsigned i = 0; i < 20; i++) {
            struct eg_stream_stats stats;
            struct eg_viewer_config config = viewer_of(stream_at(storm, i).stream);
            viewers[i].viewer = 0;
            if (eg_viewer_create(storm->engine, &config, &viewers[i], NULL) == EG_STATUS_OK) atomic_fetch_add(&storm->created, 1);
            else viewers[i].viewer = 0;
            (void)!eg_viewer_restart_ice(storm->engine, viewers[i].viewer, "efgh", config.ice_pwd, &viewers[i], NULL);
            (void)!eg_stream_stats(storm->engine, config.stream, &stats);
        }
        for (unsigned i = 0; i < 20; i++) (void)eg_viewer_close(storm->engine, viewers[i].viewer);
    }
    return NULL;
}

// Streams go while they are fed and watched, and others come in their place.
static void change_streams(struct eg_check *check, struct storm *storm) {
    for (unsigned i = 0; i < CHANGES; i++) {
        struct eg_stream_info next, old = stream_at(storm, i);
        REQUIRE(eg_stream_create(storm->engine, &both_tracks, &next, NULL) == EG_STATUS_OK);
        pthread_mutex_lock(&storm->lock);
        storm->streams[i % STREAMS] = next;
        pthread_mutex_unlock(&storm->lock);
        CHECK_EQUAL(eg_stream_destroy(storm->engine, old.stream), EG_STATUS_OK);
        struct eg_stream_stats stats;
        CHECK_EQUAL(eg_stream_stats(storm->engine, old.stream, &stats), EG_STATUS_NOT_FOUND);
    }
}

static void run_storm(struct eg_check *check, eg_io io) {
    static struct storm storm;
    storm = (struct storm){.lock = PTHREAD_MUTEX_INITIALIZER};
    struct eg_hooks hooks = {.context = &storm, .viewer = note_viewer};
    pthread_t sources, caller, watchers[WATCHERS];
    storm.engine = create(io, STORM_WORKERS, &hooks);
    REQUIRE(storm.engine != NULL);
    for (int i = 0; i < STREAMS; i++) REQUIRE(eg_stream_create(storm.engine, &both_tracks, &storm.streams[i], NULL) == EG_STATUS_OK);
    REQUIRE(pthread_create(&sources, NULL, run_sources, &storm) == 0 && pthread_create(&caller, NULL, run_caller, &storm) == 0);
    for (int i = 0; i < WATCHERS; i++) REQUIRE(pthread_create(&watchers[i], NULL, run_watcher, &storm) == 0);
    change_streams(check, &storm);
    for (int i = 0; i < WATCHERS; i++) pthread_join(watchers[i], NULL);
    atomic_store(&storm.is_over, true);
    pthread_join(sources, NULL);
    pthread_join(caller, NULL);
    struct eg_engine_stats stats;
    eg_engine_stats(storm.engine, &stats);
    CHECK_EQUAL(stats.viewers_created, atomic_load(&storm.created));
    CHECK_EQUAL(stats.streams, STREAMS);
    CHECK(atomic_load(&storm.connected) > 0);
    CHECK_EQUAL(atomic_load(&storm.broken), 0);
    eg_engine_destroy(storm.engine);
    CHECK_EQUAL(atomic_load(&storm.closed), atomic_load(&storm.created)); // each was told of, once
}

static void streams_sources_and_viewers_come_and_go_in_a_storm(struct eg_check *check) {
    FOR_EACH_BACK_END(io) run_storm(check, io);
}

struct endless_source {
    struct live_source source;
    atomic_bool is_over;
};

static void *run_endless_source(void *context) {
    struct endless_source *endless = context;
    while (!atomic_load(&endless->is_over)) {
        eg_sim_ffmpeg_send_picture(&endless->source.ffmpeg);
        eg_sim_ffmpeg_send_audio(&endless->source.ffmpeg);
    }
    return NULL;
}

// Its threads are in the middle of pictures, its queues and mirrors hold blocks of each other's, and viewers of all workers watch.
static void an_engine_may_end_at_any_moment_of_its_media(struct eg_check *check) {
    enum { WORKERS = 3, VIEWERS = 24, ROUNDS = 5 };
    FOR_EACH_BACK_END(io) {
        for (unsigned round = 0; round < ROUNDS; round++) {
            static struct live_viewer viewers[VIEWERS];
            static struct endless_source endless;
            struct eg_stream_info stream;
            pthread_t thread;
            eg_engine *engine = create(io, WORKERS, &no_hooks);
            REQUIRE(engine != NULL && eg_stream_create(engine, &both_tracks, &stream, NULL) == EG_STATUS_OK);
            for (int i = 0; i < VIEWERS; i++) {
                REQUIRE(eg_live_viewer_open(&viewers[i], engine, stream.stream) == EG_STATUS_OK);
                REQUIRE(eg_live_viewer_connect(&viewers[i], 20 * EG_SECOND));
            }
            atomic_store(&endless.is_over, false);
            start_source(&endless.source, &stream, round);
            REQUIRE(pthread_create(&thread, NULL, run_endless_source, &endless) == 0);
            for (int i = 0; i < VIEWERS; i++) {
                for (int waits = 0; viewers[i].video < 1 + round * 20 && waits < 500; waits++) eg_live_viewer_read(&viewers[i], 10);
                CHECK_ROW(viewers[i].video > 0, i);
            }
            eg_engine_destroy(engine);
            atomic_store(&endless.is_over, true);
            pthread_join(thread, NULL);
            stop_source(&endless.source, false);
            for (int i = 0; i < VIEWERS; i++) {
                CHECK_ROW(viewers[i].broken == 0, i);
                eg_live_viewer_close(&viewers[i]);
            }
        }
    }
}

static const struct eg_test tests[] = {
    EG_TEST(a_port_is_an_engines_own_however_many_workers_share_it),
    EG_TEST(too_many_workers_are_refused_by_field),
    EG_TEST(streams_and_viewers_are_spread_and_credentials_say_where),
    EG_TEST(the_last_of_as_many_workers_as_there_may_be_is_one_like_the_others),
    EG_TEST(limits_are_the_engines_and_ids_of_no_worker_are_not_found),
    EG_TEST(viewers_of_all_workers_get_every_packet_once),
    EG_TEST(streams_sources_and_viewers_come_and_go_in_a_storm),
    EG_TEST(an_engine_may_end_at_any_moment_of_its_media),
};

EG_TEST_SUITE(engine_workers, tests);
