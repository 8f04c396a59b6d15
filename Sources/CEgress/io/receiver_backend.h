// What a back end of io/receiver.h is, and what the two share. Included by them, by receiver.c and by receiver_choice.c only.
#ifndef EG_RECEIVER_BACKEND_H
#define EG_RECEIVER_BACKEND_H

#include "base/limits.h"
#include "base/pool.h"
#include "io/receiver.h"

#include <sys/socket.h>

enum {
    // Room for the name and the control messages of one datagram: PKTINFO of either family and SO_RXQ_OVFL. Multiples of 8, so that what
    // follows them in one buffer is aligned.
    EG_RECEIVER_NAME_SIZE = 32,    // [B] sockaddr_in6 and 4 more
    EG_RECEIVER_CONTROL_SIZE = 64, // [B]
};

// A socket in a receiver's pool. Its handle goes through the kernel and comes back with each completion, so one that comes back after the
// socket was removed finds nothing.
struct eg_receiver_socket {
    struct eg_receiver_source source;
    uint32_t overflow_seen; // the kernel's running count, as of the last datagram
};

struct eg_receiver_backend {
    void (*attach)(struct eg_receiver *receiver);
    void (*detach)(struct eg_receiver *receiver);
    void (*destroy)(struct eg_receiver *receiver);
    bool (*add)(struct eg_receiver *receiver, eg_handle handle, int fd);
    void (*remove)(struct eg_receiver *receiver, eg_handle handle, int fd);
    void (*wait)(struct eg_receiver *receiver, eg_time timeout_us);
    bool (*next)(struct eg_receiver *receiver, struct eg_datagram *datagram);
};

// The first member of each back end's state.
struct eg_receiver {
    const struct eg_receiver_backend *backend;
    eg_io io;
    int wake_fd; // eventfd
    struct eg_pool sockets;
};

// Makes room for up to `sockets_max` sockets, and the eventfd. False when the kernel refuses that (errno).
bool eg__receiver_init(struct eg_receiver *receiver, uint32_t sockets_max);

// Fills in all but the bytes, from what recvmsg left in `message`.
void eg__receiver_describe(struct eg_receiver_socket *socket, const struct msghdr *message, struct eg_datagram *datagram);

#endif
