#include "io/receiver.h"

#include "io/error.h"
#include "io/receiver_backend.h"
#include "io/udp.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/utsname.h>
#include <unistd.h>

// What the sysctl kernel.io_uring_disabled says, '0' when it isn't there.
static char read_uring_sysctl(void) {
    char value = '0';
    int fd = open("/proc/sys/kernel/io_uring_disabled", O_RDONLY | O_CLOEXEC);
    if (fd < 0) return value;
    if (read(fd, &value, 1) != 1) value = '0';
    close(fd);
    return value;
}

static void explain_uring(int cause, char *reason, size_t reason_size) {
    char sysctl = read_uring_sysctl();
    struct utsname kernel = {0};
    uname(&kernel);
    if (cause == EPERM && sysctl == '2') {
        snprintf(reason, reason_size, "disabled by sysctl kernel.io_uring_disabled=2");
    } else if (cause == EPERM && sysctl == '1') {
        snprintf(reason, reason_size, "left to one group by sysctl kernel.io_uring_disabled=1 (see kernel.io_uring_group)");
    } else if (cause == EPERM || cause == EACCES) {
        snprintf(reason, reason_size, "blocked, probably by a seccomp profile such as Docker's default");
    } else if (cause == ENOSYS) {
        snprintf(reason, reason_size, "kernel %.40s is built without it, or a seccomp profile hides it", kernel.release);
    } else if (cause == EINVAL) {
        snprintf(reason, reason_size, "kernel too old: %.40s, 6.1 is the first that will do", kernel.release);
    } else if (cause == ENOMEM) {
        snprintf(reason, reason_size, "memory refused, perhaps by the limit of locked memory (ulimit -l)");
    } else {
        char words[64];
        snprintf(reason, reason_size, "%s", strerror_r(cause, words, sizeof words));
    }
}

static eg_status init_common(struct eg_receiver *receiver, uint32_t sockets_max) {
    eg__pool_init(&receiver->sockets, sizeof(struct eg_receiver_socket), sockets_max);
    // Blocking: io_uring waits in its read of it, which would fail at once on a descriptor that must not block.
    receiver->wake_fd = eventfd(0, EFD_CLOEXEC);
    return receiver->wake_fd >= 0 ? EG_STATUS_OK : EG_STATUS_SYSTEM;
}

eg_status eg__receiver_create(eg_io io, uint32_t sockets_max, struct eg_receiver **receiver, char *reason, size_t reason_size,
                              struct eg_error *error) {
    int cause = 0;
    *receiver = NULL;
    if (reason_size > 0) reason[0] = '\0';
    if (io != EG_IO_EPOLL) *receiver = eg__receiver_create_uring(&cause);
    if (*receiver == NULL && io != EG_IO_EPOLL) {
        char why[160];
        explain_uring(cause, why, sizeof why);
        if (io == EG_IO_URING) return eg__fail(error, EG_STATUS_UNSUPPORTED, cause, "io_uring: %s", why);
        snprintf(reason, reason_size, "%s", why);
    }
    if (*receiver == NULL) *receiver = eg__receiver_create_epoll(&cause);
    if (*receiver == NULL && cause == ENOMEM) return eg__fail(error, EG_STATUS_NO_MEMORY, 0, "no memory for receive buffers");
    if (*receiver == NULL) return eg__fail(error, EG_STATUS_SYSTEM, cause, "epoll_create1");
    if (init_common(*receiver, sockets_max) == EG_STATUS_OK) return EG_STATUS_OK;
    cause = errno;
    (*receiver)->backend->destroy(*receiver);
    *receiver = NULL;
    return eg__fail(error, EG_STATUS_SYSTEM, cause, "eventfd");
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

bool eg__receiver_has_uring(char *reason, size_t reason_size) {
    struct eg_receiver *receiver;
    struct eg_error error = {0};
    if (eg__receiver_create(EG_IO_AUTO, 1, &receiver, reason, reason_size, &error) != EG_STATUS_OK) {
        snprintf(reason, reason_size, "%.120s", error.message);
        return false;
    }
    bool has_uring = receiver->io == EG_IO_URING;
    eg__receiver_destroy(receiver);
    return has_uring;
}

// What IPV6_PKTINFO, IP_PKTINFO and SO_RXQ_OVFL say. They are copied out: their alignment is the kernel's business.
static void read_control(struct eg_receiver_socket *socket, const struct cmsghdr *control, struct eg_datagram *datagram) {
    const void *data = CMSG_DATA(control);
    if (control->cmsg_level == IPPROTO_IPV6 && control->cmsg_type == IPV6_PKTINFO) {
        memcpy(datagram->path.local.ip, (const uint8_t *)data + offsetof(struct in6_pktinfo, ipi6_addr), sizeof datagram->path.local.ip);
    } else if (control->cmsg_level == IPPROTO_IP && control->cmsg_type == IP_PKTINFO) {
        const uint8_t *ip = (const uint8_t *)data + offsetof(struct in_pktinfo, ipi_addr);
        datagram->path.local = eg__addr_ipv4(ip[0], ip[1], ip[2], ip[3], datagram->path.local.port);
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
    datagram->path.remote = eg__addr_from_sockaddr(message->msg_name);
    datagram->path.local.port = socket->source.local_port;
    // CMSG_NXTHDR takes a message that is not const, and changes none.
    struct msghdr *walk = (struct msghdr *)(uintptr_t)message;
    for (struct cmsghdr *control = CMSG_FIRSTHDR(walk); control != NULL; control = CMSG_NXTHDR(walk, control)) {
        read_control(socket, control, datagram);
    }
}
