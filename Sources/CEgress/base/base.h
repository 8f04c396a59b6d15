// What every file of the engine uses: assertions, time, handles.
//
// Time is data. No file below io/ reads a clock: `now` is handed in, in microseconds of one monotonic clock whose zero means nothing.
#ifndef EG_BASE_H
#define EG_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint64_t eg_time; // [us]

#define EG_TIME_NEVER UINT64_MAX

enum {
    EG_MILLISECOND = 1000,   // [us]
    EG_SECOND = 1000 * 1000, // [us]
};

// Checks an invariant of our own, in release builds too. Never used on what a peer or a caller sent: they get a counted drop or a status.
#define EG_ASSERT(condition) ((condition) ? (void)0 : eg__assertion_failed(#condition, __FILE__, __LINE__))

_Noreturn void eg__assertion_failed(const char *condition, const char *file, int line);

// Names an object in a pool: the index of its slot and the generation that slot had when the object was made. A handle that outlives its
// object finds nothing. Zero names nothing.
typedef uint64_t eg_handle;

static inline eg_time eg__time_min(eg_time a, eg_time b) { return a < b ? a : b; }

// `now + delay`, saturating, so that a delay of EG_TIME_NEVER stays never.
static inline eg_time eg__time_after(eg_time now, eg_time delay) {
    return delay > EG_TIME_NEVER - now ? EG_TIME_NEVER : now + delay;
}

#endif
