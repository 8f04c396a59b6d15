// A thread that receives datagrams and throws them away, in one of several ways, on sockets like those of the engine's sources.
#ifndef BENCH_INTAKE_H
#define BENCH_INTAKE_H

#include "feeder.h"

enum intake_way {
    INTAKE_BARE,       // epoll and recvmmsg, looking whenever something arrives
    INTAKE_BARE_TICK,  // the same, once a millisecond: arrivals gather
    INTAKE_URING,      // the engine's receiver on io_uring, gathering as its worker does
    INTAKE_EPOLL,      // the engine's receiver on epoll, likewise
    INTAKE_WAYS,
};

struct intake;

// With two sockets for each stream, whose ports go to `targets`. Receives from its return on. NULL when something is refused.
struct intake *intake_start(enum intake_way way, uint32_t stream_count, struct feeder_target *targets);

// Any thread: what has been received, and the CPU time that took [ns].
void intake_read(const struct intake *intake, uint64_t *packets, uint64_t *cpu_ns);

void intake_stop(struct intake *intake);

#endif
