// What the tests of io/ and of the engine share: real sockets on loopback, and a count of descriptors.
#ifndef EG_TEST_SOCKETS_H
#define EG_TEST_SOCKETS_H

#include <arpa/inet.h>
#include <dirent.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <unistd.h>

static inline unsigned open_descriptors(void) {
    unsigned count = 0;
    DIR *directory = opendir("/proc/self/fd");
    while (directory != NULL && readdir(directory) != NULL) count++;
    if (directory != NULL) closedir(directory);
    return count;
}

// Descriptors are counted for the whole process, where other tests may run at the same time. So what could leak is done LEAK_ROUNDS times,
// and a leak stands out from what the others have open at the moment.
enum { LEAK_ROUNDS = 100, LEAK_DESCRIPTORS = 80 };

static inline bool has_leaked(unsigned before) { return open_descriptors() >= before + LEAK_DESCRIPTORS; }

// 64 ports below the ephemeral ones, for each process others, so that neither the system nor another run is likely to have taken them.
static inline uint16_t port_of_ours(unsigned index) { return (uint16_t)(10000 + (unsigned)getpid() % 300 * 64 + index); }

static inline struct sockaddr_in loopback(uint16_t port) {
    return (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

static inline int open_peer(void) { return socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0); }

static inline bool send_to(int fd, uint16_t port, const void *bytes, size_t size) {
    struct sockaddr_in to = loopback(port);
    return sendto(fd, bytes, size, 0, (const struct sockaddr *)&to, sizeof to) == (ssize_t)size;
}

// A socket of this test on a port of loopback, -1 when the port is taken.
static inline int bind_plain(uint16_t port) {
    int fd = open_peer();
    struct sockaddr_in name = loopback(port);
    if (bind(fd, (const struct sockaddr *)&name, sizeof name) == 0) return fd;
    close(fd);
    return -1;
}

#endif
