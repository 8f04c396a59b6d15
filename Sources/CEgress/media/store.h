// The plaintext packets of one source, stored once for all its viewers: everything since the last key picture (for viewers that join) and at least
// the last two seconds (for viewers that lost packets). Packets are found by their place in the source's endless sequence. A place that nothing
// arrived for stays empty, so that viewers see a loss that happened upstream.
//
//        begin            gop_begin                            end
//          │ history          │ P P P P . P P P P P P P P P P P │
//
// Bounded by time, slots and bytes. A GOP that exceeds them is given up: nobody can join in its middle, only at the next key picture.
#ifndef EG_STORE_H
#define EG_STORE_H

#include "media/chunk.h"

#define EG_STORE_NO_GOP UINT64_MAX

struct eg_packet {
    const uint8_t *payload; // NULL: nothing arrived for this place
    eg_time arrival;        // of an empty place: when it was skipped
    uint32_t timestamp;     // on the source's timeline, which continues through restarts
    uint16_t size;          // [B] of the payload
    bool marker;
};

// A block that holds packets of this store; the store has a reference of it.
struct eg_store_hold {
    struct eg_chunk *chunk;
    uint64_t last_sequence;       // of the packets in it: the block is released once `begin` is beyond
};

struct eg_store {
    struct eg_chunk_pool *chunks; // shared by all stores of a worker
    struct eg_packet *slots;      // a ring: sequence modulo capacity
    uint32_t capacity;            // slots, a power of two, grown by doubling
    uint32_t capacity_max;
    struct eg_store_hold *holds;  // a ring, the oldest first
    uint32_t hold_capacity;       // a power of two, grown by doubling; 0 at first
    uint32_t hold_first;          // counts the blocks that were released: where the ring begins, modulo capacity
    uint32_t chunk_count;         // held
    uint32_t chunk_count_max;
    uint64_t begin;               // the oldest place that is kept
    uint64_t end;                 // one beyond the newest
    uint64_t gop_begin;           // first packet of the last key picture, or EG_STORE_NO_GOP
    uint64_t gop_bytes;           // [B] of payload since gop_begin
    uint64_t bytes;               // [B] of payload kept
};

enum eg_store_result { EG_STORE_PUT, EG_STORE_DUPLICATE, EG_STORE_LATE, EG_STORE_NO_ROOM };

// `chunks` outlives the store. Takes no memory for packets yet. False when memory is refused.
bool eg__store_init(struct eg_store *store, struct eg_chunk_pool *chunks, uint32_t capacity_max, uint32_t chunk_count_max);
void eg__store_deinit(struct eg_store *store);

// Copies a packet to its place. A packet for a place before `begin` is late, one for a place that is taken is a duplicate. A place far beyond
// `end` leaves the places between empty, at most capacity_max of them. No room means that memory was refused.
enum eg_store_result eg__store_put(struct eg_store *store, uint64_t sequence, const struct eg_packet *packet);

// Gives the packet that was put last another first byte, before anybody has seen it.
void eg__store_set_first_byte(struct eg_store *store, uint64_t sequence, uint8_t byte);

// Takes over a packet of another worker's store, with its place and arrival: the bytes stay where they are, in `chunk`. A store
// uses either put or adopt. Results are those of put.
enum eg_store_result eg__store_adopt(struct eg_store *store, eg_time now, uint64_t sequence, const struct eg_packet *packet,
                                     struct eg_chunk *chunk);

// The block that holds a packet of the store. `*hint` says where to look first among the held blocks; it is set to where the block was found.
struct eg_chunk *eg__store_chunk_of(const struct eg_store *store, const struct eg_packet *packet, uint32_t *hint);

// The packet at a place; NULL when it is not there, or not any more. Valid until the next put.
const struct eg_packet *eg__store_get(const struct eg_store *store, uint64_t sequence);

// The picture that begins at `sequence` is a key picture: everything before it is history.
void eg__store_begin_gop(struct eg_store *store, uint64_t sequence);

#endif
