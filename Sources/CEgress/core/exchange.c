#include "core/exchange.h"

#include "base/memory.h"

static bool init_link(struct eg_link *link, uint32_t relay_size, uint32_t forward_size) {
    return eg__ring_init(&link->relay, relay_size) && eg__ring_init(&link->forward, forward_size);
}

struct eg_exchange *eg__exchange_create(uint32_t worker_count, uint32_t relay_size, uint32_t forward_size) {
    EG_ASSERT(worker_count <= EG_WORKERS_MAX);
    struct eg_exchange *exchange = eg__memory_take(1, sizeof *exchange + (size_t)worker_count * worker_count * sizeof(struct eg_link));
    if (exchange == NULL) return NULL;
    exchange->worker_count = worker_count;
    for (uint32_t from = 0; from < worker_count; from++) {
        for (uint32_t to = 0; to < worker_count; to++) {
            if (from == to || init_link(eg__exchange_link(exchange, from, to), relay_size, forward_size)) continue;
            eg__exchange_destroy(exchange);
            return NULL;
        }
    }
    return exchange;
}

void eg__exchange_destroy(struct eg_exchange *exchange) {
    if (exchange == NULL) return;
    for (uint32_t i = 0; i < exchange->worker_count * exchange->worker_count; i++) {
        eg__ring_deinit(&exchange->links[i].relay);
        eg__ring_deinit(&exchange->links[i].forward);
    }
    eg__memory_release(exchange);
}
