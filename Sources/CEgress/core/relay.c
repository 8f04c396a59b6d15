#include "core/relay.h"

#include "base/memory.h"

static void describe_leg(const struct eg_source *source, struct eg_relay_leg *leg) {
    *leg = (struct eg_relay_leg){
        .state = source->state,
        .picture_timestamp = source->picture_timestamp,
        .picture_interval = source->picture_interval,
        .picture_arrival = source->picture_arrival,
        .largest_picture = source->largest_picture,
        .gop_begin = source->store->gop_begin,
    };
}

void eg__relay_describe(const struct eg_stream *stream, struct eg_relay_state *state) {
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) describe_leg(&stream->sources[kind], &state->legs[kind]);
    state->clock = stream->clock;
    state->silent_since = stream->silent_since;
}

uint32_t eg__relay_collect(const struct eg_stream *stream, struct eg_relay_places *left, struct eg_relay_packet *packets, uint32_t count_max) {
    const struct eg_store *store = &stream->stores[left->kind];
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
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) {
        uint64_t begin = stream->stores[kind].begin, end = stream->sources[kind].ready_end;
        count_max += end > begin ? end - begin : 0;
    }
    struct eg_relay_snapshot *snapshot = eg__memory_take(1, sizeof *snapshot + count_max * sizeof snapshot->packets[0]);
    if (snapshot == NULL) return NULL;
    snapshot->config = stream->config;
    eg__relay_describe(stream, &snapshot->state);
    struct eg_relay_packet *packets = snapshot->packets;
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) {
        snapshot->ready_end[kind] = stream->sources[kind].ready_end;
        struct eg_relay_places kept = {.kind = kind, .begin = stream->stores[kind].begin, .end = snapshot->ready_end[kind]};
        snapshot->counts[kind] = eg__relay_collect(stream, &kept, packets, UINT32_MAX);
        packets += snapshot->counts[kind];
    }
    return snapshot;
}

void eg__relay_snapshot_destroy(struct eg_relay_snapshot *snapshot, struct eg_chunk_pool *mine) {
    struct eg_relay_packet *packets = snapshot->packets;
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) {
        eg__relay_let_go(packets, snapshot->counts[kind], mine);
        packets += snapshot->counts[kind];
    }
    eg__memory_release(snapshot);
}

void eg__relay_adopt(struct eg_stream *mirror, eg_time now, const struct eg_relay_run *run) {
    struct eg_source *source = &mirror->sources[run->kind];
    for (uint32_t i = 0; i < run->count; i++) {
        const struct eg_relay_packet *packet = &run->packets[i];
        eg__store_adopt(source->store, now, packet->place, &packet->packet, packet->chunk); // no memory: it is lost here
    }
    if (run->ready_end > source->ready_end) source->ready_end = run->ready_end;
}

static void take_over_leg(struct eg_source *source, const struct eg_relay_leg *leg) {
    source->state = leg->state;
    source->picture_timestamp = leg->picture_timestamp;
    source->picture_interval = leg->picture_interval;
    source->picture_arrival = leg->picture_arrival;
    source->largest_picture = leg->largest_picture;
    struct eg_store *store = source->store;
    if (leg->gop_begin == EG_STORE_NO_GOP) store->gop_begin = EG_STORE_NO_GOP;
    else if (leg->gop_begin < source->ready_end && leg->gop_begin != store->gop_begin) eg__store_begin_gop(store, leg->gop_begin);
}

void eg__relay_take_over(struct eg_stream *mirror, const struct eg_relay_state *state) {
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) take_over_leg(&mirror->sources[kind], &state->legs[kind]);
    mirror->clock = state->clock;
    mirror->silent_since = state->silent_since;
}

void eg__relay_adopt_snapshot(struct eg_stream *mirror, eg_time now, const struct eg_relay_snapshot *snapshot) {
    const struct eg_relay_packet *packets = snapshot->packets;
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) {
        // Known before its packets come, or they would be taken for history that is over.
        if (mirror->stores[kind].end == 0) mirror->stores[kind].gop_begin = snapshot->state.legs[kind].gop_begin;
        struct eg_relay_run run = {.kind = kind, .count = snapshot->counts[kind], .packets = packets, .ready_end = snapshot->ready_end[kind]};
        eg__relay_adopt(mirror, now, &run);
        packets += snapshot->counts[kind];
    }
    eg__relay_take_over(mirror, &snapshot->state);
}
