// Which rung of a ladder a viewer is to have: rules, without streams, viewers or packets. Rungs are the encodings that its link decides among, the
// one of the lowest bit rate first.
//
//                 congested: to the highest rung that 85 % of what arrives is enough for
//        ┌──────────────────────────────────────────────────────────────┐
//        ▼                                                              │
//     steady ──10 s calm, and the back-off is over──▶ probing ──all arrived──▶ one rung up, on trial ──10 s──▶ steady
//      ▲  │                                              │                        │
//      │  │                                              └──it did not: the back-off doubles──▶ steady
//      │  │                                                                       └──congested: a rung down, the back-off is 1 min at least
//      │  │  congested at the lowest rung, for 3 s: the rest of the GOP is left out, so that the queue runs empty
//      │  └──most of it does not get through, for 3 s──▶ paused: sound alone ──5 s, doubling──▶ the lowest rung, on trial
//      └──on trial for 10 s without congestion
//
// Congested is a link
// - in front of which a queue has grown for 300 ms, to more than 100 ms,
// - or that stands above that for 2 s, in front of a rung that is not the lowest: it is of others' making, too, who have less than this viewer,
// - or for 60 ms, to more than 60 ms, while hardly half of the pictures' bit rate got through,
// - or that loses a quarter of a second's packets, or a tenth for a while,
// - or whose viewer asks for pictures twice within 6 s: its key pictures don't get through whole.
// All but the last is meant for the highest rung; below it, it takes more (base/limits.h).
//
// A viewer that could have a higher rung pushes harder than one that has it: its probe may fill the queue up to 150 ms, where the other gives way.
// So two viewers on one link come to share it, and what is probed for the highest rung, up to 50 ms, takes nothing from anybody.
//
// A viewer that can't be probed (no RTX) goes up by calm time alone, and so does one whose link has shown within 30 s what it takes.
#ifndef EG_LADDER_H
#define EG_LADDER_H

#include "base/limits.h"
#include "cegress.h"
#include "delivery/bandwidth.h"

// What the rules are applied to.
struct eg_ladder_view {
    const struct eg_bandwidth *link;
    uint32_t count;                      // of rungs, at least 1
    uint32_t bit_rates[EG_ENCODINGS_MAX]; // [bit/s] the lowest first
    uint32_t rung;                       // that it has now
    uint32_t top;                        // the highest that it may have
    uint32_t round_trip_us;              // [us] 0: not known
    bool is_coarse;                      // receiver reports are all that it says, about one a second
    bool can_probe;
    bool is_probe_time;                  // no key picture of its own comes meanwhile
    bool is_live;                        // it has caught up with what comes
};

enum eg_ladder_action {
    EG_LADDER_STAY,
    EG_LADDER_DOWN,   // now, with what is there of the other encoding
    EG_LADDER_UP,     // at the other encoding's next key picture
    EG_LADDER_SKIP,   // no more of this GOP: the queue runs empty until the next key picture
    EG_LADDER_PAUSE,  // sound alone
    EG_LADDER_RESUME, // the lowest rung, at its next key picture
};

struct eg_ladder_step {
    enum eg_ladder_action action;
    uint32_t rung;            // for down, up and resume
    eg_switch_reason reason;
};

enum eg_ladder_probe { EG_PROBE_NONE, EG_PROBE_RUNNING, EG_PROBE_AWAITED };

struct eg_ladder {
    eg_time switched_at;
    eg_time calm_since;      // EG_TIME_NEVER: it is not
    eg_time congested_since; // likewise
    eg_time queued_since;    // likewise: the queue has not been short since then
    uint32_t lost_64k;       // of 65,536 packets, smoothed over some two seconds
    eg_time lost_at;         // when that was done
    eg_time trial_until;     // 0: none; EG_TIME_NEVER: it begins with the switch
    eg_time up_at;           // no step up to `up_rung` or above before
    eg_time up_back_off;     // [us] likewise
    uint32_t up_rung;        // that was tried in vain last; to one below it calm is enough
    eg_time resume_back_off; // [us]
    eg_time asked_at;        // when its viewer asked for a picture last
    bool is_broken;          // it has asked again and again since the last switch
    eg_time skipped_at;      // when the rest of a GOP was left out last
    bool is_paused;
    uint32_t seen_bit_rate;  // [bit/s] that arrived without a queue
    eg_time seen_at;
    struct {
        enum eg_ladder_probe state;
        eg_time until;        // it is sent, or its result is waited for
        eg_time ended_at;     // when the last of it was sent
        eg_time duration;     // [us] of the next
        uint32_t bit_rate;    // [bit/s] that it and the pictures have together
        uint32_t rung;        // that it is for
        uint32_t arrived;     // [bit/s] at best
    } probe;
    uint64_t probes_begun;
    uint64_t probes_failed;
};

void eg__ladder_init(struct eg_ladder *ladder, eg_time now);

// The viewer asks for a picture: the one that it had is broken, whatever share of the packets that was.
void eg__ladder_note_request(struct eg_ladder *ladder, eg_time now);

// What is to be done now. Called whenever the link has told something, and at least a few times a second.
struct eg_ladder_step eg__ladder_judge(struct eg_ladder *ladder, eg_time now, const struct eg_ladder_view *view);

// The viewer gets another rung than before, whoever decided that.
void eg__ladder_switched(struct eg_ladder *ladder, eg_time now);

// [bit/s] that pictures and old packets are to have together now; 0: no old packets.
uint32_t eg__ladder_probe_bit_rate(const struct eg_ladder *ladder, eg_time now);

#endif
