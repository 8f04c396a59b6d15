#include "calls.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/perf_event.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

// The engine names its threads so; ours are named after the program.
static const char engine_name[] = "egress", own_name[] = "egress-bench";

static bool is_engine(pid_t thread) {
    char path[64], name[32] = "";
    snprintf(path, sizeof path, "/proc/self/task/%d/comm", thread);
    FILE *file = fopen(path, "r");
    if (file == NULL) return false;
    bool is_read = fgets(name, sizeof name, file) != NULL;
    fclose(file);
    return is_read && strncmp(name, engine_name, strlen(engine_name)) == 0 && strncmp(name, own_name, strlen(own_name)) != 0;
}

static void find_threads(struct calls *calls) {
    DIR *tasks = opendir("/proc/self/task");
    if (tasks == NULL) return;
    for (struct dirent *entry; (entry = readdir(tasks)) != NULL && calls->thread_count < CALLS_THREADS_MAX;) {
        pid_t thread = (pid_t)atoi(entry->d_name);
        if (thread > 0 && is_engine(thread)) calls->threads[calls->thread_count++] = thread;
    }
    closedir(tasks);
}

static int read_number(const char *path) {
    int number = -1;
    FILE *file = fopen(path, "r");
    if (file == NULL) return -1;
    if (fscanf(file, "%d", &number) != 1) number = -1;
    fclose(file);
    return number;
}

// Where nobody has mounted tracefs a child of ours does, in a mount namespace that goes with it.
static int read_number_in_own_mount(void) {
    int ends[2], number = -1;
    if (pipe2(ends, O_CLOEXEC) != 0) return -1;
    pid_t child = fork();
    if (child == 0) {
        bool is_mounted = unshare(CLONE_NEWNS) == 0 && mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0 &&
                          mount("tracefs", "/mnt", "tracefs", 0, NULL) == 0;
        if (is_mounted) number = read_number("/mnt/events/raw_syscalls/sys_enter/id");
        _exit(write(ends[1], &number, sizeof number) != sizeof number);
    }
    close(ends[1]);
    if (child < 0 || read(ends[0], &number, sizeof number) != sizeof number) number = -1;
    close(ends[0]);
    if (child > 0) waitpid(child, NULL, 0);
    return number;
}

// -1 when it is not to be had.
static int tracepoint(void) {
    static int known = -2;
    if (known != -2) return known;
    known = read_number("/sys/kernel/tracing/events/raw_syscalls/sys_enter/id");
    if (known < 0) known = read_number_in_own_mount();
    return known;
}

static int open_counter(pid_t thread) {
    int number = tracepoint();
    if (number < 0) return -1;
    struct perf_event_attr attributes = {.type = PERF_TYPE_TRACEPOINT, .size = sizeof attributes, .config = (uint64_t)number};
    return (int)syscall(SYS_perf_event_open, &attributes, thread, -1, -1, PERF_FLAG_FD_CLOEXEC);
}

bool calls_begin(struct calls *calls) {
    *calls = (struct calls){0};
    find_threads(calls);
    bool is_counting = calls->thread_count > 0;
    for (uint32_t i = 0; i < calls->thread_count; i++) {
        calls->counters[i] = open_counter(calls->threads[i]);
        is_counting &= calls->counters[i] >= 0;
    }
    return is_counting;
}

void calls_end(struct calls *calls, uint64_t *system_calls) {
    *system_calls = 0;
    for (uint32_t i = 0; i < calls->thread_count; i++) {
        uint64_t count = 0;
        if (calls->counters[i] < 0) continue;
        if (read(calls->counters[i], &count, sizeof count) == sizeof count) *system_calls += count;
        close(calls->counters[i]);
    }
}

struct heap_calls calls_of_heap(const struct calls *calls) {
    struct heap_calls sum = {0};
    for (uint32_t i = 0; i < calls->thread_count; i++) {
        struct heap_calls one = heap_calls(calls->threads[i]);
        sum.all += one.all;
        sum.openssl += one.openssl;
    }
    return sum;
}

static uint64_t waited(pid_t thread) {
    char path[64];
    unsigned long long ran, waited_ns = 0;
    snprintf(path, sizeof path, "/proc/self/task/%d/schedstat", thread);
    FILE *file = fopen(path, "r");
    if (file == NULL) return 0;
    if (fscanf(file, "%llu %llu", &ran, &waited_ns) != 2) waited_ns = 0;
    fclose(file);
    return waited_ns;
}

uint64_t calls_waited(void) {
    struct calls calls = {0};
    uint64_t sum = 0;
    find_threads(&calls);
    for (uint32_t i = 0; i < calls.thread_count; i++) sum += waited(calls.threads[i]);
    return sum;
}
