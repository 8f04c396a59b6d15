// An engine with live streams, its viewers, and the bare loop that sends the same to the same sockets: what every shape with viewers is
// played on.
#ifndef BENCH_SCENE_H
#define BENCH_SCENE_H

#include "bare.h"
#include "feeder.h"
#include "swarm.h"

enum { SCENE_STREAMS_MAX = 400, SCENE_SAMPLES = 8, SCENE_RENDITIONS_MAX = 3 };

struct scene_plan {
    uint32_t streams;
    uint32_t viewers_each;
    uint32_t spares;        // further viewers of the swarm, whom the shape lets join itself
    bool are_spares_samples; // these alone then
    bool are_encodings;     // the streams are encodings of one, which its viewers follow in turn
    bool is_in_step;        // the streams' GOPs begin together
    uint32_t renditions;    // of its one stream: encodings of falling bit rate, the media's the first, in step; 0: it has one encoding
    bool has_ladder;        // its viewers begin with the second rendition, are switched by what they tell of their links, and tell
    bool has_silent_stream; // one more, with no media
    bool is_unsplit;        // viewers take GSO messages whole, as a network card that segments would
    eg_io io;
    const char *crypto;     // NULL: the engine's choice
    uint32_t workers;       // 0: one
    struct media_plan media;
};

struct scene {
    struct scene_plan plan;
    uint32_t viewers;       // the spares not counted
    uint32_t connected;     // of them
    uint32_t samples_each;  // of a stream that has samples
    struct media *media;
    struct media *further[SCENE_RENDITIONS_MAX - 1]; // of renditions
    struct schedule *schedule;
    struct swarm *swarm;
    struct bare *bare;
    eg_engine *engine;
    struct eg_engine_info info;
    struct eg_stream_info *streams; // the silent one behind the others
    struct feeder *feeder;
};

// `plan` from a name's rest, "SxN" and then any of _video _unsplit _epoll _uring _openssl. False when it is none.
bool scene_parse(const char *name, struct scene_plan *plan);

// To be called while the process has one thread. NULL, or what was refused; scene_close is due in either case.
const char *scene_open(struct scene *scene, const struct scene_plan *plan, struct eg_error *error);
void scene_close(struct scene *scene);

// The same in two halves, for a shape with several scenes: all have forked before the first one starts. False when the viewers' sockets are
// refused.
bool scene_fork(struct scene *scene, const struct scene_plan *plan);
const char *scene_start(struct scene *scene, struct eg_error *error);

// Lets all viewers join but the spares; `connected` then tells how many have.
void scene_join(struct scene *scene);

// Waits until everything that was fed has left, and gives the engine's figures as they are then.
void scene_settle(const struct scene *scene, struct eg_engine_stats *stats);

// Feeds so much that every stream has an IDR to begin at.
void scene_prime(struct scene *scene);

// Feeds whole GOPs at their own pace.
void scene_feed(struct scene *scene, uint32_t gops);

#endif
