#include "sink.h"

#include <linux/filter.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
    RECEIVE_BUFFER_SIZE = 4 * 1024 * 1024, // [B] asked for where media is read: it is looked after only now and then
    KEEP = 0xffff,                         // a filter's verdict: so many bytes
    DROP = 0,
    MARKER = 0x80,                         // beside the payload type
    SEEN_EACH = 4,                         // packets of a picture, by their sequence numbers; a power of 2
};

// Filters see the datagram from its UDP header on.
enum { SOURCE_PORT_AT = 0, FIRST_BYTE_AT = 8, SECOND_BYTE_AT = 9, SEQUENCE_AT = 11 }; // the lower half of it

static bool attach(int fd, struct sock_filter *code, uint16_t count) {
    struct sock_fprog program = {.len = count, .filter = code};
    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof program) == 0;
}

int sink_open(bool takes_whole, uint16_t *port) {
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0) return -1;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;
    int yes = 1;
    bool is_ready = bind(fd, (struct sockaddr *)&address, size) == 0 && getsockname(fd, (struct sockaddr *)&address, &size) == 0 &&
                    (!takes_whole || setsockopt(fd, IPPROTO_UDP, UDP_GRO, &yes, sizeof yes) == 0);
    *port = ntohs(address.sin_port);
    if (is_ready) return fd;
    close(fd);
    return -1;
}

// RFC 7983: 128..191 is RTP, or RTCP with a second byte of 192..223.
bool sink_drop_media(int fd) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FIRST_BYTE_AT),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 128, 0, 5),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 192, 4, 0),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, SECOND_BYTE_AT),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 224, 1, 0),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 192, 1, 0),
        BPF_STMT(BPF_RET | BPF_K, DROP),
        BPF_STMT(BPF_RET | BPF_K, KEEP),
    };
    return attach(fd, code, sizeof code / sizeof code[0]);
}

bool sink_keep_ends(int fd, uint8_t video_payload_type, uint8_t rtx_payload_type) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, FIRST_BYTE_AT),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 128, 0, 11),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 192, 10, 0),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, SECOND_BYTE_AT),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(MARKER | video_payload_type), 8, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(MARKER | rtx_payload_type), 7, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, rtx_payload_type, 6, 0),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, video_payload_type, 2, 0),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 224, 3, 0),
        BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, 192, 3, 2),
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, SEQUENCE_AT),
        BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, SEEN_EACH - 1, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, DROP),
        BPF_STMT(BPF_RET | BPF_K, KEEP),
    };
    int yes = 1;
    return attach(fd, code, sizeof code / sizeof code[0]) && setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof yes) == 0;
}

bool sink_keep_media(int fd) {
    int unused = 0;
    return setsockopt(fd, SOL_SOCKET, SO_DETACH_FILTER, &unused, sizeof unused) == 0;
}

bool sink_sample(int fd, uint16_t port) {
    struct sock_filter code[] = {
        BPF_STMT(BPF_LD | BPF_H | BPF_ABS, SOURCE_PORT_AT),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, port, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, KEEP),
        BPF_STMT(BPF_RET | BPF_K, DROP),
    };
    int yes = 1, size = RECEIVE_BUFFER_SIZE;
    if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof size) != 0) setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
    return attach(fd, code, sizeof code / sizeof code[0]) && setsockopt(fd, SOL_SOCKET, SO_TIMESTAMPNS, &yes, sizeof yes) == 0;
}

ssize_t sink_read(int fd, uint8_t *bytes, size_t size, uint64_t *arrival) {
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct timespec))];
    struct iovec view = {.iov_base = bytes, .iov_len = size};
    struct msghdr message = {.msg_iov = &view, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
    ssize_t taken = recvmsg(fd, &message, MSG_DONTWAIT);
    *arrival = 0;
    for (struct cmsghdr *at = taken < 0 ? NULL : CMSG_FIRSTHDR(&message); at != NULL; at = CMSG_NXTHDR(&message, at)) {
        if (at->cmsg_level != SOL_SOCKET || at->cmsg_type != SO_TIMESTAMPNS) continue;
        struct timespec time;
        memcpy(&time, CMSG_DATA(at), sizeof time);
        *arrival = (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
    }
    return taken;
}

uint32_t sink_dropped(int fd) {
    uint32_t figures[SK_MEMINFO_VARS];
    socklen_t size = sizeof figures;
    if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, figures, &size) != 0) return 0;
    return figures[SK_MEMINFO_DROPS];
}
