// What one viewer's link does with what it is sent, by what the viewer tells: what waits in front of it, what arrives, what is lost.
// It knows nothing of encodings, streams or viewers, and decides nothing.
//
// Two clocks meet here. Delays are the viewer's time of arrival less our time of sending: they mean nothing but in comparison with each
// other, and what a packet waited is its delay less the least one of the last 10 s. No time between the clocks is known or needed.
#ifndef EG_BANDWIDTH_H
#define EG_BANDWIDTH_H

#include "base/base.h"
#include "wire/rtcp.h"

enum { EG_SENT_GROUPS = 128 };

// Packets sent within 20 ms, 32 numbers at most. A picture and the sound beside it are one mostly, so the ring holds 2.5 s and more of
// what was sent: a viewer's word on a packet may come that late, when the queue in front of its link is long. Bit i is packet first + i.
struct eg_sent_group {
    uint32_t first;   // number, without a wrap at 16 bits
    uint32_t sent_at; // [us] of the first packet, the lower 32 bits
    uint32_t sent;
    uint32_t told;    // those that a report has told of, as arrived or as lost
    uint32_t arrived; // those that some report has told as arrived
    uint16_t bytes;
    bool is_timed;    // its delay is known, or not to be: it is the rest of another
};

// Bytes counted over the last two spans of some length.
struct eg_byte_rate {
    eg_time before_at; // the earlier span begins
    eg_time at;        // the current one begins
    uint64_t before;   // [B]
    uint64_t bytes;    // [B]
};

// Of values, the least over the last two spans of 5 s.
struct eg_recent_least {
    eg_time at;     // the current one begins
    int64_t before; // INT64_MAX: none
    int64_t least;
};

struct eg_bandwidth {
    // For the owner to read.
    eg_time queue;             // [us] what the newest packets that are told of waited in front of the link; 10 s at most
    eg_time rising_since;      // the queue has grown since then, and has not fallen back by a quarter; EG_TIME_NEVER: it has not grown
    uint32_t rises;            // how often it has begun to grow
    uint32_t arrived_bit_rate; // [bit/s] what arrived within 250 ms of the viewer's clock, told of 0 to 250 ms later; 0: not known
    uint32_t rising_bit_rate;  // [bit/s] what came through since the queue began to grow: it shows what a link takes within two or three pictures
                               // of a fall, when arrived_bit_rate still has what was before in it; 0: the queue does not grow, or not known
    uint32_t sent_bit_rate;    // [bit/s] what was sent within 500 ms, that ended 0 to 250 ms ago; 0: not known
    uint32_t lost_256;         // of 256 packets, among those sent since eg__bandwidth_forget and in the last second that is told of; 0 when they
                               // are fewer than 20
    eg_time told_at;           // when the viewer's last word came; EG_TIME_NEVER: none has
    eg_time unanswered_since;  // since when something was sent behind that word; EG_TIME_NEVER: nothing was
    uint32_t bound;            // [bit/s] that the viewer says is its bound (REMB); 0: it has not said so for 10 s
    eg_time bound_at;          // when it said so; 0: never

    // What was sent.
    struct eg_sent_group groups[EG_SENT_GROUPS];
    uint32_t group_count;  // made so far; group i stands at i % EG_SENT_GROUPS
    uint32_t group_oldest; // that is still there
    uint32_t lost;         // packets of groups that are there, which were told as lost
    uint32_t newest;       // number of the last packet, without a wrap at 16 bits
    uint32_t judged_from;  // what was sent before this number is not judged
    eg_time sent_at;       // of the last packet
    eg_time burst_at;      // of the first packet of the newest group, or of the group that it is the rest of
    struct eg_byte_rate sent_rate;

    // The viewer's clock.
    int64_t reference;     // [EG_TRANSPORT_REFERENCE_UNIT] of the last report, without a wrap at 24 bits
    struct eg_recent_least lag; // [us] our clock less the viewer's as reports come: the way back, and what is between the clocks

    struct eg_recent_least delay; // [us] of groups; without transport-wide feedback, round trips
    uint32_t timed_group;  // the newest whose delay is known
    int64_t timed_at;      // [us] its arrival, on the viewer's clock
    eg_time low;           // [us] queue, while it does not grow
    eg_time low_at;        // when it last was within a few milliseconds of that
    eg_time peak;          // [us] queue, while it grows
    int64_t rise_at;       // [us] arrival, on the viewer's clock, of the last group before the queue grew
    uint64_t rise_bytes;   // [B] that arrived since then

    // What arrives.
    bool has_window;
    int64_t window_at;     // [us] on the viewer's clock
    uint64_t window_bytes; // [B]

    // Of a viewer without transport-wide feedback.
    bool is_report_mixed;      // the next receiver report is on packets from before eg__bandwidth_forget, too
    uint32_t reported;         // number of the last packet when the last one came
};

void eg__bandwidth_init(struct eg_bandwidth *bandwidth, eg_time now);

// A datagram of `size` bytes goes out under this transport-wide number. Each number is 1 to 32,767 ahead of the one before, modulo 2^16.
void eg__bandwidth_sent(struct eg_bandwidth *bandwidth, eg_time now, uint16_t number, size_t size);

// Takes a transport-wide report; the first that tells a packet as arrived counts. False when it is malformed, tells only of what was never
// sent, or only of what was sent too long ago to be remembered. Whatever it says, it changes no more than the figures of this viewer.
bool eg__bandwidth_feedback(struct eg_bandwidth *bandwidth, eg_time now, const struct eg_rtcp_feedback *feedback);

// Takes a receiver report of a viewer without transport-wide feedback, whose packets have numbers that nobody else sees: the loss, of 256,
// since the report before, and a round trip [us], 0 when unknown. The queue is what the round trip exceeds its least by, and what arrives
// is what was sent less what was lost.
void eg__bandwidth_report(struct eg_bandwidth *bandwidth, eg_time now, uint8_t lost_256, uint32_t round_trip_us);

// Takes the bit rate of a REMB.
void eg__bandwidth_note_bound(struct eg_bandwidth *bandwidth, eg_time now, uint64_t bit_rate);

// What was sent until now is not judged any more, as after a switch: loss and the queue's growth count anew, from packets sent later.
void eg__bandwidth_forget(struct eg_bandwidth *bandwidth, eg_time now);

// [bit/s] what the link takes when more was sent than that; 0: not known.
static inline uint32_t eg__bandwidth_capacity(const struct eg_bandwidth *bandwidth) {
    bool is_fresher = bandwidth->rising_bit_rate > 0 && bandwidth->rising_bit_rate < bandwidth->arrived_bit_rate;
    return is_fresher ? bandwidth->rising_bit_rate : bandwidth->arrived_bit_rate;
}

#endif
