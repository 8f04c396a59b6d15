// Where random bytes come from. The engine's come from the kernel, a simulation's from its seed.
#ifndef EG_RANDOM_H
#define EG_RANDOM_H

#include "base/base.h"

// It is the first member of the struct that holds the source's state, so the function can get its own struct back.
struct eg_random {
    void (*fill)(struct eg_random *self, uint8_t *bytes, size_t size);
};

static inline uint64_t eg__random_u64(struct eg_random *random) {
    uint8_t bytes[8];
    random->fill(random, bytes, sizeof bytes);
    uint64_t value = 0;
    for (size_t i = 0; i < sizeof bytes; i++) value = value << 8 | bytes[i];
    return value;
}

#endif
