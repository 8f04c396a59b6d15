// Decides when the loop lets arrivals gather. The wake-up is expensive, not the packet: with hundreds of sources it pays to look at all of them
// once a millisecond. With few sources it does not, and they keep their latency: nothing gathers below EG_GATHER_WAKE_UPS_MIN a second.
//
// Time is handed in. One thread.
#ifndef EG_GATHER_H
#define EG_GATHER_H

#include "base/base.h"

enum {
    EG_GATHER_WINDOW = 100 * EG_MILLISECOND, // [us] over which events are counted
    EG_GATHER_WAKE_UPS_MIN = 2000,           // a second, at which gathering begins: about 8 streams of 30 pictures reach it
    EG_GATHER_DATAGRAMS_MIN = 1500,          // a second, below which gathering ends. Wake-ups can't tell, since there are few of them by then
    EG_GATHER_DELAY_MAX = 1 * EG_MILLISECOND, // [us] that a datagram waits at most
};

struct eg_gather {
    bool active;
    eg_time window_end;  // [us]
    uint32_t wake_ups;   // in this window
    uint32_t datagrams;  // the same
};

// A turn of the loop began at `now`, brought `datagrams`, and had waited for the first of them or not.
static inline void eg__gather_count(struct eg_gather *gather, eg_time now, bool waited, uint32_t datagrams) {
    if (now >= gather->window_end) {
        uint32_t windows_per_second = EG_SECOND / EG_GATHER_WINDOW;
        gather->active = gather->active ? gather->datagrams * windows_per_second >= EG_GATHER_DATAGRAMS_MIN
                                        : gather->wake_ups * windows_per_second >= EG_GATHER_WAKE_UPS_MIN;
        // An empty window means that it is quiet, however long ago the last window was.
        if (now >= gather->window_end + EG_GATHER_WINDOW) gather->active = false;
        gather->window_end = now + EG_GATHER_WINDOW;
        gather->wake_ups = 0;
        gather->datagrams = 0;
    }
    gather->wake_ups += waited && datagrams > 0;
    gather->datagrams += datagrams;
}

// Until when to leave the sockets alone after a turn that began at `turn_start`; a time in the past means not at all.
static inline eg_time eg__gather_until(const struct eg_gather *gather, eg_time turn_start) {
    return gather->active ? turn_start + EG_GATHER_DELAY_MAX : 0;
}

#endif
