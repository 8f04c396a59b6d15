// Opens UDP sockets: the one for all viewers, and the pairs that sources send to. All are non-blocking and closed on
// exec. Any thread.
#ifndef EG_UDP_H
#define EG_UDP_H

#include "base/addr.h"
#include "base/random.h"
#include "cegress.h"

#include <sys/socket.h>

// An open socket, which the caller has to close.
struct eg_udp_socket {
    int fd;
    bool is_ipv6;                 // AF_INET6; then it is dual stack unless bound to one address
    struct eg_addr local;         // as bound; an all-zero address means every address
    uint32_t receive_buffer_size; // [B] as granted, in the unit of the request: half of what the kernel books
    uint32_t send_buffer_size;    // [B] likewise
};

enum {
    EG_UDP_PAIR_ATTEMPTS_MAX = 10,
    // The defaults. The kernel books 2,304 B for a packet of 1,200 B, so a source's buffer takes 1,800 of them.
    EG_UDP_SOURCE_BUFFER_SIZE = 4 * 1024 * 1024, // [B]
    EG_UDP_VIEWER_BUFFER_SIZE = 8 * 1024 * 1024, // [B] each way
};

// The viewers' socket on a numeric `address`, or with NULL on every address of both families (of IPv4 alone where IPv6 is off). `port` 0:
// the system picks. EG_STATUS_INVALID_ARGUMENT (not a numeric address), EG_STATUS_ADDRESS_IN_USE, EG_STATUS_SYSTEM: nothing is open.
eg_status eg__udp_open_viewer(const char *address, uint16_t port, uint32_t buffer_size, struct eg_udp_socket *udp, struct eg_error *error);

// `count` sockets on one port. The kernel spreads datagrams over them by the addresses they come from (SO_REUSEPORT). All are bound before any is
// read, and none is closed while another is in use, since each change makes the kernel spread anew. Results as above; all are open or none is.
eg_status eg__udp_open_viewers(const char *address, uint16_t port, uint32_t buffer_size, struct eg_udp_socket *udp, uint32_t count,
                               struct eg_error *error);

// Where sources' sockets may be, and what they ask of the kernel.
struct eg_udp_range {
    uint16_t min; // both 0: wherever the system has room
    uint16_t max;
    uint32_t buffer_size; // [B]
};

// Two sockets on adjacent ports of 127.0.0.1 within `range`. EG_STATUS_NO_PORTS after EG_UDP_PAIR_ATTEMPTS_MAX attempts, with the cause of the last
// one; EG_STATUS_SYSTEM. Both are open or none is.
eg_status eg__udp_open_pair(const struct eg_udp_range *range, struct eg_random *random, struct eg_udp_socket pair[2], struct eg_error *error);

// One socket on any port of 127.0.0.1 within `range`. Results as above.
eg_status eg__udp_open_source(const struct eg_udp_range *range, struct eg_random *random, struct eg_udp_socket *udp, struct eg_error *error);

void eg__udp_close(struct eg_udp_socket *udp);

// Whether the kernel supports UDP GSO on this socket. If not, `reason` (zero-terminated, at most reason_size) says why.
bool eg__udp_has_gso(int fd, char *reason, size_t reason_size);

// Convert between our form of an address and the kernel's. `to` returns the size that it wrote: sockaddr_in6, or sockaddr_in for an AF_INET socket.
struct eg_addr eg__addr_from_sockaddr(const struct sockaddr_storage *from);
socklen_t eg__addr_to_sockaddr(const struct eg_addr *addr, bool is_ipv6, struct sockaddr_storage *to);

#endif
