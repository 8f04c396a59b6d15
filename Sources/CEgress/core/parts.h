// What the files of the core share with each other and with nobody else. They stand in a line, and a file calls only what it and those before
// it define (Tests/Tidy checks this):
//
//   find.c      which viewer or stream an id or a user name means
//   tell.c      what other workers are told
//   follow.c    what follows from a change of a stream or a viewer
//   streams.c   streams and mirrors come and go
//   viewers.c   viewers come and go
//   hear.c      what other workers say
//   receive.c   datagrams
//   transmit.c  media
//   stats.c     numbers
//   core.c      the core's life, time, events
#ifndef EG_CORE_PARTS_H
#define EG_CORE_PARTS_H

#include "base/table.h"
#include "base/worker_id.h"
#include "core/core.h"
#include "core/exchange.h"
#include "core/routes.h"
#include "delivery/viewer.h"
#include "transport/handshakes.h"

struct eg_core {
    struct eg_core_config config;
    struct eg_random *random;
    struct eg_dtls_context *dtls;
    struct eg_crypto *crypto;
    struct eg_viewer_context context;
    struct eg_budget burst_bytes;     // of all viewers that catch up
    struct eg_handshakes handshakes;  // under way
    struct eg_ring handshake_queue;   // datagrams of theirs that have arrived
    struct eg_quota own_quotas[2];    // where the configuration names none
    struct eg_pool streams;           // mirrors too
    struct eg_pool viewers;
    struct eg_chunk_pool chunks;      // of all stores
    uint64_t hash_seed;
    struct eg_table by_ufrag;         // our user name fragment -> viewer
    struct eg_table by_address;       // an address that an authenticated check came from -> viewer
    struct eg_table by_home;          // the id of another worker's stream -> its mirror
    struct eg_routes routes;          // addresses of other workers' viewers
    uint32_t wakes;                   // bits of 1 << worker that something was written to
    struct eg_deadlines stream_deadlines;
    struct eg_deadlines viewer_deadlines;
    struct eg_list ready[EG_TRACK_COUNT]; // rounds of streams with packets for their viewers
    struct eg_list due;               // viewers with something of their own to send
    bool rounds_go_first;             // before those in `due`, which filled the last batch
    struct eg_list leaving;           // closed viewers that have not said goodbye yet
    struct eg_list stream_events;
    struct eg_list viewer_events;
    uint32_t home_count;              // streams that are no mirrors
    uint32_t connected;
    struct eg_engine_stats stats;
};

// The calls that may write lend the caller's batch to the viewers for as long as they last.
static inline void eg__core_lend(struct eg_core *core, struct eg_batch *batch) {
    EG_ASSERT(core->context.batch == NULL);
    core->context.batch = batch;
}

static inline void eg__core_take_back(struct eg_core *core) { core->context.batch = NULL; }

// --- find.c ---

// The stream or the mirror that an id names here; one that is asleep too.
struct eg_stream *eg__core_find_stream(const struct eg_core *core, eg_stream_id id);
// A viewer that is closed is not found any more, though its slot is kept until its goodbye and its event are out.
struct eg_viewer *eg__core_find_viewer(const struct eg_core *core, eg_viewer_id id);
struct eg_viewer *eg__core_viewer_at(const struct eg_core *core, eg_handle handle);
uint64_t eg__core_hash_stream(const struct eg_core *core, eg_stream_id id);
uint64_t eg__core_hash_ufrag(const struct eg_core *core, const char *ufrag, size_t size);

// --- tell.c ---

// Tells the subscribers what they have not been told yet.
void eg__core_relay(struct eg_core *core, struct eg_stream *stream, eg_time now);
// Tells a stream's home that its mirror here sleeps. Should this be lost, the next run is answered with it again.
void eg__core_unsubscribe(struct eg_core *core, eg_stream_id id, uint32_t subscription);
// Hands a datagram to the worker it belongs to.
void eg__core_forward(struct eg_core *core, uint32_t worker, const struct eg_arrival *arrival);
// When a path of a viewer's came via another worker, tells that worker whose path it is, or that it has no viewer any more.
void eg__core_tell_route(struct eg_core *core, const struct eg_viewer *viewer, const struct eg_path *path, bool is_over);

// --- follow.c ---

// Puts a stream in line for whatever a change calls for.
void eg__core_follow_stream(struct eg_core *core, struct eg_stream *stream, eg_time now);
// Draws the consequences of whatever was done to a viewer.
void eg__core_follow_viewer(struct eg_core *core, struct eg_viewer *viewer, eg_time now);
// Closes a viewer that is not closed yet.
void eg__core_end_viewer(struct eg_core *core, struct eg_viewer *viewer, eg_time now, eg_close_reason reason);

// --- streams.c ---

// NULL when memory is refused.
struct eg_stream *eg__core_add_mirror(struct eg_core *core, eg_stream_id id, const struct eg_stream_config *config);
// A mirror that nobody watches goes to sleep when its time has come.
void eg__core_tick_mirror(struct eg_core *core, struct eg_stream *mirror, eg_time now);
// Its source has been away for longer than viewers wait.
bool eg__core_is_given_up(const struct eg_core *core, const struct eg_stream *stream, eg_time now);

// --- viewers.c ---

// Frees the slot of a viewer that no stream has.
void eg__core_release_viewer(struct eg_core *core, struct eg_viewer *viewer);

// --- hear.c ---

// Reads what the other workers have said themselves up to now.
void eg__core_hear(struct eg_core *core, eg_time now);
// The worker that a datagram belongs to and that `viewer` (NULL: nobody here) is no better for; NULL when it stays here.
const struct eg_route *eg__core_find_route(struct eg_core *core, const struct eg_arrival *arrival, const struct eg_viewer *viewer, bool is_rtcp);
// Reads what is left in the queues to this worker, for the references it holds.
void eg__core_discard_peers(struct eg_core *core);

#endif
