// What a viewer of a ladder has besides: what its link does (bandwidth.h), which rung the rules give it (ladder.h), and what is done about it here:
// switching from one encoding to another, probing, and sound alone. A viewer without a ladder has none of this, and costs none of it.
//
//        ┌─────── the rules, a pin, or an encoding that fell silent ───────┐
//     settled ──up──▶ wanting: the other encoding's next key picture ──it is there──▶ settled
//        │              └─ the present one's same key picture waits for it, EG_LADDER_HOLD at most
//        └──down──▶ the other encoding's last GOP, sent at once as fast as the link takes it; where that can't be, its next key picture
//
// A switch keeps the track's numbers and its timeline (track.h). The encodings' timelines are compared on the stream's clock (media/clock.h), and
// where both have a picture of nearly the same time, that is the same picture.
#ifndef EG_ADAPTATION_H
#define EG_ADAPTATION_H

#include "delivery/bandwidth.h"
#include "delivery/headroom.h"
#include "delivery/ladder.h"
#include "delivery/viewer.h"
#include "wire/rtcp.h"

struct eg_adaptation {
    uint32_t ladder;           // bits of 1 << encoding
    int32_t pinned;            // or EG_ENCODING_AUTO
    uint64_t bit_rate_max;     // [bit/s] 0: no bound
    struct eg_bandwidth link;
    struct eg_ladder rules;
    struct eg_headroom headroom;
    eg_time judged_at;
    bool has_news_of_link;     // since then
    bool is_at_top;            // it had the highest rung that it may have, when it was judged last
    bool is_wanting;           // `wanted` at its next key picture
    uint8_t wanted;            // source
    eg_switch_reason wanted_for;
    uint8_t lost;              // the source that fell silent under it; EG_SOURCES_MAX: none
    bool is_paused;
    eg_time paused_until_now;  // counted up to here
    eg_time paused;            // [us] all in all
    eg_time probed_at;         // when the last portion of a probe went
    int64_t probe_left;        // [B] that may go, or went already of what comes next
    uint32_t probe_sent;       // [B] of pictures and repairs since the last portion
    uint64_t probe_cursor;     // place of the packet that went last
    // What happened.
    bool has_event;
    eg_switch_reason reason;   // of the last switch
    uint32_t switches_up;
    uint32_t switches_down;
};

// `config` has been checked. False when memory is refused. A viewer whose ladder has one encoding gets none, and that is true.
bool eg__adaptation_init(struct eg_viewer *viewer, eg_time now, const struct eg_viewer_config *config);
void eg__adaptation_deinit(struct eg_viewer *viewer);

// NULL, or what is wrong with it.
const char *eg__adaptation_pin(struct eg_viewer *viewer, eg_time now, int32_t encoding);

void eg__adaptation_describe(const struct eg_viewer *viewer, eg_time now, struct eg_viewer_stats *stats);
// What an event tells: the encoding that the viewer has now, or EG_ENCODING_NONE.
int32_t eg__adaptation_encoding(const struct eg_viewer *viewer);

// The functions below are for a viewer that has an adaptation.

// A datagram of its video goes out, for the first time or again.
void eg__adaptation_note_sent(struct eg_viewer *viewer, eg_time now, uint16_t transport_number, size_t size);

// It says what arrived. False when that is about nothing that it was sent.
bool eg__adaptation_receive_feedback(struct eg_viewer *viewer, eg_time now, const struct eg_rtcp_feedback *feedback);
void eg__adaptation_receive_report(struct eg_viewer *viewer, eg_time now, uint8_t fraction_lost, uint32_t round_trip_us);
void eg__adaptation_receive_bound(struct eg_viewer *viewer, eg_time now, uint64_t bit_rate);

// Whether pictures of this source, which is not the one that it has, may mean a switch.
bool eg__adaptation_awaits(const struct eg_viewer *viewer, uint32_t source);

// What a join or a picture request of its may take: a link of which nothing is known yet is not to be filled by the first GOP.
struct eg_burst_limits eg__adaptation_burst_limits(const struct eg_viewer *viewer, const struct eg_viewer_context *context);

// [packets/s] that may be sent to it again: more would take the room of the pictures that come.
uint64_t eg__adaptation_repair_rate(const struct eg_viewer *viewer);
// Whether what was sent before the last switch may be sent again: not into a queue that the switch is to empty.
bool eg__adaptation_may_repair_old(const struct eg_viewer *viewer);

// Judges and switches. Called before its video is served, whichever source has something new.
void eg__adaptation_advance(struct eg_viewer *viewer, const struct eg_viewer_context *context, eg_time now);

// Until when the picture at the track's cursor, which arrived at `arrival`, waits for the same one of another encoding; 0: it doesn't.
eg_time eg__adaptation_hold(const struct eg_viewer *viewer, eg_time now, eg_time arrival);

// Writes the portion of a probe that is due. False when the batch is full.
bool eg__adaptation_probe(struct eg_viewer *viewer, const struct eg_viewer_context *context, eg_time now);

#endif
