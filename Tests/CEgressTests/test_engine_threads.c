// The public interface with many threads at a time: callers, floods from outside, an engine's thread that is held up, and what is left behind.
#include "support/engine_fixture.h"

#include <dirent.h>
#include <malloc.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>

enum {
    LEAK_BYTES = LEAK_ROUNDS * 16 * 1024, // an engine takes some MiB
};

// Keeps the engine's thread where it is.
struct gate {
    atomic_bool is_reached;
    atomic_bool is_open;
};

static void wait_at_gate(void *context, const struct eg_viewer_event *event) {
    struct gate *gate = context;
    (void)event;
    atomic_store(&gate->is_reached, true);
    while (!atomic_load(&gate->is_open)) sched_yield();
}

struct close_call {
    eg_engine *engine;
    eg_viewer_id viewer;
};

static void *close_viewer(void *context) {
    const struct close_call *call = context;
    (void)eg_viewer_close(call->engine, call->viewer);
    return NULL;
}

static uint64_t garbage_sent;
static bool knows_all_garbage(const struct eg_engine_stats *stats) {
    return stats->dropped[EG_DROP_UNKNOWN] + stats->dropped[EG_DROP_VIEWER_OVERFLOW] >= garbage_sent;
}

static void what_a_full_buffer_loses_at_the_viewers_port_is_counted(struct eg_check *check) {
    FOR_EACH_BACK_END(io) {
        struct gate gate = {0};
        struct eg_hooks hooks = {.context = &gate, .viewer = wait_at_gate};
        struct eg_config config = {.io = io, .viewer_buffer_size = 65536};
        struct eg_stream_info stream;
        struct eg_viewer_info viewer;
        struct eg_engine_info info;
        struct eg_engine_stats stats;
        eg_engine *engine;
        pthread_t closer;
        REQUIRE(eg_engine_create(&config, &hooks, &engine, NULL) == EG_STATUS_OK);
        eg_engine_info(engine, &info);
        REQUIRE(eg_stream_create(engine, &both_tracks, &stream, NULL) == EG_STATUS_OK);
        struct eg_viewer_config viewer_config = viewer_of(stream.stream);
        REQUIRE(eg_viewer_create(engine, &viewer_config, &viewer, NULL) == EG_STATUS_OK);
        struct close_call call = {engine, viewer.viewer};
        REQUIRE(pthread_create(&closer, NULL, close_viewer, &call) == 0);
        while (!atomic_load(&gate.is_reached)) sched_yield();
        int peer = open_peer();
        for (garbage_sent = 0; garbage_sent < 2000; garbage_sent++) CHECK(send_to(peer, info.udp_port, "\xff garbage", 9));
        atomic_store(&gate.is_open, true);
        pthread_join(closer, NULL);
        // The kernel tells with the next datagram that there is room for.
        for (eg_engine_stats(engine, &stats); !knows_all_garbage(&stats); eg_engine_stats(engine, &stats)) {
            garbage_sent++;
            CHECK(send_to(peer, info.udp_port, "\xff garbage", 9));
        }
        CHECK(stats.dropped[EG_DROP_VIEWER_OVERFLOW] > 100);
        close(peer);
        eg_engine_destroy(engine);
    }
}

struct flood {
    atomic_uint ports[3];
    atomic_bool stop;
};

static void *run_flood(void *context) {
    struct flood *flood = context;
    int peer = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    uint8_t packet[1200] = {0x80, 96};
    for (uint32_t i = 0; !atomic_load(&flood->stop); i++) {
        packet[3] = (uint8_t)i;
        packet[2] = (uint8_t)(i >> 8);
        send_to(peer, (uint16_t)atomic_load(&flood->ports[i % 3]), packet, sizeof packet); // refused while nobody has the port
    }
    close(peer);
    return NULL;
}

// Two at a time: the one that stays a round longer must not notice that the other goes.
static unsigned threads(void) {
    unsigned count = 0;
    DIR *directory = opendir("/proc/self/task");
    while (directory != NULL && readdir(directory) != NULL) count++;
    if (directory != NULL) closedir(directory);
    return count;
}

// [B] that the process has taken from its heap. What the heap has taken from the system depends on which thread freed what; a sanitizer's heap
// says nothing here, and tells of leaks itself.
static size_t allocated(void) {
    struct mallinfo2 heap = mallinfo2();
    return heap.uordblks + heap.hblkhd;
}

// Each engine is destroyed when the next one runs.
static void let_come_and_go(struct eg_check *check, eg_io io, int rounds, struct flood *flood) {
    eg_engine *previous = NULL;
    for (int round = 0; round < rounds; round++) {
        eg_engine *engine = create_with(io, 1 + (uint32_t)round % 3);
        REQUIRE(engine != NULL);
        struct eg_engine_info info;
        struct eg_stream_info stream;
        struct eg_viewer_info viewer;
        struct eg_engine_stats stats;
        eg_engine_info(engine, &info);
        REQUIRE(eg_stream_create(engine, &both_tracks, &stream, NULL) == EG_STATUS_OK);
        atomic_store(&flood->ports[0], info.udp_port);
        atomic_store(&flood->ports[1], stream.video_port);
        atomic_store(&flood->ports[2], stream.audio_port);
        struct eg_viewer_config config = viewer_of(stream.stream);
        CHECK_EQUAL(eg_viewer_create(engine, &config, &viewer, NULL), EG_STATUS_OK);
        eg_engine_stats(engine, &stats);
        CHECK_EQUAL(stats.viewers, 1);
        if (round % 2 == 0) CHECK_EQUAL(eg_stream_destroy(engine, stream.stream), EG_STATUS_OK);
        eg_engine_destroy(previous);
        eg_engine_stats(engine, &stats);
        CHECK_EQUAL(stats.streams, round % 2);
        previous = engine;
    }
    eg_engine_destroy(previous);
}

static void engines_come_and_go_under_fire_and_leave_nothing(struct eg_check *check) {
    struct flood flood = {0};
    pthread_t thread;
    for (int i = 0; i < 3; i++) atomic_store(&flood.ports[i], 9);
    REQUIRE(pthread_create(&thread, NULL, run_flood, &flood) == 0);
    // What libraries keep once they were used, and what the heap keeps of engines that were there at the same time.
    FOR_EACH_BACK_END(io) let_come_and_go(check, io, LEAK_ROUNDS / 2, &flood);
    unsigned before = open_descriptors(), threads_before = threads();
    size_t allocated_before = allocated();
    FOR_EACH_BACK_END(io) let_come_and_go(check, io, LEAK_ROUNDS, &flood);
    atomic_store(&flood.stop, true);
    pthread_join(thread, NULL);
    CHECK(!has_leaked(before));
    CHECK(threads() < threads_before + LEAK_ROUNDS / 2);
    CHECK(allocated() < allocated_before + LEAK_BYTES);
}

static void *run_caller(void *context) {
    eg_engine *engine = context;
    for (int i = 0; i < 30; i++) {
        struct eg_stream_info stream;
        struct eg_viewer_info viewer;
        struct eg_engine_stats stats;
        if (eg_stream_create(engine, &both_tracks, &stream, NULL) != EG_STATUS_OK) return engine;
        struct eg_viewer_config config = viewer_of(stream.stream);
        if (eg_viewer_create(engine, &config, &viewer, NULL) != EG_STATUS_OK) return engine;
        eg_engine_stats(engine, &stats);
        if (stats.viewers == 0) return engine;
        if (eg_stream_destroy(engine, stream.stream) != EG_STATUS_OK) return engine;
        if (eg_viewer_close(engine, viewer.viewer) != EG_STATUS_NOT_FOUND) return engine;
    }
    return NULL;
}

static void any_number_of_threads_may_call_at_once(struct eg_check *check) {
    enum { CALLERS = 8 };
    FOR_EACH_BACK_END(io) for (uint32_t workers = 1; workers <= 4; workers += 3) {
        pthread_t threads[CALLERS];
        eg_engine *engine = create_with(io, workers);
        struct eg_engine_stats stats;
        REQUIRE(engine != NULL);
        for (int i = 0; i < CALLERS; i++) REQUIRE(pthread_create(&threads[i], NULL, run_caller, engine) == 0);
        for (int i = 0; i < CALLERS; i++) {
            void *failed;
            pthread_join(threads[i], &failed);
            CHECK_ROW(failed == NULL, i);
        }
        eg_engine_stats(engine, &stats);
        CHECK_EQUAL(stats.streams, 0);
        CHECK_EQUAL(stats.viewers, 0);
        CHECK_EQUAL(stats.viewers_created, CALLERS * 30);
        eg_engine_destroy(engine);
    }
}

static const struct eg_test tests[] = {
    EG_TEST(what_a_full_buffer_loses_at_the_viewers_port_is_counted),
    EG_TEST(engines_come_and_go_under_fire_and_leave_nothing),
    EG_TEST(any_number_of_threads_may_call_at_once),
};

EG_TEST_SUITE(engine_threads, tests);
