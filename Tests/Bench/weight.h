// What the process takes of memory, before viewers join and after.
#ifndef BENCH_WEIGHT_H
#define BENCH_WEIGHT_H

#include <stdint.h>

// All of it [B].
struct weight {
    uint64_t resident;
    uint64_t heap;
    uint64_t openssl;
};

struct weight weight_now(void);

// [KiB] that each of `viewers` has added.
double weight_each(uint64_t after, uint64_t before, uint32_t viewers);

#endif
