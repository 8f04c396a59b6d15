#include "io/cores.h"

#include "base/limits.h"
#include "cegress.h"

#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH_SIZE = 512, TEXT_SIZE = 4096, CPUS_MAX = 4096 };

static const char cgroup_root[] = "/sys/fs/cgroup";

uint32_t eg__cores_of_quota(const char *text) {
    char *end;
    unsigned long long quota = strtoull(text, &end, 10);
    unsigned long long period = end != text ? strtoull(end, NULL, 10) : 0;
    if (period == 0 || quota == 0 || quota > (unsigned long long)CPUS_MAX * period) return 0;
    return (uint32_t)((quota + period - 1) / period);
}

static bool read_file(const char *path, char text[TEXT_SIZE]) {
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t size = fd >= 0 ? read(fd, text, TEXT_SIZE - 1) : -1;
    if (fd >= 0) close(fd);
    text[size > 0 ? size : 0] = '\0';
    return size > 0;
}

// The process' place in the hierarchy of cgroup v2, for example "/system.slice/x"; "" at the root, or where there is only v1.
static void find_cgroup(char path[PATH_SIZE]) {
    char text[TEXT_SIZE];
    path[0] = '\0';
    if (!read_file("/proc/self/cgroup", text)) return;
    const char *line = strncmp(text, "0::/", 4) == 0 ? text : strstr(text, "\n0::/");
    if (line == NULL) return;
    line = strchr(line, '/');
    size_t size = strcspn(line, "\n");
    if (size < PATH_SIZE) snprintf(path, PATH_SIZE, "%.*s", (int)size, line);
}

// The lowest limit of the process' own group and the groups above it.
static uint32_t limit_by_cgroup(uint32_t cores) {
    char group[PATH_SIZE], path[PATH_SIZE + 64], text[TEXT_SIZE];
    find_cgroup(group);
    for (;;) {
        snprintf(path, sizeof path, "%s%s/cpu.max", cgroup_root, group);
        uint32_t allowed = read_file(path, text) ? eg__cores_of_quota(text) : 0;
        if (allowed > 0 && allowed < cores) cores = allowed;
        char *slash = strrchr(group, '/');
        if (slash == NULL) return cores;
        *slash = '\0';
    }
}

static uint32_t count_affinity(void) {
    cpu_set_t *set = CPU_ALLOC(CPUS_MAX);
    if (set == NULL) return 1;
    bool is_known = sched_getaffinity(0, CPU_ALLOC_SIZE(CPUS_MAX), set) == 0;
    int count = is_known ? CPU_COUNT_S(CPU_ALLOC_SIZE(CPUS_MAX), set) : 1;
    CPU_FREE(set);
    return count > 0 ? (uint32_t)count : 1;
}

uint32_t eg_cores(void) {
    uint32_t cores = limit_by_cgroup(count_affinity());
    return cores < EG_WORKERS_MAX ? cores : EG_WORKERS_MAX;
}
