// The engine's threads, seen from outside: their numbers, and the system calls that they make, counted by the kernel (the tracepoint
// raw_syscalls:sys_enter). While it counts each call of the machine takes a little longer, so that is done in rounds of its own.
#ifndef BENCH_CALLS_H
#define BENCH_CALLS_H

#include "heap.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

enum { CALLS_THREADS_MAX = 64 };

struct calls {
    uint32_t thread_count;
    pid_t threads[CALLS_THREADS_MAX];
    int counters[CALLS_THREADS_MAX]; // -1: not to be had
};

// Begins to count for every thread of this process that is named as the engine's are. False when there is none, or the kernel does not
// let us count (that takes a privilege): then calls_end gives no system calls.
bool calls_begin(struct calls *calls);

// Ends it. System calls since then.
void calls_end(struct calls *calls, uint64_t *system_calls);

// What the same threads have asked of the heap so far.
struct heap_calls calls_of_heap(const struct calls *calls);

// [ns] that the engine's threads were ready to run and had no processor, so far: what others on the machine took from them.
uint64_t calls_waited(void);

#endif
