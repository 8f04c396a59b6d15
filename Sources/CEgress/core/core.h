// The whole engine without I/O: datagrams and the time go in, datagrams, events and a deadline come out. A simulation drives it the same
// way as the loop in io/worker.c does:
//
//   receive_source, receive_viewer   for what arrived
//   receive_peers                    for what other workers of the engine have sent; take_wakes says which of them to wake after each step
//   tick                             when the deadline is due
//   transmit                         until it returns that nothing is left; send the batch each time it is full
//   advance_handshakes               once a turn after it, and again before the loop sleeps, until it returns that nothing was left to do
//   poll_event                       until there is none
//
// One thread. `batch` is the caller's: it must have its reserve (eg__batch_has_reserve) before each call that takes one.
#ifndef EG_CORE_H
#define EG_CORE_H

#include "base/arrival.h"
#include "base/quota.h"
#include "base/random.h"
#include "cegress.h"
#include "media/track_kind.h"
#include "transport/batch.h"

struct eg_core;
struct eg_dtls_context;
struct eg_exchange;

struct eg_core_config {
    uint32_t streams_max;
    uint32_t viewers_max;
    uint32_t burst_bit_rate_max;     // [bit/s] of one viewer that catches up
    uint64_t burst_bit_rate_all_max; // [bit/s] of all of them
    eg_time source_grace;        // [us]
    uint32_t handshakes_max;             // under way, in all
    uint32_t handshakes_per_address_max; // ... and from one address
    const char *crypto;          // NULL: the fastest
    uint64_t ntp_origin;         // NTP time (32.32) at `now` 0
    // For an engine with several workers. All of it outlives the core.
    uint32_t worker;                // this one's number
    uint32_t worker_count;          // 0 is 1
    struct eg_exchange *exchange;   // between the workers; NULL when there is one worker
    struct eg_dtls_context *dtls;   // the certificate of all workers; NULL: the core makes its own
    struct eg_quota *streams;       // that all workers may have together; NULL: streams_max of its own
    struct eg_quota *viewers;       // likewise
};

struct eg_event {
    enum { EG_EVENT_VIEWER, EG_EVENT_STREAM, EG_EVENT_SWITCH } kind;
    union {
        struct eg_viewer_event viewer;
        struct eg_stream_event stream;
        struct eg_switch_event change;
    };
};

// NULL when memory or a library is refused; `error` then says which. Ids of streams and viewers are those the embedder knows.
struct eg_core *eg__core_create(const struct eg_core_config *config, struct eg_random *random, struct eg_error *error);

// Releases what belongs to other workers, and everything that they have sent and nobody has read. Call it for every core before the
// first of them is destroyed.
void eg__core_clear(struct eg_core *core);

// Frees everything at once, without goodbyes: remove the streams and transmit first.
void eg__core_destroy(struct eg_core *core);

const char *eg__core_fingerprint(const struct eg_core *core);
const char *eg__core_crypto_name(const struct eg_core *core);

// Commands. Errors as in cegress.h.
eg_status eg__core_add_stream(struct eg_core *core, const struct eg_stream_config *config, eg_stream_id *stream, struct eg_error *error);
// Removes a stream, which is not found any more after the return. The next transmits write its viewers' goodbyes. Remove it at its home first, then
// its mirrors, at the workers that eg__core_stream_mirrors returned before.
eg_status eg__core_remove_stream(struct eg_core *core, eg_time now, eg_stream_id stream);
// Call it at a stream's home, before a viewer of the stream is added at another `worker`: that worker gets everything stored so far, and from then on
// what comes. EG_STATUS_NOT_FOUND: the stream does not exist. EG_STATUS_NO_MEMORY: memory was refused, or the queue to the worker is full: have it
// read and try again. If the worker still does not know the stream, its mirror has gone to sleep meanwhile: call again with `is_again`.
eg_status eg__core_subscribe(struct eg_core *core, eg_stream_id stream, uint32_t worker, bool is_again, struct eg_error *error);
// Those of all other workers' streams, when this one ends.
void eg__core_remove_mirrors(struct eg_core *core, eg_time now);
// Bits of 1 << worker for each worker that may have a mirror. 0 when the stream is not here.
uint32_t eg__core_stream_mirrors(const struct eg_core *core, eg_stream_id stream);
// Of a stream of another worker's that was not subscribed to: EG_STATUS_NOT_FOUND.
eg_status eg__core_add_viewer(struct eg_core *core, eg_time now, const struct eg_viewer_config *config, struct eg_viewer_info *info,
                              struct eg_error *error);
eg_status eg__core_restart_ice(struct eg_core *core, eg_viewer_id viewer, const char *ice_ufrag, const char *ice_pwd,
                               struct eg_viewer_info *info, struct eg_error *error);
eg_status eg__core_pin_viewer(struct eg_core *core, eg_time now, eg_viewer_id viewer, int32_t encoding, struct eg_error *error);
eg_status eg__core_close_viewer(struct eg_core *core, eg_time now, eg_viewer_id viewer, eg_close_reason reason);

// A datagram on a stream's port. An id that names no stream any more: nothing happens.
void eg__core_receive_source(struct eg_core *core, eg_stream_id stream, uint32_t source, const struct eg_arrival *arrival);
// The kernel says that `count` datagrams found the receive buffer full.
void eg__core_count_overflow(struct eg_core *core, eg_stream_id stream, uint32_t source, uint32_t count);
void eg__core_count_viewer_overflow(struct eg_core *core, uint32_t count);

// Takes a datagram from the viewers' port, and fills in its path's `via`.
void eg__core_receive_viewer(struct eg_core *core, const struct eg_arrival *arrival, struct eg_batch *batch);

// Reads what other workers have sent up to now, as far as the batch has its reserve. Strangers' datagrams come last, and only so many at a
// time. True: there is more.
bool eg__core_receive_peers(struct eg_core *core, eg_time now, struct eg_batch *batch);
bool eg__core_has_from_peers(const struct eg_core *core);

// Bits of 1 << worker for each worker that something was written to since the last call.
uint32_t eg__core_take_wakes(struct eg_core *core);

// Does what is due, as far as the batch has its reserve. The deadline says whether there is more.
void eg__core_tick(struct eg_core *core, eg_time now, struct eg_batch *batch);

// Writes media (and goodbyes) that are ready. True: the batch is full and there is more.
bool eg__core_transmit(struct eg_core *core, eg_time now, struct eg_batch *batch);

// Does a step of one handshake whose client has sent something. A step is a key exchange and a signature, in whose time media could go out to
// hundreds of viewers. So handshakes wait for media, and media waits for one datagram's steps of one handshake, however many come at once. Datagrams
// that lead to no step are handled too, some at a time. True: something was done, and there may be more to do, here or to transmit.
bool eg__core_advance_handshakes(struct eg_core *core, eg_time now, struct eg_batch *batch);

eg_time eg__core_deadline(const struct eg_core *core);

// Takes the next event for the embedder; false when there is none. Call it after every step: only then is a closed viewer's slot free.
bool eg__core_poll_event(struct eg_core *core, struct eg_event *event);

// The sender counts what became of a batch.
void eg__core_count_send(struct eg_core *core, const struct eg_sent *sent);

// Streams at home here, and viewers.
void eg__core_count(const struct eg_core *core, uint32_t *streams, uint32_t *viewers);
void eg__core_stats(const struct eg_core *core, struct eg_engine_stats *stats);

// Adds the numbers of one worker to those of others.
void eg__core_add_stats(struct eg_engine_stats *sum, const struct eg_engine_stats *part);

// How much is in use of what is limited. All of it goes back with the streams and viewers that took it.
struct eg_core_usage {
    uint32_t streams;   // mirrors too
    uint32_t viewers;   // including those that are closed and not reported yet
    uint32_t chunks;    // of EG_STORE_CHUNK_SIZE, including those that only other workers still hold
    uint32_t routes;    // addresses that lead to another worker
    uint32_t deadlines;
    uint32_t names;     // ICE user names that lead to a viewer
    uint32_t addresses; // that lead to a viewer
    uint32_t handshakes; // under way
};

void eg__core_usage(struct eg_core *core, struct eg_core_usage *usage);
// Of a mirror only what is its own: viewers, and what was sent to them.
eg_status eg__core_stream_stats(const struct eg_core *core, eg_stream_id stream, struct eg_stream_stats *stats);
// Of the home's, by the place of the encoding among the stream's.
eg_status eg__core_encoding_stats(const struct eg_core *core, eg_stream_id stream, uint32_t encoding, struct eg_encoding_stats *stats);
eg_status eg__core_viewer_stats(const struct eg_core *core, eg_time now, eg_viewer_id viewer, struct eg_viewer_stats *stats);

#endif
