#include "media/clock.h"

#include "wire/rtp.h"

enum {
    VIDEO_RATE = 90000,   // [Hz] of all video, RFC 6184 §5.1
    AUDIO_RATE = 48000,   // [Hz] of Opus, RFC 7587 §4.1
    COMMON_RATE = 720000, // [Hz] the least that these and the 8,000 Hz of the other sound codecs divide
    DRIFT_SHARE = 1024,   // the anchor moves by this part of a late arrival's error: it follows a sender's slow clock and ignores jitter
    SKEW_MAX = 10,        // [s] between the legs; more means that their reports are of different timelines
};

void eg__clock_init(struct eg_media_clock *clock, uint64_t ntp_origin) {
    *clock = (struct eg_media_clock){.ntp_origin = ntp_origin};
    clock->legs[EG_VIDEO].rate = VIDEO_RATE;
    clock->legs[EG_AUDIO].rate = AUDIO_RATE;
}

void eg__clock_set_rate(struct eg_media_clock *clock, enum eg_track_kind kind, uint32_t rate) {
    EG_ASSERT(rate > 0 && COMMON_RATE % rate == 0);
    clock->legs[kind].rate = rate;
}

static uint32_t ticks(const struct eg_clock_leg *leg, int64_t microseconds) {
    return (uint32_t)(microseconds * leg->rate / EG_SECOND);
}

void eg__clock_observe(struct eg_media_clock *clock, enum eg_track_kind kind, eg_time now, uint32_t timestamp) {
    struct eg_clock_leg *leg = &clock->legs[kind];
    if (!leg->has_anchor) {
        leg->has_anchor = true;
        leg->anchor_at = now;
        leg->anchor_timestamp = timestamp;
        return;
    }
    int64_t media_us = (int64_t)eg__timestamp_distance(leg->anchor_timestamp, timestamp) * EG_SECOND / leg->rate;
    int64_t late_us = (int64_t)(now - leg->anchor_at) - media_us;
    // The anchor moves along, so that its distance stays far below the wrap of a timestamp.
    leg->anchor_at = now - (eg_time)(late_us > 0 ? late_us - late_us / DRIFT_SHARE : 0);
    leg->anchor_timestamp = timestamp;
}

void eg__clock_report(struct eg_media_clock *clock, enum eg_track_kind kind, uint64_t ntp, uint32_t timestamp) {
    struct eg_clock_leg *leg = &clock->legs[kind];
    leg->has_report = true;
    leg->report_ntp = ntp;
    leg->report_timestamp = timestamp;
}

void eg__clock_restart(struct eg_media_clock *clock, enum eg_track_kind kind) {
    struct eg_clock_leg *leg = &clock->legs[kind];
    leg->has_anchor = false;
    leg->has_report = false;
}

uint64_t eg__clock_ntp(const struct eg_media_clock *clock, eg_time now) {
    uint64_t seconds = now / EG_SECOND, rest = now % EG_SECOND;
    return clock->ntp_origin + (seconds << 32) + ((rest << 32) / EG_SECOND);
}

static uint32_t anchored_timestamp(const struct eg_clock_leg *leg, eg_time now) {
    return leg->anchor_timestamp + ticks(leg, (int64_t)(now - leg->anchor_at));
}

// NTP time in COMMON_RATE ticks, modulo 2^32: enough, since only differences are used.
static uint32_t common_ticks(uint64_t ntp) {
    return (uint32_t)(ntp >> 32) * COMMON_RATE + (uint32_t)(((ntp & UINT32_MAX) * COMMON_RATE) >> 32);
}

// Each report ties its leg's timeline to the sender's clock. So video's present time gives the sender's time, and that gives audio's. The
// computation uses a rate that both legs' rates divide, modulo 2^32, so that timestamps that wrapped since a stale start time don't matter.
static bool follow_video(const struct eg_media_clock *clock, eg_time now, uint32_t *timestamp) {
    const struct eg_clock_leg *video = &clock->legs[EG_VIDEO], *audio = &clock->legs[EG_AUDIO];
    if (!video->has_anchor || !video->has_report || !audio->has_report) return false;
    uint32_t by_arrival = anchored_timestamp(audio, now);
    uint32_t video_at = common_ticks(video->report_ntp) + (anchored_timestamp(video, now) - video->report_timestamp) * (COMMON_RATE / video->rate);
    uint32_t audio_at = common_ticks(audio->report_ntp) + (by_arrival - audio->report_timestamp) * (COMMON_RATE / audio->rate);
    int32_t skew = eg__timestamp_distance(audio_at, video_at);
    if (skew > SKEW_MAX * COMMON_RATE || skew < -SKEW_MAX * COMMON_RATE) return false;
    *timestamp = by_arrival + (uint32_t)(skew / (int32_t)(COMMON_RATE / audio->rate));
    return true;
}

bool eg__clock_timestamp(const struct eg_media_clock *clock, enum eg_track_kind kind, eg_time now, uint32_t *timestamp) {
    const struct eg_clock_leg *leg = &clock->legs[kind];
    if (!leg->has_anchor) return false;
    if (kind == EG_AUDIO && follow_video(clock, now, timestamp)) return true;
    *timestamp = anchored_timestamp(leg, now);
    return true;
}
