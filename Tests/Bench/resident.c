#include "resident.h"

#include <stdio.h>

uint64_t resident_size(void) {
    FILE *file = fopen("/proc/self/smaps_rollup", "r");
    if (file == NULL) return 0;
    char line[256];
    unsigned long long kib = 0;
    while (fgets(line, sizeof line, file) != NULL && sscanf(line, "Rss: %llu kB", &kib) != 1) continue;
    fclose(file);
    return kib * 1024;
}
