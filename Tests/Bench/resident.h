// [B] of this process that is resident, counted exactly (/proc/self/smaps_rollup); 0 when that can't be read.
#ifndef BENCH_RESIDENT_H
#define BENCH_RESIDENT_H

#include <stdint.h>

uint64_t resident_size(void);

#endif
