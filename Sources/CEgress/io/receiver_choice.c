#include "io/receiver_choice.h"

#include "base/error.h"
#include "io/receiver_backend.h"
#include "io/receiver_backends.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
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

eg_status eg__receiver_create(eg_io io, uint32_t sockets_max, struct eg_receiver_choice *choice, struct eg_error *error) {
    int cause = 0;
    *choice = (struct eg_receiver_choice){0};
    struct eg_receiver *receiver = io != EG_IO_EPOLL ? eg__receiver_create_uring(&cause) : NULL;
    if (receiver == NULL && io != EG_IO_EPOLL) {
        explain_uring(cause, choice->reason, sizeof choice->reason);
        if (io == EG_IO_URING) return eg__fail(error, EG_STATUS_UNSUPPORTED, cause, "io_uring: %s", choice->reason);
    }
    if (receiver == NULL) receiver = eg__receiver_create_epoll(&cause);
    if (receiver == NULL && cause == ENOMEM) return eg__fail(error, EG_STATUS_NO_MEMORY, 0, "no memory for receive buffers");
    if (receiver == NULL) return eg__fail(error, EG_STATUS_SYSTEM, cause, "epoll_create1");
    if (!eg__receiver_init(receiver, sockets_max)) {
        cause = errno;
        receiver->backend->destroy(receiver);
        return eg__fail(error, EG_STATUS_SYSTEM, cause, "eventfd");
    }
    choice->receiver = receiver;
    return EG_STATUS_OK;
}

bool eg__receiver_has_uring(char *reason, size_t reason_size) {
    struct eg_receiver_choice choice;
    struct eg_error error = {0};
    if (eg__receiver_create(EG_IO_AUTO, 1, &choice, &error) != EG_STATUS_OK) {
        snprintf(reason, reason_size, "%.120s", error.message);
        return false;
    }
    snprintf(reason, reason_size, "%s", choice.reason);
    bool has_uring = choice.receiver->io == EG_IO_URING;
    eg__receiver_destroy(choice.receiver);
    return has_uring;
}
