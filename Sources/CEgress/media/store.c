#include "media/store.h"

#include "base/memory.h"

#include <string.h>

enum { INITIAL_CAPACITY = 256, INITIAL_HOLDS = 4 };

bool eg__store_init(struct eg_store *store, struct eg_chunk_pool *chunks, uint32_t capacity_max, uint32_t chunk_count_max) {
    EG_ASSERT((capacity_max & (capacity_max - 1)) == 0);
    *store = (struct eg_store){
        .chunks = chunks,
        .capacity = capacity_max < INITIAL_CAPACITY ? capacity_max : INITIAL_CAPACITY,
        .capacity_max = capacity_max,
        .chunk_count_max = chunk_count_max,
        .gop_begin = EG_STORE_NO_GOP,
    };
    store->slots = eg__memory_take(store->capacity, sizeof *store->slots);
    return store->slots != NULL;
}

static struct eg_store_hold *hold_at(const struct eg_store *store, uint32_t place) {
    return &store->holds[(store->hold_first + place) & (store->hold_capacity - 1)];
}

static struct eg_store_hold *newest_hold(const struct eg_store *store) {
    return store->chunk_count > 0 ? hold_at(store, store->chunk_count - 1) : NULL;
}

static void release_oldest_chunk(struct eg_store *store) {
    struct eg_chunk *chunk = hold_at(store, 0)->chunk;
    store->hold_first++;
    store->chunk_count--;
    eg__chunk_release(chunk, store->chunks);
}

void eg__store_deinit(struct eg_store *store) {
    while (store->chunk_count > 0) release_oldest_chunk(store);
    eg__memory_release(store->holds);
    eg__memory_release(store->slots);
    *store = (struct eg_store){0};
}

static struct eg_packet *slot_of(const struct eg_store *store, uint64_t sequence) {
    return &store->slots[sequence & (store->capacity - 1)];
}

const struct eg_packet *eg__store_get(const struct eg_store *store, uint64_t sequence) {
    if (sequence < store->begin || sequence >= store->end) return NULL;
    const struct eg_packet *packet = slot_of(store, sequence);
    return packet->payload != NULL ? packet : NULL;
}

// Forgets the oldest place. Chunks before the new beginning are free, since all their packets are older.
static void drop_oldest(struct eg_store *store) {
    struct eg_packet *packet = slot_of(store, store->begin);
    if (packet->payload != NULL) store->bytes -= packet->size;
    *packet = (struct eg_packet){0};
    if (store->gop_begin == store->begin) store->gop_begin = EG_STORE_NO_GOP;
    store->begin++;
    while (store->chunk_count > 1 && hold_at(store, 0)->last_sequence < store->begin) release_oldest_chunk(store);
}

static bool is_history_over(const struct eg_store *store, eg_time now) {
    if (store->begin >= store->end || store->begin >= store->gop_begin) return false;
    return slot_of(store, store->begin)->arrival + EG_STORE_HISTORY < now;
}

static void trim(struct eg_store *store, eg_time now) {
    const struct eg_packet *first = eg__store_get(store, store->gop_begin);
    if (first != NULL && first->arrival + EG_STORE_GOP_MAX < now) store->gop_begin = EG_STORE_NO_GOP;
    while (is_history_over(store, now)) drop_oldest(store);
}

static bool grow(struct eg_store *store) {
    uint32_t capacity = store->capacity * 2;
    struct eg_packet *slots = eg__memory_take(capacity, sizeof *slots);
    if (slots == NULL) return false;
    for (uint64_t sequence = store->begin; sequence < store->end; sequence++)
        slots[sequence & (capacity - 1)] = *slot_of(store, sequence);
    eg__memory_release(store->slots);
    store->slots = slots;
    store->capacity = capacity;
    return true;
}

// Makes `sequence`, which is not late, a place of the ring, growing it or, at its limit, forgetting the oldest. The places that are
// skipped count as lost now.
static void make_place(struct eg_store *store, eg_time now, uint64_t sequence) {
    if (store->end == 0) store->begin = store->end = sequence; // the first packet of all
    while (sequence - store->begin >= store->capacity && store->capacity < store->capacity_max)
        if (!grow(store)) break;
    while (store->begin < store->end && sequence - store->begin >= store->capacity) drop_oldest(store);
    if (sequence - store->begin >= store->capacity) store->begin = store->end = sequence;
    while (store->end <= sequence) *slot_of(store, store->end++) = (struct eg_packet){.arrival = now};
}

static bool grow_holds(struct eg_store *store) {
    uint32_t capacity = store->hold_capacity == 0 ? INITIAL_HOLDS : store->hold_capacity * 2;
    struct eg_store_hold *holds = eg__memory_take(capacity, sizeof *holds);
    if (holds == NULL) return false;
    for (uint32_t i = 0; i < store->chunk_count; i++) holds[i] = *hold_at(store, i);
    eg__memory_release(store->holds);
    store->holds = holds;
    store->hold_capacity = capacity;
    store->hold_first = 0;
    return true;
}

// Makes room to hold one more block, within the limit of bytes: the oldest block's packets go, and with them a GOP that began there.
static bool make_hold(struct eg_store *store) {
    while (store->chunk_count >= store->chunk_count_max) {
        uint64_t last = hold_at(store, 0)->last_sequence;
        while (store->begin <= last && store->begin < store->end && store->chunk_count >= store->chunk_count_max) drop_oldest(store);
        if (store->chunk_count >= store->chunk_count_max) return false;
    }
    return store->chunk_count < store->hold_capacity || grow_holds(store);
}

static void hold(struct eg_store *store, struct eg_chunk *chunk) {
    *hold_at(store, store->chunk_count++) = (struct eg_store_hold){.chunk = chunk};
}

static void note_sequence(struct eg_store_hold *hold, uint64_t sequence) {
    if (sequence > hold->last_sequence) hold->last_sequence = sequence;
}

static uint8_t *take_bytes(struct eg_store *store, uint64_t sequence, size_t size) {
    struct eg_store_hold *newest = newest_hold(store);
    if (newest == NULL || newest->chunk->used + size > EG_STORE_CHUNK_SIZE) {
        struct eg_chunk *chunk = make_hold(store) ? eg__chunk_pool_take(store->chunks) : NULL;
        if (chunk == NULL) return NULL;
        hold(store, chunk);
        newest = newest_hold(store);
    }
    uint8_t *bytes = newest->chunk->bytes + newest->chunk->used;
    newest->chunk->used += (uint32_t)size;
    note_sequence(newest, sequence);
    return bytes;
}

// Trims, and makes a place for a packet that has none yet.
static enum eg_store_result begin_put(struct eg_store *store, eg_time now, uint64_t sequence) {
    trim(store, now);
    if (sequence < store->begin) return EG_STORE_LATE;
    if (eg__store_get(store, sequence) != NULL) return EG_STORE_DUPLICATE;
    make_place(store, now, sequence);
    return EG_STORE_PUT;
}

static void end_put(struct eg_store *store, uint64_t sequence, const struct eg_packet *packet) {
    *slot_of(store, sequence) = *packet;
    store->bytes += packet->size;
    if (sequence >= store->gop_begin && store->gop_begin != EG_STORE_NO_GOP) store->gop_bytes += packet->size;
}

enum eg_store_result eg__store_put(struct eg_store *store, uint64_t sequence, const struct eg_packet *packet) {
    EG_ASSERT(packet->size <= EG_RTP_PAYLOAD_SIZE_MAX);
    enum eg_store_result result = begin_put(store, packet->arrival, sequence);
    if (result != EG_STORE_PUT) return result;
    uint8_t *bytes = take_bytes(store, sequence, packet->size);
    if (bytes == NULL) return EG_STORE_NO_ROOM;
    if (sequence < store->begin) return EG_STORE_LATE; // to make room, its own place was forgotten
    if (packet->size > 0) memcpy(bytes, packet->payload, packet->size);
    struct eg_packet kept = *packet;
    kept.payload = bytes;
    end_put(store, sequence, &kept);
    return EG_STORE_PUT;
}

void eg__store_set_first_byte(struct eg_store *store, uint64_t sequence, uint8_t byte) {
    const struct eg_packet *packet = eg__store_get(store, sequence);
    struct eg_chunk *chunk = newest_hold(store)->chunk; // where the last put wrote
    uint8_t *first = chunk->bytes + chunk->used - packet->size;
    EG_ASSERT(packet->size > 0 && packet->payload == first);
    *first = byte;
}

// A late packet is in one of the newest blocks, so the search is short.
static struct eg_store_hold *find_hold(const struct eg_store *store, const struct eg_chunk *chunk) {
    for (uint32_t i = store->chunk_count; i > 0; i--)
        if (hold_at(store, i - 1)->chunk == chunk) return hold_at(store, i - 1);
    return NULL;
}

enum eg_store_result eg__store_adopt(struct eg_store *store, eg_time now, uint64_t sequence, const struct eg_packet *packet,
                                     struct eg_chunk *chunk) {
    enum eg_store_result result = begin_put(store, now, sequence);
    if (result != EG_STORE_PUT) return result;
    struct eg_store_hold *held = find_hold(store, chunk);
    if (held == NULL) {
        if (!make_hold(store)) return EG_STORE_NO_ROOM;
        if (sequence < store->begin) return EG_STORE_LATE;
        eg__chunk_retain(chunk);
        hold(store, chunk);
        held = newest_hold(store);
    }
    note_sequence(held, sequence);
    end_put(store, sequence, packet);
    return EG_STORE_PUT;
}

static bool lies_in(const struct eg_packet *packet, const struct eg_chunk *chunk) {
    return packet->payload >= chunk->bytes && packet->payload <= chunk->bytes + EG_STORE_CHUNK_SIZE - packet->size;
}

struct eg_chunk *eg__store_chunk_of(const struct eg_store *store, const struct eg_packet *packet, uint32_t *hint) {
    for (uint32_t i = 0; i < store->chunk_count; i++) {
        uint32_t place = (*hint + i) % store->chunk_count;
        struct eg_chunk *chunk = hold_at(store, place)->chunk;
        if (!lies_in(packet, chunk)) continue;
        *hint = place;
        return chunk;
    }
    EG_ASSERT(false); // every packet of the store is in a block that the store holds
    return NULL;
}

void eg__store_begin_gop(struct eg_store *store, uint64_t sequence) {
    store->gop_begin = sequence >= store->begin ? sequence : EG_STORE_NO_GOP;
    store->gop_bytes = 0;
    for (uint64_t place = sequence; place < store->end; place++) {
        const struct eg_packet *packet = eg__store_get(store, place);
        if (packet != NULL) store->gop_bytes += packet->size;
    }
}
