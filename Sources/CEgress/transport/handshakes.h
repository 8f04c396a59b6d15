// The DTLS handshakes that are under way: how many in all, and how many from one address, since OpenSSL keeps about 65 KiB for each. An
// address is an IPv4 address or the /64 of an IPv6 one, which is what one customer has at least.
//
// Over a limit a new handshake is refused; its client repeats its hello. But a handshake that began EG_HANDSHAKE_FIRM ago or earlier is evicted, the
// oldest first: a client that knows a viewer's password may forge the source address of its checks, and must not keep others from their handshakes
// for ten seconds. An evicted handshake may restart while no first-time client needs the slot. So keeping others out takes a new viewer each time,
// and new viewers are limited over HTTP.
#ifndef EG_HANDSHAKES_H
#define EG_HANDSHAKES_H

#include "base/addr.h"
#include "base/list.h"

enum { EG_HANDSHAKE_NETWORK_SIZE = 16 };

struct eg_handshakes {
    uint32_t count;
    uint32_t count_max;
    uint32_t per_address_max;
    uint32_t bucket_mask;
    uint64_t seed;
    struct eg_list *buckets; // of those whose addresses have one hash, each in the order they are to make room in
    struct eg_list all;      // in that order: who has had its turn first, then the oldest
};

// Embedded in whatever shakes hands; zeroed when it doesn't.
struct eg_handshake {
    struct eg_handshakes *owner; // NULL: not under way
    struct eg_list in_all;
    struct eg_list in_bucket;
    uint8_t network[EG_HANDSHAKE_NETWORK_SIZE];
    eg_time began_at;
    bool has_had_turn;           // it made room once
};

// `seed` keeps a peer from aiming at one bucket. Both limits are at least 1. False when memory is refused; deinit is then not needed.
bool eg__handshakes_init(struct eg_handshakes *handshakes, uint64_t seed, uint32_t count_max, uint32_t per_address_max);
// Those that are under way are forgotten.
void eg__handshakes_deinit(struct eg_handshakes *handshakes);

// Counts a handshake that is not under way. False: refused. True, and `*evicted` is not NULL: that one isn't under way any more, to make
// room, and its owner has to give back what it holds.
bool eg__handshakes_begin(struct eg_handshakes *handshakes, struct eg_handshake *handshake, eg_time now, const struct eg_addr *remote,
                          struct eg_handshake **evicted);

// It is over, however it ended. Nothing happens when it isn't under way.
void eg__handshake_end(struct eg_handshake *handshake);

#endif
