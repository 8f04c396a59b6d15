// Objects of one size in slabs, named by handles of index and generation. Slabs are made as they are needed, up to a limit, and never
// move, so a pointer stays valid until its object is released. Objects are zeroed when taken, or the part that eg__pool_init_part says.
//
// One thread. Nothing here is called per packet.
#ifndef EG_POOL_H
#define EG_POOL_H

#include "base/base.h"

struct eg_pool {
    size_t object_size;   // [B] rounded up to the alignment
    size_t zeroed_size;   // [B] of an object that are zeroed when it is taken
    uint32_t count_max;   // objects at most
    uint32_t count;       // objects taken
    uint32_t slab_count;
    uint32_t free_head;   // index + 1 of the first free slot, 0 when none
    uint8_t **slabs;
};

// `object_size` bytes each, aligned to 64. Makes no slab yet.
void eg__pool_init(struct eg_pool *pool, size_t object_size, uint32_t count_max);

// Likewise, for objects that are mostly a buffer: only the first `zeroed_size` bytes of each are zeroed when it is taken.
void eg__pool_init_part(struct eg_pool *pool, size_t object_size, size_t zeroed_size, uint32_t count_max);

// Frees every slab, also objects that are still taken: what they own must have been released before.
void eg__pool_deinit(struct eg_pool *pool);

// Takes an object and writes its handle, or NULL when `count_max` are taken or memory is refused.
void *eg__pool_take(struct eg_pool *pool, eg_handle *handle);

// The object that a handle names; NULL when it names none any more.
void *eg__pool_find(const struct eg_pool *pool, eg_handle handle);

// Gives an object back; its handle finds nothing from here on.
void eg__pool_release(struct eg_pool *pool, eg_handle handle);

// The next taken object at or after slot `*index`, moving `*index` past it, or NULL at the end. Start with 0.
void *eg__pool_next(const struct eg_pool *pool, uint32_t *index, eg_handle *handle);

#endif
