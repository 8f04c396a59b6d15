#include "io/udp.h"

#include "base/error.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const int on = 1, off = 0;

struct eg_addr eg__addr_from_sockaddr(const struct sockaddr_storage *from) {
    if (from->ss_family == AF_INET) {
        struct sockaddr_in in;
        memcpy(&in, from, sizeof in);
        const uint8_t *ip = (const uint8_t *)&in.sin_addr;
        return eg__addr_ipv4(ip[0], ip[1], ip[2], ip[3], ntohs(in.sin_port));
    }
    struct sockaddr_in6 in6;
    memcpy(&in6, from, sizeof in6);
    struct eg_addr addr = {.port = ntohs(in6.sin6_port)};
    memcpy(addr.ip, &in6.sin6_addr, sizeof addr.ip);
    return addr;
}

socklen_t eg__addr_to_sockaddr(const struct eg_addr *addr, bool is_ipv6, struct sockaddr_storage *to) {
    if (is_ipv6) {
        struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(addr->port)};
        memcpy(&in6.sin6_addr, addr->ip, sizeof addr->ip);
        memcpy(to, &in6, sizeof in6);
        return sizeof in6;
    }
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(addr->port)};
    memcpy(&in.sin_addr, addr->ip + 12, sizeof in.sin_addr);
    memcpy(to, &in, sizeof in);
    return sizeof in;
}

// Asks for more than the system's maximum first, which needs CAP_NET_ADMIN, then within it. The granted size is read back. The kernel books twice
// the size that is asked for, for its own use (socket(7)), so half of it compares with the request.
static uint32_t ask_buffer(int fd, int force, int plain, uint32_t size) {
    int asked = (int)size, booked = 0;
    if (setsockopt(fd, SOL_SOCKET, force, &asked, sizeof asked) != 0) setsockopt(fd, SOL_SOCKET, plain, &asked, sizeof asked);
    socklen_t booked_size = sizeof booked;
    if (getsockopt(fd, SOL_SOCKET, plain, &booked, &booked_size) != 0) return 0;
    return (uint32_t)booked / 2;
}

static eg_status open_socket(int family, struct eg_udp_socket *udp, struct eg_error *error) {
    *udp = (struct eg_udp_socket){.is_ipv6 = family == AF_INET6};
    udp->fd = socket(family, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (udp->fd >= 0) return EG_STATUS_OK;
    int cause = errno;
    const char *advice = cause == EMFILE || cause == ENFILE ? " (raise the limit of open files, ulimit -n)" : "";
    return eg__fail(error, EG_STATUS_SYSTEM, cause, "socket%s", advice);
}

// Returns an errno, or 0 when the socket is bound.
static int bind_socket(struct eg_udp_socket *udp, const struct eg_addr *addr) {
    struct sockaddr_storage name;
    socklen_t name_size = eg__addr_to_sockaddr(addr, udp->is_ipv6, &name);
    if (bind(udp->fd, (const struct sockaddr *)&name, name_size) != 0) return errno;
    name_size = sizeof name;
    if (getsockname(udp->fd, (struct sockaddr *)&name, &name_size) != 0) return errno;
    udp->local = eg__addr_from_sockaddr(&name);
    return 0;
}

void eg__udp_close(struct eg_udp_socket *udp) {
    close(udp->fd);
    udp->fd = -1;
}

// Don't-fragment stays off. With path MTU discovery on, one ICMP message, which anybody can forge, makes sends to that viewer fail with
// EMSGSIZE for minutes. Packets are small enough for nearly every path, and on the few others a fragment is better than a loss.
static void set_fragmentation(const struct eg_udp_socket *udp) {
    int ipv4 = IP_PMTUDISC_DONT, ipv6 = IPV6_PMTUDISC_DONT;
    setsockopt(udp->fd, IPPROTO_IP, IP_MTU_DISCOVER, &ipv4, sizeof ipv4);
    if (udp->is_ipv6) setsockopt(udp->fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &ipv6, sizeof ipv6);
}

// On an AF_INET6 socket IPV6_RECVPKTINFO also serves IPv4 datagrams, with a mapped address.
static int set_packet_info(const struct eg_udp_socket *udp) {
    int level = udp->is_ipv6 ? IPPROTO_IPV6 : IPPROTO_IP;
    int option = udp->is_ipv6 ? IPV6_RECVPKTINFO : IP_PKTINFO;
    return setsockopt(udp->fd, level, option, &on, sizeof on) == 0 ? 0 : errno;
}

static int set_shared(const struct eg_udp_socket *udp) {
    return setsockopt(udp->fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) == 0 ? 0 : errno;
}

static bool parse_address(const char *address, struct eg_addr *addr) {
    uint8_t ip[4];
    if (inet_pton(AF_INET6, address, addr->ip) == 1) return true;
    if (inet_pton(AF_INET, address, ip) != 1) return false;
    *addr = eg__addr_ipv4(ip[0], ip[1], ip[2], ip[3], addr->port);
    return true;
}

// SO_REUSEADDR is left off on purpose: with it two processes could share the port, and each would get some of the packets. `is_shared`: the port is
// shared with another socket of this engine that allows it.
static eg_status open_viewer(bool is_ipv6, const struct eg_addr *addr, bool is_shared, struct eg_udp_socket *udp, struct eg_error *error) {
    eg_status status = open_socket(is_ipv6 ? AF_INET6 : AF_INET, udp, error);
    if (status != EG_STATUS_OK) return status;
    int cause = 0;
    if (is_ipv6 && setsockopt(udp->fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off) != 0) cause = errno;
    if (cause == 0) cause = set_packet_info(udp);
    if (cause == 0 && is_shared) cause = set_shared(udp);
    if (cause == 0) cause = bind_socket(udp, addr);
    if (cause == 0) return EG_STATUS_OK;
    eg__udp_close(udp);
    char text[EG_ADDR_TEXT_SIZE];
    eg__addr_format(addr, text);
    return eg__fail(error, cause == EADDRINUSE ? EG_STATUS_ADDRESS_IN_USE : EG_STATUS_SYSTEM, cause, "bind UDP %s", text);
}

// Whether the failure means that the machine has no IPv6, rather than that the port is taken.
static bool lacks_ipv6(const struct eg_error *error) {
    return error->system_error == EAFNOSUPPORT || error->system_error == EADDRNOTAVAIL;
}

static void configure_viewer(struct eg_udp_socket *udp, uint32_t buffer_size) {
    set_fragmentation(udp);
    setsockopt(udp->fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
    udp->receive_buffer_size = ask_buffer(udp->fd, SO_RCVBUFFORCE, SO_RCVBUF, buffer_size);
    udp->send_buffer_size = ask_buffer(udp->fd, SO_SNDBUFFORCE, SO_SNDBUF, buffer_size);
}

eg_status eg__udp_open_viewer(const char *address, uint16_t port, uint32_t buffer_size, struct eg_udp_socket *udp, struct eg_error *error) {
    struct eg_addr addr = {.port = port};
    struct eg_error cause = {0};
    eg_status status;
    if (address != NULL) {
        if (!parse_address(address, &addr)) {
            return eg__fail(error, EG_STATUS_INVALID_ARGUMENT, 0, "udp_address \"%.64s\" is no numeric address", address);
        }
        status = open_viewer(!eg__addr_is_ipv4(&addr), &addr, false, udp, &cause);
    } else {
        status = open_viewer(true, &addr, false, udp, &cause);
        struct eg_addr any = eg__addr_ipv4(0, 0, 0, 0, port);
        if (status != EG_STATUS_OK && lacks_ipv6(&cause)) status = open_viewer(false, &any, false, udp, &cause);
    }
    if (status != EG_STATUS_OK) {
        if (error != NULL) *error = cause;
        return status;
    }
    configure_viewer(udp, buffer_size);
    return EG_STATUS_OK;
}

// The first socket is bound alone, so that a port that is taken is noticed even if its owner would share it. Only then is it shared with the others.
eg_status eg__udp_open_viewers(const char *address, uint16_t port, uint32_t buffer_size, struct eg_udp_socket *udp, uint32_t count,
                               struct eg_error *error) {
    eg_status status = eg__udp_open_viewer(address, port, buffer_size, &udp[0], error);
    if (status != EG_STATUS_OK || count == 1) return status;
    int cause = set_shared(&udp[0]);
    if (cause != 0) status = eg__fail(error, EG_STATUS_SYSTEM, cause, "setsockopt SO_REUSEPORT");
    uint32_t opened = 1;
    for (; status == EG_STATUS_OK && opened < count; opened++) {
        status = open_viewer(udp[0].is_ipv6, &udp[0].local, true, &udp[opened], error);
        if (status != EG_STATUS_OK) break;
        configure_viewer(&udp[opened], buffer_size);
    }
    for (uint32_t i = 0; status != EG_STATUS_OK && i < opened; i++) eg__udp_close(&udp[i]);
    return status;
}

static eg_status open_source(uint16_t port, uint32_t buffer_size, struct eg_udp_socket *udp, struct eg_error *error) {
    eg_status status = open_socket(AF_INET, udp, error);
    if (status != EG_STATUS_OK) return status;
    // The buffer is set before the port is bound, since packets may arrive from then on.
    udp->receive_buffer_size = ask_buffer(udp->fd, SO_RCVBUFFORCE, SO_RCVBUF, buffer_size);
    setsockopt(udp->fd, SOL_SOCKET, SO_RXQ_OVFL, &on, sizeof on);
    struct eg_addr addr = eg__addr_ipv4(127, 0, 0, 1, port);
    int cause = bind_socket(udp, &addr);
    if (cause == 0) return EG_STATUS_OK;
    eg__udp_close(udp);
    return eg__fail(error, EG_STATUS_NO_PORTS, cause, "bind 127.0.0.1:%u", port);
}

static eg_status open_pair_at(uint16_t port, uint32_t buffer_size, struct eg_udp_socket pair[2], struct eg_error *error) {
    eg_status status = open_source(port, buffer_size, &pair[0], error);
    if (status != EG_STATUS_OK) return status;
    uint16_t bound = pair[0].local.port;
    if (bound == UINT16_MAX) {
        status = eg__fail(error, EG_STATUS_NO_PORTS, 0, "port 65535 has none above it");
    } else {
        status = open_source((uint16_t)(bound + 1), buffer_size, &pair[1], error);
    }
    if (status != EG_STATUS_OK) eg__udp_close(&pair[0]);
    return status;
}

// The port to try next, of `count` from the range's first one on. A range with no more of them than attempts is walked, so that its last free one is
// found for sure.
static uint16_t candidate(const struct eg_udp_range *range, uint32_t count, uint64_t random, uint32_t attempt) {
    if (range->max == 0) return 0;
    uint64_t pick = count <= EG_UDP_PAIR_ATTEMPTS_MAX ? attempt : random;
    return (uint16_t)(range->min + pick % count);
}

// Says how often it was tried; the last cause goes with it.
static eg_status fail_after_all(const char *what, const struct eg_error *last, struct eg_error *error) {
    eg__fail(error, EG_STATUS_NO_PORTS, 0, "no %s in %d attempts, the last: %s", what, EG_UDP_PAIR_ATTEMPTS_MAX, last->message);
    if (error != NULL) error->system_error = last->system_error;
    return EG_STATUS_NO_PORTS;
}

eg_status eg__udp_open_pair(const struct eg_udp_range *range, struct eg_random *random, struct eg_udp_socket pair[2], struct eg_error *error) {
    EG_ASSERT(range->max == 0 || range->min < range->max);
    struct eg_error last = {0};
    for (uint32_t attempt = 0; attempt < EG_UDP_PAIR_ATTEMPTS_MAX; attempt++) {
        uint16_t port = candidate(range, (uint32_t)range->max - range->min, eg__random_u64(random), attempt);
        eg_status status = open_pair_at(port, range->buffer_size, pair, &last);
        if (status == EG_STATUS_OK) return status;
        if (status == EG_STATUS_NO_PORTS) continue;
        if (error != NULL) *error = last;
        return status;
    }
    return fail_after_all("two adjacent free ports", &last, error);
}

eg_status eg__udp_open_source(const struct eg_udp_range *range, struct eg_random *random, struct eg_udp_socket *udp, struct eg_error *error) {
    struct eg_error last = {0};
    for (uint32_t attempt = 0; attempt < EG_UDP_PAIR_ATTEMPTS_MAX; attempt++) {
        uint16_t port = candidate(range, (uint32_t)range->max - range->min + 1, eg__random_u64(random), attempt);
        eg_status status = open_source(port, range->buffer_size, udp, &last);
        if (status == EG_STATUS_OK) return status;
        if (status == EG_STATUS_NO_PORTS) continue;
        if (error != NULL) *error = last;
        return status;
    }
    return fail_after_all("free port", &last, error);
}

bool eg__udp_has_gso(int fd, char *reason, size_t reason_size) {
    // Zero means no segmentation: a kernel that knows the option accepts it, and nothing changes.
    if (setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &off, sizeof off) == 0) {
        if (reason_size > 0) reason[0] = '\0';
        return true;
    }
    char words[64];
    snprintf(reason, reason_size, "setsockopt UDP_SEGMENT: %s (Linux 4.18 and later have it)", strerror_r(errno, words, sizeof words));
    return false;
}
