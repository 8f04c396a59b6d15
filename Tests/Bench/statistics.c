#include "statistics.h"

#include <stdlib.h>
#include <string.h>

static int compare_doubles(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static int compare_u32(const void *a, const void *b) {
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

void rounds_add(struct rounds *rounds, double value) {
    if (rounds->count < ROUNDS_MAX) rounds->values[rounds->count++] = value;
}

static double median(double *values, size_t count) {
    if (count == 0) return 0;
    qsort(values, count, sizeof *values, compare_doubles);
    return count % 2 == 1 ? values[count / 2] : (values[count / 2 - 1] + values[count / 2]) / 2;
}

double rounds_median(const struct rounds *rounds) {
    double values[ROUNDS_MAX];
    memcpy(values, rounds->values, rounds->count * sizeof *values);
    return median(values, rounds->count);
}

double rounds_ratio(const struct rounds *a, const struct rounds *b) {
    double values[ROUNDS_MAX];
    size_t count = 0;
    for (size_t i = 0; i < a->count && i < b->count; i++) {
        if (b->values[i] > 0) values[count++] = a->values[i] / b->values[i];
    }
    return median(values, count);
}

uint32_t percentile(uint32_t *values, size_t count, double percent) {
    if (count == 0) return 0;
    qsort(values, count, sizeof *values, compare_u32);
    size_t at = (size_t)((double)count * percent / 100);
    return values[at < count ? at : count - 1];
}
