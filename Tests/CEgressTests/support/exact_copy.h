// Bytes as a parser gets them at worst: they end where their allocation ends, so that a sanitizer sees the first byte read past them.
#ifndef EG_EXACT_COPY_H
#define EG_EXACT_COPY_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

// To be freed.
static inline uint8_t *exact_copy(const uint8_t *bytes, size_t size) {
    uint8_t *copy = malloc(size > 0 ? size : 1);
    return size > 0 ? memcpy(copy, bytes, size) : copy;
}

#endif
