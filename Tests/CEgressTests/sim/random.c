#include "sim/random.h"

// SplitMix64.
static uint64_t finish(uint64_t value) {
    value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9;
    value = (value ^ value >> 27) * 0x94d049bb133111eb;
    return value ^ value >> 31;
}

uint64_t eg_sim_random_u64(struct eg_sim_random *random) { return finish(random->state += 0x9e3779b97f4a7c15); }

static void fill(struct eg_random *self, uint8_t *bytes, size_t size) {
    struct eg_sim_random *random = (struct eg_sim_random *)self;
    for (size_t i = 0; i < size; i++) bytes[i] = (uint8_t)(eg_sim_random_u64(random) >> 56);
}

void eg_sim_random_init(struct eg_sim_random *random, uint64_t seed) {
    *random = (struct eg_sim_random){.random.fill = fill, .state = finish(seed + 1)};
}

uint32_t eg_sim_random_below(struct eg_sim_random *random, uint32_t bound) {
    EG_ASSERT(bound > 0);
    return (uint32_t)((eg_sim_random_u64(random) >> 32) * bound >> 32);
}

bool eg_sim_random_chance(struct eg_sim_random *random, uint32_t permille) { return eg_sim_random_below(random, 1000) < permille; }

uint64_t eg_sim_mix(uint64_t seed, uint64_t a, uint64_t b) { return finish(finish(finish(seed) + a) + b * 0x9e3779b97f4a7c15); }
