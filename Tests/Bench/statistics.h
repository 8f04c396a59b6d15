// Medians over rounds, because the machine has neighbours: a round that was disturbed is outvoted.
#ifndef BENCH_STATISTICS_H
#define BENCH_STATISTICS_H

#include <stddef.h>
#include <stdint.h>

enum { ROUNDS_MAX = 64 };

// One figure, measured once a round.
struct rounds {
    double values[ROUNDS_MAX];
    size_t count;
};

// Beyond ROUNDS_MAX nothing is added.
void rounds_add(struct rounds *rounds, double value);

// 0 when there are none.
double rounds_median(const struct rounds *rounds);

// The median of a's values over b's of the same round: what both suffered in one round cancels out. 0 when there are none.
double rounds_ratio(const struct rounds *a, const struct rounds *b);

// The value that `percent` of all are not above. Sorts. 0 when there are none.
uint32_t percentile(uint32_t *values, size_t count, double percent);

#endif
