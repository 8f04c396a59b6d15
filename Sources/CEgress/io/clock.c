#include "io/clock.h"

#include <errno.h>
#include <time.h>

enum { NANOSECONDS_PER_MICROSECOND = 1000 };

// Between the epochs of NTP (1900) and of Unix (1970).
#define NTP_UNIX_OFFSET UINT64_C(2208988800) // [s]

static uint64_t read_us(clockid_t clock) {
    struct timespec time;
    EG_ASSERT(clock_gettime(clock, &time) == 0);
    return (uint64_t)time.tv_sec * EG_SECOND + (uint64_t)time.tv_nsec / NANOSECONDS_PER_MICROSECOND;
}

eg_time eg__clock_now(void) { return read_us(CLOCK_MONOTONIC); }

uint64_t eg__clock_ntp_origin(void) {
    uint64_t origin_us = read_us(CLOCK_REALTIME) - read_us(CLOCK_MONOTONIC);
    uint64_t fraction = (origin_us % EG_SECOND << 32) / EG_SECOND;
    return (origin_us / EG_SECOND + NTP_UNIX_OFFSET) << 32 | fraction;
}

uint64_t eg__clock_thread_cpu(void) { return read_us(CLOCK_THREAD_CPUTIME_ID); }

void eg__clock_sleep_until(eg_time deadline) {
    struct timespec until = {.tv_sec = (time_t)(deadline / EG_SECOND),
                             .tv_nsec = (long)(deadline % EG_SECOND) * NANOSECONDS_PER_MICROSECOND};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR) continue;
}
