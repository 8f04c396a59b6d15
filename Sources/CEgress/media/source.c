#include "media/source.h"

#include "wire/codec.h"
#include "wire/demux.h"
#include "wire/rtcp.h"

#include <string.h>

static void drop(struct eg_source *source, eg_drop reason) { source->drops[reason]++; }

static void raise(struct eg_source *source, eg_stream_event_kind kind) { source->events |= 1u << kind; }

void eg__source_init(struct eg_source *source, enum eg_track_kind kind, struct eg_source_format format, struct eg_store *store,
                     struct eg_media_clock *clock, uint64_t *drops) {
    *source = (struct eg_source){
        .kind = kind,
        .codec = eg__codec_traits(format.codec, kind == EG_VIDEO),
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
    eg__clock_set_rate(clock, kind, source->codec->clock_rate);
}

void eg__source_deinit(struct eg_source *source) { eg__parameter_sets_deinit(&source->sets); }

uint32_t eg__source_live_timestamp(const struct eg_source *source, eg_time now) {
    if (now <= source->picture_arrival) return source->picture_timestamp;
    uint64_t ticks = (now - source->picture_arrival) * source->clock->legs[source->kind].rate / EG_SECOND;
    uint64_t ticks_max = source->picture_interval > 0 ? source->picture_interval - 1 : 0;
    return source->picture_timestamp + (uint32_t)(ticks < ticks_max ? ticks : ticks_max);
}

// Everything that has arrived may be sent to the viewers.
static void complete_picture(struct eg_source *source) {
    source->ready_end = source->highest + 1;
    source->pending_since = EG_TIME_NEVER;
}

// It can still be asked for again.
static void note_late(struct eg_source *source, uint64_t place) {
    if (place >= source->ready_end) return;
    source->has_late = true;
    source->late_place = place;
}

static bool put(struct eg_source *source, uint64_t place, const struct eg_packet *packet) {
    switch (eg__store_put(source->store, place, packet)) {
    case EG_STORE_PUT:
        return true;
    case EG_STORE_DUPLICATE:
        drop(source, EG_DROP_SOURCE_DUPLICATE);
        return false;
    case EG_STORE_LATE:
    case EG_STORE_NO_ROOM:
        break;
    }
    drop(source, EG_DROP_SOURCE_LATE);
    return false;
}

// Whether a packet with this timestamp belongs to the key picture that the GOP began with.
static bool is_of_key_picture(const struct eg_source *source, uint32_t timestamp, const struct eg_payload *found) {
    const struct eg_packet *first = eg__store_get(source->store, source->store->gop_begin);
    return found->starts_key || (first != NULL && first->timestamp == timestamp);
}

// Stores the payload as it came, or as its codec is stored.
static bool put_video(struct eg_source *source, uint64_t place, const struct eg_packet *packet, const struct eg_payload *found) {
    if (source->codec->normalize == NULL) return put(source, place, packet);
    bool is_of_key = is_of_key_picture(source, packet->timestamp, found);
    struct eg_stored_payload stored = source->codec->normalize(packet->payload, packet->size, is_of_key);
    struct eg_packet rest = *packet;
    rest.payload += stored.skip;
    rest.size = (uint16_t)(packet->size - stored.skip);
    if (!put(source, place, &rest)) return false;
    eg__store_set_first_byte(source->store, place, stored.first);
    return true;
}

// The valid SPS is known only when a key picture activates it (ITU-T H.264 §7.4.1.2.1, H.265 §7.4.2.4.2). All zero when it can't be read.
static struct eg_video_format format_of_key(const struct eg_source *source, const struct eg_rtp *rtp, const struct eg_payload *found) {
    struct eg_video_format format = {0};
    if (source->codec->sets != NULL) {
        const struct eg_parameter_set *sps = eg__parameter_sets_active(&source->sets, found->pps_id);
        return sps != NULL ? sps->format : format;
    }
    bool is_readable = source->codec->parse_format(&format, rtp->payload, rtp->payload_size);
    return is_readable ? format : (struct eg_video_format){0};
}

static void follow_format(struct eg_source *source, const struct eg_rtp *rtp, const struct eg_payload *found) {
    struct eg_video_format format = format_of_key(source, rtp, found);
    if (format.width == 0 || memcmp(&format, &source->format, sizeof format) == 0) return;
    source->format = format;
    raise(source, EG_STREAM_VIDEO_FORMAT);
}

// A single step back may have any reason; with B-frames timestamps go back again and again.
static void note_backward(struct eg_source *source) {
    bool is_known = source->backward_pictures >= EG_BACKWARD_PICTURES;
    if (!is_known && source->pictures - source->backward_at > EG_BACKWARD_SPAN) source->backward_pictures = 0;
    source->backward_at = source->pictures;
    if (!is_known && ++source->backward_pictures == EG_BACKWARD_PICTURES) raise(source, EG_STREAM_B_FRAMES);
}

static void begin_picture(struct eg_source *source, eg_time now, uint64_t place, uint32_t timestamp) {
    int32_t step = eg__timestamp_distance(source->picture_timestamp, timestamp);
    if (source->pictures > 0 && step < 0) note_backward(source);
    if (source->pictures > 0 && step > 0) source->picture_interval = (uint32_t)step;
    source->pictures++;
    source->picture_has_key = false;
    source->picture_begin = place;
    source->picture_timestamp = timestamp;
    source->picture_arrival = now;
    eg__clock_observe(source->clock, source->kind, now, timestamp);
}

// A slice of a key picture whose parameter sets did not all come with it gets those that came before, with its timestamp, in packets no larger
// than its own, unless a single set is larger. Returns the slice's place, which is behind them.
static uint64_t insert_parameter_sets(struct eg_source *source, uint64_t place, const struct eg_packet *slice, uint16_t pps_id) {
    struct eg_parameter_set_need need;
    if (!eg__parameter_sets_need(&source->sets, pps_id, source->picture_begin, place, &need)) return place;
    size_t size_max = slice->size < EG_PARAMETER_SET_SIZE_MAX ? EG_PARAMETER_SET_SIZE_MAX : slice->size;
    uint8_t payload[EG_RTP_PAYLOAD_SIZE_MAX];
    for (size_t size; (size = eg__parameter_sets_write(&source->sets, &need, place, payload, size_max)) > 0;) {
        struct eg_packet sets = {.payload = payload, .arrival = slice->arrival, .timestamp = slice->timestamp, .size = (uint16_t)size};
        if (!put(source, place, &sets)) break;
        source->highest = place++;
        source->order_begin = place; // a late packet from before it would be put one place too far
    }
    return place;
}

// The number of packets of the newest picture that have come.
static void measure_picture(struct eg_source *source) {
    uint32_t packets = (uint32_t)(source->highest + 1 - source->picture_begin);
    if (packets > source->gop_largest_picture) source->gop_largest_picture = packets;
    if (packets > source->largest_picture) source->largest_picture = packets;
}

static void begin_gop(struct eg_source *source, eg_time now) {
    source->picture_has_key = true;
    source->largest_picture = source->gop_largest_picture;
    source->gop_largest_picture = 0;
    source->key_pictures++;
    if (source->last_key != EG_TIME_NEVER) source->gop_ms = (uint32_t)((now - source->last_key) / EG_MILLISECOND);
    source->last_key = now;
    eg__store_begin_gop(source->store, source->picture_begin);
}

static void learn_parameter_sets(struct eg_source *source, uint64_t place, const struct eg_rtp *rtp) {
    eg__parameter_sets_learn(&source->sets, place, rtp->sequence, rtp->payload, rtp->payload_size);
}

// An epoch begins with a key picture that can be decoded, or with the first of the parameter sets before one.
static bool can_begin(const struct eg_source *source, const struct eg_payload *found) {
    if (found->has_opening) return true;
    return found->starts_key && (source->codec->sets == NULL || eg__parameter_sets_have(&source->sets, found->pps_id));
}

static struct eg_packet packet_of(const struct eg_rtp *rtp, eg_time now, uint32_t timestamp) {
    return (struct eg_packet){
        .payload = rtp->payload, .arrival = now, .timestamp = timestamp, .size = (uint16_t)rtp->payload_size, .marker = rtp->marker};
}

static void receive_video(struct eg_source *source, eg_time now, uint64_t place, uint32_t timestamp, const struct eg_rtp *rtp,
                          const struct eg_payload *found) {
    const struct eg_packet packet = packet_of(rtp, now, timestamp);
    bool is_newest = place > source->highest;
    if (source->wants_key) {
        // The set is known from here on, but not to viewers that get only what follows.
        if (found->has_sets) learn_parameter_sets(source, source->highest, rtp);
        if (!can_begin(source, found)) {
            // Nothing of this epoch is stored yet, so its first packet still gets the next place.
            source->highest_raw = rtp->sequence;
            drop(source, EG_DROP_SOURCE_BEFORE_IDR);
            return;
        }
        source->wants_key = false;
        place = source->highest + 1; // packets that were lost before it are not missed by any viewer
    }
    if (is_newest && (timestamp != source->picture_timestamp || source->pictures == 0)) {
        if (source->pending_since != EG_TIME_NEVER) complete_picture(source);
        begin_picture(source, now, place, timestamp);
    }
    if (found->has_sets) learn_parameter_sets(source, place, rtp);
    if (is_newest && found->starts_key) {
        follow_format(source, rtp, found);
        bool has_sets = source->codec->sets != NULL;
        if (has_sets) place = insert_parameter_sets(source, place, &packet, found->pps_id);
    }
    if (!put_video(source, place, &packet, found)) return;
    if (!is_newest) {
        note_late(source, place);
        return;
    }
    source->highest = place;
    source->highest_raw = rtp->sequence;
    if (found->has_key && !source->picture_has_key) begin_gop(source, now);
    measure_picture(source);
    if (source->pending_since == EG_TIME_NEVER) source->pending_since = now;
    if (rtp->marker) complete_picture(source);
}

static void receive_audio(struct eg_source *source, eg_time now, uint64_t place, uint32_t timestamp, const struct eg_rtp *rtp) {
    bool is_newest = place > source->highest;
    const struct eg_packet packet = packet_of(rtp, now, timestamp);
    if (!put(source, place, &packet)) return;
    if (!is_newest) {
        note_late(source, place);
        return;
    }
    source->highest = place;
    source->highest_raw = rtp->sequence;
    source->picture_timestamp = timestamp;
    source->picture_arrival = now;
    eg__clock_observe(source->clock, source->kind, now, timestamp);
    complete_picture(source);
}

static void count_rate(struct eg_source *source, eg_time now, size_t size) {
    if (source->rate_since == EG_TIME_NEVER) source->rate_since = now;
    source->rate_bytes += size;
    eg_time window = now - source->rate_since;
    if (window < EG_SECOND) return;
    source->stats.bit_rate = (uint32_t)(source->rate_bytes * 8 * EG_SECOND / window);
    source->rate_since = now;
    source->rate_bytes = 0;
}

// [RTP ticks] from the newest timestamp to where the timeline continues after a break: the time that has passed, at least a frame.
static uint32_t ticks_passed(const struct eg_source *source, eg_time now) {
    uint64_t rate = source->clock->legs[source->kind].rate;
    uint64_t passed = (now - source->picture_arrival) * rate / EG_SECOND;
    uint64_t passed_min = source->picture_interval > 0 ? source->picture_interval : rate / 50;
    return (uint32_t)(passed > passed_min ? passed : passed_min);
}

// Packets that come late, for example after a stall, are not a jump: their timestamps continue.
static bool is_jump(const struct eg_source *source, eg_time now, uint32_t timestamp) {
    if (source->wants_key || source->last_arrival == EG_TIME_NEVER) return false;
    int64_t rate = source->clock->legs[source->kind].rate;
    int64_t step_us = (int64_t)eg__timestamp_distance(source->picture_timestamp, timestamp) * EG_SECOND / rate;
    return step_us < -(int64_t)EG_SOURCE_JUMP || step_us > (int64_t)(now - source->picture_arrival) + (int64_t)EG_SOURCE_JUMP;
}

// The sender's reports so far are of the old timeline.
static void follow_jump(struct eg_source *source, eg_time now, uint32_t timestamp) {
    if (source->pending_since != EG_TIME_NEVER) complete_picture(source);
    source->timestamp_offset += source->picture_timestamp + ticks_passed(source, now) - timestamp;
    source->order_begin = source->highest + 1; // late packets have timestamps of the old timeline
    eg__clock_restart(source->clock, source->kind);
    source->stats.restarts++;
    raise(source, EG_STREAM_RESTARTED);
}

// Takes a packet of the sender's present epoch.
static void accept(struct eg_source *source, eg_time now, const struct eg_rtp *rtp, const struct eg_payload *found) {
    if (rtp->payload_size > EG_RTP_PAYLOAD_SIZE_MAX) {
        drop(source, EG_DROP_SOURCE_TOO_LARGE);
        return;
    }
    int16_t step = eg__sequence_distance(source->highest_raw, rtp->sequence);
    uint64_t place = source->highest + (uint64_t)(int64_t)step;
    if (step > 1) source->stats.lost += (uint64_t)(step - 1);
    if (step < 0 && source->stats.lost > 0) source->stats.lost--;
    if ((int64_t)place < (int64_t)source->order_begin) {
        drop(source, EG_DROP_SOURCE_LATE);
        return;
    }
    uint32_t timestamp = rtp->timestamp + source->timestamp_offset;
    if (step > 0 && is_jump(source, now, timestamp)) {
        follow_jump(source, now, timestamp);
        timestamp = rtp->timestamp + source->timestamp_offset;
    }
    if (!source->stats.active) {
        source->stats.active = true;
        raise(source, EG_STREAM_ACTIVE);
    }
    source->last_arrival = now;
    source->stats.packets++;
    source->stats.bytes += rtp->payload_size;
    count_rate(source, now, rtp->payload_size);
    if (source->kind == EG_VIDEO) receive_video(source, now, place, timestamp, rtp, found);
    else receive_audio(source, now, place, timestamp, rtp);
}

// The sender has changed, or is the first. Its timeline is laid behind the old one: at the next place, and with a timestamp that is later by
// the time that has passed, at least a frame.
static void begin_epoch(struct eg_source *source, eg_time now, const struct eg_addr *from, const struct eg_rtp *first) {
    bool is_first = source->state == EG_SOURCE_WAITING;
    bool is_same_sender = first->ssrc == source->ssrc && eg__addr_equal(from, &source->sender); // its sequence numbers jumped
    if (!is_same_sender && source->codec->sets != NULL) eg__parameter_sets_begin_sender(&source->sets);
    if (source->pending_since != EG_TIME_NEVER) complete_picture(source);
    source->state = EG_SOURCE_LIVE;
    source->sender = *from;
    source->ssrc = first->ssrc;
    source->highest_raw = (uint16_t)(first->sequence - 1);
    source->order_begin = source->highest + 1;
    source->candidate.active = false;
    source->wants_key = source->kind == EG_VIDEO;
    source->backward_pictures = 0;
    eg__clock_restart(source->clock, source->kind);
    if (!is_first) {
        source->timestamp_offset = source->picture_timestamp + ticks_passed(source, now) - first->timestamp;
        source->stats.restarts++;
        raise(source, EG_STREAM_RESTARTED);
    }
    if (source->early_report.active && source->early_report.ssrc == first->ssrc)
        eg__clock_report(source->clock, source->kind, source->early_report.ntp, source->early_report.timestamp + source->timestamp_offset);
    source->early_report.active = false;
}

// Drops the packet that was held back, since its sender did not prove to be the next one.
static void discard_candidate(struct eg_source *source) {
    if (!source->candidate.active) return;
    source->candidate.active = false;
    drop(source, EG_DROP_SOURCE_STRANGER);
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

// Takes a packet that is not of the present epoch: from a sender that came back, or from a stranger.
static void receive_from_candidate(struct eg_source *source, eg_time now, const struct eg_addr *from, const struct eg_rtp *rtp,
                                   const struct eg_payload *found) {
    if (rtp->payload_size > EG_RTP_PAYLOAD_SIZE_MAX) {
        drop(source, EG_DROP_SOURCE_TOO_LARGE);
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
        drop(source, EG_DROP_SOURCE_STRANGER);
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
        drop(source, EG_DROP_SOURCE_MALFORMED);
        return;
    }
    if (rtp.payload_type != source->payload_type) {
        drop(source, EG_DROP_SOURCE_PAYLOAD_TYPE);
        return;
    }
    int16_t step = eg__sequence_distance(source->highest_raw, rtp.sequence);
    bool is_present = source->state == EG_SOURCE_LIVE && rtp.ssrc == source->ssrc && eg__addr_equal(from, &source->sender) &&
                      step < EG_SOURCE_DROPOUT_MAX && step > -EG_SOURCE_MISORDER_MAX;
    struct eg_payload found = inspect(source, &rtp);
    if (!found.valid) {
        if (is_present) pass_over(source, step);
        drop(source, EG_DROP_SOURCE_PAYLOAD);
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
    raise(source, EG_STREAM_INACTIVE);
}

// A stranger may be the next sender: FFmpeg reports before its first packet.
static void receive_report(struct eg_source *source, bool is_stranger, const struct eg_rtcp *block) {
    struct eg_sender_info info;
    if (!eg__rtcp_parse_sender_info(&info, block)) return;
    if (source->state == EG_SOURCE_LIVE && info.ssrc == source->ssrc) {
        if (is_stranger) return;
        eg__clock_report(source->clock, source->kind, info.ntp, info.rtp_timestamp + source->timestamp_offset);
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
        if (source->pending_since != EG_TIME_NEVER) complete_picture(source);
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
    if (iterator.malformed) drop(source, EG_DROP_SOURCE_MALFORMED);
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
        drop(source, EG_DROP_SOURCE_UNKNOWN);
        return;
    }
}

static eg_time inactive_at(const struct eg_source *source) {
    return source->stats.active ? eg__time_after(source->last_arrival, EG_SOURCE_INACTIVE) : EG_TIME_NEVER;
}

void eg__source_tick(struct eg_source *source, eg_time now) {
    if (source->pending_since != EG_TIME_NEVER && now >= source->pending_since + EG_PICTURE_FLUSH) complete_picture(source);
    if (now >= inactive_at(source)) deactivate(source);
}

eg_time eg__source_deadline(const struct eg_source *source) {
    return eg__time_min(eg__time_after(source->pending_since, EG_PICTURE_FLUSH), inactive_at(source));
}
