// The heap, as the layers above use it. Memory grows only here, seldom, and never per packet.
#ifndef EG_MEMORY_H
#define EG_MEMORY_H

#include "base/base.h"

// `count` zeroed objects of `size` bytes, or NULL when memory is refused.
void *eg__memory_take(size_t count, size_t size);

// Moves `memory` (NULL is allowed) to a block of `size` bytes. The contents are kept; new bytes are not zeroed. NULL when memory is refused; the
// old block is then as it was.
void *eg__memory_grow(void *memory, size_t size);

// Frees a block from take or grow. NULL has no effect.
void eg__memory_release(void *memory);

#endif
