// One WebRTC session: ICE, then DTLS, then SRTP, in one state. What it is sent of its stream stands in its tracks.
//
//   new ──first authenticated check──▶ connecting ──handshake done──▶ connected
//    │                                     │                             │
//    └──no check in time, a handshake that fails, consent expired, goodbye, closed by us──▶ closed
//
// The owner (core) finds it by its ICE user name, frees it, and makes its events.
#ifndef EG_VIEWER_H
#define EG_VIEWER_H

#include "base/deadlines.h"
#include "base/list.h"
#include "delivery/gaps.h"
#include "delivery/stream.h"
#include "delivery/track.h"
#include "transport/dtls.h"
#include "transport/handshakes.h"
#include "transport/ice.h"
#include "transport/srtp.h"
#include "wire/rtcp.h"

// What all viewers of an engine share.
struct eg_viewer_context {
    struct eg_random *random;
    struct eg_dtls_context *dtls;
    const struct eg_crypto *crypto;
    struct eg_handshakes *handshakes; // of all viewers
    struct eg_burst_limits burst;
    struct eg_budget repairs;       // packets that may be sent again to all viewers together
    struct eg_deadlines *deadlines; // of viewers
    struct eg_engine_stats *stats;
    struct eg_list *events;         // viewers that the embedder is to be told of
    struct eg_batch *batch;         // what is to be sent goes here; NULL outside of the core's calls that may write
};

struct eg_adaptation;

enum { EG_CNAME_SIZE = 16 }; // characters, RFC 7022 §4.2: 96 bits at random in base64

struct eg_viewer {
    eg_handle handle;
    struct eg_stream *stream;      // NULL once closed
    eg_stream_id stream_id;        // of the stream it was made for
    uint32_t place;                // in its stream's list of viewers
    eg_viewer_state state;
    eg_close_reason close_reason;
    eg_viewer_state reported;      // the state that the embedder knows
    bool has_event;                // ... or is about to be told
    eg_time created_at;
    eg_time next_report;           // sender reports; 0: with the first media
    eg_time transmit_at;           // a burst's next picture; EG_TIME_NEVER: none waits
    struct eg_ice ice;
    struct eg_dtls dtls;
    struct eg_handshake handshake; // under way as long as OpenSSL keeps memory for it
    uint8_t handshake_waiting;     // datagrams of it that wait in line
    struct eg_srtp srtp;
    struct eg_track tracks[EG_TRACK_COUNT];
    struct eg_deadline deadline;
    struct eg_list due;            // in core's list of those with something to transmit
    struct eg_list leaving;        // in core's list of goodbyes
    struct eg_list event;          // in core's list of events
    char cname[EG_CNAME_SIZE + 1];
    struct eg_budget repairs;      // packets that may be sent again
    struct eg_gaps gaps;           // of its pictures
    struct eg_adaptation *adaptation; // of one with a ladder; else NULL
    eg_time heard_at;              // when it last said by RTCP what arrives; else when it was connected
    eg_time congested_since;       // its reports tell of too much loss; EG_TIME_NEVER: they don't
    struct {
        uint64_t bytes;            // sent, with headers and tags
        uint64_t packets;
        uint64_t nacks;
        uint64_t plis;
        uint32_t lost[EG_TRACK_COUNT];
        uint32_t round_trip_us;
        uint32_t jitter_us;
    } stats;
    // The SRTP context lies behind, aligned to 64.
};

// [B] of a viewer with its SRTP context.
size_t eg__viewer_size(const struct eg_crypto *crypto);

// `viewer` is zeroed memory of eg__viewer_size. `config` has been checked. False when memory is refused; deinit is then not needed.
bool eg__viewer_init(struct eg_viewer *viewer, const struct eg_viewer_context *context, eg_time now, const struct eg_viewer_config *config,
                     const struct eg_fingerprint *fingerprint);
void eg__viewer_deinit(struct eg_viewer *viewer);

// Handle one datagram of its peer each; STUN has been parsed and belongs to it. The viewer's state says what came of it, and a state of
// closed has a reason.
void eg__viewer_receive_stun(struct eg_viewer *viewer, const struct eg_viewer_context *context, const struct eg_arrival *arrival,
                             const struct eg_stun *stun);
void eg__viewer_receive_dtls(struct eg_viewer *viewer, const struct eg_viewer_context *context, const struct eg_arrival *arrival);

void eg__viewer_tick(struct eg_viewer *viewer, const struct eg_viewer_context *context, eg_time now);
eg_time eg__viewer_deadline(const struct eg_viewer *viewer);

// It is sent media, and does not say what of it arrives: a filter on the way lets checks through, and nothing else.
bool eg__viewer_has_no_feedback(const struct eg_viewer *viewer, eg_time now);

// Puts its deadline in its place among the others', after anything was done to it.
void eg__viewer_schedule(struct eg_viewer *viewer, const struct eg_viewer_context *context);

// What its track of this kind follows. Only of a viewer that is not closed.
static inline struct eg_source *eg__viewer_source(const struct eg_viewer *viewer, enum eg_track_kind kind) {
    return &viewer->stream->sources[viewer->tracks[kind].map.source];
}

// Its media goes along `path`: that it gets it there was proven, by its handshake or by its answer to a check of ours.
static inline bool eg__viewer_has_media(const struct eg_viewer *viewer, const struct eg_path *path) {
    return viewer->state == EG_VIEWER_CONNECTED && eg__path_equal(&viewer->ice.path, path);
}

// The viewer is to go, for this reason; the first reason counts.
void eg__viewer_close(struct eg_viewer *viewer, eg_close_reason reason);

// RTCP BYE for its tracks and DTLS close_notify, as far as it was connected.
void eg__viewer_write_goodbye(struct eg_viewer *viewer, struct eg_batch *batch);

#endif
