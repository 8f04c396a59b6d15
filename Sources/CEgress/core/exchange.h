// What the workers of one engine send to each other. From each worker to each other there are two queues: one for the workers' own records, one
// for strangers' datagrams, so that a flood of those costs no picture. What does not fit into a full queue is dropped: no worker waits for another.
//
// Made before the workers and destroyed after them. Only worker `from` writes to a link's queues, only worker `to` reads them.
#ifndef EG_EXCHANGE_H
#define EG_EXCHANGE_H

#include "base/ring.h"
#include "core/relay.h"

struct eg_link {
    struct eg_ring relay;   // records
    struct eg_ring forward; // struct eg_forward
};

struct eg_exchange {
    uint32_t worker_count;
    struct eg_link links[]; // those of the first worker to each, then the second's; the ones to itself stay empty
};

// Sizes in bytes, powers of two. NULL when memory is refused.
struct eg_exchange *eg__exchange_create(uint32_t worker_count, uint32_t relay_size, uint32_t forward_size);
// Everything in the queues must have been read before.
void eg__exchange_destroy(struct eg_exchange *exchange);

static inline struct eg_link *eg__exchange_link(struct eg_exchange *exchange, uint32_t from, uint32_t to) {
    return &exchange->links[from * exchange->worker_count + to];
}

// A record of the relay queue begins with its kind.
enum eg_record_kind { EG_RECORD_RUN, EG_RECORD_SNAPSHOT, EG_RECORD_UNSUBSCRIBE, EG_RECORD_ROUTE };

struct eg_run_record {
    enum eg_record_kind kind;
    uint32_t source;
    eg_stream_id stream;
    uint32_t subscription; // the subscription that it belongs to: each snapshot begins another one
    uint32_t count;
    uint64_t ready_end;    // of this source, with these packets
    struct eg_relay_state state;
    struct eg_relay_packet packets[];
};

struct eg_snapshot_record {
    enum eg_record_kind kind;
    uint32_t subscription;
    eg_stream_id stream;
    struct eg_relay_snapshot *snapshot; // the reader's
};

struct eg_unsubscribe_record {
    enum eg_record_kind kind;
    uint32_t subscription;
    eg_stream_id stream;
};

// The worker that datagrams from an address belong to. It is sent by the worker that has answered an authenticated check from there.
struct eg_route_record {
    enum eg_record_kind kind;
    bool is_over;          // no longer
    bool has_media;        // the viewer's media goes there
    struct eg_addr remote;
    eg_viewer_id viewer;
    eg_time created_at;    // the viewer
};

// A viewer's datagram that arrived at another worker than its owner.
struct eg_forward {
    struct eg_path path;
    uint16_t size;         // [B]
    uint8_t bytes[];
};

#endif
