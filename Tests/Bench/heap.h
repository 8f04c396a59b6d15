// What the process asks of the heap, counted: the allocator's functions stand in this program and hand on to glibc's, so what is measured
// runs as it is. OpenSSL's share is counted apart.
#ifndef BENCH_HEAP_H
#define BENCH_HEAP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

// To be called before anything else uses OpenSSL. False when the counters are not to be had (a sanitizer's allocator is in place).
bool heap_watch(void);

// Calls of malloc, calloc, realloc, aligned_alloc and their like.
struct heap_calls {
    uint64_t all;
    uint64_t openssl; // of these
};

// By the thread of that number, so far; zero when it never made one.
struct heap_calls heap_calls(pid_t thread);

// [B] taken and not given back, of all threads: as glibc rounds them up, without its own bookkeeping.
uint64_t heap_live(void);
// [B] the same, of OpenSSL.
uint64_t heap_live_openssl(void);

#endif
