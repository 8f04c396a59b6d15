// A line that the datagrams of several viewers share: its rate changes by a schedule, and the queue in front of it drops what finds no room
// (drop-tail). Flows that behave like TCP may share it too: they open their windows until the queue is full, and halve them when it drops.
//
// Datagrams are handed in as they come, in the order of time. When one leaves follows at once from what came before it, so nothing is stored.
#ifndef EG_SIM_BOTTLENECK_H
#define EG_SIM_BOTTLENECK_H

#include "base/base.h"

enum {
    EG_SIM_RATES_MAX = 64,
    EG_SIM_FLOWS_MAX = 4,
    EG_SIM_WINDOW_MAX = 256, // packets of a flow that are under way
};

struct eg_sim_flow_config {
    eg_time begins;
    eg_time ends;          // EG_TIME_NEVER: it stays
    uint64_t size;         // [B] that it sends; 0: as much as it can
    eg_time every;         // [us] after which it sends as much again; 0: it sends once
    eg_time round_trip;    // [us] without what it waits in the queue
};

struct eg_sim_flow {
    struct eg_sim_flow_config config;
    eg_time next_at;       // when it begins (again)
    uint64_t left;         // [B] to be sent
    uint32_t window;       // [1/256 packets]
    uint32_t threshold;    // likewise: below it the window doubles every round trip
    eg_time recovered_at;  // until then a loss is of the same round trip
    struct {
        eg_time at;        // when its sender hears of it
        bool is_lost;
    } packets[EG_SIM_WINDOW_MAX];
    uint32_t first, count; // of those under way
    uint64_t delivered;    // [B]
};

struct eg_sim_bottleneck {
    struct {
        eg_time at;
        uint64_t bit_rate; // [bit/s] from then on; 0: nothing leaves
    } rates[EG_SIM_RATES_MAX];
    unsigned rate_count;
    uint32_t queue_size;   // [B]
    eg_time free_at;       // when all that is in the queue has left
    uint64_t passed;       // [B] of what was handed in; not of the flows
    uint64_t dropped;      // datagrams, likewise
    unsigned flow_count;
    struct eg_sim_flow flows[EG_SIM_FLOWS_MAX];
};

void eg_sim_bottleneck_init(struct eg_sim_bottleneck *bottleneck, uint64_t bit_rate, uint32_t queue_size);

// The rate changes at a time, which is behind the last change. The last rate must not be 0 when something is handed in.
void eg_sim_bottleneck_change(struct eg_sim_bottleneck *bottleneck, eg_time at, uint64_t bit_rate);

void eg_sim_bottleneck_add_flow(struct eg_sim_bottleneck *bottleneck, const struct eg_sim_flow_config *config);

// When a datagram that comes now has left; EG_TIME_NEVER when it is dropped. `size` in bytes as on the line.
eg_time eg_sim_bottleneck_pass(struct eg_sim_bottleneck *bottleneck, eg_time now, size_t size);

// [B] that wait now.
uint64_t eg_sim_bottleneck_backlog(const struct eg_sim_bottleneck *bottleneck, eg_time now);

uint64_t eg_sim_bottleneck_rate(const struct eg_sim_bottleneck *bottleneck, eg_time now);

#endif
