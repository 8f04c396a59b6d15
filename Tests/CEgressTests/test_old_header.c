// A program of another age than its library: one built against an older header, and what one built against a newer header hands over.
#include "old_cegress.h"
#include "support/check.h"

#include <string.h>

enum { GUARD = 0xa5, GUARD_SIZE = 2048 };

// A struct of the program's with what lies behind it in its memory.
#define GUARDED(type) \
    struct { \
        type value; \
        uint8_t behind[GUARD_SIZE]; \
    }
#define PREPARE(guarded) memset(&(guarded), GUARD, sizeof(guarded))
#define CHECK_GUARD(guarded) CHECK(is_untouched((guarded).behind))

static bool is_untouched(const uint8_t *bytes) {
    for (size_t i = 0; i < GUARD_SIZE; i++)
        if (bytes[i] != GUARD) return false;
    return true;
}

static const char pwd[] = "abcdefghijklmnopqrstuv";
static const char fingerprint[] =
    "sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F";

static void a_program_of_an_older_header_gets_what_it_knows_and_nothing_behind_it(struct eg_check *check) {
    for (uint32_t workers = 1; workers <= 2; workers++) {
        GUARDED(struct eg_config) config;
        GUARDED(struct eg_hooks) hooks;
        GUARDED(struct eg_engine_info) info;
        GUARDED(struct eg_stream_info) stream;
        GUARDED(struct eg_viewer_config) viewer_config;
        GUARDED(struct eg_viewer_info) viewer;
        GUARDED(struct eg_engine_stats) stats;
        GUARDED(struct eg_stream_stats) stream_stats;
        GUARDED(struct eg_viewer_stats) viewer_stats;
        GUARDED(struct eg_probe) probe;
        // What lies behind a struct that is read must not be taken for more of it.
        PREPARE(config), PREPARE(hooks), PREPARE(viewer_config);
        config.value = (struct eg_config){.workers = workers, .streams_max = 8};
        hooks.value = (struct eg_hooks){.context = &config};
        PREPARE(info), PREPARE(stream), PREPARE(viewer), PREPARE(stats), PREPARE(stream_stats), PREPARE(viewer_stats), PREPARE(probe);
        struct eg_error error = {0};
        eg_engine *engine;
        REQUIRE(eg_engine_create_sized(&config.value, sizeof config.value, &hooks.value, sizeof hooks.value, &engine, &error) == 0);
        eg_engine_info_sized(engine, &info.value, sizeof info.value);
        CHECK(info.value.udp_port != 0 && info.value.workers == workers);
        CHECK_GUARD(info);
        const struct eg_stream_config both = {true, true, 96, 111};
        REQUIRE(eg_stream_create_sized(engine, &both, sizeof both, &stream.value, sizeof stream.value, &error) == 0);
        CHECK(stream.value.stream != 0 && stream.value.video_port != 0);
        CHECK_GUARD(stream);
        viewer_config.value = (struct eg_viewer_config){.stream = stream.value.stream, .ice_ufrag = "abcd", .ice_pwd = pwd,
                                                        .fingerprint = fingerprint, .has_video = true, .video_payload_type = 102};
        size_t config_size = sizeof viewer_config.value, viewer_size = sizeof viewer.value;
        REQUIRE(eg_viewer_create_sized(engine, &viewer_config.value, config_size, &viewer.value, viewer_size, &error) == 0);
        CHECK(viewer.value.viewer != 0 && strlen(viewer.value.ice_pwd) == 24);
        CHECK_GUARD(viewer);
        CHECK(eg_viewer_restart_ice_sized(engine, viewer.value.viewer, "efgh", pwd, &viewer.value, viewer_size, &error) == 0);
        CHECK_GUARD(viewer);
        CHECK(eg_engine_stats_sized(engine, &stats.value, sizeof stats.value) == 0);
        CHECK(stats.value.streams == 1 && stats.value.viewers == 1 && stats.value.viewers_created == 1);
        CHECK_GUARD(stats);
        CHECK(eg_stream_stats_sized(engine, stream.value.stream, &stream_stats.value, sizeof stream_stats.value) == 0);
        CHECK(stream_stats.value.viewers == 1);
        CHECK_GUARD(stream_stats);
        CHECK(eg_viewer_stats_sized(engine, viewer.value.viewer, &viewer_stats.value, sizeof viewer_stats.value) == 0);
        CHECK(viewer_stats.value.stream == stream.value.stream);
        CHECK_GUARD(viewer_stats);
        eg_probe_sized(&probe.value, sizeof probe.value);
        CHECK_GUARD(probe);
        eg_engine_destroy(engine);
    }
}

// What it says beyond what the library knows is refused, unless it is the default; what it asks for beyond that is zero.
static void a_program_of_a_newer_header_is_refused_only_what_the_library_does_not_know(struct eg_check *check) {
    struct {
        struct eg_config config;
        uint8_t later[512];
    } config = {.config.streams_max = 8};
    struct {
        struct eg_hooks hooks;
        uint8_t later[64];
    } hooks = {0};
    union {
        struct eg_engine_stats stats;
        uint8_t bytes[4096];
    } stats;
    struct eg_error error = {0};
    eg_engine *engine;
    config.later[511] = 1;
    CHECK_EQUAL(eg_engine_create_sized(&config.config, sizeof config, &hooks.hooks, sizeof hooks, &engine, &error), 7); // EG_STATUS_UNSUPPORTED
    CHECK(strstr(error.message, "config") != NULL && engine == NULL);
    config.later[511] = 0;
    hooks.later[63] = 1;
    CHECK_EQUAL(eg_engine_create_sized(&config.config, sizeof config, &hooks.hooks, sizeof hooks, &engine, &error), 7);
    CHECK(strstr(error.message, "hooks") != NULL && engine == NULL);
    hooks.later[63] = 0;
    REQUIRE(eg_engine_create_sized(&config.config, sizeof config, &hooks.hooks, sizeof hooks, &engine, &error) == 0);
    memset(&stats, GUARD, sizeof stats);
    CHECK(eg_engine_stats_sized(engine, &stats.stats, sizeof stats) == 0);
    for (size_t i = 2048; i < sizeof stats; i++) CHECK_ROW(stats.bytes[i] == 0, i);
    eg_engine_destroy(engine);
}

static const struct eg_test tests[] = {
    EG_TEST(a_program_of_an_older_header_gets_what_it_knows_and_nothing_behind_it),
    EG_TEST(a_program_of_a_newer_header_is_refused_only_what_the_library_does_not_know),
};

EG_TEST_SUITE(old_header, tests);
