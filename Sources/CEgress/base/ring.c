// Positions count all bytes ever written, so that a full ring and an empty one differ. Each record begins with its size. A record that
// would not fit in one piece goes to the beginning; the rest of the end is a record that the reader skips.
//
// While the reader keeps up the writer goes back to the beginning early, so that both stay in pages that their caches hold. What it passes over is
// room that it lacks until the reader follows: so it goes back from the second half alone, and half of the room is always there.
#include "base/ring.h"

#include "base/memory.h"

enum {
    GRAIN = 8, // [B] positions are multiples of it
};

struct header {
    uint32_t size;  // [B] with the header
    bool is_passed_over;
};

_Static_assert(sizeof(struct header) == GRAIN, "what is left of the end has room for a header");

bool eg__ring_init(struct eg_ring *ring, uint32_t size) {
    EG_ASSERT(size >= 4 * GRAIN && (size & (size - 1)) == 0);
    *ring = (struct eg_ring){.bytes = eg__memory_take(1, size), .size = size};
    return ring->bytes != NULL;
}

void eg__ring_deinit(struct eg_ring *ring) {
    eg__memory_release(ring->bytes);
    *ring = (struct eg_ring){0};
}

static struct header *header_at(const struct eg_ring *ring, uint64_t at) {
    return (struct header *)(void *)(ring->bytes + (at & (ring->size - 1)));
}

static uint64_t whole_size(size_t size) { return sizeof(struct header) + (size + GRAIN - 1) / GRAIN * GRAIN; }

static bool has_room(struct eg_ring *ring, uint64_t size) {
    if (ring->write_at + size - ring->head_seen <= ring->size) return true;
    ring->head_seen = atomic_load_explicit(&ring->head, memory_order_acquire);
    return ring->write_at + size - ring->head_seen <= ring->size;
}

// Whether the next record begins at the ring's beginning: it would not fit in front of the end, or the reader has read everything.
static bool should_turn(struct eg_ring *ring, uint64_t size) {
    uint64_t offset = ring->write_at & (ring->size - 1);
    if (size > ring->size - offset) return true;
    if (offset < ring->size / 2) return false;
    ring->head_seen = atomic_load_explicit(&ring->head, memory_order_acquire);
    return ring->head_seen == ring->write_at;
}

void *eg__ring_claim(struct eg_ring *ring, size_t size) {
    uint64_t whole = whole_size(size);
    EG_ASSERT(whole <= ring->size / 4);
    uint64_t rest = should_turn(ring, whole) ? ring->size - (ring->write_at & (ring->size - 1)) : 0;
    if (!has_room(ring, rest + whole)) return NULL;
    if (rest > 0) *header_at(ring, ring->write_at) = (struct header){.size = (uint32_t)rest, .is_passed_over = true};
    ring->claim_at = ring->write_at + rest;
    return header_at(ring, ring->claim_at) + 1;
}

void eg__ring_publish(struct eg_ring *ring, size_t size) {
    struct header *header = header_at(ring, ring->claim_at);
    *header = (struct header){.size = (uint32_t)whole_size(size)};
    ring->write_at = ring->claim_at + header->size;
    atomic_store_explicit(&ring->tail, ring->write_at, memory_order_release);
}

uint64_t eg__ring_end(const struct eg_ring *ring) { return atomic_load_explicit(&ring->tail, memory_order_acquire); }

const void *eg__ring_peek(struct eg_ring *ring) {
    if (ring->read_at == ring->tail_seen) ring->tail_seen = eg__ring_end(ring);
    if (ring->read_at == ring->tail_seen) return NULL;
    struct header *header = header_at(ring, ring->read_at);
    if (header->is_passed_over) {
        ring->read_at += header->size; // published only together with the record behind it
        header = header_at(ring, ring->read_at);
    }
    return header + 1;
}

void eg__ring_advance(struct eg_ring *ring) {
    EG_ASSERT(ring->read_at != ring->tail_seen);
    ring->read_at += header_at(ring, ring->read_at)->size;
    atomic_store_explicit(&ring->head, ring->read_at, memory_order_release);
}
