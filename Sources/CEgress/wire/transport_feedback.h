// What a viewer tells of its link: transport-wide feedback (draft-holmer-rmcat-transport-wide-cc-extensions-01 §3.1), when each packet
// arrived, and REMB (draft-alvestrand-rmcat-remb-03 §2.2), how much it thinks it can take.
#ifndef EG_TRANSPORT_FEEDBACK_H
#define EG_TRANSPORT_FEEDBACK_H

#include "wire/rtcp.h"

enum {
    EG_TRANSPORT_REFERENCE_UNIT = 64 * EG_MILLISECOND, // [us]
    EG_TRANSPORT_REFERENCE_BITS = 24,                  // it wraps after 12 days
    EG_TRANSPORT_DELTA_UNIT = 250,                     // [us]
};

// One arrived packet, or a run of lost ones.
struct eg_transport_status {
    uint16_t number; // of the first
    uint16_t run;    // packets: 1 for one that arrived
    bool arrived;
    int64_t at;      // [us] when it arrived, on the viewer's clock; nothing for lost ones
};

// A report that is read packet by packet; it borrows from the datagram.
struct eg_transport_feedback {
    uint16_t base;          // number of the first packet that is told of
    uint16_t count;         // packets that are told of, at least 1
    uint8_t feedback_count; // of reports, to see lost ones
    int32_t reference;      // [EG_TRANSPORT_REFERENCE_UNIT] signed 24 bits, what the first delta is counted from

    // Where the walk is.
    struct eg_reader chunks; // behind the chunk that is being read
    struct eg_reader deltas; // behind the last delta that was read
    int64_t at;              // [us] the reference, and the deltas so far
    uint16_t number;         // of the next packet
    uint16_t left;           // packets not given yet
    struct eg_transport_chunk {
        bool is_run;
        uint8_t width;    // [bit] of a symbol in a vector
        uint16_t symbols; // the next at the top; a run has only one
        uint16_t left;    // packets, never more than the report has left
    } chunk;
};

// Reads how a report begins, and checks all of it: that chunks and deltas for all its packets are there, and no reserved symbol. False when
// it is malformed; don't use `*transport` then. What the datagram can make this and the walk cost is bounded by its size.
bool eg__transport_feedback_parse(struct eg_transport_feedback *transport, const struct eg_rtcp_feedback *feedback);

// The next packet that arrived, or all that were lost up to it. False at the end.
bool eg__transport_feedback_next(struct eg_transport_feedback *transport, struct eg_transport_status *status);

// What a viewer tells, for tests and the load generator.
struct eg_transport_report {
    uint32_t sender_ssrc;
    uint32_t media_ssrc;
    uint16_t base;
    uint16_t count;          // at least 1
    const eg_time *arrivals; // [us] `count` of them, on the viewer's clock; EG_TIME_NEVER: lost
    uint8_t feedback_count;
};

// Writes one block, padded as browsers do it: with the P bit. Gives how many packets it tells of: `count`, or fewer when one arrived more
// than 8 s before or after the one that is told of before it. Those that are left go into another report.
uint16_t eg__transport_feedback_write(struct eg_writer *writer, const struct eg_transport_report *report);

struct eg_remb {
    uint64_t bit_rate; // [bit/s] clamped to 64 bits
    uint8_t ssrc_count;
    const uint8_t *ssrcs; // ssrc_count * 4 bytes
};

// False when it is another application's feedback, or shorter than it says.
bool eg__remb_parse(struct eg_remb *remb, const struct eg_rtcp_feedback *feedback);

// SSRC `index` of a REMB. False past the last.
bool eg__remb_ssrc(const struct eg_remb *remb, size_t index, uint32_t *ssrc);

// Writes a REMB for one SSRC, its bit rate rounded down to 18 significant bits. For tests and the load generator.
void eg__remb_write(struct eg_writer *writer, uint32_t sender_ssrc, uint32_t media_ssrc, uint64_t bit_rate);

#endif
