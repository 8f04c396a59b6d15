// Where payloads lie: blocks that one worker fills and any worker may read, counted by reference. The worker that made a block takes it back
// when the last reference is gone, whoever held that.
//
// A pool belongs to one thread. Only retain and release may be called by others, on blocks that they hold a reference of or were handed one.
#ifndef EG_CHUNK_H
#define EG_CHUNK_H

#include "base/limits.h"
#include "base/pool.h"

#include <stdatomic.h>

struct eg_chunk;

struct eg_chunk_pool {
    struct eg_pool chunks;
    struct eg_chunk *_Atomic returned; // a stack: others push one each, the owner takes all
};

struct eg_chunk {
    struct eg_chunk_pool *pool;
    eg_handle handle;
    _Atomic uint32_t references;
    struct eg_chunk *next_returned;
    uint32_t used;   // [B] the owner's
    uint8_t bytes[EG_STORE_CHUNK_SIZE];
};

void eg__chunk_pool_init(struct eg_chunk_pool *pool, uint32_t count_max);

// No reference may be left anywhere that will still be released.
void eg__chunk_pool_deinit(struct eg_chunk_pool *pool);

// An empty block with one reference, or NULL when `count_max` are in use or memory is refused.
struct eg_chunk *eg__chunk_pool_take(struct eg_chunk_pool *pool);

// Takes back what others have let go of.
void eg__chunk_pool_collect(struct eg_chunk_pool *pool);

static inline void eg__chunk_retain(struct eg_chunk *chunk) { atomic_fetch_add_explicit(&chunk->references, 1, memory_order_relaxed); }

// `mine` is the caller's own pool, whether the block is of it or not.
void eg__chunk_release(struct eg_chunk *chunk, struct eg_chunk_pool *mine);

#endif
