// Random bytes of the kernel, which are read in larger portions than callers ask for. One thread.
#ifndef EG_IO_RANDOM_H
#define EG_IO_RANDOM_H

#include "base/random.h"

enum { EG_RANDOM_POOL_SIZE = 512 }; // [B]

struct eg_kernel_random {
    struct eg_random base;
    size_t left;                       // [B] of the pool, at its end, not yet given out
    uint8_t pool[EG_RANDOM_POOL_SIZE]; // zero where it was given out, so that an old key can't be read here later
};

void eg__kernel_random_init(struct eg_kernel_random *random);
void eg__kernel_random_deinit(struct eg_kernel_random *random);

#endif
