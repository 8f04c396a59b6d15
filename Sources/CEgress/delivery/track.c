#include "delivery/track.h"

#include <string.h>

enum {
    RTX_HEADER_SIZE = 2, // [B] the original sequence number, RFC 4588 §4
    PACKET_SIZE_TYPICAL = 1160, // [B] FFmpeg's, as we have it send them
    BURST_SLOWDOWN_MAX = 16, // the gentlest burst has this part of the greatest bit rate
};

void eg__track_init(struct eg_track *track, struct eg_random *random, enum eg_track_kind kind) {
    uint64_t bits = eg__random_u64(random);
    track->state = EG_TRACK_WAITING;
    track->ssrc = (uint32_t)bits & ~3u; // three SSRCs of a viewer differ in their last bits
    track->ssrc |= kind == EG_VIDEO ? 1 : 2;
    track->rtx_ssrc = track->ssrc | 3;
    track->next_index = track->history_index = (bits >> 32) & 0x7fff;
    track->rtx_index = (bits >> 48) & 0x7fff;
}

// From here on `place` is sent as the next index.
static void move_to(struct eg_track *track, uint64_t place) {
    track->cursor = place;
    track->index_offset = track->next_index - place;
}

void eg__track_skip_to(struct eg_track *track, uint64_t place) {
    move_to(track, place);
    track->history_index = track->next_index;
}

// That of the live stream when the burst begins, `pause` from now. It may begin in the very instant of the last picture sent, or while that is
// still ahead of its time.
static uint32_t burst_timestamp(const struct eg_track *track, eg_time now, eg_time pause, const struct eg_source *source) {
    uint32_t rate = source->clock->legs[source->index].rate;
    uint32_t live = eg__source_live_timestamp(source, now) + (uint32_t)(pause * rate / EG_SECOND);
    bool is_ahead = track->packets > 0 && eg__timestamp_distance(track->last_timestamp, live) <= 0;
    return is_ahead ? track->last_timestamp + 1 : live;
}

// [B] of the picture that a GOP begins with, as far as it has arrived, and its number of places.
static uint64_t first_picture_bytes(const struct eg_source *source, const struct eg_packet *first, uint64_t *places) {
    uint64_t bytes = 0;
    *places = 0;
    for (uint64_t place = source->store->gop_begin; place < source->ready_end; place++) {
        const struct eg_packet *packet = eg__store_get(source->store, place);
        if (packet == NULL) continue;
        if (packet->timestamp != first->timestamp) break;
        bytes += packet->size;
        *places = place + 1 - source->store->gop_begin;
    }
    return bytes;
}

// How fast the pictures behind the IDR may follow it, in percent of media speed: bits / (age / rate / speed) <= bit_rate_max.
static uint64_t burst_speed(uint64_t bytes, uint32_t age, uint32_t rate, uint32_t bit_rate_max) {
    uint64_t speed_max = EG_BURST_SPEED_MAX * 100;
    if (bytes == 0 || age == 0) return speed_max;
    uint64_t speed = (uint64_t)bit_rate_max * age * 100 / (bytes * 8 * rate);
    return speed < speed_max ? speed : speed_max;
}

static bool begin_burst(struct eg_track *track, eg_time now, eg_time pause, uint32_t bit_rate, const struct eg_source *source,
                        const struct eg_burst_limits *limits) {
    const struct eg_store *store = source->store;
    const struct eg_packet *first = eg__store_get(store, store->gop_begin);
    if (first == NULL || track->refused_gop == store->gop_begin) return false;
    uint32_t rate = source->clock->legs[source->index].rate;
    uint32_t age = source->picture_timestamp - first->timestamp; // [RTP ticks]
    uint64_t idr_places, idr_bytes = first_picture_bytes(source, first, &idr_places);
    uint64_t speed = burst_speed(store->gop_bytes - idr_bytes, age, rate, bit_rate);
    bool is_live = age == 0 && track->state == EG_TRACK_WAITING; // it joins at what goes out anyway
    if (!is_live && (speed < EG_BURST_SPEED_MIN_PERCENT || !eg__budget_take(limits->bytes, now, store->gop_bytes))) {
        track->refused_gop = store->gop_begin;
        (*limits->refused)++;
        return false;
    }
    (*limits->begun)++;
    track->state = EG_TRACK_CATCHING_UP;
    track->burst.began_at = now + pause;
    track->burst.bit_rate = bit_rate;
    track->burst.timestamp = first->timestamp;
    track->burst.live_timestamp = burst_timestamp(track, now, pause, source);
    track->burst.speed_percent = (uint32_t)speed;
    track->burst.idr_ticks = (uint32_t)(idr_bytes * 8 * rate / bit_rate);
    // On a link of which nothing bad is known the first picture goes at once; on a narrow one it would overflow the queue by itself.
    track->burst.idr_pace = pause > 0 ? (uint32_t)(idr_bytes * 8 * EG_SECOND / bit_rate / idr_places) : 0;
    track->burst.place = store->gop_begin;
    track->burst.lost = 0;
    eg__track_skip_to(track, store->gop_begin);
    return true;
}

// Of the burst that is to begin now: that of the last one, if it is not long ago, since the link will not be wider.
static uint32_t last_bit_rate(const struct eg_track *track, eg_time now, const struct eg_burst_limits *limits) {
    bool is_known = track->burst.bit_rate > 0 && now < track->burst.began_at + EG_BURST_RECOVERY;
    return is_known ? track->burst.bit_rate : limits->bit_rate_max;
}

bool eg__track_join(struct eg_track *track, eg_time now, const struct eg_source *source, const struct eg_burst_limits *limits) {
    EG_ASSERT(track->state == EG_TRACK_WAITING);
    if (source->kind == EG_VIDEO) return begin_burst(track, now, 0, last_bit_rate(track, now, limits), source, limits);
    if (source->state == EG_SOURCE_WAITING) return false;
    track->state = EG_TRACK_LIVE;
    eg__track_skip_to(track, source->ready_end);
    return true;
}

static uint32_t slower(uint32_t bit_rate, const struct eg_burst_limits *limits) {
    uint32_t least = limits->bit_rate_max / BURST_SLOWDOWN_MAX;
    return bit_rate > least ? bit_rate : least;
}

bool eg__track_begin_again(struct eg_track *track, eg_time now, const struct eg_source *source, const struct eg_burst_limits *limits) {
    if (track->state != EG_TRACK_LIVE && track->state != EG_TRACK_CATCHING_UP) return false;
    if (now < track->burst.began_at + EG_BURST_AGAIN) return false;
    // One that asks again so soon has lost the last burst on a link too narrow for it: less each time, until it has to wait for the next IDR.
    bool is_soon = track->burst.bit_rate > 0 && now < track->burst.began_at + EG_BURST_RECOVERY;
    uint32_t bit_rate = is_soon ? slower(track->burst.bit_rate / 2, limits) : limits->bit_rate_max;
    return begin_burst(track, now, 0, bit_rate, source, limits);
}

void eg__track_note_lost(struct eg_track *track, uint64_t place) {
    if (track->state != EG_TRACK_CATCHING_UP) return;
    uint64_t index = place + track->index_offset;
    if (track->burst.lost > 0 && index < track->burst.lost_end) return; // asked for before
    if (track->burst.lost == 0) track->burst.lost_begin = index;
    track->burst.lost_end = index + 1;
    track->burst.lost++;
}

bool eg__track_is_burst_too_fast(const struct eg_track *track) {
    uint64_t span = track->burst.lost_end - track->burst.lost_begin;
    if (track->state != EG_TRACK_CATCHING_UP || track->burst.lost == 0 || span < EG_BURST_LOST_SPAN) return false;
    return (uint64_t)track->burst.lost * 256 >= span * EG_BURST_LOST;
}

bool eg__track_begin_slower(struct eg_track *track, eg_time now, const struct eg_source *source, const struct eg_burst_limits *limits) {
    EG_ASSERT(eg__track_is_burst_too_fast(track));
    uint64_t span = track->burst.lost_end - track->burst.lost_begin, arrived = span - track->burst.lost;
    if (arrived < span / 3) arrived = span / 3; // what a full queue lost at first says little of what comes after
    uint32_t bit_rate = slower((uint32_t)(track->burst.bit_rate * arrived / span * 3 / 4), limits);
    if (bit_rate == track->burst.bit_rate) (*limits->refused)++;
    else if (begin_burst(track, now, EG_BURST_PAUSE, bit_rate, source, limits)) return true;
    track->refused_gop = source->store->gop_begin;
    track->state = EG_TRACK_WAITING;
    track->history_index = track->next_index; // what is lost stays lost: it is of no use without the rest
    return false;
}

// [RTP ticks] after L0 at which a picture of the burst is due.
static uint32_t burst_ticks(const struct eg_track *track, uint32_t timestamp) {
    uint64_t since = timestamp - track->burst.timestamp;
    return (uint32_t)(since * 100 / track->burst.speed_percent) + (since > 0 ? track->burst.idr_ticks : 0);
}

uint32_t eg__track_timestamp(const struct eg_track *track, uint32_t timestamp) {
    if (track->burst.speed_percent == 0 || eg__timestamp_distance(track->burst.timestamp, timestamp) < 0) return timestamp;
    uint32_t moved = track->burst.live_timestamp + burst_ticks(track, timestamp);
    return eg__timestamp_distance(timestamp, moved) > 0 ? moved : timestamp;
}

void eg__track_settle(struct eg_track *track, eg_time now, const struct eg_store *store) {
    if (track->state != EG_TRACK_LIVE || now - track->burst.began_at <= EG_STORE_GOP_MAX + EG_STORE_HISTORY) return;
    // A source that fell silent leaves in the store what is there, however old, and what was moved must be moved again when it is asked for.
    const struct eg_packet *oldest = eg__store_get(store, store->begin);
    if (oldest != NULL ? eg__track_timestamp(track, oldest->timestamp) != oldest->timestamp : store->begin < store->end) return;
    track->burst.speed_percent = 0;
}

eg_time eg__track_due(const struct eg_track *track, uint64_t place, uint32_t timestamp, uint32_t rate) {
    if (track->state != EG_TRACK_CATCHING_UP) return 0;
    if (eg__timestamp_distance(track->burst.timestamp, timestamp) <= 0)
        return track->burst.began_at + (place - track->burst.place) * track->burst.idr_pace;
    return track->burst.began_at + (eg_time)burst_ticks(track, timestamp) * EG_SECOND / rate;
}

// [packets] of a step: what it takes for the largest picture to be out within its duration, or for a burst to be as fast as it is meant to be.
static uint64_t pace_step(const struct eg_track *track, const struct eg_source *source) {
    uint64_t step = EG_PACE_STEP;
    if (source->largest_picture > EG_PACE_AT_ONCE) {
        eg_time duration = (eg_time)source->picture_interval * EG_SECOND / source->clock->legs[source->index].rate;
        if (duration > EG_PACE_DURATION_MAX || duration == 0) duration = EG_PACE_DURATION_MAX;
        if (duration < EG_PACE_DURATION_MIN) duration = EG_PACE_DURATION_MIN;
        uint64_t needed = ((uint64_t)source->largest_picture * EG_PACE_INTERVAL + duration - 1) / duration;
        if (needed > step) step = needed;
    }
    if (track->state != EG_TRACK_CATCHING_UP) return step;
    uint64_t burst_step = (uint64_t)track->burst.bit_rate / 8 * EG_PACE_INTERVAL / EG_SECOND / PACKET_SIZE_TYPICAL;
    return burst_step > step ? burst_step : step;
}

uint32_t eg__track_pace(struct eg_track *track, eg_time now, const struct eg_source *source) {
    uint64_t steps = (now - track->pace.at) / EG_PACE_INTERVAL;
    if (steps == 0) return track->pace.left;
    uint64_t step = pace_step(track, source);
    uint64_t left_max = step > EG_PACE_AT_ONCE ? step : EG_PACE_AT_ONCE;
    bool is_full = steps >= left_max || track->pace.left + steps * step >= left_max;
    track->pace.left = (uint32_t)(is_full ? left_max : track->pace.left + steps * step);
    track->pace.at = is_full ? now : track->pace.at + steps * EG_PACE_INTERVAL;
    return track->pace.left;
}

bool eg__track_place_of(const struct eg_track *track, uint16_t sequence, uint64_t *place) {
    if (track->next_index == 0) return false;
    uint64_t last = track->next_index - 1;
    uint64_t back = (uint16_t)((uint16_t)last - sequence);
    if (back > last || last - back < track->history_index) return false;
    *place = last - back - track->index_offset;
    return true;
}

size_t eg__track_write(struct eg_track *track, struct eg_srtp *srtp, uint64_t place, const struct eg_packet *packet, uint8_t *out) {
    uint64_t index = place + track->index_offset;
    uint32_t timestamp = eg__track_timestamp(track, packet->timestamp);
    eg__rtp_write_header(out, packet->marker, track->payload_type, (uint16_t)index, timestamp, track->ssrc);
    if (index >= track->next_index) {
        track->next_index = index + 1;
        track->last_timestamp = timestamp;
        track->packets++;
        track->octets += packet->size;
    }
    return eg__srtp_protect(srtp, (uint32_t)(index >> 16), out, packet->payload, packet->size);
}

size_t eg__track_write_rtx(struct eg_track *track, struct eg_srtp *srtp, uint64_t place, const struct eg_packet *packet, uint8_t *out) {
    uint8_t payload[RTX_HEADER_SIZE + EG_RTP_PAYLOAD_SIZE_MAX];
    uint16_t original = (uint16_t)(place + track->index_offset);
    payload[0] = (uint8_t)(original >> 8);
    payload[1] = (uint8_t)original;
    if (packet->size > 0) memcpy(payload + RTX_HEADER_SIZE, packet->payload, packet->size);
    uint64_t index = track->rtx_index++;
    eg__rtp_write_header(out, packet->marker, track->rtx_payload_type, (uint16_t)index, eg__track_timestamp(track, packet->timestamp),
                         track->rtx_ssrc);
    return eg__srtp_protect(srtp, (uint32_t)(index >> 16), out, payload, (size_t)packet->size + RTX_HEADER_SIZE);
}
