// A limited number of things that several threads share. A thread takes one for each thing that it makes, and gives it back when it frees it.
#ifndef EG_QUOTA_H
#define EG_QUOTA_H

#include "base/base.h"

#include <stdatomic.h>

struct eg_quota {
    uint32_t max;
    _Atomic uint32_t taken;
};

static inline bool eg__quota_take(struct eg_quota *quota) {
    uint32_t taken = atomic_load_explicit(&quota->taken, memory_order_relaxed);
    do {
        if (taken >= quota->max) return false;
    } while (!atomic_compare_exchange_weak_explicit(&quota->taken, &taken, taken + 1, memory_order_relaxed, memory_order_relaxed));
    return true;
}

static inline void eg__quota_release(struct eg_quota *quota) {
    EG_ASSERT(atomic_fetch_sub_explicit(&quota->taken, 1, memory_order_relaxed) > 0);
}

#endif
