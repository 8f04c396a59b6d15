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
    for (uint32_t leg = 0; leg < EG_SOURCES_MAX; leg++) clock->legs[leg].rate = leg == EG_AUDIO ? AUDIO_RATE : VIDEO_RATE;
}

void eg__clock_set_rate(struct eg_media_clock *clock, uint32_t index, uint32_t rate) {
    EG_ASSERT(rate > 0 && COMMON_RATE % rate == 0);
    clock->legs[index].rate = rate;
}

static uint32_t ticks(const struct eg_clock_leg *leg, int64_t microseconds) {
    return (uint32_t)(microseconds * leg->rate / EG_SECOND);
}

void eg__clock_observe(struct eg_media_clock *clock, uint32_t index, eg_time now, uint32_t timestamp) {
    struct eg_clock_leg *leg = &clock->legs[index];
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

void eg__clock_report(struct eg_media_clock *clock, uint32_t index, uint64_t ntp, uint32_t timestamp) {
    struct eg_clock_leg *leg = &clock->legs[index];
    leg->has_report = true;
    leg->report_ntp = ntp;
    leg->report_timestamp = timestamp;
}

void eg__clock_restart(struct eg_media_clock *clock, uint32_t index) {
    struct eg_clock_leg *leg = &clock->legs[index];
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

// Each report ties its leg's timeline to the sender's clock. So the first encoding's present time gives the sender's time, and that gives the leg's.
// The computation uses a rate that both legs' rates divide, modulo 2^32, so that timestamps that wrapped since a stale start time don't matter.
static bool follow_first(const struct eg_media_clock *clock, const struct eg_clock_leg *leg, eg_time now, uint32_t *timestamp) {
    const struct eg_clock_leg *first = &clock->legs[EG_VIDEO];
    if (!first->has_anchor || !first->has_report || !leg->has_report) return false;
    uint32_t by_arrival = anchored_timestamp(leg, now);
    uint32_t first_at =
        common_ticks(first->report_ntp) + (anchored_timestamp(first, now) - first->report_timestamp) * (COMMON_RATE / first->rate);
    uint32_t leg_at = common_ticks(leg->report_ntp) + (by_arrival - leg->report_timestamp) * (COMMON_RATE / leg->rate);
    int32_t skew = eg__timestamp_distance(leg_at, first_at);
    if (skew > SKEW_MAX * COMMON_RATE || skew < -SKEW_MAX * COMMON_RATE) return false;
    *timestamp = by_arrival + (uint32_t)(skew / (int32_t)(COMMON_RATE / leg->rate));
    return true;
}

bool eg__clock_timestamp(const struct eg_media_clock *clock, uint32_t index, eg_time now, uint32_t *timestamp) {
    const struct eg_clock_leg *leg = &clock->legs[index];
    if (!leg->has_anchor) return false;
    if (index != EG_VIDEO && follow_first(clock, leg, now, timestamp)) return true;
    *timestamp = anchored_timestamp(leg, now);
    return true;
}

// The nearest number of ticks to a distance of two NTP times.
static int64_t nearest_ticks(int64_t ntp_distance, uint32_t rate) {
    int64_t seconds = ntp_distance >> 32, rest = ntp_distance & UINT32_MAX;
    return seconds * rate + ((rest * rate + (INT64_C(1) << 31)) >> 32);
}

uint32_t eg__clock_ahead(const struct eg_media_clock *clock, uint32_t of, uint32_t than, eg_time now) {
    const struct eg_clock_leg *leg = &clock->legs[of], *other = &clock->legs[than];
    EG_ASSERT(leg->rate == other->rate);
    if (!leg->has_anchor || !other->has_anchor) return 0;
    uint32_t arrived = anchored_timestamp(leg, now) - anchored_timestamp(other, now);
    if (!leg->has_report || !other->has_report) return arrived;
    // A report that is far from this is of another timeline than its packets.
    uint32_t reported = leg->report_timestamp - other->report_timestamp +
                        (uint32_t)nearest_ticks((int64_t)(other->report_ntp - leg->report_ntp), leg->rate);
    int32_t skew = eg__timestamp_distance(arrived, reported);
    return skew <= SKEW_MAX * (int32_t)leg->rate && skew >= -SKEW_MAX * (int32_t)leg->rate ? reported : arrived;
}
