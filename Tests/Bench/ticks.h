// The clocks that the bench measures with, in nanoseconds.
#ifndef BENCH_TICKS_H
#define BENCH_TICKS_H

#include <pthread.h>
#include <stdint.h>
#include <time.h>

enum { MILLISECOND_US = 1000, SECOND_US = 1000 * 1000 };

static inline uint64_t ticks_of(clockid_t clock) {
    struct timespec at;
    clock_gettime(clock, &at);
    return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
}

static inline uint64_t ticks_now(void) { return ticks_of(CLOCK_MONOTONIC); }

// Of the calling thread: what it ran, system calls included.
static inline uint64_t ticks_cpu(void) { return ticks_of(CLOCK_THREAD_CPUTIME_ID); }

// Of another thread, which must still be there.
static inline uint64_t ticks_cpu_of(pthread_t thread) {
    clockid_t clock;
    return pthread_getcpuclockid(thread, &clock) == 0 ? ticks_of(clock) : 0;
}

static inline void ticks_sleep_until(uint64_t at) {
    struct timespec until = {.tv_sec = (time_t)(at / 1000000000u), .tv_nsec = (long)(at % 1000000000u)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0) continue;
}

static inline void ticks_sleep_us(uint64_t us) { ticks_sleep_until(ticks_now() + us * 1000u); }

#endif
