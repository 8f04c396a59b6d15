// The only code that reads a clock. Everything below io/ is handed the time.
#ifndef EG_IO_CLOCK_H
#define EG_IO_CLOCK_H

#include "base/base.h"

// The monotonic clock that every eg_time comes from.
eg_time eg__clock_now(void);

// The NTP time at eg_time 0: seconds since 1900 in the upper 32 bits, their fraction in the lower (RFC 5905 §6). Read once per
// engine, so that sender reports never jump when somebody sets the wall clock.
uint64_t eg__clock_ntp_origin(void);

// [us] CPU time that the calling thread has used.
uint64_t eg__clock_thread_cpu(void);

// Sleeps until `deadline`. Returns at once when it is past.
void eg__clock_sleep_until(eg_time deadline);

#endif
