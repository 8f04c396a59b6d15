// What a scene's rounds gave. A round is one GOP: the engine carries it, or the bare loop sends it, as fast as it goes or at the pace of
// the media.
//
// CPU per packet is that of the engine's threads: receiving, storing, protecting and sending, what the kernel does in their system calls
// (on loopback that includes the delivery to the viewers' sockets), reports and checks of viewers. Beside it stands wall time, which no
// accounting can leave out: from a picture's last packet in to its last packet at the last sample, beside the bare loop's time for a picture.
//
// Latency is from right before the feeder's send to the arrival at the viewer's socket; for the first packet of a picture it holds the time
// until the picture is complete.
//
// An engine that lags behind, because the machine is busy or the load too high, sends two pictures in one message and so looks cheaper than
// it is, down to below the bare cost. Latency and messages per packet tell when that happened, and how long the engine was ready to run and
// had no processor tells whose fault it was.
#ifndef BENCH_SCORE_H
#define BENCH_SCORE_H

#include "bench.h"
#include "scene.h"
#include "statistics.h"

enum { SCORE_PERCENTILES = 3 }; // p50, p99, p99.9

struct score {
    struct rounds cpu;        // [us] a packet
    struct rounds bare_full;  // the same
    struct rounds bare_picture; // [us] wall time of a picture to all, by the one at full speed
    struct rounds bare_paced; // [us] a packet
    struct rounds load;       // [%] CPU time over media time
    struct rounds waited;     // [%] of that time, the engine's threads were ready and had no processor
    struct rounds cpu_all;    // [us] of a round
    struct rounds messages;   // a packet
    struct rounds send_calls; // per 1,000 packets
    struct rounds latencies[SCORE_PERCENTILES];      // [us]
    struct rounds audio[SCORE_PERCENTILES];          // [us] of sound alone
    struct rounds audio_worst;                       // [us]
    struct rounds picture_wall;    // [us] from the last packet's arrival at us to its arrival at the last sample
    struct rounds picture_wall_worst; // [us]
    double system_calls;      // per 1,000 packets, below 0: not counted
    double allocations;       // likewise, by the engine's threads
    double allocations_openssl; // those of them that are OpenSSL's: handshakes
    uint64_t packets;
    uint64_t fed;
    uint64_t lost;            // that viewers were owed
    uint64_t sample_packets;
    uint64_t sample_lost;     // gaps in their sequence numbers
    uint64_t sample_refused;
    uint64_t feedback;        // reports about what arrived
    uint64_t feedback_bytes;
};

void score_init(struct score *score);

// Between the two a shape may do what it likes; score_engine is both with one GOP fed.
struct score_round {
    struct eg_engine_stats before;
    uint64_t fed_before;
    uint64_t begin; // [ns]
    uint64_t waited; // [ns]
};
void score_begin(const struct scene *scene, struct score_round *round);
// `silent`: viewers that are in no count.
void score_end(struct scene *scene, struct score *score, const struct score_round *round, uint32_t silent);

void score_engine(struct scene *scene, struct score *score);
void score_bare_full(struct scene *scene, struct score *score);
void score_bare_paced(struct scene *scene, struct score *score);

// One more GOP, with system calls and allocations counted and nothing else.
void score_calls(struct scene *scene, struct score *score);

void score_add_rows(struct bench *bench, const char *name, const struct scene *scene, const struct score *score);

// What the engine says went wrong, from its creation on.
void score_add_complaints(struct bench *bench, const char *name, const struct scene *scene);

// What can't be is said aloud: nothing arrived, packets that don't open.
void score_check(struct bench *bench, const char *name, const struct score *score);

#endif
