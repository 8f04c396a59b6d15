// How fast the pictures of a viewer of a ladder go out: as fast as its link has taken some before. Small steps cost a message to the kernel each, and
// a link that is much wider than its encoding needs none of them.
//
//     hardly more than the encoding's bit rate ──a key picture has gone out, and no queue has grown──▶ a third more ──▶ … ──▶ four times as much
//         ▲                                                                                                │
//         └──a queue has grown, or packets were lost: the next try waits twice as long─────────────────────┘
//
// A key picture that goes out a third faster than one that left no queue leaves a quarter of itself in front of a link at most. So a link is never
// asked for much more than it has shown, and nothing but pictures is sent to find that out.
#ifndef EG_HEADROOM_H
#define EG_HEADROOM_H

#include "base/limits.h"
#include "delivery/bandwidth.h"

struct eg_headroom {
    uint32_t bit_rate;  // [bit/s] at which pictures go out; 0: not known, until it is judged for the first time
    eg_time changed_at;
    eg_time again_at;   // no more before
    eg_time back_off;   // [us]
    uint32_t rises;     // of the link, that are known
};

// What it is judged by.
struct eg_headroom_view {
    const struct eg_bandwidth *link;
    uint32_t own;   // [bit/s] of the viewer's encoding; 0: not known
    eg_time key_at; // when the newest key picture of that came; 0: its way is not told of
};

void eg__headroom_init(struct eg_headroom *headroom);

void eg__headroom_judge(struct eg_headroom *headroom, eg_time now, const struct eg_headroom_view *view);

#endif
