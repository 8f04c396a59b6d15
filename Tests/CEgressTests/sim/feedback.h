// What a viewer tells of the packets with transport-wide numbers that reach it, as libwebrtc does it: every 50 to 100 ms in which one came, from the
// one behind the last that was told of to the newest. Or what an ill-meaning one tells instead.
#ifndef EG_SIM_FEEDBACK_H
#define EG_SIM_FEEDBACK_H

#include "base/bytes.h"
#include "sim/random.h"

enum {
    EG_SIM_TRANSPORT_ID = 5,      // of the header extension
    EG_SIM_ARRIVALS = 8192,       // packets that are remembered
    EG_SIM_FEEDBACK_PACKETS = 400, // that one report tells of at most
};

enum eg_sim_honesty {
    EG_SIM_HONEST,
    EG_SIM_SAYS_ALL_ARRIVED,      // at even times, whatever came
    EG_SIM_SAYS_NONSENSE,         // numbers that were never sent, bases that jump, times that go back
};

struct eg_sim_feedback_habits {
    bool is_negotiated;           // transport-wide numbers
    enum eg_sim_honesty honesty;
    eg_time every;                // [us] 0: 50 to 100 ms
    eg_time late_by;              // [us] after which it tells of what has arrived
    eg_time stops_after;          // [us] from its joining; 0: never
    bool stops_reports_too;       // and asks for nothing either
};

struct eg_sim_feedback {
    bool has_begun;
    uint64_t next;                // the first number that the next report tells of
    uint64_t highest;
    bool has_news;                // something came since the last one
    eg_time at;                   // when the next one is due
    uint64_t sent;                // reports
    struct {
        uint64_t number;
        eg_time at;
    } arrivals[EG_SIM_ARRIVALS];  // by number modulo its size
};

// A packet with this number has arrived.
void eg_sim_feedback_note(struct eg_sim_feedback *feedback, eg_time now, uint16_t number);

// When a report is due: without news never, but one who talks nonsense needs none.
eg_time eg_sim_feedback_deadline(const struct eg_sim_feedback *feedback, const struct eg_sim_feedback_habits *habits);

struct eg_sim_feedback_names {
    uint32_t sender_ssrc, media_ssrc;
};

// Writes a report block; nothing when there is none to tell of. The next one is due later.
void eg_sim_feedback_write(struct eg_sim_feedback *feedback, eg_time now, const struct eg_sim_feedback_habits *habits,
                           const struct eg_sim_feedback_names *names, struct eg_sim_random *random, struct eg_writer *writer);

#endif
