#include "media/chunk.h"

void eg__chunk_pool_init(struct eg_chunk_pool *pool, uint32_t count_max) {
    eg__pool_init_part(&pool->chunks, sizeof(struct eg_chunk), offsetof(struct eg_chunk, bytes), count_max);
    atomic_init(&pool->returned, NULL);
}

void eg__chunk_pool_deinit(struct eg_chunk_pool *pool) {
    eg__chunk_pool_collect(pool);
    eg__pool_deinit(&pool->chunks);
}

// Takes the whole stack at once, so that no block can come back to its top meanwhile.
void eg__chunk_pool_collect(struct eg_chunk_pool *pool) {
    if (atomic_load_explicit(&pool->returned, memory_order_relaxed) == NULL) return;
    struct eg_chunk *chunk = atomic_exchange_explicit(&pool->returned, NULL, memory_order_acquire);
    while (chunk != NULL) {
        struct eg_chunk *next = chunk->next_returned;
        eg__pool_release(&pool->chunks, chunk->handle);
        chunk = next;
    }
}

struct eg_chunk *eg__chunk_pool_take(struct eg_chunk_pool *pool) {
    eg__chunk_pool_collect(pool);
    eg_handle handle;
    struct eg_chunk *chunk = eg__pool_take(&pool->chunks, &handle);
    if (chunk == NULL) return NULL;
    chunk->pool = pool;
    chunk->handle = handle;
    atomic_init(&chunk->references, 1);
    return chunk;
}

static void give_back(struct eg_chunk *chunk) {
    struct eg_chunk_pool *pool = chunk->pool;
    struct eg_chunk *top = atomic_load_explicit(&pool->returned, memory_order_relaxed);
    do chunk->next_returned = top;
    while (!atomic_compare_exchange_weak_explicit(&pool->returned, &top, chunk, memory_order_release, memory_order_relaxed));
}

// Every holder has finished reading the block before the thread that frees it learns that the last reference is gone.
void eg__chunk_release(struct eg_chunk *chunk, struct eg_chunk_pool *mine) {
    uint32_t before = atomic_fetch_sub_explicit(&chunk->references, 1, memory_order_acq_rel);
    EG_ASSERT(before > 0);
    if (before > 1) return;
    if (chunk->pool == mine) eg__pool_release(&mine->chunks, chunk->handle);
    else give_back(chunk);
}
