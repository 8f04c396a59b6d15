// Viewers that are real up to the point where media flows: ICE checks, DTLS handshake and keys over UDP, consent checks and receiver
// reports afterwards. They live in a process of their own, so that neither their memory nor their time is in the engine's figures.
//
// Most drop their media in the kernel (sink.h), which counts it. A few, spread over all, receive it: they open every packet, check that
// sequence numbers follow each other, and take the time from the feeder's stamp to the packet's arrival at the socket. Nobody is woken
// up by media: samples are looked after every 20 ms, on the kernel's own time stamps.
#ifndef BENCH_SWARM_H
#define BENCH_SWARM_H

#include "cegress.h"

enum {
    SWARM_VIEWERS_MAX = 5000,
    SWARM_SAMPLES_MAX = 8,
    SWARM_LATENCIES_MAX = 256 * 1024, // a sample's packets beyond these are checked, but not timed
};

struct swarm;

// What the viewers got between swarm_begin and swarm_end.
struct swarm_report {
    uint64_t delivered;      // datagrams of media at all sockets; with `takes_whole` a GSO message is one
    uint64_t sample_packets; // opened by samples
    uint64_t sample_lost;    // gaps in their sequence numbers
    uint64_t sample_refused; // that did not open, or came twice
    const uint32_t *latencies; // [100 ns] of the samples' packets, good until the next swarm_begin
    size_t latency_count;
};

// Forks the process with as many viewers, their sockets open. To be called while the caller has no other thread. NULL when refused.
struct swarm *swarm_start(uint32_t viewer_count, bool takes_whole);
void swarm_stop(struct swarm *swarm);

// The port on 127.0.0.1 that a viewer receives on.
uint16_t swarm_port(const struct swarm *swarm, uint32_t viewer);

// Makes the engine's viewers [first, first + count), of one stream, and returns when they are connected or 20 s have passed. How many are.
uint32_t swarm_join(struct swarm *swarm, eg_engine *engine, eg_stream_id stream, uint32_t first, uint32_t count, bool has_audio);

void swarm_begin(struct swarm *swarm);
void swarm_end(struct swarm *swarm, struct swarm_report *report);

#endif
