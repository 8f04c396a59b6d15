#include "base/memory.h"

#include <stdlib.h>

void *eg__memory_take(size_t count, size_t size) { return calloc(count, size); }

void *eg__memory_grow(void *memory, size_t size) { return realloc(memory, size); }

void eg__memory_release(void *memory) { free(memory); }
