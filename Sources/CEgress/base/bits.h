// A small set of numbers, 0 to 31, as the bits of a word.
#ifndef EG_BITS_H
#define EG_BITS_H

#include "base/base.h"

// Takes the lowest number out of a set; false when it is empty. Not a loop that shifts the set until nothing is left of it: with the last
// number in it, it would shift by 32.
static inline bool eg__bits_take(uint32_t *set, uint32_t *number) {
    if (*set == 0) return false;
    *number = (uint32_t)__builtin_ctz(*set);
    *set &= *set - 1;
    return true;
}

#endif
