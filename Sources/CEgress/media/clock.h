// One clock for all sources of a stream: which RTP timestamp of one belongs to a moment of ours, for the sender reports (RFC 3550 §6.4.1). Each
// source has a leg.
//
// The first encoding is tied to the moment its pictures arrive: the earliest arrival counts, since delay only ever adds. Sound and further
// encodings are tied to it by what FFmpeg's own reports say of the timelines; without reports of both, by their own arrivals. Only the difference
// between the legs' reports is used: their absolute time goes stale when a host runs the same command again later.
#ifndef EG_CLOCK_H
#define EG_CLOCK_H

#include "base/base.h"
#include "media/track_kind.h"

struct eg_clock_leg {
    uint32_t rate;            // [Hz]
    bool has_anchor;
    eg_time anchor_at;        // [us]
    uint32_t anchor_timestamp;
    bool has_report;
    uint64_t report_ntp;      // 32.32
    uint32_t report_timestamp;
};

struct eg_media_clock {
    uint64_t ntp_origin; // NTP time at `now` 0
    struct eg_clock_leg legs[EG_SOURCES_MAX];
};

void eg__clock_init(struct eg_media_clock *clock, uint64_t ntp_origin);

// Sets how many ticks of a leg's timestamps make a second, a divisor of 720,000. It is 90,000 of video and 48,000 of sound until then.
void eg__clock_set_rate(struct eg_media_clock *clock, uint32_t index, uint32_t rate);

// A packet with this timestamp has arrived; of video, only the first packet of a picture counts.
void eg__clock_observe(struct eg_media_clock *clock, uint32_t index, eg_time now, uint32_t timestamp);

// The sender reported that `timestamp` of a leg's timeline belongs to its NTP time `ntp`.
void eg__clock_report(struct eg_media_clock *clock, uint32_t index, uint64_t ntp, uint32_t timestamp);

// A leg starts anew: a restarted sender has another timeline.
void eg__clock_restart(struct eg_media_clock *clock, uint32_t index);

// The NTP time of `now`.
uint64_t eg__clock_ntp(const struct eg_media_clock *clock, eg_time now);

// The timestamp of a leg that belongs to `now`. False before anything arrived on it.
bool eg__clock_timestamp(const struct eg_media_clock *clock, uint32_t index, eg_time now, uint32_t *timestamp);

// By how many ticks leg `of` is ahead of leg `than` at the same moment of the sender's; both have one rate. By their reports it is exact to a tick,
// by their arrivals to what these differ by. 0 before anything arrived on one of them.
uint32_t eg__clock_ahead(const struct eg_media_clock *clock, uint32_t of, uint32_t than, eg_time now);

#endif
