// Which worker the datagrams of an address belong to, when it is another than the one they arrive at: the kernel spreads them by their
// addresses and knows nothing of viewers. Only what an owner says after an authenticated check gets in here.
//
// Each check says it again, so an entry that is not refreshed is forgotten; beyond EG_ROUTES_MAX the one that was refreshed longest ago goes.
#ifndef EG_ROUTES_H
#define EG_ROUTES_H

#include "base/addr.h"
#include "base/limits.h"
#include "base/list.h"
#include "base/pool.h"
#include "base/table.h"

struct eg_route {
    struct eg_addr remote;
    uint32_t worker;
    uint64_t viewer;
    eg_time created_at;   // the viewer
    bool has_media;       // its media goes there: that it gets it was proven
    // In here.
    eg_handle handle;
    eg_time refreshed_at;
    struct eg_list age;
};

struct eg_routes {
    struct eg_pool pool;
    struct eg_table by_address;
    struct eg_list ages;  // the one that was refreshed longest ago first
    uint64_t hash_seed;
    uint32_t count_max;
};

// `routes` must not move.
void eg__routes_init(struct eg_routes *routes, uint64_t hash_seed, uint32_t count_max);
void eg__routes_deinit(struct eg_routes *routes);

// Adds or refreshes the route of one address to one viewer. Without memory it is not added: the next check tries again.
void eg__routes_add(struct eg_routes *routes, eg_time now, const struct eg_route *route);
// Nothing happens when it is not there.
void eg__routes_remove(struct eg_routes *routes, const struct eg_addr *remote, uint64_t viewer);

// Of several the one to the newest viewer, though for RTCP (`is_rtcp`) rather one whose media goes there: only it can have sent that. NULL when
// there is none.
const struct eg_route *eg__routes_find(const struct eg_routes *routes, const struct eg_addr *remote, bool is_rtcp);

#endif
