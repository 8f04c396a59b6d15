// A slab is 64 objects followed by their 64 slots. The slots are apart from the objects, so that walking or chaining them touches
// no page of an object that was never taken.
//
// A slot's generation is odd while its object is taken and moves on at each take and release. So a handle, whose generation is
// odd, is never zero, and finds nothing once its object was given back, until its slot was used 2^31 times more.
#include "base/pool.h"

#include <stdlib.h>
#include <string.h>

enum {
    ALIGNMENT = 64,  // [B] a cache line
    SLAB_COUNT = 64, // objects
};

struct slot {
    uint32_t generation;
    uint32_t next_free; // index + 1 of the next free slot, 0 when none; meaningful while this one is free
};

static uint8_t *object_at(const struct eg_pool *pool, uint32_t index) {
    return pool->slabs[index / SLAB_COUNT] + index % SLAB_COUNT * pool->object_size;
}

static struct slot *slot_at(const struct eg_pool *pool, uint32_t index) {
    uint8_t *slots = pool->slabs[index / SLAB_COUNT] + SLAB_COUNT * pool->object_size;
    return (struct slot *)(void *)slots + index % SLAB_COUNT;
}

static bool is_taken(const struct slot *slot) { return slot->generation % 2 == 1; }

static eg_handle handle_of(const struct slot *slot, uint32_t index) { return (eg_handle)slot->generation << 32 | index; }

// The slot that a handle names, or NULL. Whatever the handle's bits are, this reads no memory that is not a slot.
static struct slot *find_slot(const struct eg_pool *pool, eg_handle handle) {
    uint32_t index = (uint32_t)handle;
    if (index / SLAB_COUNT >= pool->slab_count) return NULL;
    struct slot *slot = slot_at(pool, index);
    return is_taken(slot) && slot->generation == handle >> 32 ? slot : NULL;
}

void eg__pool_init(struct eg_pool *pool, size_t object_size, uint32_t count_max) {
    eg__pool_init_part(pool, object_size, object_size, count_max);
}

void eg__pool_init_part(struct eg_pool *pool, size_t object_size, size_t zeroed_size, uint32_t count_max) {
    EG_ASSERT(object_size > 0 && zeroed_size <= object_size);
    EG_ASSERT(count_max <= UINT32_MAX - SLAB_COUNT);
    size_t rounded = (object_size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
    *pool = (struct eg_pool){.object_size = rounded, .zeroed_size = zeroed_size, .count_max = count_max};
}

void eg__pool_deinit(struct eg_pool *pool) {
    for (uint32_t i = 0; i < pool->slab_count; i++) free(pool->slabs[i]);
    free(pool->slabs);
    *pool = (struct eg_pool){.object_size = pool->object_size, .zeroed_size = pool->zeroed_size, .count_max = pool->count_max};
}

// Called with no slot free. The new ones are chained lowest first: together with the last-in-first-out free list this means that a slot
// is used for the first time only when all below it are taken, so indices stay under `count_max` though the last slab may reach past it.
static bool add_slab(struct eg_pool *pool) {
    uint8_t **slabs = realloc(pool->slabs, (pool->slab_count + 1) * sizeof *slabs);
    if (slabs == NULL) return false;
    pool->slabs = slabs;
    uint8_t *slab = aligned_alloc(ALIGNMENT, SLAB_COUNT * (pool->object_size + sizeof(struct slot)));
    if (slab == NULL) return false;
    uint32_t first = pool->slab_count * SLAB_COUNT;
    slabs[pool->slab_count++] = slab;
    for (uint32_t i = 0; i < SLAB_COUNT; i++) {
        uint32_t next = i + 1 < SLAB_COUNT ? first + i + 2 : 0;
        *slot_at(pool, first + i) = (struct slot){.next_free = next};
    }
    pool->free_head = first + 1;
    return true;
}

void *eg__pool_take(struct eg_pool *pool, eg_handle *handle) {
    if (pool->count >= pool->count_max) return NULL;
    if (pool->free_head == 0 && !add_slab(pool)) return NULL;
    uint32_t index = pool->free_head - 1;
    struct slot *slot = slot_at(pool, index);
    EG_ASSERT(!is_taken(slot));
    pool->free_head = slot->next_free;
    pool->count++;
    slot->generation++;
    *handle = handle_of(slot, index);
    return memset(object_at(pool, index), 0, pool->zeroed_size);
}

void *eg__pool_find(const struct eg_pool *pool, eg_handle handle) {
    return find_slot(pool, handle) != NULL ? object_at(pool, (uint32_t)handle) : NULL;
}

void eg__pool_release(struct eg_pool *pool, eg_handle handle) {
    struct slot *slot = find_slot(pool, handle);
    EG_ASSERT(slot != NULL);
    slot->generation++;
    slot->next_free = pool->free_head;
    pool->free_head = (uint32_t)handle + 1;
    pool->count--;
}

void *eg__pool_next(const struct eg_pool *pool, uint32_t *index, eg_handle *handle) {
    while (*index < pool->slab_count * SLAB_COUNT) {
        uint32_t here = (*index)++;
        const struct slot *slot = slot_at(pool, here);
        if (!is_taken(slot)) continue;
        *handle = handle_of(slot, here);
        return object_at(pool, here);
    }
    return NULL;
}
