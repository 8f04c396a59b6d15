// The public interface on real sockets and threads. What media becomes of is the core's tests' business; here it is arguments, ports,
// threads, and that nothing is left behind.
#include "support/engine_fixture.h"

#include "base/limits.h"
#include "core/core.h"
#include "io/cores.h"

#include <dirent.h>
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#if !defined(__has_feature)
#define __has_feature(feature) 0
#endif

enum { HAS_THREAD_SANITIZER = __has_feature(thread_sanitizer) };

static void tells_what_it_settled_on(struct eg_check *check) {
    FOR_EACH_BACK_END(io) {
        eg_engine *engine = create(io);
        REQUIRE(engine != NULL);
        struct eg_engine_info info;
        eg_engine_info(engine, &info);
        CHECK(info.udp_port != 0);
        CHECK_EQUAL(info.io, io);
        CHECK(info.io_reason[0] == '\0');
        CHECK(info.crypto[0] != '\0');
        CHECK(info.viewer_send_buffer_size > 0 && info.viewer_receive_buffer_size > 0);
        CHECK_EQUAL(strlen(info.fingerprint), 32 * 3 - 1);
        eg_engine_destroy(engine);
    }
    eg_engine_destroy(NULL);
}

static void a_configuration_that_is_out_of_range_is_refused_by_field(struct eg_check *check) {
    const struct {
        struct eg_config config;
        eg_status status;
        const char *field;
    } rows[] = {
        {{.io = EG_IO_COUNT}, EG_STATUS_INVALID_ARGUMENT, "io"},
        {{.io = (eg_io)-1}, EG_STATUS_INVALID_ARGUMENT, "io"},
        {{.streams_max = 4097}, EG_STATUS_INVALID_ARGUMENT, "streams_max"},
        {{.viewers_max = 65537}, EG_STATUS_INVALID_ARGUMENT, "viewers_max"},
        {{.source_receive_buffer_size = (1u << 30) + 1}, EG_STATUS_INVALID_ARGUMENT, "source_receive_buffer_size"},
        {{.viewer_buffer_size = UINT32_MAX}, EG_STATUS_INVALID_ARGUMENT, "viewer_buffer_size"},
        {{.handshakes_max = 65537}, EG_STATUS_INVALID_ARGUMENT, "handshakes_max"},
        {{.handshakes_per_address_max = 65537}, EG_STATUS_INVALID_ARGUMENT, "handshakes_per_address_max"},
        {{.handshake_timeout_ms = 60001}, EG_STATUS_INVALID_ARGUMENT, "handshake_timeout_ms"},
        {{.handshake_size_max = 4095}, EG_STATUS_INVALID_ARGUMENT, "handshake_size_max"},
        {{.handshake_size_max = 65537}, EG_STATUS_INVALID_ARGUMENT, "handshake_size_max"},
        {{.source_port_min = 5000}, EG_STATUS_INVALID_ARGUMENT, "source_port_max"},
        {{.source_port_max = 5000}, EG_STATUS_INVALID_ARGUMENT, "source_port_min"},
        {{.source_port_min = 5000, .source_port_max = 5000}, EG_STATUS_INVALID_ARGUMENT, "source_port_min"},
        {{.source_port_min = 5001, .source_port_max = 5000}, EG_STATUS_INVALID_ARGUMENT, "source_port_min"},
        {{.udp_address = "localhost"}, EG_STATUS_INVALID_ARGUMENT, "udp_address"},
        {{.crypto = "rot13"}, EG_STATUS_INVALID_ARGUMENT, "crypto is \"rot13\", \"ipsec-mb\" and \"openssl\""},
        {{.crypto = ""}, EG_STATUS_INVALID_ARGUMENT, "crypto is \"\""},
    };
    unsigned before = open_descriptors();
    enum { ROWS = sizeof rows / sizeof rows[0] };
    for (size_t round = 0; round < ROWS * LEAK_ROUNDS; round++) {
        size_t i = round % ROWS;
        struct eg_error error = {0};
        eg_engine *engine = (eg_engine *)&error;
        CHECK_ROW(eg_engine_create(&rows[i].config, &no_hooks, &engine, &error) == rows[i].status, i);
        CHECK_ROW(engine == NULL, i);
        CHECK_ROW(error.status == rows[i].status, i);
        CHECK_ROW(strstr(error.message, rows[i].field) != NULL, i);
    }
    CHECK(!has_leaked(before));
}

static void a_taken_port_is_in_use(struct eg_check *check) {
    eg_engine *engine = create(EG_IO_AUTO), *second = NULL;
    REQUIRE(engine != NULL);
    struct eg_engine_info info;
    eg_engine_info(engine, &info);
    struct eg_config config = {.udp_port = info.udp_port};
    struct eg_error error = {0};
    CHECK_EQUAL(eg_engine_create(&config, &no_hooks, &second, &error), EG_STATUS_ADDRESS_IN_USE);
    CHECK_EQUAL(error.system_error, EADDRINUSE);
    CHECK(second == NULL);
    eg_engine_destroy(engine);
    // Free again the moment destroy returns.
    REQUIRE(eg_engine_create(&config, &no_hooks, &second, &error) == EG_STATUS_OK);
    eg_engine_destroy(second);
}

static void a_stream_that_is_out_of_range_is_refused_by_field(struct eg_check *check) {
    const struct {
        struct eg_stream_config config;
        const char *field;
    } rows[] = {
        {{.video_payload_type = 96, .audio_payload_type = 97}, "has_video"},
        {{.has_video = true, .video_payload_type = 128}, "video_payload_type"},
        {{.has_video = true, .video_payload_type = 64}, "video_payload_type"},
        {{.has_video = true, .video_payload_type = 95}, "video_payload_type"},
        {{.has_audio = true, .audio_payload_type = 72}, "audio_payload_type"},
        {{.has_video = true, .has_audio = true, .video_payload_type = 96, .audio_payload_type = 96}, "audio_payload_type"},
        {{.has_video = true, .video_codec = (eg_codec)15}, "video_codec is 15 (other)"},
        {{.has_video = true, .video_codec = (eg_codec)-1}, "video_codec is -1 (other)"},
        {{.has_video = true, .video_codec = EG_CODEC_OPUS}, "video_codec is 16 (opus), which is no codec of video"},
        {{.has_audio = true, .audio_codec = EG_CODEC_H264}, "audio_codec is 1 (h264), which is no codec of sound"},
        {{.has_video = true, .audio_codec = (eg_codec)20}, "audio_codec is 20 (other)"}, // even of a leg that is left out
    };
    eg_engine *engine = create(EG_IO_AUTO);
    REQUIRE(engine != NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct eg_stream_info info;
        struct eg_error error = {0};
        CHECK_ROW(eg_stream_create(engine, &rows[i].config, &info, &error) == EG_STATUS_INVALID_ARGUMENT, i);
        CHECK_ROW(strstr(error.message, rows[i].field) != NULL, i);
    }
    // A leg that is left out has no payload type to be wrong.
    static const struct eg_stream_config fine[] = {
        {.has_video = true, .video_payload_type = 63, .audio_payload_type = 63},
        {.has_audio = true, .video_payload_type = 200, .audio_payload_type = 0},
        {.has_video = true, .has_audio = true, .audio_payload_type = 9, .video_codec = EG_CODEC_AV1, .audio_codec = EG_CODEC_G722},
    };
    for (size_t i = 0; i < sizeof fine / sizeof fine[0]; i++) {
        struct eg_stream_info info;
        CHECK_ROW(eg_stream_create(engine, &fine[i], &info, NULL) == EG_STATUS_OK, i);
    }
    eg_engine_destroy(engine);
}

static void a_viewer_that_is_out_of_range_is_refused_by_field(struct eg_check *check) {
    enum { ROWS = 16 };
    static const char *const fields[ROWS] = {"video_payload_type", "video_rtx_payload_type", "audio_payload_type", "video_rtx_payload_type",
                                             "audio_payload_type", "has_video_rtx", "has_video", "ice_ufrag", "ice_pwd", "fingerprint",
                                             "both or neither", "local_ice_ufrag", "local_ice_pwd", "ice_ufrag: 4",
                                             "ice_pwd: 22", "fingerprint: "};
    eg_engine *engine = create(EG_IO_AUTO);
    struct eg_stream_info stream;
    REQUIRE(engine != NULL && eg_stream_create(engine, &both_tracks, &stream, NULL) == EG_STATUS_OK);
    struct eg_viewer_config configs[ROWS];
    for (size_t i = 0; i < ROWS; i++) configs[i] = viewer_of(stream.stream);
    configs[0].video_payload_type = 128;
    configs[1].video_rtx_payload_type = 64;
    configs[2].audio_payload_type = 95;
    configs[3].video_rtx_payload_type = 102; // the video's
    configs[4].audio_payload_type = 103;     // the retransmissions'
    configs[5].has_video = false;
    configs[6].has_video = configs[6].has_video_rtx = configs[6].has_audio = false;
    configs[7].ice_ufrag = "abc";
    configs[8].ice_pwd = "abcdefghijklmnopqrstu";
    configs[9].fingerprint = "sha-256 00";
    configs[10].local_ice_ufrag = "ABCDEFGH";
    configs[11].local_ice_ufrag = "ABCDEFG";
    configs[11].local_ice_pwd = "ABCDEFGHABCDEFGHABCDEFGH";
    configs[12].local_ice_ufrag = "ABCDEFGH";
    configs[12].local_ice_pwd = "ABCDEFGHABCDEFGHABCDEFG:";
    configs[13].ice_ufrag = NULL;
    configs[14].ice_pwd = NULL;
    configs[15].fingerprint = NULL;
    for (size_t i = 0; i < ROWS; i++) {
        struct eg_viewer_info info;
        struct eg_error error = {0};
        CHECK_ROW(eg_viewer_create(engine, &configs[i], &info, &error) == EG_STATUS_INVALID_ARGUMENT, i);
        CHECK_ROW(strstr(error.message, fields[i]) != NULL, i);
    }
    struct eg_viewer_config config = viewer_of(stream.stream);
    struct eg_viewer_info viewer;
    struct eg_error error;
    const char *none = NULL; // in a variable, since clang warns of the constant
    REQUIRE(eg_viewer_create(engine, &config, &viewer, NULL) == EG_STATUS_OK);
    CHECK_EQUAL(eg_viewer_restart_ice(engine, viewer.viewer, none, config.ice_pwd, &viewer, &error), EG_STATUS_INVALID_ARGUMENT);
    CHECK(strstr(error.message, "ice_ufrag") != NULL);
    CHECK_EQUAL(eg_viewer_restart_ice(engine, viewer.viewer, "efgh", none, &viewer, &error), EG_STATUS_INVALID_ARGUMENT);
    CHECK(strstr(error.message, "ice_pwd") != NULL);
    eg_engine_destroy(engine);
}

static void a_struct_that_is_missing_is_refused_by_name(struct eg_check *check) {
    eg_engine *engine = create(EG_IO_AUTO), *none = NULL;
    struct eg_config config = {.streams_max = 1};
    struct eg_stream_info stream;
    struct eg_viewer_info viewer;
    struct eg_error errors[7];
    const struct eg_config *no_config = NULL; // in variables, since clang warns of the constant
    const struct eg_hooks *missing_hooks = NULL;
    const struct eg_stream_config *no_stream_config = NULL;
    const struct eg_viewer_config *no_viewer_config = NULL;
    struct eg_stream_info *no_stream_info = NULL;
    struct eg_viewer_info *no_viewer_info = NULL;
    REQUIRE(engine != NULL && eg_stream_create(engine, &both_tracks, &stream, NULL) == EG_STATUS_OK);
    struct eg_viewer_config viewer_config = viewer_of(stream.stream);
    static const char *const names[] = {"config", "hooks", "config", "info", "config", "info", "info"};
    const eg_status statuses[] = {
        eg_engine_create(no_config, &no_hooks, &none, &errors[0]),
        eg_engine_create(&config, missing_hooks, &none, &errors[1]),
        eg_stream_create(engine, no_stream_config, &stream, &errors[2]),
        eg_stream_create(engine, &both_tracks, no_stream_info, &errors[3]),
        eg_viewer_create(engine, no_viewer_config, &viewer, &errors[4]),
        eg_viewer_create(engine, &viewer_config, no_viewer_info, &errors[5]),
        eg_viewer_restart_ice(engine, 1, "efgh", viewer_config.ice_pwd, no_viewer_info, &errors[6]),
    };
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        CHECK_ROW(statuses[i] == EG_STATUS_INVALID_ARGUMENT, i);
        CHECK_ROW(strstr(errors[i].message, names[i]) != NULL && strstr(errors[i].message, "NULL") != NULL, i);
    }
    CHECK(none == NULL);
    eg_engine_destroy(engine);
}

static void credentials_that_the_peer_knows_already_are_the_viewers_until_a_restart(struct eg_check *check) {
    eg_engine *engine = create(EG_IO_AUTO);
    struct eg_stream_info stream;
    struct eg_viewer_info viewer;
    REQUIRE(engine != NULL && eg_stream_create(engine, &both_tracks, &stream, NULL) == EG_STATUS_OK);
    struct eg_viewer_config config = viewer_of(stream.stream);
    config.local_ice_ufrag = "ABCDEFGH";
    config.local_ice_pwd = "abcdefghABCDEFGH0123456+";
    REQUIRE(eg_viewer_create(engine, &config, &viewer, NULL) == EG_STATUS_OK);
    CHECK(strcmp(viewer.ice_ufrag, "ABCDEFGH") == 0);
    CHECK(strcmp(viewer.ice_pwd, "abcdefghABCDEFGH0123456+") == 0);
    REQUIRE(eg_viewer_restart_ice(engine, viewer.viewer, "efgh", config.ice_pwd, &viewer, NULL) == EG_STATUS_OK);
    CHECK(strcmp(viewer.ice_ufrag, "ABCDEFGH") != 0);
    CHECK(strcmp(viewer.ice_pwd, "abcdefghABCDEFGH0123456+") != 0);
    eg_engine_destroy(engine);
}

static void what_is_gone_is_not_found(struct eg_check *check) {
    eg_engine *engine = create(EG_IO_AUTO);
    struct eg_stream_info stream;
    struct eg_stream_stats stream_stats;
    struct eg_viewer_info viewer;
    struct eg_viewer_stats viewer_stats;
    REQUIRE(engine != NULL && eg_stream_create(engine, &both_tracks, &stream, NULL) == EG_STATUS_OK);
    struct eg_viewer_config config = viewer_of(stream.stream);
    REQUIRE(eg_viewer_create(engine, &config, &viewer, NULL) == EG_STATUS_OK);
    CHECK_EQUAL(eg_viewer_stats(engine, viewer.viewer, &viewer_stats), EG_STATUS_OK);
    CHECK_EQUAL(viewer_stats.stream, stream.stream);
    CHECK_EQUAL(eg_stream_stats(engine, stream.stream, &stream_stats), EG_STATUS_OK);
    CHECK_EQUAL(stream_stats.viewers, 1);
    CHECK_EQUAL(eg_viewer_restart_ice(engine, viewer.viewer, "efgh", config.ice_pwd, &viewer, NULL), EG_STATUS_OK);
    CHECK_EQUAL(eg_viewer_close(engine, viewer.viewer), EG_STATUS_OK);
    CHECK_EQUAL(eg_viewer_close(engine, viewer.viewer), EG_STATUS_NOT_FOUND);
    CHECK_EQUAL(eg_viewer_stats(engine, viewer.viewer, &viewer_stats), EG_STATUS_NOT_FOUND);
    CHECK_EQUAL(eg_viewer_restart_ice(engine, viewer.viewer, "efgh", config.ice_pwd, &viewer, NULL), EG_STATUS_NOT_FOUND);
    CHECK_EQUAL(eg_stream_destroy(engine, stream.stream), EG_STATUS_OK);
    CHECK_EQUAL(eg_stream_destroy(engine, stream.stream), EG_STATUS_NOT_FOUND);
    CHECK_EQUAL(eg_stream_stats(engine, stream.stream, &stream_stats), EG_STATUS_NOT_FOUND);
    CHECK_EQUAL(eg_viewer_create(engine, &config, &viewer, NULL), EG_STATUS_NOT_FOUND);
    eg_engine_destroy(engine);
}

enum { CALLS_INSIDE = 8 };

struct seen {
    atomic_uint closed[16];
    eg_engine *engine;
    eg_status inside[CALLS_INSIDE];
    uint64_t told_inside; // by functions that were refused
    uint16_t udp_port;
};

static void call_everything(struct seen *seen, const struct eg_viewer_event *event) {
    struct eg_stream_info stream = {0};
    struct eg_viewer_info viewer = {0};
    struct eg_engine_info info;
    struct eg_engine_stats stats;
    struct eg_stream_stats stream_stats;
    struct eg_viewer_stats viewer_stats;
    struct eg_viewer_config config = viewer_of(event->stream);
    memset(&stats, 0xff, sizeof stats);
    const eg_status inside[CALLS_INSIDE] = {
        eg_viewer_close(seen->engine, event->viewer),
        eg_stream_destroy(seen->engine, event->stream),
        eg_engine_stats(seen->engine, &stats),
        eg_stream_stats(seen->engine, event->stream, &stream_stats),
        eg_viewer_stats(seen->engine, event->viewer, &viewer_stats),
        eg_stream_create(seen->engine, &both_tracks, &stream, NULL),
        eg_viewer_create(seen->engine, &config, &viewer, NULL),
        eg_viewer_restart_ice(seen->engine, event->viewer, "efgh", config.ice_pwd, &viewer, NULL),
    };
    memcpy(seen->inside, inside, sizeof inside);
    seen->told_inside = stats.streams + stats.viewers + stats.loop_turns + stream.stream + viewer.viewer + viewer_stats.stream;
    eg_engine_info(seen->engine, &info);
    seen->udp_port = info.udp_port;
}

static void note_viewer(void *context, const struct eg_viewer_event *event) {
    struct seen *seen = context;
    if (event->state == EG_VIEWER_CLOSED) atomic_fetch_add(&seen->closed[event->reason], 1);
    if (seen->engine != NULL) call_everything(seen, event);
}

// So a caller that was told of a limit can close something and try again at once.
static void a_closed_viewer_has_made_room_and_its_event_when_close_returns(struct eg_check *check) {
    FOR_EACH_BACK_END(io) {
        struct seen seen = {0};
        struct eg_config config = {.io = io, .streams_max = 1, .viewers_max = 2};
        struct eg_hooks hooks = {.context = &seen, .viewer = note_viewer};
        struct eg_error error = {0};
        struct eg_stream_info stream, second_stream;
        struct eg_viewer_info viewers[3];
        eg_engine *engine;
        REQUIRE(eg_engine_create(&config, &hooks, &engine, &error) == EG_STATUS_OK);
        REQUIRE(eg_stream_create(engine, &both_tracks, &stream, &error) == EG_STATUS_OK);
        unsigned before = open_descriptors();
        for (int round = 0; round < LEAK_ROUNDS; round++) {
            CHECK_EQUAL(eg_stream_create(engine, &both_tracks, &second_stream, &error), EG_STATUS_LIMIT_REACHED);
        }
        CHECK(!has_leaked(before));
        struct eg_viewer_config viewer = viewer_of(stream.stream);
        for (int i = 0; i < 2; i++) REQUIRE(eg_viewer_create(engine, &viewer, &viewers[i], &error) == EG_STATUS_OK);
        CHECK_EQUAL(eg_viewer_create(engine, &viewer, &viewers[2], &error), EG_STATUS_LIMIT_REACHED);
        CHECK_EQUAL(eg_viewer_close(engine, viewers[0].viewer), EG_STATUS_OK);
        CHECK_EQUAL(atomic_load(&seen.closed[EG_CLOSE_REQUESTED]), 1);
        CHECK_EQUAL(eg_viewer_create(engine, &viewer, &viewers[2], &error), EG_STATUS_OK);
        CHECK_EQUAL(eg_stream_destroy(engine, stream.stream), EG_STATUS_OK);
        CHECK_EQUAL(atomic_load(&seen.closed[EG_CLOSE_STREAM_STOPPED]), 2);
        CHECK_EQUAL(eg_stream_create(engine, &both_tracks, &stream, &error), EG_STATUS_OK);
        viewer.stream = stream.stream;
        REQUIRE(eg_viewer_create(engine, &viewer, &viewers[0], &error) == EG_STATUS_OK);
        eg_engine_destroy(engine);
        CHECK_EQUAL(atomic_load(&seen.closed[EG_CLOSE_STREAM_STOPPED]), 3);
    }
}

static void a_call_from_inside_a_hook_is_refused(struct eg_check *check) {
    struct seen seen = {0};
    struct eg_config config = {.streams_max = 2, .viewers_max = 2, .workers = 2};
    struct eg_hooks hooks = {.context = &seen, .viewer = note_viewer};
    struct eg_stream_info stream;
    struct eg_viewer_info viewer;
    REQUIRE(eg_engine_create(&config, &hooks, &seen.engine, NULL) == EG_STATUS_OK);
    REQUIRE(eg_stream_create(seen.engine, &both_tracks, &stream, NULL) == EG_STATUS_OK);
    struct eg_viewer_config viewer_config = viewer_of(stream.stream);
    REQUIRE(eg_viewer_create(seen.engine, &viewer_config, &viewer, NULL) == EG_STATUS_OK);
    CHECK_EQUAL(eg_viewer_close(seen.engine, viewer.viewer), EG_STATUS_OK);
    for (size_t i = 0; i < CALLS_INSIDE; i++) CHECK_ROW(seen.inside[i] == EG_STATUS_INVALID_ARGUMENT, i);
    CHECK_EQUAL(seen.told_inside, 0);
    CHECK(seen.udp_port != 0); // what never changes is told there too
    eg_engine *engine = seen.engine;
    seen.engine = NULL; // no calls from the hook for its end
    eg_engine_destroy(engine);
}

static void destroy_inside(void *context, const struct eg_viewer_event *event) {
    (void)event;
    eg_engine_destroy(*(eg_engine **)context);
}

static void run_destroy_inside(int report) {
    eg_engine *engine = NULL;
    struct eg_config config = {.streams_max = 1, .viewers_max = 1};
    struct eg_hooks hooks = {.context = &engine, .viewer = destroy_inside};
    struct eg_stream_info stream;
    struct eg_viewer_info viewer;
    signal(SIGABRT, SIG_DFL); // a test runner's handler would look at the crash, for as long as it takes
    if (dup2(report, STDERR_FILENO) < 0 || eg_engine_create(&config, &hooks, &engine, NULL) != EG_STATUS_OK) _exit(1);
    if (eg_stream_create(engine, &both_tracks, &stream, NULL) != EG_STATUS_OK) _exit(2);
    struct eg_viewer_config viewer_config = viewer_of(stream.stream);
    if (eg_viewer_create(engine, &viewer_config, &viewer, NULL) != EG_STATUS_OK) _exit(3);
    (void)eg_viewer_close(engine, viewer.viewer);
    _exit(4);
}

static void destroying_an_engine_from_inside_a_hook_is_an_assertion_that_says_so(struct eg_check *check) {
    if (HAS_THREAD_SANITIZER) return; // it does not follow a fork that starts threads
    int report[2];
    char text[512] = "";
    REQUIRE(pipe(report) == 0);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) run_destroy_inside(report[1]);
    close(report[1]);
    for (ssize_t at = 0, got; (got = read(report[0], text + at, sizeof text - 1 - (size_t)at)) > 0;) at += got;
    close(report[0]);
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    CHECK(strstr(text, "eg_engine_destroy is not called from inside a hook") != NULL);
}

// A byte of each counter that is 1 is 2 in a sum of two, wherever one is added to the struct.
static void every_counter_of_the_workers_is_summed(struct eg_check *check) {
    struct eg_engine_stats part, sum = {0}, expected;
    memset(&part, 1, sizeof part);
    memset(&expected, 2, sizeof expected);
    eg__core_add_stats(&sum, &part);
    eg__core_add_stats(&sum, &part);
    CHECK_BYTES(&sum, &expected, sizeof sum);
}

static bool has_dropped_ten(const struct eg_engine_stats *stats) { return stats->dropped[EG_DROP_UNKNOWN] >= 10; }
static bool has_source_drops(const struct eg_engine_stats *stats) { return stats->dropped[EG_DROP_SOURCE_UNKNOWN] >= 20; }

static void packets_reach_the_core_from_all_ports(struct eg_check *check) {
    FOR_EACH_BACK_END(io) {
        eg_engine *engine = create(io);
        REQUIRE(engine != NULL);
        struct eg_engine_info info;
        struct eg_stream_info stream;
        struct eg_engine_stats stats;
        eg_engine_info(engine, &info);
        REQUIRE(eg_stream_create(engine, &both_tracks, &stream, NULL) == EG_STATUS_OK);
        CHECK_EQUAL(stream.audio_port, stream.video_port + 1);
        CHECK(stream.receive_buffer_size > 0);
        int peer = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        for (int i = 0; i < 10; i++) {
            CHECK(send_to(peer, info.udp_port, "\xff garbage", 9));
            CHECK(send_to(peer, stream.video_port, "\x01 garbage", 9));
            CHECK(send_to(peer, stream.audio_port, "\x01 garbage", 9));
        }
        CHECK(await_stats(engine, &stats, has_dropped_ten));
        CHECK(await_stats(engine, &stats, has_source_drops));
        CHECK_EQUAL(stats.streams, 1);
        CHECK(stats.loop_turns > 0);
        CHECK(stats.thread_cpu_us > 0);
        close(peer);
        eg_engine_destroy(engine);
    }
}

static void an_exhausted_port_range_is_told_with_its_cause(struct eg_check *check) {
    struct eg_config config = {.source_port_min = port_of_ours(48), .source_port_max = port_of_ours(51)};
    struct eg_stream_info streams[3];
    struct eg_error error = {0};
    eg_engine *engine;
    REQUIRE(eg_engine_create(&config, &no_hooks, &engine, &error) == EG_STATUS_OK);
    for (int i = 0; i < 2; i++) REQUIRE(eg_stream_create(engine, &both_tracks, &streams[i], &error) == EG_STATUS_OK);
    unsigned before = open_descriptors();
    for (int round = 0; round < LEAK_ROUNDS; round++) {
        CHECK_EQUAL(eg_stream_create(engine, &both_tracks, &streams[2], &error), EG_STATUS_NO_PORTS);
    }
    CHECK(!has_leaked(before));
    CHECK_EQUAL(error.status, EG_STATUS_NO_PORTS);
    CHECK(strstr(error.message, "Address already in use") != NULL);
    // The ports are free again when destroy returns.
    CHECK_EQUAL(eg_stream_destroy(engine, streams[0].stream), EG_STATUS_OK);
    CHECK_EQUAL(eg_stream_create(engine, &both_tracks, &streams[2], &error), EG_STATUS_OK);
    CHECK_EQUAL(streams[2].video_port, streams[0].video_port);
    eg_engine_destroy(engine);
}

enum { CODEC_STREAMS = 5, CODEC_PACKETS = 2 * CODEC_STREAMS };

static bool have_all_codec_packets(const struct eg_engine_stats *stats) { return stats->packets_received >= CODEC_PACKETS; }

// A key picture's first packet of each codec, as FFmpeg sends it, and one that no codec has.
static void each_stream_takes_the_codec_that_it_says(struct eg_check *check) {
    static const struct {
        eg_codec codec;
        const char *key;
        uint8_t profile_idc;
        uint16_t width;
    } rows[CODEC_STREAMS] = {
        {EG_CODEC_DEFAULT, "78 0019 6742c01ed900a02ff970110000030001000003003c0f162e48 0004 68cb83cb 0003 658884", 66, 640},
        {EG_CODEC_H265,
         "6001 0018 40010c01ffff01600000030090000003000003003cba0240 0029 "
         "42010101600000030090000003000003003ca00a080c1f3e5ba4a4c2f0168080000003008000000f04 0006 4401c0718312 0003 2801ac", 1, 320},
        {EG_CODEC_VP8, "90808000d062009d012a4001b400390500001c24", 0, 320},
        {EG_CODEC_VP9, "08924983420009f8059b031c120e0c290005d05f", 2, 320},
        {EG_CODEC_AV1, "680d080200002caa67fd9e257c80203010008f60124882", 0, 1280},
    };
    eg_engine *engine = create(EG_IO_AUTO);
    REQUIRE(engine != NULL);
    struct eg_stream_info streams[CODEC_STREAMS];
    int peer = open_peer();
    for (size_t i = 0; i < CODEC_STREAMS; i++) {
        struct eg_stream_config config = {.has_video = true, .video_payload_type = 96, .video_codec = rows[i].codec};
        REQUIRE(eg_stream_create(engine, &config, &streams[i], NULL) == EG_STATUS_OK);
        uint8_t packet[256] = {0x80, 0xe0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 7};
        CHECK(send_to(peer, streams[i].video_port, packet, 12 + eg_hex(rows[i].key, packet + 12, sizeof packet - 12)));
        packet[3]++;
        packet[12] = 0;
        CHECK(send_to(peer, streams[i].video_port, packet, 13));
    }
    struct eg_engine_stats all;
    CHECK(await_stats(engine, &all, have_all_codec_packets));
    CHECK_EQUAL(all.dropped[EG_DROP_SOURCE_PAYLOAD], CODEC_STREAMS);
    for (size_t i = 0; i < CODEC_STREAMS; i++) {
        struct eg_stream_stats stats;
        REQUIRE(eg_stream_stats(engine, streams[i].stream, &stats) == EG_STATUS_OK);
        CHECK_ROW(stats.idrs == 1 && stats.video.packets == 1 && stats.dropped[EG_DROP_SOURCE_PAYLOAD] == 1, i);
        CHECK_ROW(stats.format.profile_idc == rows[i].profile_idc && stats.format.width == rows[i].width, i);
    }
    close(peer);
    eg_engine_destroy(engine);
}

static void names_are_lower_case_and_unique(struct eg_check *check) {
    for (int i = 0; i <= EG_DROP_COUNT; i++) {
        const char *name = eg_drop_name((eg_drop)i);
        CHECK_ROW(name != NULL, i);
        REQUIRE(name != NULL);
        CHECK_ROW(strspn(name, "abcdefghijklmnopqrstuvwxyz_") == strlen(name), i);
        for (int j = 0; j < i; j++) CHECK_ROW(strcmp(name, eg_drop_name((eg_drop)j)) != 0, i);
    }
    for (int i = 0; i <= EG_CLOSE_CONGESTION + 1; i++) {
        const char *name = eg_close_reason_name((eg_close_reason)i);
        CHECK_ROW(name != NULL && strspn(name, "abcdefghijklmnopqrstuvwxyz_") == strlen(name), i);
        for (int j = 0; j < i; j++) CHECK_ROW(strcmp(name, eg_close_reason_name((eg_close_reason)j)) != 0, i);
    }
    CHECK(strcmp(eg_drop_name((eg_drop)-1), "other") == 0);
    CHECK(strcmp(eg_close_reason_name(EG_CLOSE_CONSENT_EXPIRED), "consent_expired") == 0);
}

static void the_probe_tells_what_an_engine_would_use(struct eg_check *check) {
    struct eg_probe probe;
    struct eg_engine_info info;
    unsigned before = open_descriptors();
    for (int round = 0; round < LEAK_ROUNDS; round++) eg_probe(&probe);
    CHECK(!has_leaked(before));
    CHECK(probe.io_uring == (probe.io_uring_reason[0] == '\0'));
    CHECK(probe.gso == (probe.gso_reason[0] == '\0'));
    CHECK_EQUAL(probe.receive_buffer_asked, 4 * 1024 * 1024);
    CHECK(probe.receive_buffer_size > 0 && probe.receive_buffer_size <= probe.receive_buffer_asked);
    CHECK(strstr(probe.openssl, "OpenSSL") != NULL);
    eg_engine *engine = create(EG_IO_AUTO);
    REQUIRE(engine != NULL);
    eg_engine_info(engine, &info);
    CHECK(probe.io_uring == (info.io == EG_IO_URING));
    CHECK(probe.gso == info.gso);
    CHECK(strcmp(probe.crypto, info.crypto) == 0);
    eg_engine_destroy(engine);
}

static void the_cores_are_those_of_affinity_and_quota(struct eg_check *check) {
    static const struct {
        const char *text;
        uint32_t cores;
    } rows[] = {{"max 100000\n", 0}, {"200000 100000\n", 2}, {"150000 100000", 2}, {"50000 100000", 1}, {"1000 100000", 1}, {"", 0},
                {"x", 0}, {"100000", 0}, {"0 100000", 0}, {"100000 0", 0}, {"18446744073709551615 1", 0}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) CHECK_ROW(eg__cores_of_quota(rows[i].text) == rows[i].cores, i);
    uint32_t cores = eg_cores();
    CHECK(cores >= 1 && cores <= EG_WORKERS_MAX && (long)cores <= sysconf(_SC_NPROCESSORS_CONF));
}

static void no_signal_of_the_host_is_handled_on_the_thread(struct eg_check *check) {
    char path[320], line[256];
    sigset_t mask_before, mask_after;
    pthread_sigmask(SIG_BLOCK, NULL, &mask_before);
    eg_engine *engine = create(EG_IO_AUTO);
    REQUIRE(engine != NULL);
    struct eg_engine_stats stats;
    eg_engine_stats(engine, &stats); // the thread runs, so it has its name
    DIR *tasks = opendir("/proc/self/task");
    REQUIRE(tasks != NULL);
    bool is_found = false;
    for (struct dirent *task; (task = readdir(tasks)) != NULL;) {
        unsigned long long blocked = 0;
        bool is_engine = false;
        snprintf(path, sizeof path, "/proc/self/task/%s/status", task->d_name);
        FILE *status = fopen(path, "re");
        while (status != NULL && fgets(line, sizeof line, status) != NULL) {
            if (strcmp(line, "Name:\tegress\n") == 0) is_engine = true;
            sscanf(line, "SigBlk: %llx", &blocked);
        }
        if (status != NULL) fclose(status);
        if (!is_engine) continue;
        is_found = true;
        CHECK(blocked >> (SIGTERM - 1) & 1 && blocked >> (SIGUSR1 - 1) & 1 && blocked >> (SIGPIPE - 1) & 1 && blocked >> (SIGCHLD - 1) & 1);
        CHECK(!(blocked >> (SIGSEGV - 1) & 1));
    }
    closedir(tasks);
    CHECK(is_found);
    pthread_sigmask(SIG_BLOCK, NULL, &mask_after);
    for (int number = 1; number < NSIG; number++) CHECK_ROW(sigismember(&mask_before, number) == sigismember(&mask_after, number), number);
    eg_engine_destroy(engine);
}

// Makes io_uring_setup fail with EPERM in this process, as Docker's default profile does.
static bool forbid_uring(void) {
    struct sock_filter filter[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_io_uring_setup, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {.len = sizeof filter / sizeof filter[0], .filter = filter};
    return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

// What holds in the child, as its exit code: the number of the step that did not.
static int run_without_uring(void) {
    struct eg_config config = {.streams_max = 1, .viewers_max = 1};
    struct eg_error error = {0};
    struct eg_engine_info info;
    struct eg_probe probe;
    struct eg_stream_info stream;
    eg_engine *engine;
    if (!forbid_uring()) return 1;
    if (eg_engine_create(&config, &no_hooks, &engine, &error) != EG_STATUS_OK) return 2;
    eg_engine_info(engine, &info);
    if (info.io != EG_IO_EPOLL) return 3;
    if (strstr(info.io_reason, "seccomp") == NULL && strstr(info.io_reason, "sysctl") == NULL) return 4;
    if (eg_stream_create(engine, &both_tracks, &stream, &error) != EG_STATUS_OK) return 5;
    eg_engine_destroy(engine);
    config.io = EG_IO_URING;
    if (eg_engine_create(&config, &no_hooks, &engine, &error) != EG_STATUS_UNSUPPORTED) return 6;
    if (strstr(error.message, "io_uring") == NULL) return 7;
    eg_probe(&probe);
    if (probe.io_uring || strcmp(probe.io_uring_reason, info.io_reason) != 0) return 8;
    return 0;
}

static void without_io_uring_it_falls_back_and_says_why(struct eg_check *check) {
    if (HAS_THREAD_SANITIZER) return; // it does not follow a fork that starts threads
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) _exit(run_without_uring());
    int status = -1;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(WIFEXITED(status));
    CHECK_EQUAL(WEXITSTATUS(status), 0);
}

// The second is the second case of RFC 2202 §3, the others come from Python's hmac and base64.
static void a_turn_password_is_the_hmac_of_the_user_name_in_base64(struct eg_check *check) {
    static const struct {
        const char *secret, *username, *password;
    } rows[] = {
        {"north", "1700000000:viewer", "6+yi/bVtfd33MEvbIUAHKkmAKPw="},
        {"Jefe", "what do ya want for nothing?", "7/zfauXrL6LSdBbV8YTfnCWafHk="},
        {"s", "", "cdWK0mhC79q4otVBgYkh0gZq/r0="},
    };
    for (size_t row = 0; row < sizeof rows / sizeof rows[0]; row++) {
        char password[EG_TURN_PASSWORD_SIZE];
        memset(password, 'x', sizeof password);
        eg_turn_password(rows[row].secret, rows[row].username, password);
        CHECK_ROW(strcmp(password, rows[row].password) == 0, row);
    }
}

static const struct eg_test tests[] = {
    EG_TEST(tells_what_it_settled_on),
    EG_TEST(a_configuration_that_is_out_of_range_is_refused_by_field),
    EG_TEST(a_taken_port_is_in_use),
    EG_TEST(a_stream_that_is_out_of_range_is_refused_by_field),
    EG_TEST(a_viewer_that_is_out_of_range_is_refused_by_field),
    EG_TEST(a_struct_that_is_missing_is_refused_by_name),
    EG_TEST(credentials_that_the_peer_knows_already_are_the_viewers_until_a_restart),
    EG_TEST(what_is_gone_is_not_found),
    EG_TEST(a_closed_viewer_has_made_room_and_its_event_when_close_returns),
    EG_TEST(a_call_from_inside_a_hook_is_refused),
    EG_TEST(destroying_an_engine_from_inside_a_hook_is_an_assertion_that_says_so),
    EG_TEST(every_counter_of_the_workers_is_summed),
    EG_TEST(packets_reach_the_core_from_all_ports),
    EG_TEST(an_exhausted_port_range_is_told_with_its_cause),
    EG_TEST(each_stream_takes_the_codec_that_it_says),
    EG_TEST(names_are_lower_case_and_unique),
    EG_TEST(a_turn_password_is_the_hmac_of_the_user_name_in_base64),
    EG_TEST(the_probe_tells_what_an_engine_would_use),
    EG_TEST(the_cores_are_those_of_affinity_and_quota),
    EG_TEST(no_signal_of_the_host_is_handled_on_the_thread),
    EG_TEST(without_io_uring_it_falls_back_and_says_why),
};

EG_TEST_SUITE(engine, tests);
