// The simulation's only source of chance: a generator that gives the same numbers for the same seed on every machine.
#ifndef EG_SIM_RANDOM_H
#define EG_SIM_RANDOM_H

#include "base/random.h"

struct eg_sim_random {
    struct eg_random random; // first: an engine is handed a pointer to it
    uint64_t state;
};

void eg_sim_random_init(struct eg_sim_random *random, uint64_t seed);
uint64_t eg_sim_random_u64(struct eg_sim_random *random);
// 0..bound - 1.
uint32_t eg_sim_random_below(struct eg_sim_random *random, uint32_t bound);
// True that many times in a thousand.
bool eg_sim_random_chance(struct eg_sim_random *random, uint32_t permille);

// A number that depends on all three and on nothing else: what happens to the n-th datagram of a link does not depend on what other links
// carried in the meantime.
uint64_t eg_sim_mix(uint64_t seed, uint64_t a, uint64_t b);

#endif
