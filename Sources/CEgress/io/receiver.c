// What both back ends have: sockets, the way to wake the thread that waits, and what recvmsg says of a datagram.
#include "io/receiver_backend.h"

#include "io/udp.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool eg__receiver_init(struct eg_receiver *receiver, uint32_t sockets_max) {
    eg__pool_init(&receiver->sockets, sizeof(struct eg_receiver_socket), sockets_max);
    // Blocking: io_uring waits in its read of it, which would fail at once on a descriptor that must not block.
    receiver->wake_fd = eventfd(0, EFD_CLOEXEC);
    return receiver->wake_fd >= 0;
}

void eg__receiver_attach(struct eg_receiver *receiver) { receiver->backend->attach(receiver); }

static void remove_all(struct eg_receiver *receiver) {
    eg_handle handle;
    for (uint32_t i = 0; eg__pool_next(&receiver->sockets, &i, &handle) != NULL;) eg__receiver_remove(receiver, handle);
}

void eg__receiver_detach(struct eg_receiver *receiver) {
    remove_all(receiver);
    receiver->backend->detach(receiver);
}

void eg__receiver_destroy(struct eg_receiver *receiver) {
    remove_all(receiver);
    eg__pool_deinit(&receiver->sockets);
    int wake_fd = receiver->wake_fd;
    receiver->backend->destroy(receiver);
    close(wake_fd);
}

eg_io eg__receiver_io(const struct eg_receiver *receiver) { return receiver->io; }

eg_handle eg__receiver_add(struct eg_receiver *receiver, const struct eg_receiver_source *source) {
    eg_handle handle;
    struct eg_receiver_socket *socket = eg__pool_take(&receiver->sockets, &handle);
    if (socket == NULL) return 0;
    socket->source = *source;
    if (receiver->backend->add(receiver, handle, source->fd)) return handle;
    eg__pool_release(&receiver->sockets, handle);
    return 0;
}

void eg__receiver_remove(struct eg_receiver *receiver, eg_handle handle) {
    struct eg_receiver_socket *socket = eg__pool_find(&receiver->sockets, handle);
    EG_ASSERT(socket != NULL);
    receiver->backend->remove(receiver, handle, socket->source.fd);
    close(socket->source.fd);
    eg__pool_release(&receiver->sockets, handle);
}

void eg__receiver_wake(struct eg_receiver *receiver) {
    uint64_t one = 1;
    // It could block only after 2^64 - 2 wake-ups that nobody took.
    while (write(receiver->wake_fd, &one, sizeof one) < 0 && errno == EINTR) continue;
}

void eg__receiver_wait(struct eg_receiver *receiver, eg_time timeout_us) { receiver->backend->wait(receiver, timeout_us); }

bool eg__receiver_next(struct eg_receiver *receiver, struct eg_datagram *datagram) { return receiver->backend->next(receiver, datagram); }

// What IPV6_PKTINFO, IP_PKTINFO and SO_RXQ_OVFL say. They are copied out: their alignment is the kernel's business.
static void read_control(struct eg_receiver_socket *socket, const struct cmsghdr *control, struct eg_datagram *datagram) {
    const void *data = CMSG_DATA(control);
    struct eg_addr *local = &datagram->arrival.path.local;
    if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO) {
        memcpy(local->ip, (const uint8_t *)data + offsetof(struct in6_pktinfo, ipi6_addr), sizeof local->ip);
    } else if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
        const uint8_t *ip = (const uint8_t *)data + offsetof(struct in_pktinfo, ipi_addr);
        *local = eg__addr_ipv4(ip[0], ip[1], ip[2], ip[3], local->port);
    } else if (control->cmsg_level == SOL_SOCKET && control->cmsg_type == SO_RXQ_OVFL) {
        uint32_t overflow;
        memcpy(&overflow, data, sizeof overflow);
        datagram->overflow = overflow - socket->overflow_seen; // the kernel's count wraps, and so does this
        socket->overflow_seen = overflow;
    }
}

void eg__receiver_describe(struct eg_receiver_socket *socket, const struct msghdr *message, struct eg_datagram *datagram) {
    *datagram = (struct eg_datagram){.owner = socket->source.owner, .kind = socket->source.kind};
    datagram->is_truncated = message->msg_flags & MSG_TRUNC;
    datagram->arrival.path.remote = eg__addr_from_sockaddr(message->msg_name);
    datagram->arrival.path.local.port = socket->source.local_port;
    // CMSG_NXTHDR takes a message that is not const, and changes none.
    struct msghdr *walk = (struct msghdr *)(uintptr_t)message;
    for (struct cmsghdr *control = CMSG_FIRSTHDR(walk); control != NULL; control = CMSG_NXTHDR(walk, control)) {
        read_control(socket, control, datagram);
    }
}
