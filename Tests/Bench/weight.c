#include "weight.h"

#include "heap.h"
#include "resident.h"

struct weight weight_now(void) { return (struct weight){resident_size(), heap_live(), heap_live_openssl()}; }

double weight_each(uint64_t after, uint64_t before, uint32_t viewers) {
    return after > before && viewers > 0 ? (double)(after - before) / viewers / 1024 : 0;
}
