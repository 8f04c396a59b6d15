#include "proto/track.h"

#include <string.h>

enum {
    RTX_HEADER_SIZE = 2, // [B] the original sequence number, RFC 4588 §4
    BURST_HALVINGS_MAX = 4,
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

// A burst may begin in the very instant of the last picture sent, or while that is still ahead of its time.
static uint32_t burst_timestamp(const struct eg_track *track, eg_time now, const struct eg_source *source) {
    uint32_t live = eg__source_live_timestamp(source, now);
    bool is_ahead = track->packets > 0 && eg__timestamp_distance(track->last_timestamp, live) <= 0;
    return is_ahead ? track->last_timestamp + 1 : live;
}

// [B] of the picture that a GOP begins with, as far as it has arrived.
static uint64_t first_picture_bytes(const struct eg_source *source, const struct eg_packet *first) {
    uint64_t bytes = 0;
    for (uint64_t place = source->store->gop_begin; place < source->ready_end; place++) {
        const struct eg_packet *packet = eg__store_get(source->store, place);
        if (packet == NULL) continue;
        if (packet->timestamp != first->timestamp) break;
        bytes += packet->size;
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

static bool begin_burst(struct eg_track *track, eg_time now, const struct eg_source *source, const struct eg_burst_limits *limits) {
    const struct eg_store *store = source->store;
    const struct eg_packet *first = eg__store_get(store, store->gop_begin);
    if (first == NULL || track->refused_gop == store->gop_begin) return false;
    uint32_t rate = source->clock->legs[EG_VIDEO].rate;
    uint32_t age = source->picture_timestamp - first->timestamp; // [RTP ticks]
    uint64_t idr_bytes = first_picture_bytes(source, first);
    uint64_t speed = burst_speed(store->gop_bytes - idr_bytes, age, rate, limits->bit_rate_max);
    if (age > 0 && (speed < EG_BURST_SPEED_MIN_PERCENT || !eg__budget_take(limits->bytes, now, store->gop_bytes))) {
        track->refused_gop = store->gop_begin;
        (*limits->refused)++;
        return false;
    }
    (*limits->begun)++;
    track->state = EG_TRACK_CATCHING_UP;
    track->burst.began_at = now;
    track->burst.timestamp = first->timestamp;
    track->burst.live_timestamp = burst_timestamp(track, now, source);
    track->burst.speed_percent = (uint32_t)speed;
    track->burst.idr_ticks = (uint32_t)(idr_bytes * 8 * rate / limits->bit_rate_max);
    eg__track_skip_to(track, store->gop_begin);
    return true;
}

bool eg__track_join(struct eg_track *track, eg_time now, const struct eg_source *source, const struct eg_burst_limits *limits) {
    EG_ASSERT(track->state == EG_TRACK_WAITING);
    if (source->kind == EG_VIDEO) return begin_burst(track, now, source, limits);
    if (source->state == EG_SOURCE_WAITING) return false;
    track->state = EG_TRACK_LIVE;
    eg__track_skip_to(track, source->ready_end);
    return true;
}

bool eg__track_begin_again(struct eg_track *track, eg_time now, const struct eg_source *source, const struct eg_burst_limits *limits) {
    if (track->state != EG_TRACK_LIVE && track->state != EG_TRACK_CATCHING_UP) return false;
    eg_time since = now - track->burst.began_at;
    if (since < EG_BURST_AGAIN) return false;
    // One that asks again so soon has lost the last burst on a link too narrow for it: less each time, until it has to wait for the next IDR.
    if (since >= EG_BURST_RECOVERY) track->burst_halvings = 0;
    else if (track->burst_halvings < BURST_HALVINGS_MAX) track->burst_halvings++;
    struct eg_burst_limits gentler = *limits;
    gentler.bit_rate_max >>= track->burst_halvings;
    return begin_burst(track, now, source, &gentler);
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

eg_time eg__track_due(const struct eg_track *track, uint32_t timestamp, uint32_t rate) {
    if (track->state != EG_TRACK_CATCHING_UP || eg__timestamp_distance(track->burst.timestamp, timestamp) <= 0) return 0;
    return track->burst.began_at + (eg_time)burst_ticks(track, timestamp) * EG_SECOND / rate;
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
