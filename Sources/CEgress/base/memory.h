// The heap, as the layers above use it: what grows does so here, seldom, and never per packet.
#ifndef EG_MEMORY_H
#define EG_MEMORY_H

#include "base/base.h"

// `count` zeroed objects of `size` bytes, or NULL when memory is refused.
void *eg__memory_take(size_t count, size_t size);

// `memory` (NULL is fine) moved to a block of `size` bytes, its contents kept and what is new not zeroed. NULL when memory is refused, and then
// the old block is as it was.
void *eg__memory_grow(void *memory, size_t size);

// Frees what take or grow gave; NULL is fine.
void eg__memory_release(void *memory);

#endif
