// One incoming RTP flow: which packets are the sender's, in which order, and where pictures begin and end. It writes valid packets to the store,
// on one endless timeline of sequence numbers and timestamps that continues through restarts of the sender.
//
//   waiting ──first packet──▶ live ──BYE──▶ ended ──any packet──▶ live, in a new epoch
//                              │ ▲
//                another SSRC, │ │ proven: the sender's own address, or silence of the
//                 another jump ▼ │ old one and two packets in a row (RFC 3550 A.1)
//                           candidate
//
// An epoch of video begins at a key picture. Packets before it are dropped, since nobody could decode them. A jump of the timestamps alone does not
// begin an epoch: the sequence numbers continue, so the decoder can too, and the new timestamps are laid behind the old ones.
//
// A packet whose payload can't be its codec's is dropped as if it had not been sent: it begins nothing and takes no place, so viewers miss nothing.
#ifndef EG_SOURCE_H
#define EG_SOURCE_H

#include "base/arrival.h"
#include "base/limits.h"
#include "cegress.h"
#include "media/clock.h"
#include "media/parameter_sets.h"
#include "media/store.h"
#include "wire/rtp.h"

enum eg_source_state { EG_SOURCE_WAITING, EG_SOURCE_LIVE, EG_SOURCE_ENDED };

struct eg_source {
    enum eg_track_kind kind;
    uint32_t index;                 // among its stream's sources; its leg of the clock
    enum eg_source_state state;
    const struct eg_codec_traits *codec;
    uint8_t payload_type;
    struct eg_store *store;
    struct eg_media_clock *clock;
    uint64_t *drops;                // counters by eg_drop

    struct eg_addr sender;          // locked: other senders are strangers until it ends or falls silent
    uint32_t ssrc;
    uint16_t highest_raw;           // sequence number as the sender counts, of the packet at place `highest`
    uint64_t highest;               // its place in the store
    uint64_t order_begin;           // late packets before this place are dropped: their numbering was another one
    uint32_t timestamp_offset;      // ours is the sender's plus this
    eg_time last_arrival;           // EG_TIME_NEVER before the first packet

    struct {                        // the sender that may be the next one
        bool active;
        struct eg_addr addr;
        uint32_t ssrc;
        uint16_t next_raw;
        bool marker;
        uint16_t sequence;
        uint32_t timestamp;
        uint16_t size;              // [B] of the packet that is held back until its sender has proven itself
        uint8_t payload[EG_RTP_PAYLOAD_SIZE_MAX];
    } candidate;

    struct {                        // a report of an SSRC that has not sent a packet yet: FFmpeg's first report
        bool active;
        uint32_t ssrc;
        uint64_t ntp;
        uint32_t timestamp;
    } early_report;

    bool wants_key;                 // video: this epoch has not begun yet
    bool picture_has_key;
    uint64_t picture_begin;         // place of its first packet
    uint32_t picture_timestamp;     // ours
    eg_time picture_arrival;        // of its first packet
    uint32_t picture_interval;      // [RTP ticks] between the last two
    struct eg_parameter_sets sets;
    uint32_t largest_picture;       // [packets] since the last key picture but one
    uint32_t gop_largest_picture;   // [packets] since the last key picture
    eg_time last_key;               // arrival of the last key picture

    uint64_t ready_end;             // places below are complete: viewers may have them
    eg_time pending_since;          // EG_TIME_NEVER: nothing waits for the rest of its picture
    bool has_late;                  // a packet came after its picture had been sent; the owner resets it
    uint64_t late_place;

    unsigned events;                // bits of 1 << eg_stream_event_kind; the owner resets them
    unsigned backward_pictures;     // how many timestamps went back, each at most EG_BACKWARD_SPAN pictures after the one before
    uint64_t backward_at;           // picture
    unsigned strange_payloads;      // that are not the codec's, since the last key picture
    eg_time keyless_since;          // packets of video without a key picture
    bool has_other_codec;           // by what came since the last key picture
    struct eg_video_format format;  // of the last key picture
    struct eg_source_stats stats;
    uint64_t pictures;
    uint64_t key_pictures;
    uint32_t gop_ms;
    uint32_t typical_bit_rate;      // [bit/s] the measured one, smoothed over some seconds
    eg_time rate_since;             // [us] of the bit rate's window
    uint64_t rate_bytes;
};

// What a sender sends.
struct eg_source_format {
    eg_codec codec;
    uint8_t payload_type;
};

// The codec must be one of this kind. Its rate becomes that of the clock's leg.
void eg__source_init(struct eg_source *source, uint32_t index, struct eg_source_format format, struct eg_store *store,
                     struct eg_media_clock *clock, uint64_t *drops);

void eg__source_deinit(struct eg_source *source);

// Takes one datagram, RTP or RTCP, told apart by its second byte (RFC 5761).
void eg__source_receive(struct eg_source *source, const struct eg_arrival *arrival);

// Releases a picture whose marker does not come, and notices silence.
void eg__source_tick(struct eg_source *source, eg_time now);
eg_time eg__source_deadline(const struct eg_source *source);

// The timestamp that a picture arriving now would have, less than a frame beyond the newest one's.
uint32_t eg__source_live_timestamp(const struct eg_source *source, eg_time now);

#endif
