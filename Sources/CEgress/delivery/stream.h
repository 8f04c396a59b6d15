// One stream: its sources, their stores, their common clock, and the viewers that watch. Each viewer's video follows one of the encodings.
//
// It has a home, the worker that receives it. A worker that has viewers of a stream of another's has a mirror: the same struct, whose sources
// hear nothing themselves and are told by the home what there is (core/relay.h). Viewers see no difference.
#ifndef EG_STREAM_H
#define EG_STREAM_H

#include "base/deadlines.h"
#include "base/list.h"
#include "media/source.h"

struct eg_viewer;

// Of a stream at its home: who gets it besides.
struct eg_subscribers {
    uint32_t awake;                  // bits of 1 << worker: those that are told
    uint32_t ever;                   // those that have a mirror, be it asleep
    uint32_t stale[EG_SOURCES_MAX];  // those of the awake that missed something of this source because their queue was full
    uint32_t numbers[EG_WORKERS_MAX]; // of the present subscription of each
    eg_time retry_at;                // when the stale are told again
    uint64_t told_end[EG_SOURCES_MAX]; // places below have been told
    eg_time told_silent_since;
};

_Static_assert(EG_WORKERS_MAX <= 32, "a bit for each worker");

// A turn of the fan-out through the viewers: each that follows the source gets what it has ready. Each source has rounds of its own, so that sound
// does not wait until a large picture has reached everybody.
struct eg_round {
    struct eg_stream *stream;
    uint32_t source;
    struct eg_list ready;            // in core's list of rounds of this kind that have something to send
    uint64_t end;                    // places below have been sent, or are by the round under way
    uint32_t first;                  // where it began: that moves, so that nobody is always last
    uint32_t left;                   // viewers that it has not reached yet
};

struct eg_stream {
    eg_handle handle;
    eg_stream_id id;                 // as the embedder knows it: of the home's, at every worker
    struct eg_stream_config config;
    uint32_t source_count;           // two, and the further encodings; what the configuration leaves out is there and hears nothing
    struct eg_store *stores;         // one for each source
    struct eg_source *sources;
    struct eg_round *rounds;
    struct eg_media_clock clock;
    uint64_t drops[EG_DROP_COUNT];
    struct eg_viewer **viewers;      // those that are not closed, in no order
    uint32_t viewer_count;
    uint32_t viewer_capacity;
    bool is_active;                  // media arrives on one leg at least
    eg_time silent_since;            // nothing arrives on any leg; EG_TIME_NEVER: something does, or never did
    struct eg_deadline deadline;
    unsigned events;                 // bits of 1 << eg_stream_event_kind that the embedder is to be told
    unsigned events_of[EG_SOURCES_MAX]; // those of them that are about one encoding
    struct eg_list event;            // in core's list of events
    uint64_t packets_sent;
    uint64_t bytes_sent;
    uint64_t switches_up;            // of its viewers
    uint64_t switches_down;
    eg_time paused;                  // [us] all viewers together, with sound alone
    struct eg_subscribers subscribers;
    bool is_mirror;
    bool is_asleep;                  // a mirror that is told nothing and holds nothing but its counters
    uint32_t subscription;           // a mirror's number among those of its home
    eg_time idle_since;              // a mirror that is awake has had no viewer since; EG_TIME_NEVER: it has one
};

// `stream` is zeroed; `chunks` is the worker's pool of them. False when memory is refused; deinit is then not needed.
bool eg__stream_init(struct eg_stream *stream, const struct eg_stream_config *config, struct eg_chunk_pool *chunks, uint64_t ntp_origin);
void eg__stream_deinit(struct eg_stream *stream);

// A mirror without viewers gives back all packets and keeps its counters. It holds as little as one that was never told anything.
void eg__stream_sleep(struct eg_stream *mirror);
// It may be told again. False when memory is refused: it sleeps on.
bool eg__stream_wake(struct eg_stream *mirror, struct eg_chunk_pool *chunks);

static inline bool eg__stream_has(const struct eg_stream *stream, enum eg_track_kind kind) {
    return kind == EG_VIDEO ? stream->config.has_video : stream->config.has_audio;
}

// Whether a source has packets that its last round of the fan-out did not have.
static inline bool eg__stream_is_ready(const struct eg_stream *stream, uint32_t source) {
    return stream->sources[source].ready_end > stream->rounds[source].end;
}

// Takes over what its sources have to tell, and notices silence of all of them.
void eg__stream_follow_sources(struct eg_stream *stream);

// The next deadline of its sources, of its viewers' patience with silence, and of what is between home and mirror.
eg_time eg__stream_deadline(const struct eg_stream *stream, eg_time grace);

// Nothing more goes out of what is ready.
void eg__stream_end_rounds(struct eg_stream *stream);

// False when memory is refused.
bool eg__stream_add_viewer(struct eg_stream *stream, struct eg_viewer *viewer);
void eg__stream_remove_viewer(struct eg_stream *stream, struct eg_viewer *viewer);

#endif
