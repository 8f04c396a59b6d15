// What the fuzz targets share. A failed EG_ASSERT is a crash to the fuzzer.
#ifndef EG_FUZZ_H
#define EG_FUZZ_H

#include "base/base.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

// Checks that a borrowed view lies in the input, and reads all of it.
static inline void fuzz_touch(const uint8_t *bytes, size_t size, const uint8_t *view, size_t view_size) {
    EG_ASSERT(view != NULL);
    EG_ASSERT(view >= bytes && view <= bytes + size);
    EG_ASSERT(view_size <= (size_t)(bytes + size - view));
    volatile uint8_t sink = 0;
    for (size_t i = 0; i < view_size; i++) sink ^= view[i];
}

#endif
