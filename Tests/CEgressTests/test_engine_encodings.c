// Streams in several encodings, on real sockets and threads: each has a port, each viewer gets the one that it was made with, and the sound.
#include "support/engine_fixture.h"

#include "sim/ffmpeg.h"
#include "support/live_viewer.h"

#include <stdatomic.h>
#include <string.h>

enum { ENCODINGS = 3, FURTHER = ENCODINGS - 1 };

static const struct eg_stream_config three_encodings = {
    .has_video = true,
    .has_audio = true,
    .video_payload_type = EG_SIM_VIDEO_PAYLOAD_TYPE,
    .audio_payload_type = EG_SIM_AUDIO_PAYLOAD_TYPE,
    .further_count = FURTHER,
    .further = {{.payload_type = EG_SIM_VIDEO_PAYLOAD_TYPE}, {.payload_type = EG_SIM_VIDEO_PAYLOAD_TYPE}},
};

// One encoding's sender; the first one's sends the sound too.
struct leg {
    struct eg_sim_ffmpeg_output output; // first
    struct eg_sim_ffmpeg ffmpeg;
    int fds[EG_TRACK_COUNT];
    uint16_t ports[EG_TRACK_COUNT];
    uint64_t packets;                   // of video, as sent
    eg_time now;
};

static void write_to_engine(struct eg_sim_ffmpeg_output *output, enum eg_track_kind kind, const struct eg_addr *from, const uint8_t *bytes,
                            size_t size) {
    struct leg *leg = (struct leg *)output;
    (void)from;
    if (leg->ports[kind] == 0) return;
    send_to(leg->fds[kind], leg->ports[kind], bytes, size);
    leg->packets += kind == EG_VIDEO && (bytes[1] & 0x7f) == EG_SIM_VIDEO_PAYLOAD_TYPE;
}

// Pictures of each encoding take another number of packets, so that these tell whose they are.
static void start_legs(struct leg legs[ENCODINGS], const struct eg_stream_info *info) {
    for (unsigned i = 0; i < ENCODINGS; i++) {
        legs[i] = (struct leg){.output.datagram = write_to_engine, .now = EG_SECOND};
        legs[i].ports[EG_VIDEO] = i == 0 ? info->video_port : info->further_ports[i - 1];
        legs[i].ports[EG_AUDIO] = i == 0 ? info->audio_port : 0;
        for (int kind = 0; kind < EG_TRACK_COUNT; kind++) legs[i].fds[kind] = open_peer();
        struct eg_sim_ffmpeg_config config = eg_sim_ffmpeg_default;
        config.gop_pictures = 10;
        config.picture_size = 2000 * (i + 1);
        config.idr_size = 8000 * (i + 1);
        eg_sim_ffmpeg_start(&legs[i].ffmpeg, &config, &legs[i].output, i + 1, legs[i].now, 0);
    }
}

static void stop_legs(struct leg legs[ENCODINGS]) {
    for (unsigned i = 0; i < ENCODINGS; i++)
        for (int kind = 0; kind < EG_TRACK_COUNT; kind++) close(legs[i].fds[kind]);
}

static bool has_all(struct live_viewer *viewer, uint64_t video, uint64_t audio) {
    for (int waits = 0; (viewer->video < video || viewer->audio < audio) && waits < 500; waits++) eg_live_viewer_read(viewer, 10);
    return viewer->video == video && viewer->audio >= audio;
}

static eg_engine *create_with_workers(eg_io io, uint32_t workers) {
    struct eg_config config = {.io = io, .workers = workers, .streams_max = 4, .viewers_max = 64};
    eg_engine *engine = NULL;
    return eg_engine_create(&config, &no_hooks, &engine, NULL) == EG_STATUS_OK ? engine : NULL;
}

static void check_viewers(struct eg_check *check, struct live_viewer *viewers, unsigned count, struct leg legs[ENCODINGS]) {
    enum { PICTURES = 25 };
    for (uint64_t picture = 1; picture <= PICTURES; picture++) {
        for (unsigned i = 0; i < ENCODINGS; i++) eg_sim_ffmpeg_send_picture(&legs[i].ffmpeg);
        eg_sim_ffmpeg_send_audio(&legs[0].ffmpeg);
        // Of sound, what comes after the join.
        for (unsigned i = 0; i < count; i++) REQUIRE(has_all(&viewers[i], legs[i % ENCODINGS].packets, picture - 1));
    }
    CHECK(legs[0].packets < legs[1].packets && legs[1].packets < legs[2].packets);
    for (unsigned i = 0; i < count; i++) {
        eg_live_viewer_ask_again(&viewers[i]);
        for (int waits = 0; viewers[i].repaired == 0 && waits < 500; waits++) eg_live_viewer_read(&viewers[i], 10);
        CHECK_ROW(viewers[i].repaired == 1 && viewers[i].out_of_order == 0 && viewers[i].broken == 0, i);
    }
}

static void check_numbers(struct eg_check *check, eg_engine *engine, eg_stream_id stream, const struct live_viewer *viewers, unsigned count,
                          const struct leg legs[ENCODINGS]) {
    for (uint32_t encoding = 0; encoding < ENCODINGS; encoding++) {
        struct eg_encoding_stats stats;
        CHECK_EQUAL(eg_encoding_stats(engine, stream, encoding, &stats), EG_STATUS_OK);
        CHECK_ROW(stats.source.active && stats.source.packets == legs[encoding].packets && stats.source.lost == 0, encoding);
        CHECK_ROW(stats.pictures == 25 && stats.key_pictures == 3 && stats.format.width > 0, encoding);
        CHECK_ROW(stats.viewers == count / ENCODINGS, encoding);
    }
    struct eg_encoding_stats none;
    CHECK_EQUAL(eg_encoding_stats(engine, stream, ENCODINGS, &none), EG_STATUS_NOT_FOUND);
    for (unsigned i = 0; i < count; i++) {
        struct eg_viewer_stats stats;
        CHECK_EQUAL(eg_viewer_stats(engine, viewers[i].info.viewer, &stats), EG_STATUS_OK);
        CHECK_ROW(stats.encoding == i % ENCODINGS, i);
    }
}

// Those that find no place at home are at other workers, which have mirrors.
static void each_viewer_gets_every_packet_of_its_encoding_and_of_no_other(struct eg_check *check) {
    enum { VIEWERS = 30 };
    FOR_EACH_BACK_END(io) {
        static struct live_viewer viewers[VIEWERS];
        struct leg legs[ENCODINGS];
        struct eg_stream_info stream;
        eg_engine *engine = create_with_workers(io, 3);
        REQUIRE(engine != NULL && eg_stream_create(engine, &three_encodings, &stream, NULL) == EG_STATUS_OK);
        start_legs(legs, &stream);
        for (unsigned i = 0; i < VIEWERS; i++) {
            REQUIRE(eg_live_viewer_open_encoding(&viewers[i], engine, stream.stream, i % ENCODINGS) == EG_STATUS_OK);
            REQUIRE(eg_live_viewer_connect(&viewers[i], 20 * EG_SECOND));
        }
        check_viewers(check, viewers, VIEWERS, legs);
        check_numbers(check, engine, stream.stream, viewers, VIEWERS, legs);
        CHECK_EQUAL(eg_stream_destroy(engine, stream.stream), EG_STATUS_OK);
        for (unsigned i = 0; i < VIEWERS; i++) eg_live_viewer_close(&viewers[i]);
        stop_legs(legs);
        eg_engine_destroy(engine);
    }
}

// --- ports ---

static void ports_of_encodings_are_their_own_and_given_back(struct eg_check *check) {
    eg_engine *engine = create_with_workers(EG_IO_AUTO, 1);
    REQUIRE(engine != NULL);
    unsigned before = open_descriptors();
    struct eg_stream_config config = three_encodings;
    config.further_count = EG_ENCODINGS_MAX - 1;
    for (uint32_t i = 0; i < config.further_count; i++) config.further[i].payload_type = 102;
    struct eg_stream_info info;
    REQUIRE(eg_stream_create(engine, &config, &info, NULL) == EG_STATUS_OK);
    CHECK_EQUAL(info.audio_port, info.video_port + 1);
    for (uint32_t i = 0; i < config.further_count; i++) {
        CHECK_ROW(info.further_ports[i] != 0 && info.further_ports[i] != info.video_port && info.further_ports[i] != info.audio_port, i);
        for (uint32_t j = 0; j < i; j++) CHECK_ROW(info.further_ports[i] != info.further_ports[j], i);
    }
    CHECK_EQUAL(open_descriptors(), before + EG_ENCODINGS_MAX + 1);
    CHECK_EQUAL(eg_stream_destroy(engine, info.stream), EG_STATUS_OK);
    CHECK_EQUAL(open_descriptors(), before);
    eg_engine_destroy(engine);
}

// The range has room for the pair and one more.
static void a_start_that_finds_no_port_for_one_of_them_leaves_none_open(struct eg_check *check) {
    struct eg_engine_info engine_info;
    eg_engine *probe = create_with_workers(EG_IO_AUTO, 1);
    REQUIRE(probe != NULL);
    eg_engine_info(probe, &engine_info); // a port that nobody else has
    eg_engine_destroy(probe);
    uint16_t first = (uint16_t)(20000 + engine_info.udp_port % 8000);
    struct eg_config config = {.source_port_min = first, .source_port_max = (uint16_t)(first + 2), .streams_max = 4};
    eg_engine *engine = NULL;
    REQUIRE(eg_engine_create(&config, &no_hooks, &engine, NULL) == EG_STATUS_OK);
    unsigned before = open_descriptors();
    struct eg_stream_info info;
    struct eg_error error = {0};
    CHECK_EQUAL(eg_stream_create(engine, &three_encodings, &info, &error), EG_STATUS_NO_PORTS);
    CHECK(strstr(error.message, "no free port in 10 attempts") != NULL);
    CHECK_EQUAL(open_descriptors(), before);
    eg_engine_destroy(engine);
}

// --- what is refused ---

static void an_encoding_that_cant_be_is_refused_by_field(struct eg_check *check) {
    static const struct {
        struct eg_stream_config config;
        const char *field;
    } rows[] = {
        {{.has_audio = true, .audio_payload_type = 111, .further_count = 1}, "further_count"},
        {{.has_video = true, .video_payload_type = 102, .further_count = EG_ENCODINGS_MAX}, "further_count"},
        {{.has_video = true, .video_payload_type = 102, .further_count = 1, .further = {{.payload_type = 64}}}, "further.payload_type"},
        {{.has_video = true, .video_payload_type = 102, .further_count = 1, .further = {{.payload_type = 256 + 96}}}, "further.payload_type"},
        {{.has_video = true, .has_audio = true, .video_payload_type = 102, .audio_payload_type = 111, .further_count = 1,
          .further = {{.payload_type = 111}}}, "further.payload_type"},
    };
    eg_engine *engine = create_with_workers(EG_IO_AUTO, 1);
    REQUIRE(engine != NULL);
    unsigned before = open_descriptors();
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct eg_stream_info info;
        struct eg_error error = {0};
        CHECK_ROW(eg_stream_create(engine, &rows[i].config, &info, &error) == EG_STATUS_INVALID_ARGUMENT, i);
        CHECK_ROW(strstr(error.message, rows[i].field) != NULL, i);
    }
    CHECK_EQUAL(open_descriptors(), before);
    struct eg_stream_info info;
    struct live_viewer viewer;
    REQUIRE(eg_stream_create(engine, &three_encodings, &info, NULL) == EG_STATUS_OK);
    CHECK_EQUAL(eg_live_viewer_open_encoding(&viewer, engine, info.stream, ENCODINGS), EG_STATUS_INVALID_ARGUMENT);
    eg_engine_destroy(engine);
}

// --- events ---

struct heard {
    atomic_uint formats[ENCODINGS];
};

static void note_stream(void *context, const struct eg_stream_event *event) {
    struct heard *heard = context;
    if (event->kind == EG_STREAM_VIDEO_FORMAT && event->encoding < ENCODINGS) atomic_fetch_add(&heard->formats[event->encoding], 1);
}

static void the_format_of_each_encoding_is_told_once(struct eg_check *check) {
    struct heard heard = {0};
    struct eg_hooks hooks = {.context = &heard, .stream = note_stream};
    struct eg_config config = {.streams_max = 4};
    struct leg legs[ENCODINGS];
    struct eg_stream_info stream;
    eg_engine *engine = NULL;
    REQUIRE(eg_engine_create(&config, &hooks, &engine, NULL) == EG_STATUS_OK);
    REQUIRE(eg_stream_create(engine, &three_encodings, &stream, NULL) == EG_STATUS_OK);
    start_legs(legs, &stream);
    for (int picture = 0; picture < 12; picture++)
        for (unsigned i = 0; i < ENCODINGS; i++) eg_sim_ffmpeg_send_picture(&legs[i].ffmpeg);
    for (unsigned i = 0; i < ENCODINGS; i++)
        for (int waits = 0; atomic_load(&heard.formats[i]) == 0 && waits < 2000; waits++) nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
    eg_engine_destroy(engine);
    for (unsigned i = 0; i < ENCODINGS; i++) CHECK_ROW(atomic_load(&heard.formats[i]) == 1, i);
    stop_legs(legs);
}

static const struct eg_test tests[] = {
    EG_TEST(each_viewer_gets_every_packet_of_its_encoding_and_of_no_other),
    EG_TEST(ports_of_encodings_are_their_own_and_given_back),
    EG_TEST(a_start_that_finds_no_port_for_one_of_them_leaves_none_open),
    EG_TEST(an_encoding_that_cant_be_is_refused_by_field),
    EG_TEST(the_format_of_each_encoding_is_told_once),
};

EG_TEST_SUITE(engine_encodings, tests);
