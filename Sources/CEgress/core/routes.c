#include "core/routes.h"

void eg__routes_init(struct eg_routes *routes, uint64_t hash_seed, uint32_t count_max) {
    *routes = (struct eg_routes){.hash_seed = hash_seed, .count_max = count_max};
    eg__pool_init(&routes->pool, sizeof(struct eg_route), count_max);
    eg__table_init(&routes->by_address, count_max);
    eg__list_init(&routes->ages);
}

void eg__routes_deinit(struct eg_routes *routes) {
    eg__table_deinit(&routes->by_address);
    eg__pool_deinit(&routes->pool);
}

static struct eg_route *next(const struct eg_routes *routes, const struct eg_addr *remote, uint32_t *cursor) {
    uint64_t hash = eg__addr_hash(routes->hash_seed, remote);
    for (eg_handle handle; (handle = eg__table_find(&routes->by_address, hash, cursor)) != 0;) {
        struct eg_route *route = eg__pool_find(&routes->pool, handle);
        if (eg__addr_equal(&route->remote, remote)) return route;
    }
    return NULL;
}

static struct eg_route *find(const struct eg_routes *routes, const struct eg_addr *remote, uint64_t viewer) {
    uint32_t cursor = 0;
    for (struct eg_route *route; (route = next(routes, remote, &cursor)) != NULL;)
        if (route->viewer == viewer) return route;
    return NULL;
}

static void forget(struct eg_routes *routes, struct eg_route *route) {
    eg__table_remove(&routes->by_address, eg__addr_hash(routes->hash_seed, &route->remote), route->handle);
    eg__list_remove(&route->age);
    eg__pool_release(&routes->pool, route->handle);
}

static struct eg_route *oldest(struct eg_routes *routes) {
    return eg__list_is_empty(&routes->ages) ? NULL : EG_LIST_OWNER(routes->ages.next, struct eg_route, age);
}

static void expire(struct eg_routes *routes, eg_time now) {
    for (struct eg_route *route; (route = oldest(routes)) != NULL && now >= route->refreshed_at + EG_ROUTE_LIFETIME;) forget(routes, route);
}

static struct eg_route *add(struct eg_routes *routes, const struct eg_route *route) {
    if (routes->pool.count == routes->count_max) forget(routes, oldest(routes));
    eg_handle handle;
    struct eg_route *added = eg__pool_take(&routes->pool, &handle);
    if (added == NULL) return NULL;
    if (!eg__table_insert(&routes->by_address, eg__addr_hash(routes->hash_seed, &route->remote), handle)) {
        eg__pool_release(&routes->pool, handle);
        return NULL;
    }
    *added = *route;
    added->handle = handle;
    added->age = (struct eg_list){0};
    return added;
}

void eg__routes_add(struct eg_routes *routes, eg_time now, const struct eg_route *route) {
    expire(routes, now);
    struct eg_route *found = find(routes, &route->remote, route->viewer);
    if (found == NULL) found = add(routes, route);
    if (found == NULL) return;
    found->refreshed_at = now;
    found->has_media = route->has_media;
    eg__list_remove(&found->age);
    eg__list_append(&routes->ages, &found->age);
}

void eg__routes_remove(struct eg_routes *routes, const struct eg_addr *remote, uint64_t viewer) {
    struct eg_route *route = find(routes, remote, viewer);
    if (route != NULL) forget(routes, route);
}

static bool is_better(const struct eg_route *route, const struct eg_route *than, bool is_rtcp) {
    if (is_rtcp && route->has_media != than->has_media) return route->has_media;
    return route->created_at > than->created_at;
}

const struct eg_route *eg__routes_find(const struct eg_routes *routes, const struct eg_addr *remote, bool is_rtcp) {
    const struct eg_route *best = NULL;
    uint32_t cursor = 0;
    for (const struct eg_route *route; (route = next(routes, remote, &cursor)) != NULL;)
        if (best == NULL || is_better(route, best, is_rtcp)) best = route;
    return best;
}
