// `make sim SEEDS=N`: simulated worlds, one after the other, from seed FIRST (0) on. A seed that fails is printed and fails again.
// `egress-sim N FIRST sim_ladder`: instead of these worlds, the scenarios of all suites whose names begin so.
#include "cegress_tests.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint64_t run_scenarios(const char *suite, uint64_t seed, char *report, size_t report_size) {
    uint64_t failed = 0;
    for (size_t i = 0; i < eg_test_count(); i++) {
        if (strncmp(eg_test_suite_of(i), suite, strlen(suite)) != 0 || eg_test_run_seeded(i, seed, report, report_size)) continue;
        failed++;
        fprintf(stderr, "seed %llu, %s/%s:\n%s", (unsigned long long)seed, eg_test_suite_of(i), eg_test_name(i), report);
    }
    return failed;
}

static uint64_t run_world(uint64_t seed, char *report, size_t report_size) {
    uint64_t failed = eg_sim_run(seed, 1, report, report_size);
    if (failed > 0) fputs(report, stderr);
    return failed;
}

int main(int argument_count, char **arguments) {
    uint64_t count = argument_count > 1 ? strtoull(arguments[1], NULL, 10) : 1000;
    uint64_t first = argument_count > 2 ? strtoull(arguments[2], NULL, 10) : 0;
    const char *suite = argument_count > 3 ? arguments[3] : NULL;
    uint64_t failed = 0;
    char report[4096];
    for (uint64_t seed = first; seed < first + count; seed++)
        failed += suite != NULL ? run_scenarios(suite, seed, report, sizeof report) : run_world(seed, report, sizeof report);
    printf("%llu %s, %llu failed\n", (unsigned long long)count, suite != NULL ? "seeds" : "worlds", (unsigned long long)failed);
    return failed > 0;
}
