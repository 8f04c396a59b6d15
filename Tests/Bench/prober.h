// One more viewer, on a thread of its own, who asks the engine for things all the time and takes the time each answer needs: an ICE check,
// a NACK, and a newcomer's whole join. So it can be told how long any of it is held up by the media of others.
#ifndef BENCH_PROBER_H
#define BENCH_PROBER_H

#include "cegress.h"

enum prober_kind {
    PROBER_CHECK,  // a binding request, to its answer's arrival
    PROBER_REPAIR, // a NACK, to the arrival of the packet that was asked for again
    PROBER_CALL,   // eg_viewer_create, to its return
    PROBER_JOIN,   // a first check, to the end of the handshake; the client's own share is in it
    PROBER_KINDS,
};

enum { PROBER_VALUES_MAX = 8192 };

struct prober_report {
    uint32_t values[PROBER_KINDS][PROBER_VALUES_MAX]; // [us]
    size_t counts[PROBER_KINDS];
    size_t unanswered[PROBER_KINDS]; // given up after a second
};

struct prober;

// Its viewer is connected on return. NULL when that fails.
struct prober *prober_start(eg_engine *engine, eg_stream_id stream);

// Ends it; what it measured goes to `*report`.
void prober_stop(struct prober *prober, struct prober_report *report);

#endif
