// What a source keeps of the packets of its sender's present epoch: it stores them, and sees where pictures and GOPs begin.
#include "media/source_parts.h"

#include <string.h>

void eg__source_complete_picture(struct eg_source *source) {
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
        eg__source_drop(source, EG_DROP_SOURCE_DUPLICATE);
        return false;
    case EG_STORE_LATE:
    case EG_STORE_NO_ROOM:
        break;
    }
    eg__source_drop(source, EG_DROP_SOURCE_LATE);
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
    eg__source_raise(source, EG_STREAM_VIDEO_FORMAT);
}

// A single step back may have any reason; with B-frames timestamps go back again and again.
static void note_backward(struct eg_source *source) {
    bool is_known = source->backward_pictures >= EG_BACKWARD_PICTURES;
    if (!is_known && source->pictures - source->backward_at > EG_BACKWARD_SPAN) source->backward_pictures = 0;
    source->backward_at = source->pictures;
    if (!is_known && ++source->backward_pictures == EG_BACKWARD_PICTURES) eg__source_raise(source, EG_STREAM_B_FRAMES);
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
    eg__clock_observe(source->clock, source->index, now, timestamp);
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
    source->strange_payloads = 0;
    source->keyless_since = now;
    source->has_other_codec = false;
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

void eg__source_keep_video(struct eg_source *source, eg_time now, uint64_t place, uint32_t timestamp, const struct eg_rtp *rtp,
                           const struct eg_payload *found) {
    const struct eg_packet packet = packet_of(rtp, now, timestamp);
    bool is_newest = place > source->highest;
    if (source->wants_key) {
        // The set is known from here on, but not to viewers that get only what follows.
        if (found->has_sets) learn_parameter_sets(source, source->highest, rtp);
        if (!can_begin(source, found)) {
            // Nothing of this epoch is stored yet, so its first packet still gets the next place.
            source->highest_raw = rtp->sequence;
            eg__source_drop(source, EG_DROP_SOURCE_BEFORE_IDR);
            return;
        }
        source->wants_key = false;
        place = source->highest + 1; // packets that were lost before it are not missed by any viewer
    }
    if (is_newest && (timestamp != source->picture_timestamp || source->pictures == 0)) {
        if (source->pending_since != EG_TIME_NEVER) eg__source_complete_picture(source);
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
    if (rtp->marker) eg__source_complete_picture(source);
}

void eg__source_keep_audio(struct eg_source *source, eg_time now, uint64_t place, uint32_t timestamp, const struct eg_rtp *rtp) {
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
    eg__clock_observe(source->clock, source->index, now, timestamp);
    eg__source_complete_picture(source);
}
