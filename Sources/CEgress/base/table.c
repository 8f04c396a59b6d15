// Linear probing. A removal closes its gap by moving later entries of the run back, so there are no tombstones, and a table that is
// used for weeks is as fast as a new one.
#include "base/table.h"

#include <stdlib.h>

enum { CAPACITY_MIN = 16 };

static uint32_t home_of(const struct eg_table *table, uint64_t hash) { return (uint32_t)hash & (table->capacity - 1); }

static uint32_t place_after(const struct eg_table *table, uint32_t place) { return (place + 1) & (table->capacity - 1); }

void eg__table_init(struct eg_table *table, uint32_t count_max) {
    EG_ASSERT(count_max <= 1U << 30); // so that the capacity, at most twice that, fits its type
    *table = (struct eg_table){.count_max = count_max};
}

void eg__table_deinit(struct eg_table *table) {
    free(table->entries);
    *table = (struct eg_table){.count_max = table->count_max};
}

// Needs an empty place. Two equal pairs would be in the same run, so the walk to its end finds an earlier one.
static void put(struct eg_table *table, uint64_t hash, eg_handle handle) {
    uint32_t place = home_of(table, hash);
    for (; table->entries[place].handle != 0; place = place_after(table, place)) {
        EG_ASSERT(table->entries[place].handle != handle || table->entries[place].hash != hash);
    }
    table->entries[place] = (struct eg_table_entry){.hash = hash, .handle = handle};
}

// Makes sure that one more entry leaves a quarter of the places empty: runs stay short and every probe ends.
static bool make_room(struct eg_table *table) {
    if (table->count + 1 <= table->capacity / 4 * 3) return true;
    struct eg_table larger = *table;
    larger.capacity = table->capacity == 0 ? CAPACITY_MIN : table->capacity * 2;
    larger.entries = calloc(larger.capacity, sizeof *larger.entries);
    if (larger.entries == NULL) return false;
    for (uint32_t i = 0; i < table->capacity; i++) {
        const struct eg_table_entry *entry = &table->entries[i];
        if (entry->handle != 0) put(&larger, entry->hash, entry->handle);
    }
    free(table->entries);
    *table = larger;
    return true;
}

bool eg__table_insert(struct eg_table *table, uint64_t hash, eg_handle handle) {
    EG_ASSERT(handle != 0);
    if (table->count >= table->count_max || !make_room(table)) return false;
    put(table, hash, handle);
    table->count++;
    return true;
}

// Moves the rest of the run back over the gap. An entry may go into the gap unless its home is between the gap and itself: a probe for
// it starts at its home and would never reach the gap.
static void close_gap(struct eg_table *table, uint32_t gap) {
    uint32_t mask = table->capacity - 1;
    for (uint32_t place = place_after(table, gap); table->entries[place].handle != 0; place = place_after(table, place)) {
        uint32_t probed = (place - home_of(table, table->entries[place].hash)) & mask;
        uint32_t back = (place - gap) & mask;
        if (probed < back) continue;
        table->entries[gap] = table->entries[place];
        gap = place;
    }
    table->entries[gap] = (struct eg_table_entry){0};
}

void eg__table_remove(struct eg_table *table, uint64_t hash, eg_handle handle) {
    if (table->count == 0) return;
    for (uint32_t place = home_of(table, hash); table->entries[place].handle != 0; place = place_after(table, place)) {
        if (table->entries[place].handle != handle || table->entries[place].hash != hash) continue;
        close_gap(table, place);
        table->count--;
        return;
    }
}

// The cursor counts the places that were probed, so it means nothing any more after an insertion or a removal.
eg_handle eg__table_find(const struct eg_table *table, uint64_t hash, uint32_t *cursor) {
    if (table->count == 0) return 0;
    for (;;) {
        const struct eg_table_entry *entry = &table->entries[(home_of(table, hash) + *cursor) & (table->capacity - 1)];
        if (entry->handle == 0) return 0;
        (*cursor)++;
        if (entry->hash == hash) return entry->handle;
    }
}

uint64_t eg__hash(uint64_t seed, const void *bytes, size_t size) {
    const uint8_t *at = bytes;
    uint64_t hash = 0xcbf29ce484222325 ^ seed;
    for (size_t i = 0; i < size; i++) hash = (hash ^ at[i]) * 0x100000001b3;
    // FNV's low bits depend only on the low bits of its input, and the table uses the low bits. So the high ones are folded in.
    hash = (hash ^ hash >> 32) * 0x9e3779b97f4a7c15;
    return hash ^ hash >> 29;
}
