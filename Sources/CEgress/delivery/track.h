// What one viewer gets of one source: where it is in the store, and the SSRC, payload type, sequence numbers and timestamps it sees. No packet
// is kept for it: everything that was sent can be computed again from the store, byte for byte.
//
//   waiting ──an IDR is there──▶ catching up ──nothing newer waits──▶ live
//      ▲                              │  ▲ asked for a picture (PLI)    │
//      └──── fell out of the store ───┴──┴──────────────────────────────┘
//
// A viewer that joins gets the whole GOP so far, at up to 20 times media speed (facts: a decoder that is handed everything at once, or with
// the old timestamps, loses packets or its smoothing). Its timestamps are those of a sender that is live at the moment of sending:
//
//   out(t) = max(t, L0 + (t - t0) / K + (t > t0 ? the time that the IDR takes : 0))
//
// with t0 the IDR's timestamp, L0 the live timestamp when the burst began, and K its speed. Since time passes at the same rate as L, the
// picture with timestamp t is due when L reaches out(t), and once out(t) = t the viewer is live. It is a function of t alone, so that a
// packet sent again has the timestamp it had before (RFC 4588 §4), and it rises with t.
//
// A viewer of a ladder changes sources. Its packets' indices go on, and so does its timeline: out(t) plus what its timeline is ahead of the new
// source's, so that the same picture has the same timestamp whichever of them it comes from. What went before the last switch is still known by the
// map that it was sent by, and can be sent again.
//
// Transport-wide numbers. With RTX each packet gets the next number, also one that is sent again, since that is a new packet. Without RTX a packet
// that is sent again must be the same to the last byte, so its number is the low half of its index, which it has for good.
//
// Pacing. Up to EG_PACE_AT_ONCE packets go at once, which is all of nearly every picture. What a picture has beyond that follows in steps, so
// that neither the receiver's socket nor a queue on the way has to hold all of it: by then its first packets have been read. The steps are as
// large as it takes for the largest picture of late to be out within its own duration, and never below EG_PACE_STEP. Other viewers, and sound,
// go out between two steps. The next picture queues behind, as it does behind a burst; the steps are large enough for it to be out in time
// too. A viewer of a ladder gets less at once, and the rest as fast as its link has been seen to take it (headroom.h), at first a fifth faster than
// its encoding's bit rate: all of a large picture at once would overflow the queue in front of a link that is hardly wider than that. Pacing knows
// packets and time only: which index and timestamp a packet has does not depend on when it goes.
#ifndef EG_TRACK_H
#define EG_TRACK_H

#include "base/budget.h"
#include "base/limits.h"
#include "base/random.h"
#include "media/source.h"
#include "transport/srtp.h"

enum { EG_RTX_HEADER_SIZE = 2 }; // [B] the original sequence number, RFC 4588 §4

enum {
    // [B] the longest datagram of a track's
    EG_TRACK_DATAGRAM_SIZE_MAX =
        EG_RTP_HEADER_SIZE + EG_RTP_TRANSPORT_NUMBER_SIZE + EG_RTX_HEADER_SIZE + EG_RTP_PAYLOAD_SIZE_MAX + EG_SRTP_TAG_SIZE_MAX,
};

enum eg_track_state { EG_TRACK_OFF, EG_TRACK_WAITING, EG_TRACK_CATCHING_UP, EG_TRACK_LIVE };

// As what the viewer sees the packets of one source, from one index on.
struct eg_track_map {
    uint8_t source;             // among its stream's
    uint32_t timestamp_offset;  // [RTP ticks] by which the viewer's timeline is ahead of the source's
    uint64_t first_index;       // packets from this index on are its own
    uint64_t index_offset;      // packet index (roll-over counter and sequence number, RFC 3711 §3.3.1) = place + this
    struct {
        uint32_t timestamp;      // t0
        uint32_t live_timestamp; // L0
        uint32_t speed_percent;  // K [%]; 0: no burst moves anything
        uint32_t idr_ticks;      // [RTP ticks] that the IDR takes at its bit rate
    } burst;
};

struct eg_track {
    enum eg_track_state state;
    uint8_t payload_type;
    uint8_t rtx_payload_type;
    bool has_rtx;
    uint8_t transport_id;   // of the header extension with transport-wide numbers; 0: there is none
    bool is_picture_open;   // the last packet sent did not end its picture
    uint16_t transport_number; // of the next packet of one with RTX; of the last one sent, else
    uint32_t ssrc;
    uint32_t rtx_ssrc;
    struct eg_track_map map;    // of what is sent now
    struct eg_track_map before; // ... and was, until the last switch
    uint64_t before_end;        // behind the last index that was sent by it
    uint64_t cursor;        // the next place of the store to send
    uint64_t next_index;    // of the next packet: no index below it is ever used for anything new
    uint64_t history_index; // packets from this index on are known, by one map or the other
    uint64_t rtx_index;
    uint64_t refused_gop;   // where the GOP begins that could not be caught up with: the next one is waited for
    uint32_t last_timestamp; // of the newest packet sent, as the viewer sees it
    struct {
        eg_time began_at;        // or will begin
        uint32_t bit_rate;       // [bit/s] that it is held to
        uint32_t idr_pace;       // [us] between two of its packets; 0: it goes at once
        uint64_t place;          // of its first packet
        uint32_t lost;           // packets of it that were asked for again
        uint64_t lost_begin;     // index of the first of them
        uint64_t lost_end;       // behind the last
    } burst;
    struct {
        eg_time at;         // up to when `left` is counted
        int32_t left;       // packets that may go at once; to a viewer whose link decides, bytes: below 0 when the last packet took more
        uint32_t bit_rate;  // [bit/s] of a viewer whose link decides; 0: steps are as large as the pictures call for
    } pace;
    uint32_t packets;       // sent, as sender reports count them
    uint32_t octets;
};

// A track that is negotiated but has sent nothing yet. Sequence numbers begin at random, in the lower half, so that the roll-over counter
// is known to be 0 to a viewer that sees the first packets late (RFC 3711 §3.3.1).
void eg__track_init(struct eg_track *track, struct eg_random *random, enum eg_track_kind kind);

// What catching up may take.
struct eg_burst_limits {
    uint32_t bit_rate_max;    // [bit/s] of one viewer
    uint32_t speed_min_percent; // of media speed: a GOP that can't be sent faster than that is not caught up with
    struct eg_budget *bytes;  // of all viewers
    uint64_t *begun;          // counters
    uint64_t *refused;
};

// Moves a track that is waiting to the source's last IDR, if there is one that can be caught up with within the limits; audio to what comes
// next. False when it goes on waiting: for an IDR that is just arriving, which needs no catching up, there is always room.
bool eg__track_join(struct eg_track *track, eg_time now, const struct eg_source *source, const struct eg_burst_limits *limits);

// How one GOP is caught up with.
struct eg_burst_plan {
    uint32_t bit_rate;        // [bit/s]
    eg_time pause;            // [us] before it begins
    const struct eg_burst_limits *limits;
};

// Begins the last GOP again for a viewer that lost its picture. False when the last burst is too recent, or no burst is possible.
bool eg__track_begin_again(struct eg_track *track, eg_time now, const struct eg_source *source, const struct eg_burst_limits *limits);

// A packet was asked for again.
void eg__track_note_lost(struct eg_track *track, uint64_t place);

// So much of the burst is lost that its link must be narrower.
bool eg__track_is_burst_too_fast(const struct eg_track *track);

// Begins such a burst again, at three quarters of what did arrive of it, when the queue in front of the link has had time to run empty. False
// when that is too slow for this stream: the track waits for the next IDR, and the link has peace until then.
bool eg__track_begin_slower(struct eg_track *track, eg_time now, const struct eg_source *source, const struct eg_burst_limits *limits);

// Forgets a burst once nothing of it is in the store any more. Called every few seconds, long before timestamps wrap.
void eg__track_settle(struct eg_track *track, eg_time now, const struct eg_store *store);

// The timestamp that the viewer sees for the source's.
uint32_t eg__track_timestamp(const struct eg_track_map *map, uint32_t timestamp);

// When the packet at a place, of the picture with this timestamp, may go: now, or later in a burst.
eg_time eg__track_due(const struct eg_track *track, uint64_t place, uint32_t timestamp, uint32_t rate);

// How many packets may go now, of those that are due: up to EG_PACE_AT_ONCE after a pause, then a step each EG_PACE_INTERVAL. When
// nothing is left, the next step is at eg__track_paced_until.
int32_t eg__track_pace(struct eg_track *track, eg_time now, const struct eg_source *source);
// A packet goes: `left` is what is left then.
static inline int32_t eg__track_take_pace(struct eg_track *track, const struct eg_packet *packet) {
    return track->pace.left -= track->pace.bit_rate > 0 ? EG_PACE_NARROW_HEADERS + packet->size : 1;
}
eg_time eg__track_paced_until(const struct eg_track *track);

// Skips places that will not be sent: the sequence numbers continue without a gap.
void eg__track_skip_to(struct eg_track *track, uint64_t place);

// From here on the viewer gets another source, beginning with the picture at `place`: sequence numbers and timestamps continue, and what was sent
// before stays known. `timestamp_offset` is by how much the viewer's timeline is ahead of that source's.
void eg__track_switch(struct eg_track *track, uint32_t source, uint64_t place, uint32_t timestamp_offset);
// The same, but where it begins is not decided yet: it waits for the source's next IDR, unless it catches up with the last GOP.
void eg__track_leave_for(struct eg_track *track, uint32_t source, uint32_t timestamp_offset);
// Sends the last GOP of the source that it has been led to, as planned. False when that is not possible: it goes on waiting.
bool eg__track_catch_up(struct eg_track *track, eg_time now, const struct eg_source *source, const struct eg_burst_plan *plan);

// A packet that was sent, by its sequence number.
struct eg_track_spot {
    const struct eg_track_map *map;
    uint64_t place;
};

// False when it is not known any more.
bool eg__track_find(const struct eg_track *track, uint16_t sequence, struct eg_track_spot *spot);

// Writes the next packet, of the store's place at the cursor or behind it, protected, to `out` (EG_TRACK_DATAGRAM_SIZE_MAX); gives its size.
size_t eg__track_write(struct eg_track *track, struct eg_srtp *srtp, uint64_t place, const struct eg_packet *packet, uint8_t *out);

// Writes one that was sent again. With RTX it has its own SSRC and sequence, and the original's number in front of the payload (RFC 4588 §4). Else
// it is the same, byte for byte, with the transport-wide number that it had: a nonce is never used for anything else.
size_t eg__track_write_again(struct eg_track *track, struct eg_srtp *srtp, const struct eg_track_spot *spot, const struct eg_packet *packet,
                             uint8_t *out);

#endif
