#include "media/parameter_sets.h"

#include "base/limits.h"
#include "base/memory.h"

#include <string.h>

enum {
    SETS_INITIAL = 4,
    BYTES_INITIAL = 256, // [B]
};

_Static_assert(EG_PARAMETER_SETS_SIZE_MAX <= UINT16_MAX, "positions and sizes are 16 bits wide");

void eg__parameter_sets_init(struct eg_parameter_sets *sets, const struct eg_codec_traits *codec) {
    EG_ASSERT(codec->sets != NULL);
    *sets = (struct eg_parameter_sets){.codec = codec};
}

void eg__parameter_sets_deinit(struct eg_parameter_sets *sets) {
    eg__memory_release(sets->sets);
    eg__memory_release(sets->bytes);
    eg__memory_release(sets->partial.bytes);
    *sets = (struct eg_parameter_sets){0};
}

void eg__parameter_sets_begin_sender(struct eg_parameter_sets *sets) {
    sets->is_of_last_sender = true;
    sets->partial.active = false;
}

// The position of the first set whose key is not below this one.
static uint16_t position_of(const struct eg_parameter_sets *sets, uint32_t key) {
    uint16_t low = 0, high = sets->count;
    while (low < high) {
        uint16_t middle = (uint16_t)((low + high) / 2);
        if (sets->sets[middle].key < key) low = (uint16_t)(middle + 1);
        else high = middle;
    }
    return low;
}

static struct eg_parameter_set *find(const struct eg_parameter_sets *sets, uint32_t key) {
    uint16_t position = position_of(sets, key);
    return position < sets->count && sets->sets[position].key == key ? &sets->sets[position] : NULL;
}

// NULL when memory is refused.
static struct eg_parameter_set *add(struct eg_parameter_sets *sets, uint16_t key) {
    if (sets->count == sets->capacity) {
        uint16_t capacity = sets->capacity == 0 ? SETS_INITIAL : (uint16_t)(sets->capacity * 2);
        struct eg_parameter_set *grown = eg__memory_grow(sets->sets, capacity * sizeof *grown);
        if (grown == NULL) return NULL;
        sets->sets = grown;
        sets->capacity = capacity;
    }
    EG_ASSERT(sets->count < sets->codec->sets->key_end);
    uint16_t position = position_of(sets, key);
    struct eg_parameter_set *set = &sets->sets[position];
    memmove(set + 1, set, (size_t)(sets->count - position) * sizeof *set);
    sets->count++;
    *set = (struct eg_parameter_set){.key = key};
    return set;
}

// The bytes behind those of the removed set move up.
static void drop_bytes(struct eg_parameter_sets *sets, struct eg_parameter_set *set) {
    if (set->size == 0) return;
    uint16_t end = (uint16_t)(set->at + set->size);
    memmove(sets->bytes + set->at, sets->bytes + end, (size_t)(sets->size - end));
    for (uint16_t i = 0; i < sets->count; i++)
        if (sets->sets[i].at >= end) sets->sets[i].at = (uint16_t)(sets->sets[i].at - set->size);
    sets->size = (uint16_t)(sets->size - set->size);
    set->size = 0;
}

static bool drop_oldest(struct eg_parameter_sets *sets) {
    struct eg_parameter_set *oldest = NULL;
    for (uint16_t i = 0; i < sets->count; i++) {
        struct eg_parameter_set *set = &sets->sets[i];
        if (set->size > 0 && (oldest == NULL || set->place < oldest->place)) oldest = set;
    }
    if (oldest != NULL) drop_bytes(sets, oldest);
    return oldest != NULL;
}

static bool make_room(struct eg_parameter_sets *sets, size_t size) {
    while (sets->size + size > EG_PARAMETER_SETS_SIZE_MAX)
        if (!drop_oldest(sets)) return false;
    if (sets->size + size <= sets->bytes_capacity) return true;
    size_t capacity = sets->bytes_capacity == 0 ? BYTES_INITIAL : sets->bytes_capacity;
    while (capacity < sets->size + size) capacity *= 2;
    if (capacity > EG_PARAMETER_SETS_SIZE_MAX) capacity = EG_PARAMETER_SETS_SIZE_MAX;
    uint8_t *grown = eg__memory_grow(sets->bytes, capacity);
    if (grown == NULL) return false;
    sets->bytes = grown;
    sets->bytes_capacity = (uint16_t)capacity;
    return true;
}

// A set that is too large, or that there is no memory for, must not leave the set before in its place.
static void keep_bytes(struct eg_parameter_sets *sets, struct eg_parameter_set *set, const uint8_t *nal, size_t size) {
    drop_bytes(sets, set);
    if (size > EG_PARAMETER_SET_SIZE_MAX || !make_room(sets, size)) return;
    set->at = sets->size;
    set->size = (uint16_t)size;
    memcpy(sets->bytes + set->at, nal, size);
    sets->size = (uint16_t)(sets->size + size);
}

static bool is_sps(const struct eg_parameter_sets *sets, uint16_t key) {
    return key >= sets->codec->sets->sps_key && key < sets->codec->sets->pps_key;
}

// Of a set that is too long to be kept, only as much is read as could be kept.
static void learn_unit(struct eg_parameter_sets *sets, uint64_t place, const uint8_t *nal, size_t size) {
    size_t readable = size < EG_PARAMETER_SET_SIZE_MAX ? size : EG_PARAMETER_SET_SIZE_MAX;
    struct eg_set_identity identity;
    if (!sets->codec->sets->identify(&identity, nal, readable)) return;
    if (sets->is_of_last_sender) sets->count = sets->size = 0;
    sets->is_of_last_sender = false;
    struct eg_parameter_set *set = find(sets, identity.key);
    if (set == NULL) set = add(sets, identity.key);
    if (set == NULL || place < set->place) return;
    set->place = place;
    bool is_same = set->size > 0 && set->size == size && memcmp(sets->bytes + set->at, nal, size) == 0;
    if (is_same) return;
    set->parent = identity.parent;
    if (is_sps(sets, identity.key) && !sets->codec->parse_format(&set->format, nal, readable)) set->format = (struct eg_video_format){0};
    keep_bytes(sets, set, nal, size);
}

static void add_to_partial(struct eg_parameter_sets *sets, const uint8_t *bytes, size_t size) {
    size_t at = sets->partial.size;
    size_t room = at < EG_PARAMETER_SET_SIZE_MAX ? EG_PARAMETER_SET_SIZE_MAX - at : 0;
    size_t kept = size < room ? size : room;
    if (kept > 0) memcpy(sets->partial.bytes + at, bytes, kept);
    sets->partial.size += size;
}

// Each fragment has to follow the one before, else the whole set is discarded.
static void learn_fragment(struct eg_parameter_sets *sets, uint64_t place, uint16_t sequence, const struct eg_nal_fragment *fragment) {
    if (fragment->is_start) {
        if (sets->partial.bytes == NULL) sets->partial.bytes = eg__memory_take(1, EG_PARAMETER_SET_SIZE_MAX);
        sets->partial.active = sets->partial.bytes != NULL;
        sets->partial.size = 0;
        if (sets->partial.active) add_to_partial(sets, fragment->header, fragment->header_size);
    } else {
        sets->partial.active = sets->partial.active && sequence == sets->partial.next_sequence;
    }
    if (!sets->partial.active) return;
    add_to_partial(sets, fragment->bytes, fragment->size);
    sets->partial.next_sequence = (uint16_t)(sequence + 1);
    if (!fragment->is_end) return;
    sets->partial.active = false;
    learn_unit(sets, place, sets->partial.bytes, sets->partial.size);
}

void eg__parameter_sets_learn(struct eg_parameter_sets *sets, uint64_t place, uint16_t sequence, const uint8_t *payload, size_t size) {
    struct eg_nal_fragment fragment;
    if (sets->codec->sets->parse_fragment(&fragment, payload, size)) {
        learn_fragment(sets, place, sequence, &fragment);
        return;
    }
    struct eg_nal_units units = sets->codec->sets->units(payload, size);
    const uint8_t *nal;
    for (size_t nal_size; eg__nal_next_unit(&units, &nal, &nal_size);) learn_unit(sets, place, nal, nal_size);
}

static struct eg_parameter_set *find_pps(const struct eg_parameter_sets *sets, uint16_t pps_id) {
    return find(sets, sets->codec->sets->pps_key + (uint32_t)pps_id);
}

const struct eg_parameter_set *eg__parameter_sets_active(const struct eg_parameter_sets *sets, uint16_t pps_id) {
    const struct eg_parameter_set *pps = find_pps(sets, pps_id);
    return pps != NULL ? find(sets, pps->parent) : NULL;
}

bool eg__parameter_sets_have(const struct eg_parameter_sets *sets, uint16_t pps_id) {
    const struct eg_parameter_set *set = find_pps(sets, pps_id);
    while (set != NULL && set->size > 0 && set->parent != EG_SET_NO_PARENT) set = find(sets, set->parent);
    return set != NULL && set->size > 0;
}

static bool is_needed(const struct eg_parameter_set *set, const struct eg_parameter_set_need *need) {
    bool is_of_chain = set->key == need->sps_key || set->parent == need->sps_key || set->key == need->vps_key;
    return is_of_chain && set->size > 0 && (need->is_all || set->place < need->since);
}

static bool came_between(const struct eg_parameter_set *set, uint64_t begin, uint64_t end) {
    return set == NULL || (set->place >= begin && set->place < end);
}

bool eg__parameter_sets_need(const struct eg_parameter_sets *sets, uint16_t pps_id, uint64_t picture_begin, uint64_t place,
                             struct eg_parameter_set_need *need) {
    const struct eg_parameter_set *sps = eg__parameter_sets_active(sets, pps_id);
    if (sps == NULL) return false;
    *need = (struct eg_parameter_set_need){.sps_key = sps->key, .vps_key = sps->parent, .since = picture_begin};
    bool is_missing = false;
    for (uint16_t i = 0; i < sets->count && !is_missing; i++) is_missing = is_needed(&sets->sets[i], need);
    // A decoder takes no set before the one that it belongs to.
    need->is_all = !came_between(sps, picture_begin, place) || !came_between(find(sets, sps->parent), picture_begin, place);
    return is_missing;
}

size_t eg__parameter_sets_write(struct eg_parameter_sets *sets, struct eg_parameter_set_need *need, uint64_t place, uint8_t *payload,
                                size_t size_max) {
    const struct eg_set_syntax *syntax = sets->codec->sets;
    struct eg_writer writer = eg__writer(payload, size_max);
    const struct eg_parameter_set *first = NULL;
    unsigned count = 0;
    for (uint8_t i = 0; i < syntax->aggregate_header_size; i++) eg__write_u8(&writer, 0);
    for (; need->next < sets->count; need->next++) {
        struct eg_parameter_set *set = &sets->sets[need->next];
        if (!is_needed(set, need)) continue;
        const uint8_t *nal = sets->bytes + set->at;
        size_t size = writer.at + EG_NAL_UNIT_SIZE_SIZE + set->size;
        if (count > 0 && size > size_max) break;
        set->place = place;
        if (count++ == 0) first = set;
        if (size > size_max) { // it fits only alone
            need->next++;
            break;
        }
        eg__write_u16(&writer, set->size);
        eg__write_bytes(&writer, nal, set->size);
        syntax->add_to_aggregate(payload, nal);
    }
    if (count != 1) return count > 0 ? writer.at : 0;
    memcpy(payload, sets->bytes + first->at, first->size);
    return first->size;
}
