// A small set of numbers, 0 to 31, as the bits of a word.
#ifndef EG_BITS_H
#define EG_BITS_H

#include "base/base.h"

// Takes the lowest number out of a set; false when the set is empty. It does not shift the set until nothing is left: for the highest
// number it would have to shift by 32.
static inline bool eg__bits_take(uint32_t *set, uint32_t *number) {
    if (*set == 0) return false;
    *number = (uint32_t)__builtin_ctz(*set);
    *set &= *set - 1;
    return true;
}

#endif
