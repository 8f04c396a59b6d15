// A transport address that can be compared and hashed: 16 bytes of IP, IPv4 in its IPv6-mapped form (RFC 4291 §2.5.5.2), and the port.
// One form for both families, so that nothing above io/ asks which one it has.
#ifndef EG_ADDR_H
#define EG_ADDR_H

#include "base/base.h"

struct eg_addr {
    uint8_t ip[16];
    uint16_t port; // host order
};

// Where a datagram came from, and to which of our addresses it was sent. A reply leaves from that address (RFC 8445 §7.3).
// `via` does not count when paths are compared: it only says which of the engine's workers gets datagrams from there.
struct eg_path {
    struct eg_addr local;
    struct eg_addr remote;
    uint16_t via;
};

enum { EG_ADDR_TEXT_SIZE = 56 }; // "[ffff:…:ffff]:65535" and its end

struct eg_addr eg__addr_ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port);
bool eg__addr_equal(const struct eg_addr *a, const struct eg_addr *b);
bool eg__path_equal(const struct eg_path *a, const struct eg_path *b);
bool eg__addr_is_ipv4(const struct eg_addr *addr);

// Takes the `seed` of the hash's table, so that a peer that chooses its ports can't aim at one bucket.
uint64_t eg__addr_hash(uint64_t seed, const struct eg_addr *addr);

// Writes "192.0.2.1:8189" or "[2001:db8::1]:8189", always terminated, for logs and events.
void eg__addr_format(const struct eg_addr *addr, char text[EG_ADDR_TEXT_SIZE]);

#endif
