#include "proto/store.h"

#include "base/memory.h"

#include <string.h>

enum { INITIAL_CAPACITY = 256 };

bool eg__store_init(struct eg_store *store, struct eg_pool *chunks, uint32_t capacity_max, uint32_t chunk_count_max) {
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

static void release_oldest_chunk(struct eg_store *store) {
    struct eg_store_chunk *chunk = store->oldest;
    store->oldest = chunk->next;
    if (store->oldest == NULL) store->newest = NULL;
    store->chunk_count--;
    eg__pool_release(store->chunks, chunk->handle);
}

void eg__store_deinit(struct eg_store *store) {
    while (store->oldest != NULL) release_oldest_chunk(store);
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

// Forgets the oldest place. The chunks in front of the new begin are free: their packets are all older.
static void drop_oldest(struct eg_store *store) {
    struct eg_packet *packet = slot_of(store, store->begin);
    if (packet->payload != NULL) store->bytes -= packet->size;
    *packet = (struct eg_packet){0};
    if (store->gop_begin == store->begin) store->gop_begin = EG_STORE_NO_GOP;
    store->begin++;
    while (store->oldest != NULL && store->oldest != store->newest && store->oldest->last_sequence < store->begin)
        release_oldest_chunk(store);
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

// Makes `sequence`, which is not late, a place of the ring, growing it or, at its limit, forgetting the oldest. The places that are passed
// over count as lost now.
static void make_place(struct eg_store *store, eg_time now, uint64_t sequence) {
    if (store->end == 0) store->begin = store->end = sequence; // the first of all
    while (sequence - store->begin >= store->capacity && store->capacity < store->capacity_max)
        if (!grow(store)) break;
    while (store->begin < store->end && sequence - store->begin >= store->capacity) drop_oldest(store);
    if (sequence - store->begin >= store->capacity) store->begin = store->end = sequence;
    while (store->end <= sequence) *slot_of(store, store->end++) = (struct eg_packet){.arrival = now};
}

static uint8_t *take_bytes(struct eg_store *store, uint64_t sequence, size_t size) {
    if (store->newest == NULL || store->newest->used + size > EG_STORE_CHUNK_SIZE) {
        while (store->chunk_count >= store->chunk_count_max) {
            // Over the limit of bytes: the oldest chunk's packets go, and with them a GOP that began there.
            while (store->begin <= store->oldest->last_sequence && store->begin < store->end && store->chunk_count >= store->chunk_count_max)
                drop_oldest(store);
            if (store->chunk_count >= store->chunk_count_max) return NULL;
        }
        eg_handle handle;
        struct eg_store_chunk *chunk = eg__pool_take(store->chunks, &handle);
        if (chunk == NULL) return NULL;
        chunk->handle = handle;
        if (store->newest != NULL) store->newest->next = chunk;
        else store->oldest = chunk;
        store->newest = chunk;
        store->chunk_count++;
    }
    struct eg_store_chunk *chunk = store->newest;
    uint8_t *bytes = chunk->bytes + chunk->used;
    chunk->used += (uint32_t)size;
    if (sequence > chunk->last_sequence) chunk->last_sequence = sequence;
    return bytes;
}

enum eg_store_result eg__store_put(struct eg_store *store, eg_time now, uint64_t sequence, uint32_t timestamp, bool marker,
                                   const uint8_t *payload, size_t size) {
    EG_ASSERT(size <= EG_RTP_PAYLOAD_SIZE_MAX);
    trim(store, now);
    if (sequence < store->begin) return EG_STORE_LATE;
    if (eg__store_get(store, sequence) != NULL) return EG_STORE_DUPLICATE;
    make_place(store, now, sequence);
    uint8_t *bytes = take_bytes(store, sequence, size);
    if (bytes == NULL) return EG_STORE_NO_ROOM;
    if (sequence < store->begin) return EG_STORE_LATE; // the room for it was made of its own place
    if (size > 0) memcpy(bytes, payload, size);
    *slot_of(store, sequence) =
        (struct eg_packet){.payload = bytes, .arrival = now, .timestamp = timestamp, .size = (uint16_t)size, .marker = marker};
    store->bytes += size;
    if (sequence >= store->gop_begin && store->gop_begin != EG_STORE_NO_GOP) store->gop_bytes += size;
    return EG_STORE_PUT;
}

void eg__store_begin_gop(struct eg_store *store, uint64_t sequence) {
    store->gop_begin = sequence >= store->begin ? sequence : EG_STORE_NO_GOP;
    store->gop_bytes = 0;
    for (uint64_t place = sequence; place < store->end; place++) {
        const struct eg_packet *packet = eg__store_get(store, place);
        if (packet != NULL) store->gop_bytes += packet->size;
    }
}
