// When packets arrived at a viewer, by their transport-wide numbers, until it has told the engine (wire/transport_feedback.h).
#ifndef BENCH_ARRIVALS_H
#define BENCH_ARRIVALS_H

#include "base/bytes.h"
#include "wire/rtp.h"

enum {
    ARRIVALS_MAX = 1024,     // that wait to be told of: half a second of a catch-up
    ARRIVALS_TOLD_MAX = 400, // in one report
};

struct arrivals {
    uint8_t id;             // of the header extension
    uint8_t feedback_count;
    bool has_begun;
    uint16_t next;          // all numbers below have been told of
    uint16_t count;         // from that number on
    eg_time at[ARRIVALS_MAX]; // [us of CLOCK_REALTIME] EG_TIME_NEVER: lost
};

// A packet arrived at `arrival` [ns of CLOCK_REALTIME]. With `is_last` it stands for those before it, too: nobody but the kernel saw them.
void arrivals_note(struct arrivals *arrivals, const struct eg_rtp *rtp, uint64_t arrival, bool is_last);

// Writes a report about what is there, and forgets it.
void arrivals_write(struct arrivals *arrivals, struct eg_writer *writer, uint32_t sender_ssrc, uint32_t media_ssrc);

#endif
