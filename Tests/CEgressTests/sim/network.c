#include "sim/network.h"

#include "sim/random.h"
#include "wire/demux.h"

#include <stdlib.h>
#include <string.h>

enum {
    REORDER_DELAY = 5 * EG_MILLISECOND, // [us]
    UDP_AND_IP_SIZE = 28, // [B]
    STABLE_SIZE = 40, // [B] of a DTLS datagram: what lies behind may be elsewhere in another run
};

enum aspect { LOSS, DELAY, DUPLICATE, CORRUPT, REORDER, PLACE };

void eg_sim_network_deinit(struct eg_sim_network *network) {
    for (size_t i = 0; i < network->count; i++) free(network->heap[i]);
    free(network->heap);
}

static bool is_before(const struct eg_sim_datagram *a, const struct eg_sim_datagram *b) {
    return a->at != b->at ? a->at < b->at : a->order < b->order;
}

static void push(struct eg_sim_network *network, const struct eg_sim_datagram *datagram, eg_time at) {
    if (network->count == network->capacity) {
        network->capacity = network->capacity == 0 ? 256 : 2 * network->capacity;
        network->heap = realloc(network->heap, network->capacity * sizeof(struct eg_sim_datagram *));
        EG_ASSERT(network->heap != NULL);
    }
    size_t size = offsetof(struct eg_sim_datagram, bytes) + datagram->size;
    struct eg_sim_datagram *copy = malloc(size);
    EG_ASSERT(copy != NULL);
    memcpy(copy, datagram, size);
    copy->at = at;
    copy->order = network->order++;
    size_t place = network->count++;
    while (place > 0 && is_before(copy, network->heap[(place - 1) / 2])) {
        network->heap[place] = network->heap[(place - 1) / 2];
        place = (place - 1) / 2;
    }
    network->heap[place] = copy;
}

static uint64_t name_of(struct eg_sim_link *link, eg_time now, const struct eg_sim_datagram *datagram) {
    if (eg__demux(datagram->bytes, datagram->size) != EG_DATAGRAM_DTLS) return link->count++;
    bool is_first = now != link->dtls_at;
    link->dtls_at = now;
    return UINT64_MAX / 2 + 2 * now + is_first;
}

// When a datagram leaves the queue, EG_TIME_NEVER when there is no room in it. DTLS, whose sizes are not the same each time, takes none.
static eg_time pass_queue(struct eg_sim_link *link, eg_time now, const struct eg_sim_datagram *datagram) {
    const struct eg_sim_quality *quality = &link->quality;
    bool has_queue = quality->bit_rate > 0 || link->bottleneck != NULL;
    if (!has_queue || eg__demux(datagram->bytes, datagram->size) == EG_DATAGRAM_DTLS) return now;
    uint64_t size = datagram->size + UDP_AND_IP_SIZE;
    if (link->bottleneck != NULL) {
        eg_time leaves = eg_sim_bottleneck_pass(link->bottleneck, now, size);
        link->overflows += leaves == EG_TIME_NEVER;
        return leaves;
    }
    eg_time begins = link->free_at > now ? link->free_at : now;
    if ((begins - now) * quality->bit_rate / 8 / EG_SECOND + size > quality->queue_size) {
        link->overflows++;
        return EG_TIME_NEVER;
    }
    link->free_at = begins + size * 8 * EG_SECOND / quality->bit_rate;
    return link->free_at;
}

void eg_sim_network_send(struct eg_sim_network *network, struct eg_sim_link *link, eg_time now, const struct eg_sim_datagram *datagram) {
    const struct eg_sim_quality *quality = &link->quality;
    uint64_t name = name_of(link, now, datagram);
    uint64_t seed = link->seed;
    if (eg_sim_mix(seed, name, LOSS) % 1000 < quality->loss) return;
    eg_time leaves = pass_queue(link, now, datagram);
    if (leaves == EG_TIME_NEVER) return;
    eg_time at = leaves + quality->delay + (quality->jitter > 0 ? eg_sim_mix(seed, name, DELAY) % quality->jitter : 0);
    if (eg_sim_mix(seed, name, REORDER) % 1000 < quality->reordered) at += REORDER_DELAY;
    if (eg_sim_mix(seed, name, DUPLICATE) % 1000 < quality->duplicates) push(network, datagram, at + EG_MILLISECOND);
    if (eg_sim_mix(seed, name, CORRUPT) % 1000 >= quality->corrupted) {
        push(network, datagram, at);
        return;
    }
    struct eg_sim_datagram corrupted = *datagram;
    bool is_dtls = eg__demux(datagram->bytes, datagram->size) == EG_DATAGRAM_DTLS;
    size_t size = is_dtls && datagram->size > STABLE_SIZE ? STABLE_SIZE : datagram->size;
    uint64_t place = eg_sim_mix(seed, name, PLACE);
    corrupted.bytes[place / 8 % size] ^= (uint8_t)(1 << place % 8);
    corrupted.is_corrupted = true;
    push(network, &corrupted, at);
}

eg_time eg_sim_network_deadline(const struct eg_sim_network *network) { return network->count > 0 ? network->heap[0]->at : EG_TIME_NEVER; }

struct eg_sim_datagram *eg_sim_network_take(struct eg_sim_network *network, eg_time now) {
    if (network->count == 0 || network->heap[0]->at > now) return NULL;
    struct eg_sim_datagram *first = network->heap[0], *last = network->heap[--network->count];
    size_t place = 0;
    while (2 * place + 1 < network->count) {
        size_t child = 2 * place + 1;
        if (child + 1 < network->count && is_before(network->heap[child + 1], network->heap[child])) child++;
        if (!is_before(network->heap[child], last)) break;
        network->heap[place] = network->heap[child];
        place = child;
    }
    network->heap[place] = last;
    return first;
}
