#include "base/addr.h"

#include "base/table.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static const uint8_t mapped_prefix[12] = {[10] = 0xff, [11] = 0xff};

struct eg_addr eg__addr_ipv4(uint8_t a, uint8_t b, uint8_t c, uint8_t d, uint16_t port) {
    return (struct eg_addr){.ip = {[10] = 0xff, [11] = 0xff, a, b, c, d}, .port = port};
}

bool eg__addr_equal(const struct eg_addr *a, const struct eg_addr *b) {
    return a->port == b->port && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

bool eg__path_equal(const struct eg_path *a, const struct eg_path *b) {
    return eg__addr_equal(&a->remote, &b->remote) && eg__addr_equal(&a->local, &b->local);
}

bool eg__addr_is_ipv4(const struct eg_addr *addr) {
    return memcmp(addr->ip, mapped_prefix, sizeof mapped_prefix) == 0;
}

uint64_t eg__addr_hash(uint64_t seed, const struct eg_addr *addr) {
    // The port goes into the seed. The struct is not hashed as it is in memory, so that padding can't matter.
    return eg__hash(seed ^ addr->port, addr->ip, sizeof addr->ip);
}

void eg__addr_format(const struct eg_addr *addr, char text[EG_ADDR_TEXT_SIZE]) {
    const uint8_t *ip = addr->ip;
    if (eg__addr_is_ipv4(addr)) {
        snprintf(text, EG_ADDR_TEXT_SIZE, "%u.%u.%u.%u:%u", ip[12], ip[13], ip[14], ip[15], addr->port);
        return;
    }
    char host[INET6_ADDRSTRLEN];
    EG_ASSERT(inet_ntop(AF_INET6, ip, host, sizeof host) != NULL);
    snprintf(text, EG_ADDR_TEXT_SIZE, "[%s]:%u", host, addr->port);
}
