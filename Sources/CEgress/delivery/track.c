#include "delivery/track.h"

#include <string.h>

enum {
    PACKET_SIZE_TYPICAL = 1160, // [B] FFmpeg's, as we have it send them
    BURST_SLOWDOWN_MAX = 16, // the gentlest burst has this part of the greatest bit rate
};

void eg__track_init(struct eg_track *track, struct eg_random *random, enum eg_track_kind kind) {
    uint64_t bits = eg__random_u64(random);
    track->state = EG_TRACK_WAITING;
    track->ssrc = (uint32_t)bits & ~3u; // three SSRCs of a viewer differ in their last bits
    track->ssrc |= kind == EG_VIDEO ? 1 : 2;
    track->rtx_ssrc = track->ssrc | 3;
    track->next_index = track->history_index = track->map.first_index = (bits >> 32) & 0x7fff;
    track->rtx_index = (bits >> 48) & 0x7fff;
}

// From here on `place` is sent as the next index. What was sent of this source until now is forgotten, and with it all that was before.
static void move_to(struct eg_track *track, uint64_t place) {
    if (track->next_index > track->map.first_index) track->history_index = track->next_index;
    track->cursor = place;
    track->map.first_index = track->next_index;
    track->map.index_offset = track->next_index - place;
}

void eg__track_skip_to(struct eg_track *track, uint64_t place) { move_to(track, place); }

// What is sent from here on is of another source. A picture that is cut off leaves a gap of one number, or its end would seem to have come.
static void change_map(struct eg_track *track, uint32_t source, uint32_t timestamp_offset) {
    if (track->next_index > track->map.first_index) {
        track->before = track->map;
        track->before_end = track->next_index;
        if (track->history_index < track->map.first_index) track->history_index = track->map.first_index;
    }
    if (track->is_picture_open) track->next_index++;
    track->is_picture_open = false;
    track->map = (struct eg_track_map){.source = (uint8_t)source, .timestamp_offset = timestamp_offset, .first_index = track->next_index};
    track->burst.lost = 0;
    track->refused_gop = 0;
}

void eg__track_switch(struct eg_track *track, uint32_t source, uint64_t place, uint32_t timestamp_offset) {
    change_map(track, source, timestamp_offset);
    move_to(track, place);
    track->state = EG_TRACK_LIVE;
}

// That of the live stream when the burst begins, `pause` from now. It may begin in the very instant of the last picture sent, or while that is
// still ahead of its time.
static uint32_t burst_timestamp(const struct eg_track *track, eg_time now, eg_time pause, const struct eg_source *source) {
    uint32_t rate = source->clock->legs[source->index].rate;
    uint32_t live = eg__source_live_timestamp(source, now) + (uint32_t)(pause * rate / EG_SECOND);
    uint32_t last = track->last_timestamp - track->map.timestamp_offset;
    bool is_ahead = track->packets > 0 && eg__timestamp_distance(last, live) <= 0;
    return is_ahead ? last + 1 : live;
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

static bool begin_burst(struct eg_track *track, eg_time now, const struct eg_source *source, const struct eg_burst_plan *plan) {
    const struct eg_burst_limits *limits = plan->limits;
    const struct eg_store *store = source->store;
    const struct eg_packet *first = eg__store_get(store, store->gop_begin);
    if (first == NULL || track->refused_gop == store->gop_begin) return false;
    uint32_t rate = source->clock->legs[source->index].rate;
    uint32_t age = source->picture_timestamp - first->timestamp; // [RTP ticks]
    uint64_t idr_places, idr_bytes = first_picture_bytes(source, first, &idr_places);
    uint32_t bit_rate = plan->bit_rate > EG_BURST_BIT_RATE_MIN ? plan->bit_rate : EG_BURST_BIT_RATE_MIN;
    uint64_t speed = burst_speed(store->gop_bytes - idr_bytes, age, rate, bit_rate);
    bool is_live = age == 0 && track->state == EG_TRACK_WAITING; // it joins at what goes out anyway
    if (!is_live && (speed < limits->speed_min_percent || !eg__budget_take(limits->bytes, now, store->gop_bytes))) {
        track->refused_gop = store->gop_begin;
        (*limits->refused)++;
        return false;
    }
    (*limits->begun)++;
    track->state = EG_TRACK_CATCHING_UP;
    track->burst.began_at = now + plan->pause;
    track->burst.bit_rate = bit_rate;
    track->map.burst.timestamp = first->timestamp;
    track->map.burst.live_timestamp = burst_timestamp(track, now, plan->pause, source);
    track->map.burst.speed_percent = (uint32_t)speed;
    track->map.burst.idr_ticks = (uint32_t)(idr_bytes * 8 * rate / bit_rate);
    // On a link of which nothing bad is known the first picture goes at once; on a narrow one it would overflow the queue by itself. Of one that
    // has just begun nothing may be ready yet.
    bool is_paced = plan->pause > 0 && idr_places > 0;
    track->burst.idr_pace = is_paced ? (uint32_t)(idr_bytes * 8 * EG_SECOND / bit_rate / idr_places) : 0;
    track->burst.place = store->gop_begin;
    track->burst.lost = 0;
    move_to(track, store->gop_begin);
    return true;
}

static struct eg_burst_plan plan_of(uint32_t bit_rate, eg_time pause, const struct eg_burst_limits *limits) {
    return (struct eg_burst_plan){.bit_rate = bit_rate, .pause = pause, .limits = limits};
}

void eg__track_leave_for(struct eg_track *track, uint32_t source, uint32_t timestamp_offset) {
    change_map(track, source, timestamp_offset);
    track->state = EG_TRACK_WAITING;
}

bool eg__track_catch_up(struct eg_track *track, eg_time now, const struct eg_source *source, const struct eg_burst_plan *plan) {
    EG_ASSERT(track->state == EG_TRACK_WAITING && track->map.source == source->index);
    if (begin_burst(track, now, source, plan)) return true;
    track->refused_gop = source->store->gop_begin;
    return false;
}

// Of the burst that is to begin now: that of the last one, if it is not long ago, since the link will not be wider.
static uint32_t last_bit_rate(const struct eg_track *track, eg_time now, const struct eg_burst_limits *limits) {
    bool is_known = track->burst.bit_rate > 0 && now < track->burst.began_at + EG_BURST_RECOVERY;
    return is_known ? track->burst.bit_rate : limits->bit_rate_max;
}

bool eg__track_join(struct eg_track *track, eg_time now, const struct eg_source *source, const struct eg_burst_limits *limits) {
    EG_ASSERT(track->state == EG_TRACK_WAITING);
    const struct eg_burst_plan plan = plan_of(last_bit_rate(track, now, limits), 0, limits);
    if (source->kind == EG_VIDEO) return begin_burst(track, now, source, &plan);
    if (source->state == EG_SOURCE_WAITING) return false;
    track->state = EG_TRACK_LIVE;
    eg__track_skip_to(track, source->ready_end);
    return true;
}

static uint32_t slower(uint32_t bit_rate, const struct eg_burst_limits *limits) {
    uint32_t least = limits->bit_rate_max / BURST_SLOWDOWN_MAX;
    if (least < EG_BURST_BIT_RATE_MIN) least = EG_BURST_BIT_RATE_MIN;
    return bit_rate > least ? bit_rate : least;
}

bool eg__track_begin_again(struct eg_track *track, eg_time now, const struct eg_source *source, const struct eg_burst_limits *limits) {
    if (track->state != EG_TRACK_LIVE && track->state != EG_TRACK_CATCHING_UP) return false;
    if (now < track->burst.began_at + EG_BURST_AGAIN) return false;
    // One that asks again so soon has lost the last burst on a link too narrow for it: less each time, until it has to wait for the next IDR.
    bool is_soon = track->burst.bit_rate > 0 && now < track->burst.began_at + EG_BURST_RECOVERY;
    uint32_t bit_rate = is_soon ? slower(track->burst.bit_rate / 2, limits) : limits->bit_rate_max;
    const struct eg_burst_plan plan = plan_of(bit_rate, 0, limits);
    return begin_burst(track, now, source, &plan);
}

void eg__track_note_lost(struct eg_track *track, uint64_t place) {
    if (track->state != EG_TRACK_CATCHING_UP) return;
    uint64_t index = place + track->map.index_offset;
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
    const struct eg_burst_plan plan = plan_of(bit_rate, EG_BURST_PAUSE, limits);
    if (bit_rate == track->burst.bit_rate) (*limits->refused)++;
    else if (begin_burst(track, now, source, &plan)) return true;
    track->refused_gop = source->store->gop_begin;
    track->state = EG_TRACK_WAITING;
    track->history_index = track->next_index; // what is lost stays lost: it is of no use without the rest
    return false;
}

// [RTP ticks] after L0 at which a picture of the burst is due.
static uint32_t burst_ticks(const struct eg_track_map *map, uint32_t timestamp) {
    uint64_t since = timestamp - map->burst.timestamp;
    return (uint32_t)(since * 100 / map->burst.speed_percent) + (since > 0 ? map->burst.idr_ticks : 0);
}

// On the source's timeline.
static uint32_t moved_by_burst(const struct eg_track_map *map, uint32_t timestamp) {
    if (map->burst.speed_percent == 0 || eg__timestamp_distance(map->burst.timestamp, timestamp) < 0) return timestamp;
    uint32_t moved = map->burst.live_timestamp + burst_ticks(map, timestamp);
    return eg__timestamp_distance(timestamp, moved) > 0 ? moved : timestamp;
}

uint32_t eg__track_timestamp(const struct eg_track_map *map, uint32_t timestamp) {
    return moved_by_burst(map, timestamp) + map->timestamp_offset;
}

void eg__track_settle(struct eg_track *track, eg_time now, const struct eg_store *store) {
    if (track->state != EG_TRACK_LIVE || now - track->burst.began_at <= EG_STORE_GOP_MAX + EG_STORE_HISTORY) return;
    // A source that fell silent leaves in the store what is there, however old, and what was moved must be moved again when it is asked for.
    const struct eg_packet *oldest = eg__store_get(store, store->begin);
    if (oldest != NULL ? moved_by_burst(&track->map, oldest->timestamp) != oldest->timestamp : store->begin < store->end) return;
    track->map.burst.speed_percent = 0;
}

eg_time eg__track_due(const struct eg_track *track, uint64_t place, uint32_t timestamp, uint32_t rate) {
    if (track->state != EG_TRACK_CATCHING_UP) return 0;
    if (eg__timestamp_distance(track->map.burst.timestamp, timestamp) <= 0)
        return track->burst.began_at + (place - track->burst.place) * track->burst.idr_pace;
    return track->burst.began_at + (eg_time)burst_ticks(&track->map, timestamp) * EG_SECOND / rate;
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

static eg_time pace_interval(const struct eg_track *track) { return track->pace.bit_rate > 0 ? EG_PACE_NARROW_INTERVAL : EG_PACE_INTERVAL; }

eg_time eg__track_paced_until(const struct eg_track *track) { return track->pace.at + pace_interval(track); }

// Of a viewer whose link decides: bytes, at its bit rate.
static int32_t pace_bytes(struct eg_track *track, eg_time now) {
    uint64_t earned = eg__time_min(now - track->pace.at, EG_SECOND) * (track->pace.bit_rate / 8) / EG_SECOND;
    bool is_full = earned >= (uint64_t)(EG_PACE_NARROW_AT_ONCE - track->pace.left);
    track->pace.left = is_full ? EG_PACE_NARROW_AT_ONCE : track->pace.left + (int32_t)earned;
    track->pace.at = now;
    return track->pace.left;
}

int32_t eg__track_pace(struct eg_track *track, eg_time now, const struct eg_source *source) {
    if (now < eg__track_paced_until(track)) return track->pace.left;
    if (track->pace.bit_rate > 0) return pace_bytes(track, now);
    uint64_t steps = (now - track->pace.at) / EG_PACE_INTERVAL;
    uint64_t step = pace_step(track, source);
    uint64_t left_max = step > EG_PACE_AT_ONCE ? step : EG_PACE_AT_ONCE;
    uint64_t left = (uint64_t)track->pace.left + steps * step;
    bool is_full = steps >= left_max || left >= left_max;
    track->pace.left = (int32_t)(is_full ? left_max : left);
    track->pace.at = is_full ? now : track->pace.at + steps * EG_PACE_INTERVAL;
    return track->pace.left;
}

bool eg__track_find(const struct eg_track *track, uint16_t sequence, struct eg_track_spot *spot) {
    if (track->next_index == 0) return false;
    uint64_t last = track->next_index - 1;
    uint64_t back = (uint16_t)((uint16_t)last - sequence);
    if (back > last || last - back < track->history_index) return false;
    uint64_t index = last - back;
    if (index >= track->before_end && index < track->map.first_index) return false; // skipped
    const struct eg_track_map *map = index >= track->map.first_index ? &track->map : &track->before;
    *spot = (struct eg_track_spot){.map = map, .place = index - map->index_offset};
    return true;
}

// A packet as the viewer sees it.
struct seen {
    uint32_t ssrc;
    uint32_t timestamp;
    uint64_t index;
    uint16_t transport_number;
    uint8_t payload_type;
    bool marker;
    uint16_t size;          // [B] of the payload
    const uint8_t *payload;
};

static struct seen seen_of(const struct eg_track *track, const struct eg_track_map *map, uint64_t place, const struct eg_packet *packet) {
    uint64_t index = place + map->index_offset;
    return (struct seen){.ssrc = track->ssrc, .timestamp = eg__track_timestamp(map, packet->timestamp), .index = index,
                         .transport_number = (uint16_t)index, .payload_type = track->payload_type, .marker = packet->marker, .size = packet->size,
                         .payload = packet->payload};
}

static size_t write(const struct eg_track *track, struct eg_srtp *srtp, const struct seen *seen, uint8_t *out) {
    eg__rtp_write_header(out, seen->marker, seen->payload_type, (uint16_t)seen->index, seen->timestamp, seen->ssrc);
    if (track->transport_id != 0) {
        eg__rtp_set_extension(out);
        eg__rtp_write_transport_number(out + EG_RTP_HEADER_SIZE, track->transport_id, seen->transport_number);
    }
    return eg__srtp_protect(srtp, (uint32_t)(seen->index >> 16), out, seen->payload, seen->size);
}

size_t eg__track_write(struct eg_track *track, struct eg_srtp *srtp, uint64_t place, const struct eg_packet *packet, uint8_t *out) {
    struct seen seen = seen_of(track, &track->map, place, packet);
    EG_ASSERT(seen.index >= track->next_index);
    if (track->has_rtx) seen.transport_number = track->transport_number;
    track->transport_number = (uint16_t)(seen.transport_number + 1);
    track->next_index = seen.index + 1;
    track->last_timestamp = seen.timestamp;
    track->is_picture_open = !packet->marker;
    track->packets++;
    track->octets += packet->size;
    return write(track, srtp, &seen, out);
}

// Makes a retransmission of it, whose payload is put together in `payload`.
static void repeat(struct eg_track *track, struct seen *seen, uint8_t payload[EG_RTX_HEADER_SIZE + EG_RTP_PAYLOAD_SIZE_MAX]) {
    payload[0] = (uint8_t)(seen->index >> 8);
    payload[1] = (uint8_t)seen->index;
    if (seen->size > 0) memcpy(payload + EG_RTX_HEADER_SIZE, seen->payload, seen->size);
    seen->payload = payload;
    seen->size = (uint16_t)(seen->size + EG_RTX_HEADER_SIZE);
    seen->ssrc = track->rtx_ssrc;
    seen->payload_type = track->rtx_payload_type;
    seen->index = track->rtx_index++;
    seen->transport_number = track->transport_number++;
}

size_t eg__track_write_again(struct eg_track *track, struct eg_srtp *srtp, const struct eg_track_spot *spot, const struct eg_packet *packet,
                             uint8_t *out) {
    uint8_t payload[EG_RTX_HEADER_SIZE + EG_RTP_PAYLOAD_SIZE_MAX];
    struct seen seen = seen_of(track, spot->map, spot->place, packet);
    EG_ASSERT(seen.index < track->next_index);
    if (track->has_rtx) repeat(track, &seen, payload);
    return write(track, srtp, &seen, out);
}
