// Datagrams on their way between viewers and engines, and what happens to them there.
//
// The fate of a datagram follows from the seed of its link and from how many went over it before, not from a stream of random numbers that
// all links share: OpenSSL's own randomness makes DTLS records a byte longer now and then, and nothing here may depend on it. For the same
// reason the fate of a DTLS datagram follows from when it was sent and whether it is the first of its flight.
#ifndef EG_SIM_NETWORK_H
#define EG_SIM_NETWORK_H

#include "base/addr.h"
#include "base/limits.h"
#include "sim/bottleneck.h"

// In thousandths of all datagrams.
struct eg_sim_quality {
    eg_time delay;       // [us]
    eg_time jitter;      // [us] on top, 0 to this
    uint32_t loss;
    uint32_t duplicates;
    uint32_t corrupted;
    uint32_t reordered;  // delayed by 5 ms more
    uint32_t bit_rate;   // [bit/s] that the link takes; 0: any
    uint32_t queue_size; // [B] in front of it
};

struct eg_sim_link {
    struct eg_sim_quality quality;
    uint64_t seed;
    uint64_t count;
    eg_time dtls_at;
    eg_time free_at;     // when the queue in front of it is empty
    uint64_t overflows;  // datagrams that found it full
    struct eg_sim_bottleneck *bottleneck; // which it shares with others, in place of its own rate and queue; NULL: none
};

struct eg_sim_datagram {
    eg_time at;
    uint64_t order;      // of two that arrive at one time
    unsigned viewer;
    bool is_to_engine;
    bool is_corrupted;
    int track;           // of an opened RTP packet, EG_TRACK_COUNT for RTX; -1: none
    uint64_t index;      // of the packet that it is, or repairs
    bool has_number;     // a transport-wide one
    uint16_t number;
    struct eg_path path; // as the engine sees it
    size_t size;
    uint8_t bytes[EG_DATAGRAM_SIZE_MAX];
};

struct eg_sim_network {
    struct eg_sim_datagram **heap;
    size_t count;
    size_t capacity;
    uint64_t order;
};

void eg_sim_network_deinit(struct eg_sim_network *network);

// Takes a datagram that is sent at `now`.
void eg_sim_network_send(struct eg_sim_network *network, struct eg_sim_link *link, eg_time now, const struct eg_sim_datagram *datagram);

// When the next one arrives.
eg_time eg_sim_network_deadline(const struct eg_sim_network *network);

// Takes it out; to be freed. NULL when none has arrived by `now`.
struct eg_sim_datagram *eg_sim_network_take(struct eg_sim_network *network, eg_time now);

#endif
