// What a stream's own worker, its home, tells the workers that have viewers of it, so that each of them has a mirror of the stream: the same
// places in its stores, with payloads that lie where the home put them, and all that viewers read of a source besides.
//
//   home                                             mirror
//   subscribed ──snapshot: the GOP and history──▶    made, or woken
//   a picture is complete ──run of packets──▶        stored, ready for its viewers
//   silence, for one whose queue was full ──empty run──▶
//              ◀──unsubscribed──                     asleep: no viewer for a while; keeps its counters, gives back all packets
//
// Each run carries the whole state of its source, so that one that was lost for want of room costs its packets and nothing else: the mirror sees the
// gap that a viewer sees of packets that were lost in front of the engine.
#ifndef EG_RELAY_H
#define EG_RELAY_H

#include "delivery/stream.h"

// The packets of a run, or of a snapshot, hold one reference of each block that they lie in, counted anew whenever the block changes from one
// packet to the next.
struct eg_relay_packet {
    uint64_t place;
    struct eg_chunk *chunk;
    struct eg_packet packet;
};

// Places of one source's store, up to `end`.
struct eg_relay_places {
    uint32_t source;
    uint64_t begin;
    uint64_t end;
};

// Packets of one source as a mirror gets them. All places below `ready_end` that are not among them are lost.
struct eg_relay_run {
    uint32_t source;
    uint32_t count;
    const struct eg_relay_packet *packets;
    uint64_t ready_end;
};

// What viewers read of one source, and of the stream.
struct eg_relay_state {
    enum eg_source_state state;
    uint32_t picture_timestamp;
    uint32_t picture_interval;
    eg_time picture_arrival;
    uint32_t largest_picture;
    uint32_t typical_bit_rate;
    uint64_t gop_begin;
    struct eg_clock_leg clock;
    eg_time silent_since;         // of the stream
};

// Everything that a mirror begins with, on the heap.
struct eg_relay_snapshot {
    struct eg_stream_config config;
    uint64_t ntp_origin;
    uint32_t source_count;
    struct eg_relay_state states[EG_SOURCES_MAX];
    uint64_t ready_end[EG_SOURCES_MAX];
    uint32_t counts[EG_SOURCES_MAX];
    struct eg_relay_packet packets[]; // the first source's, then the next one's
};

void eg__relay_describe(const struct eg_stream *stream, uint32_t source, struct eg_relay_state *state);

// Writes those of the places `left` that are there, at most `count_max`, and gives how many. What is behind them is left then.
uint32_t eg__relay_collect(const struct eg_stream *stream, struct eg_relay_places *left, struct eg_relay_packet *packets, uint32_t count_max);

// Gives back what collect took. `mine` is the caller's own pool.
void eg__relay_let_go(const struct eg_relay_packet *packets, uint32_t count, struct eg_chunk_pool *mine);

// NULL when memory is refused.
struct eg_relay_snapshot *eg__relay_snapshot_create(const struct eg_stream *stream);
void eg__relay_snapshot_destroy(struct eg_relay_snapshot *snapshot, struct eg_chunk_pool *mine);

// A mirror takes over the packets of one source. The packets' references stay the caller's.
void eg__relay_adopt(struct eg_stream *mirror, eg_time now, const struct eg_relay_run *run);

// ... and the state, after the packets: a GOP begins only once its first picture is there.
void eg__relay_take_over(struct eg_stream *mirror, uint32_t source, const struct eg_relay_state *state);

// Both, of a snapshot.
void eg__relay_adopt_snapshot(struct eg_stream *mirror, eg_time now, const struct eg_relay_snapshot *snapshot);

#endif
