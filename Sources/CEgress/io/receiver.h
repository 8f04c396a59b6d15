// Waits for datagrams on many sockets at once and hands them out one by one. Two back ends do it: io_uring (multishot receive into one
// ring of buffers that all sockets share) and epoll with recvmmsg. io/receiver_choice.h makes the one that works.
//
// One thread uses a receiver, between eg__receiver_attach and eg__receiver_detach. Before that, the thread that made it may add a few
// sockets and destroy it. Only eg__receiver_wake may be called from any thread, at any time in the receiver's life.
#ifndef EG_RECEIVER_H
#define EG_RECEIVER_H

#include "base/arrival.h"
#include "cegress.h"

struct eg_receiver;

// What is to be received from, and what its datagrams are to be labelled with.
struct eg_receiver_source {
    int fd;
    uint16_t local_port;
    eg_handle owner; // handed back with each datagram, means nothing here
    uint32_t kind;   // likewise
};

struct eg_datagram {
    eg_handle owner;
    uint32_t kind;
    uint32_t overflow; // how many datagrams this socket lost to a full buffer since the last one handed out (SO_RXQ_OVFL)
    // Its bytes, at most EG_DATAGRAM_SIZE_MAX, are good until the next call of eg__receiver_next or eg__receiver_wait; local.ip is all zero when
    // the socket does not ask for it (IP_PKTINFO). The time is the caller's to fill in.
    struct eg_arrival arrival;
    bool is_truncated; // it was longer than that; only its beginning is here
};

// Called once, by the thread that will use the receiver, before it waits. io_uring serves only this thread then.
void eg__receiver_attach(struct eg_receiver *receiver);

// The last thing that thread does with it: closes every socket and ends all that is under way. Any thread may wake and destroy it then.
void eg__receiver_detach(struct eg_receiver *receiver);

// Frees everything, and closes the sockets when it was never attached.
void eg__receiver_destroy(struct eg_receiver *receiver);

// EG_IO_URING or EG_IO_EPOLL.
eg_io eg__receiver_io(const struct eg_receiver *receiver);

// Starts to receive. On success the descriptor belongs to the receiver, and the handle names the socket for eg__receiver_remove. 0 when
// `sockets_max` is reached or memory is refused: the descriptor is still the caller's.
eg_handle eg__receiver_add(struct eg_receiver *receiver, const struct eg_receiver_source *source);

// Stops to receive and closes the descriptor: on return its port is free, and no datagram of it is handed out any more, not even one that
// had arrived.
void eg__receiver_remove(struct eg_receiver *receiver, eg_handle socket);

// Ends the current wait, or the next one when there is none. Async-signal-safe.
void eg__receiver_wake(struct eg_receiver *receiver);

// Waits until there is something to hand out, somebody wakes it, or `timeout_us` have passed; EG_TIME_NEVER: without end, 0: not at all.
// It does not wait while there is something left from before. May return early for no reason.
void eg__receiver_wait(struct eg_receiver *receiver, eg_time timeout_us);

// The next datagram, false when there is none left of what the last wait found. The caller may stop asking and wait again.
bool eg__receiver_next(struct eg_receiver *receiver, struct eg_datagram *datagram);

#endif
