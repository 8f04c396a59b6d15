#include "core/relay.h"

#include "base/memory.h"

void eg__relay_describe(const struct eg_stream *stream, uint32_t index, struct eg_relay_state *state) {
    const struct eg_source *source = &stream->sources[index];
    *state = (struct eg_relay_state){
        .state = source->state,
        .picture_timestamp = source->picture_timestamp,
        .picture_interval = source->picture_interval,
        .picture_arrival = source->picture_arrival,
        .largest_picture = source->largest_picture,
        .typical_bit_rate = source->typical_bit_rate,
        .gop_begin = source->store->gop_begin,
        .clock = stream->clock.legs[index],
        .silent_since = stream->silent_since,
    };
}

uint32_t eg__relay_collect(const struct eg_stream *stream, struct eg_relay_places *left, struct eg_relay_packet *packets, uint32_t count_max) {
    const struct eg_store *store = &stream->stores[left->source];
    uint32_t count = 0;
    // What is new lies in the newest blocks, a snapshot begins at the oldest: either way the next one is in the same block or in the next.
    uint32_t hint = left->begin > store->begin && store->chunk_count > 0 ? store->chunk_count - 1 : 0;
    for (; left->begin < left->end && count < count_max; left->begin++) {
        const struct eg_packet *packet = eg__store_get(store, left->begin);
        if (packet == NULL) continue;
        struct eg_chunk *chunk = eg__store_chunk_of(store, packet, &hint);
        if (count == 0 || packets[count - 1].chunk != chunk) eg__chunk_retain(chunk);
        packets[count++] = (struct eg_relay_packet){.place = left->begin, .chunk = chunk, .packet = *packet};
    }
    return count;
}

void eg__relay_let_go(const struct eg_relay_packet *packets, uint32_t count, struct eg_chunk_pool *mine) {
    for (uint32_t i = 0; i < count; i++)
        if (i == 0 || packets[i - 1].chunk != packets[i].chunk) eg__chunk_release(packets[i].chunk, mine);
}

struct eg_relay_snapshot *eg__relay_snapshot_create(const struct eg_stream *stream) {
    uint64_t count_max = 0;
    for (uint32_t i = 0; i < stream->source_count; i++) {
        uint64_t begin = stream->stores[i].begin, end = stream->sources[i].ready_end;
        count_max += end > begin ? end - begin : 0;
    }
    struct eg_relay_snapshot *snapshot = eg__memory_take(1, sizeof *snapshot + count_max * sizeof snapshot->packets[0]);
    if (snapshot == NULL) return NULL;
    snapshot->config = stream->config;
    snapshot->ntp_origin = stream->clock.ntp_origin;
    snapshot->source_count = stream->source_count;
    struct eg_relay_packet *packets = snapshot->packets;
    for (uint32_t i = 0; i < stream->source_count; i++) {
        eg__relay_describe(stream, i, &snapshot->states[i]);
        snapshot->ready_end[i] = stream->sources[i].ready_end;
        struct eg_relay_places kept = {.source = i, .begin = stream->stores[i].begin, .end = snapshot->ready_end[i]};
        snapshot->counts[i] = eg__relay_collect(stream, &kept, packets, UINT32_MAX);
        packets += snapshot->counts[i];
    }
    return snapshot;
}

void eg__relay_snapshot_destroy(struct eg_relay_snapshot *snapshot, struct eg_chunk_pool *mine) {
    struct eg_relay_packet *packets = snapshot->packets;
    for (uint32_t i = 0; i < snapshot->source_count; i++) {
        eg__relay_let_go(packets, snapshot->counts[i], mine);
        packets += snapshot->counts[i];
    }
    eg__memory_release(snapshot);
}

void eg__relay_adopt(struct eg_stream *mirror, eg_time now, const struct eg_relay_run *run) {
    struct eg_source *source = &mirror->sources[run->source];
    for (uint32_t i = 0; i < run->count; i++) {
        const struct eg_relay_packet *packet = &run->packets[i];
        eg__store_adopt(source->store, now, packet->place, &packet->packet, packet->chunk); // no memory: it is lost here
    }
    if (run->ready_end > source->ready_end) source->ready_end = run->ready_end;
}

void eg__relay_take_over(struct eg_stream *mirror, uint32_t index, const struct eg_relay_state *state) {
    struct eg_source *source = &mirror->sources[index];
    source->state = state->state;
    source->picture_timestamp = state->picture_timestamp;
    source->picture_interval = state->picture_interval;
    source->picture_arrival = state->picture_arrival;
    source->largest_picture = state->largest_picture;
    source->typical_bit_rate = state->typical_bit_rate;
    mirror->clock.legs[index] = state->clock;
    mirror->silent_since = state->silent_since;
    struct eg_store *store = source->store;
    if (state->gop_begin == EG_STORE_NO_GOP) store->gop_begin = EG_STORE_NO_GOP;
    else if (state->gop_begin < source->ready_end && state->gop_begin != store->gop_begin) eg__store_begin_gop(store, state->gop_begin);
}

void eg__relay_adopt_snapshot(struct eg_stream *mirror, eg_time now, const struct eg_relay_snapshot *snapshot) {
    const struct eg_relay_packet *packets = snapshot->packets;
    mirror->clock.ntp_origin = snapshot->ntp_origin;
    for (uint32_t i = 0; i < snapshot->source_count; i++) {
        // Known before its packets come, or they would be taken for history that is over.
        if (mirror->stores[i].end == 0) mirror->stores[i].gop_begin = snapshot->states[i].gop_begin;
        struct eg_relay_run run = {.source = i, .count = snapshot->counts[i], .packets = packets, .ready_end = snapshot->ready_end[i]};
        eg__relay_adopt(mirror, now, &run);
        eg__relay_take_over(mirror, i, &snapshot->states[i]);
        packets += snapshot->counts[i];
    }
}
