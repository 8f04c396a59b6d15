// The blocks that hold payloads. One worker fills a block and any worker may read it; references are counted. When the last reference is gone, the
// block goes back to the worker that made it, whichever worker held that reference.
//
// A pool belongs to one thread. Other threads may only call retain and release, on blocks that they hold or were handed a reference of.
#ifndef EG_CHUNK_H
#define EG_CHUNK_H

#include "base/limits.h"
#include "base/pool.h"

#include <stdatomic.h>

struct eg_chunk;

struct eg_chunk_pool {
    struct eg_pool chunks;
    struct eg_chunk *_Atomic returned; // a stack: other threads push blocks, the owner takes all of them
};

struct eg_chunk {
    struct eg_chunk_pool *pool;
    eg_handle handle;
    _Atomic uint32_t references;
    struct eg_chunk *next_returned;
    uint32_t used;   // [B] only the owner uses it
    uint8_t bytes[EG_STORE_CHUNK_SIZE];
};

void eg__chunk_pool_init(struct eg_chunk_pool *pool, uint32_t count_max);

// No reference may be left that will still be released.
void eg__chunk_pool_deinit(struct eg_chunk_pool *pool);

// An empty block with one reference, or NULL when `count_max` are in use or memory is refused.
struct eg_chunk *eg__chunk_pool_take(struct eg_chunk_pool *pool);

// Takes back the blocks that other threads have released.
void eg__chunk_pool_collect(struct eg_chunk_pool *pool);

static inline void eg__chunk_retain(struct eg_chunk *chunk) { atomic_fetch_add_explicit(&chunk->references, 1, memory_order_relaxed); }

// `mine` is the caller's own pool, even if the block belongs to another one.
void eg__chunk_release(struct eg_chunk *chunk, struct eg_chunk_pool *mine);

#endif
