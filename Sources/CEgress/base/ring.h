// Records of any size from one thread to another, in order, without a lock: a bounded queue with a single writer and a single reader. A record
// is one piece of memory that the writer fills in place and the reader reads in place.
//
// Writer: claim, fill, publish. Reader: peek, read, advance. The reader never sees a record that was claimed and not published.
#ifndef EG_RING_H
#define EG_RING_H

#include "base/base.h"

#include <stdatomic.h>

enum { EG_RING_CACHE_LINE = 64 }; // [B]

struct eg_ring {
    uint8_t *bytes;
    uint64_t size;              // [B] a power of two
    uint8_t apart[EG_RING_CACHE_LINE];
    // Used by the writer.
    uint64_t write_at;          // [B] in all, as are those below
    uint64_t head_seen;
    uint64_t claim_at;          // where the record that is being filled begins
    uint8_t apart_too[EG_RING_CACHE_LINE];
    _Atomic uint64_t tail;      // written up to here
    uint8_t apart_again[EG_RING_CACHE_LINE];
    _Atomic uint64_t head;      // read up to here
    uint8_t apart_as_well[EG_RING_CACHE_LINE];
    // Used by the reader.
    uint64_t read_at;
    uint64_t tail_seen;
};

// `size` is a power of two. False when memory is refused.
bool eg__ring_init(struct eg_ring *ring, uint32_t size);
void eg__ring_deinit(struct eg_ring *ring);

// Room for a record of up to `size` bytes (at most a quarter of the ring's), aligned to 8, or NULL when the ring is full.
void *eg__ring_claim(struct eg_ring *ring, size_t size);

// Lets the reader see the record that was claimed last, of which `size` bytes are used.
void eg__ring_publish(struct eg_ring *ring, size_t size);

// The oldest record, or NULL when there is none. It stays valid until advance.
const void *eg__ring_peek(struct eg_ring *ring);

// Gives the oldest record's room back. There must be one.
void eg__ring_advance(struct eg_ring *ring);

// For the reader: the position before which everything published by now is.
uint64_t eg__ring_end(const struct eg_ring *ring);

// Whether the reader has not reached `end` yet.
static inline bool eg__ring_is_before(const struct eg_ring *ring, uint64_t end) { return ring->read_at < end; }

#endif
