// Level-triggered: each socket that is ready gives up to MESSAGES_MAX datagrams a turn, and says so again at the next wait when it has
// more. So a socket that is flooded does not keep the others waiting.
#include "base/memory.h"
#include "io/receiver_backend.h"
#include "io/receiver_backends.h"

#include <errno.h>
#include <sys/epoll.h>
#include <time.h>
#include <unistd.h>

enum {
    READY_MAX = 256,   // sockets looked at in one turn
    MESSAGES_MAX = 64, // datagrams taken by one call
};

struct slot {
    struct sockaddr_storage name;
    _Alignas(8) uint8_t control[EG_RECEIVER_CONTROL_SIZE];
    struct iovec view;
    uint8_t bytes[EG_DATAGRAM_SIZE_MAX];
};

struct epoll_receiver {
    struct eg_receiver base;
    int epoll_fd;
    struct epoll_event ready[READY_MAX]; // their data is the socket's handle, 0 for the eventfd
    uint32_t ready_count;
    uint32_t ready_at;   // the next one to take datagrams from
    eg_handle current;   // the one that `messages` are of
    uint32_t message_count;
    uint32_t message_at; // the next one to hand out
    struct mmsghdr messages[MESSAGES_MAX];
    struct slot slots[MESSAGES_MAX];
};

static struct epoll_receiver *self_of(struct eg_receiver *receiver) { return (struct epoll_receiver *)receiver; }

static bool watch(struct epoll_receiver *self, eg_handle handle, int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.u64 = handle};
    return epoll_ctl(self->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

static void attach_epoll(struct eg_receiver *receiver) { EG_ASSERT(watch(self_of(receiver), 0, receiver->wake_fd)); }

static void detach_epoll(struct eg_receiver *receiver) { (void)receiver; }

static bool add_epoll(struct eg_receiver *receiver, eg_handle handle, int fd) { return watch(self_of(receiver), handle, fd); }

// What was taken from the socket before is thrown away here; what `ready` still says about it finds no socket later.
static void remove_epoll(struct eg_receiver *receiver, eg_handle handle, int fd) {
    struct epoll_receiver *self = self_of(receiver);
    epoll_ctl(self->epoll_fd, EPOLL_CTL_DEL, fd, NULL);
    if (self->current == handle) self->message_at = self->message_count;
}

// epoll_pwait2 came with Linux 5.11; without it the time is rounded up to a millisecond.
static int wait_for_events(struct epoll_receiver *self, eg_time timeout_us) {
    if (timeout_us == EG_TIME_NEVER) return epoll_wait(self->epoll_fd, self->ready, READY_MAX, -1);
    struct timespec timeout = {.tv_sec = (time_t)(timeout_us / EG_SECOND), .tv_nsec = (long)(timeout_us % EG_SECOND) * 1000};
    int count = epoll_pwait2(self->epoll_fd, self->ready, READY_MAX, &timeout, NULL);
    if (count >= 0 || (errno != ENOSYS && errno != EPERM)) return count;
    uint64_t milliseconds = timeout_us / EG_MILLISECOND + (timeout_us % EG_MILLISECOND != 0);
    return epoll_wait(self->epoll_fd, self->ready, READY_MAX, milliseconds > INT32_MAX ? INT32_MAX : (int)milliseconds);
}

static void wait_epoll(struct eg_receiver *receiver, eg_time timeout_us) {
    struct epoll_receiver *self = self_of(receiver);
    if (self->message_at < self->message_count || self->ready_at < self->ready_count) return;
    int count = wait_for_events(self, timeout_us);
    self->ready_count = count > 0 ? (uint32_t)count : 0;
    self->ready_at = 0;
}

static void take_datagrams(struct epoll_receiver *self, eg_handle handle, int fd) {
    // recvmmsg has written over what it filled the last time, so that much is set up anew.
    for (uint32_t i = 0; i < self->message_count; i++) {
        self->messages[i].msg_hdr.msg_namelen = sizeof self->slots[i].name;
        self->messages[i].msg_hdr.msg_controllen = sizeof self->slots[i].control;
    }
    int count = recvmmsg(fd, self->messages, MESSAGES_MAX, MSG_DONTWAIT, NULL);
    // An error is one that a datagram of ours caused earlier; asking took it off the socket.
    self->message_count = count > 0 ? (uint32_t)count : 0;
    self->message_at = 0;
    self->current = handle;
}

static void drain_wake(struct eg_receiver *receiver) {
    uint64_t count;
    EG_ASSERT(read(receiver->wake_fd, &count, sizeof count) == sizeof count);
}

static bool next_epoll(struct eg_receiver *receiver, struct eg_datagram *datagram) {
    struct epoll_receiver *self = self_of(receiver);
    while (self->message_at == self->message_count) {
        if (self->ready_at == self->ready_count) return false;
        eg_handle handle = self->ready[self->ready_at++].data.u64;
        if (handle == 0) {
            drain_wake(receiver);
            continue;
        }
        const struct eg_receiver_socket *socket = eg__pool_find(&receiver->sockets, handle);
        if (socket != NULL) take_datagrams(self, handle, socket->source.fd);
    }
    uint32_t at = self->message_at++;
    eg__receiver_describe(eg__pool_find(&receiver->sockets, self->current), &self->messages[at].msg_hdr, datagram);
    datagram->arrival.bytes = self->slots[at].bytes;
    datagram->arrival.size = self->messages[at].msg_len;
    return true;
}

static void destroy_epoll(struct eg_receiver *receiver) {
    struct epoll_receiver *self = self_of(receiver);
    close(self->epoll_fd);
    eg__memory_release(self);
}

static const struct eg_receiver_backend epoll_backend = {
    .attach = attach_epoll,
    .detach = detach_epoll,
    .destroy = destroy_epoll,
    .add = add_epoll,
    .remove = remove_epoll,
    .wait = wait_epoll,
    .next = next_epoll,
};

struct eg_receiver *eg__receiver_create_epoll(int *cause) {
    struct epoll_receiver *self = eg__memory_take(1, sizeof *self);
    if (self == NULL) {
        *cause = ENOMEM;
        return NULL;
    }
    self->base.backend = &epoll_backend;
    self->base.io = EG_IO_EPOLL;
    self->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    if (self->epoll_fd < 0) {
        *cause = errno;
        eg__memory_release(self);
        return NULL;
    }
    for (uint32_t i = 0; i < MESSAGES_MAX; i++) {
        struct slot *slot = &self->slots[i];
        slot->view = (struct iovec){.iov_base = slot->bytes, .iov_len = sizeof slot->bytes};
        self->messages[i].msg_hdr = (struct msghdr){.msg_name = &slot->name, .msg_namelen = sizeof slot->name,
                                                    .msg_iov = &slot->view, .msg_iovlen = 1,
                                                    .msg_control = slot->control, .msg_controllen = sizeof slot->control};
    }
    return &self->base;
}
