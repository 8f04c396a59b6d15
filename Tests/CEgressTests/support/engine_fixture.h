// What the tests of the public interface share: engines with the least that they are made of.
#ifndef EG_TEST_ENGINE_FIXTURE_H
#define EG_TEST_ENGINE_FIXTURE_H

#include "support/check.h"

#include "cegress.h"
#include "support/back_ends.h"
#include "support/sockets.h"

#include <time.h>

static const struct eg_hooks no_hooks;

static inline eg_engine *create_with(eg_io io, uint32_t workers) {
    struct eg_config config = {.io = io, .workers = workers, .streams_max = 8, .viewers_max = 16};
    eg_engine *engine = NULL;
    return eg_engine_create(&config, &no_hooks, &engine, NULL) == EG_STATUS_OK ? engine : NULL;
}

static inline eg_engine *create(eg_io io) { return create_with(io, 1); }

static const struct eg_stream_config both_tracks = {
    .has_video = true, .has_audio = true, .video_payload_type = 96, .audio_payload_type = 111};

static const char peer_fingerprint[] =
    "sha-256 00:01:02:03:04:05:06:07:08:09:0A:0B:0C:0D:0E:0F:10:11:12:13:14:15:16:17:18:19:1A:1B:1C:1D:1E:1F";

static inline struct eg_viewer_config viewer_of(eg_stream_id stream) {
    return (struct eg_viewer_config){.stream = stream, .ice_ufrag = "abcd", .ice_pwd = "abcdefghijklmnopqrstuv",
                                     .fingerprint = peer_fingerprint, .has_video = true, .has_audio = true, .has_video_rtx = true,
                                     .video_payload_type = 102, .video_rtx_payload_type = 103, .audio_payload_type = 111};
}

// Asks until it holds, within 5 s.
static inline bool await_stats(eg_engine *engine, struct eg_engine_stats *stats, bool (*holds)(const struct eg_engine_stats *stats)) {
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        eg_engine_stats(engine, stats);
        if (holds(stats)) return true;
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (now.tv_sec - start.tv_sec < 5);
    return false;
}

#endif
