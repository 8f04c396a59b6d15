// `make sim SEEDS=N`: simulated worlds, one after the other, from seed FIRST (0) on. A seed that fails is printed and fails again.
#include "cegress_tests.h"

#include <stdio.h>
#include <stdlib.h>

int main(int argument_count, char **arguments) {
    uint64_t count = argument_count > 1 ? strtoull(arguments[1], NULL, 10) : 1000;
    uint64_t first = argument_count > 2 ? strtoull(arguments[2], NULL, 10) : 0;
    uint64_t failed = 0;
    char report[4096];
    for (uint64_t seed = first; seed < first + count; seed++) {
        if (eg_sim_run(seed, 1, report, sizeof report) == 0) continue;
        failed++;
        fputs(report, stderr);
    }
    printf("%llu worlds, %llu failed\n", (unsigned long long)count, (unsigned long long)failed);
    return failed > 0;
}
