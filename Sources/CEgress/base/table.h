// A hash map from a 64-bit hash to a handle, open addressing, grown by doubling up to a limit. Keys are compared by the caller, through
// the handle: the map itself holds no key, so it serves addresses and ICE user names alike.
#ifndef EG_TABLE_H
#define EG_TABLE_H

#include "base/base.h"

struct eg_table_entry {
    uint64_t hash;
    eg_handle handle; // 0: empty
};

struct eg_table {
    struct eg_table_entry *entries;
    uint32_t capacity; // power of two, 0 at first
    uint32_t count;
    uint32_t count_max;
};

void eg__table_init(struct eg_table *table, uint32_t count_max);
void eg__table_deinit(struct eg_table *table);

// Adds an entry; false when `count_max` are held or memory is refused. Adding the same pair twice is a bug of the caller's (asserted).
bool eg__table_insert(struct eg_table *table, uint64_t hash, eg_handle handle);

// Takes an entry out. Has no effect when it is not there.
void eg__table_remove(struct eg_table *table, uint64_t hash, eg_handle handle);

// Walks all handles stored under `hash`: start with `*cursor` 0, returns 0 at the end.
eg_handle eg__table_find(const struct eg_table *table, uint64_t hash, uint32_t *cursor);

// FNV-1a over the bytes, finished by a mix, with the table owner's random `seed` so that a peer can't aim at one bucket.
uint64_t eg__hash(uint64_t seed, const void *bytes, size_t size);

#endif
