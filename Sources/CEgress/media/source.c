#include "media/source_parts.h"

#include "wire/demux.h"
#include "wire/rtcp.h"

#include <string.h>

enum { RATE_SMOOTHING = 4 }; // seconds

void eg__source_init(struct eg_source *source, uint32_t index, struct eg_source_format format, struct eg_store *store,
                     struct eg_media_clock *clock, uint64_t *drops) {
    *source = (struct eg_source){
        .kind = eg__kind_of_source(index),
        .index = index,
        .codec = eg__codec_traits(format.codec, eg__kind_of_source(index) == EG_VIDEO),
        .payload_type = format.payload_type,
        .store = store,
        .clock = clock,
        .drops = drops,
        .last_arrival = EG_TIME_NEVER,
        .pending_since = EG_TIME_NEVER,
        .last_key = EG_TIME_NEVER,
        .rate_since = EG_TIME_NEVER,
    };
    EG_ASSERT(source->codec != NULL);
    if (source->codec->sets != NULL) eg__parameter_sets_init(&source->sets, source->codec);
    eg__clock_set_rate(clock, index, source->codec->clock_rate);
}

void eg__source_deinit(struct eg_source *source) { eg__parameter_sets_deinit(&source->sets); }

uint32_t eg__source_live_timestamp(const struct eg_source *source, eg_time now) {
    if (now <= source->picture_arrival) return source->picture_timestamp;
    uint64_t ticks = (now - source->picture_arrival) * source->clock->legs[source->index].rate / EG_SECOND;
    uint64_t ticks_max = source->picture_interval > 0 ? source->picture_interval - 1 : 0;
    return source->picture_timestamp + (uint32_t)(ticks < ticks_max ? ticks : ticks_max);
}

static void count_rate(struct eg_source *source, eg_time now, size_t size) {
    if (source->rate_since == EG_TIME_NEVER) source->rate_since = now;
    source->rate_bytes += size;
    eg_time window = now - source->rate_since;
    if (window < EG_SECOND) return;
    uint64_t bit_rate = source->rate_bytes * 8 * EG_SECOND / window;
    source->stats.bit_rate = bit_rate < UINT32_MAX ? (uint32_t)bit_rate : UINT32_MAX;
    uint64_t before = source->typical_bit_rate > 0 ? source->typical_bit_rate : source->stats.bit_rate;
    source->typical_bit_rate = (uint32_t)((before * (RATE_SMOOTHING - 1) + source->stats.bit_rate) / RATE_SMOOTHING);
    source->rate_since = now;
    source->rate_bytes = 0;
}

// [RTP ticks] from the newest timestamp to where the timeline continues after a break: the time that has passed, at least a frame.
static uint32_t ticks_passed(const struct eg_source *source, eg_time now) {
    uint64_t rate = source->clock->legs[source->index].rate;
    uint64_t passed = (now - source->picture_arrival) * rate / EG_SECOND;
    uint64_t passed_min = source->picture_interval > 0 ? source->picture_interval : rate / 50;
    return (uint32_t)(passed > passed_min ? passed : passed_min);
}

// Packets that come late, for example after a stall, are not a jump: their timestamps continue.
static bool is_jump(const struct eg_source *source, eg_time now, uint32_t timestamp) {
    if (source->wants_key || source->last_arrival == EG_TIME_NEVER) return false;
    int64_t rate = source->clock->legs[source->index].rate;
    int64_t step_us = (int64_t)eg__timestamp_distance(source->picture_timestamp, timestamp) * EG_SECOND / rate;
    return step_us < -(int64_t)EG_SOURCE_JUMP || step_us > (int64_t)(now - source->picture_arrival) + (int64_t)EG_SOURCE_JUMP;
}

// The sender's reports so far are of the old timeline.
static void follow_jump(struct eg_source *source, eg_time now, uint32_t timestamp) {
    if (source->pending_since != EG_TIME_NEVER) eg__source_complete_picture(source);
    source->timestamp_offset += source->picture_timestamp + ticks_passed(source, now) - timestamp;
    source->order_begin = source->highest + 1; // late packets have timestamps of the old timeline
    eg__clock_restart(source->clock, source->index);
    source->stats.restarts++;
    eg__source_raise(source, EG_STREAM_RESTARTED);
}

static void suspect_codec(struct eg_source *source) {
    if (!source->has_other_codec) eg__source_raise(source, EG_STREAM_OTHER_CODEC);
    source->has_other_codec = true;
}

// Payloads of another codec may look like this one's for long, but a key picture is never among them.
static void note_keyless(struct eg_source *source, eg_time now) {
    bool goes_on = source->last_arrival != EG_TIME_NEVER && now - source->last_arrival < EG_SOURCE_INACTIVE;
    if (!goes_on) source->keyless_since = now;
    else if (now - source->keyless_since >= EG_KEY_PATIENCE) suspect_codec(source);
}

// Takes a packet of the sender's present epoch.
static void accept(struct eg_source *source, eg_time now, const struct eg_rtp *rtp, const struct eg_payload *found) {
    if (rtp->payload_size > EG_RTP_PAYLOAD_SIZE_MAX) {
        eg__source_drop(source, EG_DROP_SOURCE_TOO_LARGE);
        return;
    }
    int16_t step = eg__sequence_distance(source->highest_raw, rtp->sequence);
    uint64_t place = source->highest + (uint64_t)(int64_t)step;
    if (step > 1) source->stats.lost += (uint64_t)(step - 1);
    if (step < 0 && source->stats.lost > 0) source->stats.lost--;
    if ((int64_t)place < (int64_t)source->order_begin) {
        eg__source_drop(source, EG_DROP_SOURCE_LATE);
        return;
    }
    uint32_t timestamp = rtp->timestamp + source->timestamp_offset;
    if (step > 0 && is_jump(source, now, timestamp)) {
        follow_jump(source, now, timestamp);
        timestamp = rtp->timestamp + source->timestamp_offset;
    }
    if (!source->stats.active) {
        source->stats.active = true;
        eg__source_raise(source, EG_STREAM_ACTIVE);
    }
    if (source->kind == EG_VIDEO) note_keyless(source, now);
    source->last_arrival = now;
    source->stats.packets++;
    source->stats.bytes += rtp->payload_size;
    count_rate(source, now, rtp->payload_size);
    if (source->kind == EG_VIDEO) eg__source_keep_video(source, now, place, timestamp, rtp, found);
    else eg__source_keep_audio(source, now, place, timestamp, rtp);
}

// The sender has changed, or is the first. Its timeline is laid behind the old one: at the next place, and with a timestamp that is later by
// the time that has passed, at least a frame.
static void begin_epoch(struct eg_source *source, eg_time now, const struct eg_addr *from, const struct eg_rtp *first) {
    bool is_first = source->state == EG_SOURCE_WAITING;
    bool is_same_sender = first->ssrc == source->ssrc && eg__addr_equal(from, &source->sender); // its sequence numbers jumped
    if (!is_same_sender && source->codec->sets != NULL) eg__parameter_sets_begin_sender(&source->sets);
    if (source->pending_since != EG_TIME_NEVER) eg__source_complete_picture(source);
    source->state = EG_SOURCE_LIVE;
    source->sender = *from;
    source->ssrc = first->ssrc;
    source->highest_raw = (uint16_t)(first->sequence - 1);
    source->order_begin = source->highest + 1;
    source->candidate.active = false;
    source->wants_key = source->kind == EG_VIDEO;
    source->backward_pictures = 0;
    eg__clock_restart(source->clock, source->index);
    if (!is_first) {
        source->timestamp_offset = source->picture_timestamp + ticks_passed(source, now) - first->timestamp;
        source->stats.restarts++;
        eg__source_raise(source, EG_STREAM_RESTARTED);
    }
    if (source->early_report.active && source->early_report.ssrc == first->ssrc)
        eg__clock_report(source->clock, source->index, source->early_report.ntp, source->early_report.timestamp + source->timestamp_offset);
    source->early_report.active = false;
}

// Drops the packet that was held back, since its sender did not prove to be the next one.
static void discard_candidate(struct eg_source *source) {
    if (!source->candidate.active) return;
    source->candidate.active = false;
    eg__source_drop(source, EG_DROP_SOURCE_STRANGER);
}

static void hold_candidate(struct eg_source *source, const struct eg_addr *from, const struct eg_rtp *rtp) {
    source->candidate.active = true;
    source->candidate.addr = *from;
    source->candidate.ssrc = rtp->ssrc;
    source->candidate.next_raw = (uint16_t)(rtp->sequence + 1);
    source->candidate.marker = rtp->marker;
    source->candidate.sequence = rtp->sequence;
    source->candidate.timestamp = rtp->timestamp;
    source->candidate.size = (uint16_t)rtp->payload_size;
    if (rtp->payload_size > 0) memcpy(source->candidate.payload, rtp->payload, rtp->payload_size);
}

static bool is_next_of_candidate(const struct eg_source *source, const struct eg_addr *from, const struct eg_rtp *rtp) {
    return source->candidate.active && source->candidate.ssrc == rtp->ssrc && source->candidate.next_raw == rtp->sequence &&
           eg__addr_equal(&source->candidate.addr, from);
}

// What the payload holds, as far as the codec can tell. Every payload of sound is valid.
static struct eg_payload inspect(const struct eg_source *source, const struct eg_rtp *rtp) {
    if (source->codec->inspect == NULL) return (struct eg_payload){.valid = true};
    return source->codec->inspect(rtp->payload, rtp->payload_size);
}

// A payload that is not the codec's.
static void note_strange(struct eg_source *source) {
    eg__source_drop(source, EG_DROP_SOURCE_PAYLOAD);
    if (++source->strange_payloads >= EG_STRANGE_PAYLOADS) suspect_codec(source);
}

// Takes a packet that is not of the present epoch: from a sender that came back, or from a stranger.
static void receive_from_candidate(struct eg_source *source, eg_time now, const struct eg_addr *from, const struct eg_rtp *rtp,
                                   const struct eg_payload *found) {
    if (rtp->payload_size > EG_RTP_PAYLOAD_SIZE_MAX) {
        eg__source_drop(source, EG_DROP_SOURCE_TOO_LARGE);
        return;
    }
    bool is_known_address = source->state == EG_SOURCE_LIVE && eg__addr_equal(from, &source->sender);
    if (source->state != EG_SOURCE_LIVE || (is_known_address && rtp->ssrc != source->ssrc)) {
        discard_candidate(source);
        begin_epoch(source, now, from, rtp);
        accept(source, now, rtp, found);
        return;
    }
    bool may_take_over = is_known_address || now - source->last_arrival >= EG_SOURCE_SILENCE;
    if (!may_take_over) {
        discard_candidate(source);
        eg__source_drop(source, EG_DROP_SOURCE_STRANGER);
        return;
    }
    if (!is_next_of_candidate(source, from, rtp)) {
        discard_candidate(source);
        hold_candidate(source, from, rtp);
        return;
    }
    // Two in a row: the packet that was held back comes first, since a key picture may begin with it.
    uint8_t held_bytes[EG_RTP_PAYLOAD_SIZE_MAX];
    struct eg_rtp held = {
        .marker = source->candidate.marker,
        .payload_type = source->payload_type,
        .sequence = source->candidate.sequence,
        .timestamp = source->candidate.timestamp,
        .ssrc = source->candidate.ssrc,
        .payload = held_bytes,
        .payload_size = source->candidate.size,
    };
    memcpy(held_bytes, source->candidate.payload, held.payload_size);
    struct eg_payload held_found = inspect(source, &held);
    begin_epoch(source, now, from, &held);
    accept(source, now, &held, &held_found);
    accept(source, now, rtp, found);
}

// Skips the number of a packet that was refused: no place is kept for it. Late packets from before it would be put one place too far, so they are
// not taken any more. Before an epoch has begun nothing has a place.
static void pass_over(struct eg_source *source, int16_t step) {
    if (step < 1) return;
    source->highest_raw++;
    if (!source->wants_key) source->order_begin = source->highest + (uint64_t)step;
}

static void receive_rtp(struct eg_source *source, const struct eg_arrival *arrival) {
    const struct eg_addr *from = &arrival->path.remote;
    struct eg_rtp rtp;
    if (!eg__rtp_parse(&rtp, arrival->bytes, arrival->size)) {
        eg__source_drop(source, EG_DROP_SOURCE_MALFORMED);
        return;
    }
    if (rtp.payload_type != source->payload_type) {
        eg__source_drop(source, EG_DROP_SOURCE_PAYLOAD_TYPE);
        return;
    }
    int16_t step = eg__sequence_distance(source->highest_raw, rtp.sequence);
    bool is_present = source->state == EG_SOURCE_LIVE && rtp.ssrc == source->ssrc && eg__addr_equal(from, &source->sender) &&
                      step < EG_SOURCE_DROPOUT_MAX && step > -EG_SOURCE_MISORDER_MAX;
    struct eg_payload found = inspect(source, &rtp);
    if (!found.valid) {
        if (is_present) pass_over(source, step);
        note_strange(source);
        return;
    }
    if (!is_present) {
        receive_from_candidate(source, arrival->at, from, &rtp, &found);
        return;
    }
    discard_candidate(source);
    accept(source, arrival->at, &rtp, &found);
}

static void deactivate(struct eg_source *source) {
    if (!source->stats.active) return;
    source->stats.active = false;
    source->stats.bit_rate = 0;
    source->rate_since = EG_TIME_NEVER;
    source->rate_bytes = 0;
    eg__source_raise(source, EG_STREAM_INACTIVE);
}

// A stranger may be the next sender: FFmpeg reports before its first packet.
static void receive_report(struct eg_source *source, bool is_stranger, const struct eg_rtcp *block) {
    struct eg_sender_info info;
    if (!eg__rtcp_parse_sender_info(&info, block)) return;
    if (source->state == EG_SOURCE_LIVE && info.ssrc == source->ssrc) {
        if (is_stranger) return;
        eg__clock_report(source->clock, source->index, info.ntp, info.rtp_timestamp + source->timestamp_offset);
        return;
    }
    source->early_report.active = true;
    source->early_report.ssrc = info.ssrc;
    source->early_report.ntp = info.ntp;
    source->early_report.timestamp = info.rtp_timestamp;
}

static void receive_bye(struct eg_source *source, const struct eg_rtcp *block) {
    uint32_t ssrc;
    for (size_t i = 0; eg__rtcp_parse_bye(block, i, &ssrc); i++) {
        if (source->state != EG_SOURCE_LIVE || ssrc != source->ssrc) continue;
        if (source->pending_since != EG_TIME_NEVER) eg__source_complete_picture(source);
        source->state = EG_SOURCE_ENDED;
        deactivate(source);
    }
}

static void receive_rtcp(struct eg_source *source, const struct eg_arrival *arrival) {
    bool is_stranger = source->state == EG_SOURCE_LIVE && !eg__addr_equal(&arrival->path.remote, &source->sender);
    struct eg_rtcp_iterator iterator = eg__rtcp_iterator(arrival->bytes, arrival->size);
    struct eg_rtcp block;
    while (eg__rtcp_next(&iterator, &block)) {
        if (block.type == EG_RTCP_SR) receive_report(source, is_stranger, &block);
        if (block.type == EG_RTCP_BYE && !is_stranger) receive_bye(source, &block);
    }
    if (iterator.malformed) eg__source_drop(source, EG_DROP_SOURCE_MALFORMED);
}

void eg__source_receive(struct eg_source *source, const struct eg_arrival *arrival) {
    switch (eg__demux(arrival->bytes, arrival->size)) {
    case EG_DATAGRAM_RTP:
        receive_rtp(source, arrival);
        return;
    case EG_DATAGRAM_RTCP:
        receive_rtcp(source, arrival);
        return;
    case EG_DATAGRAM_UNKNOWN:
    case EG_DATAGRAM_STUN:
    case EG_DATAGRAM_DTLS:
        eg__source_drop(source, EG_DROP_SOURCE_UNKNOWN);
        return;
    }
}

static eg_time inactive_at(const struct eg_source *source) {
    return source->stats.active ? eg__time_after(source->last_arrival, EG_SOURCE_INACTIVE) : EG_TIME_NEVER;
}

void eg__source_tick(struct eg_source *source, eg_time now) {
    if (source->pending_since != EG_TIME_NEVER && now >= source->pending_since + EG_PICTURE_FLUSH) eg__source_complete_picture(source);
    if (now >= inactive_at(source)) deactivate(source);
}

eg_time eg__source_deadline(const struct eg_source *source) {
    return eg__time_min(eg__time_after(source->pending_since, EG_PICTURE_FLUSH), inactive_at(source));
}
