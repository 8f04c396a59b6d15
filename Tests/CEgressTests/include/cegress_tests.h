// The C tests as the Swift runner sees them: a numbered list of named cases.
#ifndef CEGRESS_TESTS_H
#define CEGRESS_TESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

size_t eg_test_count(void);

// The module a case belongs to, "rtp", and the sentence it states, "rejects_a_packet_that_is_shorter_than_its_header". Static; NULL past the end.
const char *eg_test_suite_of(size_t index);
const char *eg_test_name(size_t index);

// Runs one case. True when it holds; else `report` (terminated) says what did not, a line each.
bool eg_test_run(size_t index, char *report, size_t report_size);

// The same with other seeds. Only the scenarios of simulated links (the suites "sim_ladder…") draw anything from it.
bool eg_test_run_seeded(size_t index, uint64_t seed, char *report, size_t report_size);

// Runs simulated worlds with `count` seeds, from `first_seed` on. Gives how many fail; `report` (terminated) says what and at which seed. The
// same seed fails in the same way each time.
uint64_t eg_sim_run(uint64_t first_seed, uint64_t count, char *report, size_t report_size);

// What a seed's world came to, as a number.
uint64_t eg_sim_fingerprint(uint64_t seed);

#endif
