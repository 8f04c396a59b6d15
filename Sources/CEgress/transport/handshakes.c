#include "transport/handshakes.h"

#include "base/limits.h"
#include "base/memory.h"
#include "base/table.h"

#include <string.h>

enum { IPV6_PREFIX_SIZE = 8 };

bool eg__handshakes_init(struct eg_handshakes *handshakes, uint64_t seed, uint32_t count_max, uint32_t per_address_max) {
    EG_ASSERT(count_max > 0 && count_max <= EG_HANDSHAKES_MAX && per_address_max > 0);
    uint32_t bucket_count = 1;
    while (bucket_count < count_max) bucket_count *= 2;
    *handshakes = (struct eg_handshakes){
        .count_max = count_max, .per_address_max = per_address_max, .bucket_mask = bucket_count - 1, .seed = seed};
    handshakes->buckets = eg__memory_take(bucket_count, sizeof *handshakes->buckets);
    if (handshakes->buckets == NULL) return false;
    for (uint32_t i = 0; i < bucket_count; i++) eg__list_init(&handshakes->buckets[i]);
    eg__list_init(&handshakes->all);
    return true;
}

void eg__handshakes_deinit(struct eg_handshakes *handshakes) {
    eg__memory_release(handshakes->buckets);
    *handshakes = (struct eg_handshakes){0};
}

// Without what one customer can choose: the port, and in IPv6 all behind the /64.
static void network_of(const struct eg_addr *addr, uint8_t network[EG_HANDSHAKE_NETWORK_SIZE]) {
    size_t size = eg__addr_is_ipv4(addr) ? sizeof addr->ip : IPV6_PREFIX_SIZE;
    memset(network, 0, EG_HANDSHAKE_NETWORK_SIZE);
    memcpy(network, addr->ip, size);
}

// How many of the bucket are from this network, and the first of them.
static uint32_t count_of(const struct eg_list *bucket, const uint8_t network[EG_HANDSHAKE_NETWORK_SIZE], struct eg_handshake **first) {
    uint32_t count = 0;
    for (struct eg_list *node = bucket->next; node != bucket; node = node->next) {
        struct eg_handshake *other = EG_LIST_OWNER(node, struct eg_handshake, in_bucket);
        if (memcmp(other->network, network, EG_HANDSHAKE_NETWORK_SIZE) != 0) continue;
        if (count++ == 0) *first = other;
    }
    return count;
}

static bool must_make_room(const struct eg_handshake *handshake, eg_time now) {
    return handshake->has_had_turn || now >= eg__time_after(handshake->began_at, EG_HANDSHAKE_FIRM);
}

// In front or at the end.
static void put(struct eg_list *head, struct eg_list *node, bool is_first) { eg__list_append(is_first ? head->next : head, node); }

bool eg__handshakes_begin(struct eg_handshakes *handshakes, struct eg_handshake *handshake, eg_time now, const struct eg_addr *remote,
                          struct eg_handshake **evicted) {
    EG_ASSERT(handshake->owner == NULL);
    *evicted = NULL;
    network_of(remote, handshake->network);
    uint64_t hash = eg__hash(handshakes->seed, handshake->network, sizeof handshake->network);
    struct eg_list *bucket = &handshakes->buckets[hash & handshakes->bucket_mask];
    struct eg_handshake *first = NULL, *in_the_way = NULL;
    if (count_of(bucket, handshake->network, &first) >= handshakes->per_address_max) in_the_way = first;
    else if (handshakes->count == handshakes->count_max) in_the_way = EG_LIST_OWNER(handshakes->all.next, struct eg_handshake, in_all);
    if (in_the_way != NULL) {
        if (handshake->has_had_turn || !must_make_room(in_the_way, now)) return false;
        eg__handshake_end(in_the_way);
        in_the_way->has_had_turn = true;
        *evicted = in_the_way;
    }
    handshake->owner = handshakes;
    handshake->began_at = now;
    handshakes->count++;
    put(&handshakes->all, &handshake->in_all, handshake->has_had_turn);
    put(bucket, &handshake->in_bucket, handshake->has_had_turn);
    return true;
}

void eg__handshake_end(struct eg_handshake *handshake) {
    if (handshake->owner == NULL) return;
    handshake->owner->count--;
    handshake->owner = NULL;
    eg__list_remove(&handshake->in_all);
    eg__list_remove(&handshake->in_bucket);
}
