// Which system call sends best, with nothing around it: pictures and sounds to 500 viewers, whose sockets drop them. A picture is 9
// packets of 1,176 bytes, as GSO message or packet by packet; a sound is one packet of 268 bytes, a message of its own in any case.
//
// CPU time is that of the whole process, in which nothing else runs, so that the kernel's own io_uring threads are in it; where that says
// less than the wall clock does, something else has worked for us.
#include "bench.h"
#include "sink.h"
#include "statistics.h"
#include "ticks.h"

#include <liburing.h>
#include <netinet/in.h>
#include <netinet/udp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    VIEWERS = 500,
    AT_ONCE = 128,          // messages of one call, as the engine's
    SEGMENTS = 9,
    SEGMENT_SIZE = 1176,    // [B] with header and tag
    SOUND_SIZE = 268,       // [B] likewise
    ROUNDS_QUICK = 7,
    ROUNDS = 31,
    PASSES = 4,             // over all viewers, of one round
    SEND_BUFFER_SIZE = 8 * 1024 * 1024, // [B]
};

enum call { CALL_SENDMMSG, CALL_URING, CALL_SENDMSG };

struct way {
    const char *what;
    enum call call;
    bool is_sound;
    bool is_plain;      // packet by packet instead of GSO
    bool has_source;    // names the address to send from, as the engine does
    bool is_connected;  // a socket for each viewer, connected
    int reference;      // of the ratio: another way, -1 when none
};

static const struct way ways[] = {
    {"send_sendmmsg: picture, GSO", CALL_SENDMMSG, false, false, false, false, -1},
    {"send_uring: picture, GSO", CALL_URING, false, false, false, false, 0},
    {"send_sendmsg: picture, GSO, a call each", CALL_SENDMSG, false, false, false, false, 0},
    {"send_sendmmsg: picture, GSO, source named", CALL_SENDMMSG, false, false, true, false, 0},
    {"send_sendmmsg: picture, no GSO", CALL_SENDMMSG, false, true, false, false, 0},
    {"send_uring: picture, no GSO", CALL_URING, false, true, false, false, 0},
    {"send_sendmmsg: sound", CALL_SENDMMSG, true, false, false, false, -1},
    {"send_uring: sound", CALL_URING, true, false, false, false, 6},
    {"send_sendmsg: sound, a call each", CALL_SENDMSG, true, false, false, false, 6},
    {"send_sendmmsg: sound, source named", CALL_SENDMMSG, true, false, true, false, 6},
    {"send_sendmsg: sound, connected, a call each", CALL_SENDMSG, true, false, false, true, 6},
    {"send_uring: sound, connected", CALL_URING, true, false, false, true, 6},
};

enum { WAYS = sizeof ways / sizeof ways[0] };

struct message {
    struct sockaddr_in to;
    struct iovec view;
    _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct in_pktinfo)) + CMSG_SPACE(sizeof(uint16_t))];
};

struct send {
    int fd;
    int sinks[VIEWERS];
    int connected[VIEWERS];
    uint16_t ports[VIEWERS];
    struct io_uring ring;
    bool has_ring;
    uint8_t bytes[SEGMENTS * SEGMENT_SIZE];
    struct mmsghdr headers[AT_ONCE];
    struct message messages[AT_ONCE];
    struct rounds cpu[WAYS];  // [us] a packet
    struct rounds wall[WAYS]; // likewise
    uint64_t refused;
};

static bool open_sinks(struct send *send) {
    for (int i = 0; i < VIEWERS; i++) {
        send->sinks[i] = sink_open(false, &send->ports[i]);
        struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(send->ports[i]), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        send->connected[i] = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
        if (send->sinks[i] < 0 || !sink_drop_media(send->sinks[i]) || send->connected[i] < 0) return false;
        if (connect(send->connected[i], (struct sockaddr *)&to, sizeof to) != 0) return false;
    }
    return true;
}

static bool open_all(struct send *send) {
    int size = SEND_BUFFER_SIZE;
    memset(send->bytes, 0x80, sizeof send->bytes); // RTP, for the filter
    memset(send->sinks, -1, sizeof send->sinks);
    memset(send->connected, -1, sizeof send->connected);
    send->fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (send->fd < 0 || !open_sinks(send)) return false;
    setsockopt(send->fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size);
    send->has_ring = io_uring_queue_init(AT_ONCE, &send->ring, IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN) == 0;
    return true;
}

static void close_all(struct send *send) {
    for (int i = 0; i < VIEWERS; i++) {
        if (send->sinks[i] >= 0) close(send->sinks[i]);
        if (send->connected[i] >= 0) close(send->connected[i]);
    }
    if (send->fd >= 0) close(send->fd);
    if (send->has_ring) io_uring_queue_exit(&send->ring);
}

static size_t put_control(uint8_t *at, int level, int type, const void *data, size_t size) {
    struct cmsghdr *control = (struct cmsghdr *)(void *)at;
    *control = (struct cmsghdr){.cmsg_level = level, .cmsg_type = type, .cmsg_len = CMSG_LEN(size)};
    memcpy(CMSG_DATA(control), data, size);
    return CMSG_SPACE(size);
}

static void write_message(struct send *send, const struct way *way, uint32_t slot, uint32_t viewer, size_t size) {
    struct message *message = &send->messages[slot];
    struct msghdr *header = &send->headers[slot].msg_hdr;
    message->to = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(send->ports[viewer]), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    message->view = (struct iovec){.iov_base = send->bytes, .iov_len = size};
    *header = (struct msghdr){.msg_iov = &message->view, .msg_iovlen = 1};
    if (!way->is_connected) {
        header->msg_name = &message->to;
        header->msg_namelen = sizeof message->to;
    }
    size_t used = 0;
    if (way->has_source) {
        struct in_pktinfo source = {.ipi_spec_dst.s_addr = htonl(INADDR_LOOPBACK)};
        used += put_control(message->control, IPPROTO_IP, IP_PKTINFO, &source, sizeof source);
    }
    uint16_t segment_size = SEGMENT_SIZE;
    if (size > SEGMENT_SIZE) used += put_control(message->control + used, IPPROTO_UDP, UDP_SEGMENT, &segment_size, sizeof segment_size);
    header->msg_control = used > 0 ? message->control : NULL;
    header->msg_controllen = used;
}

static int fd_for(const struct send *send, const struct way *way, uint32_t viewer) {
    return way->is_connected ? send->connected[viewer] : send->fd;
}

static void flush_uring(struct send *send, const struct way *way, uint32_t count, const uint32_t *viewers) {
    for (uint32_t i = 0; i < count; i++) {
        struct io_uring_sqe *entry = io_uring_get_sqe(&send->ring);
        io_uring_prep_sendmsg(entry, fd_for(send, way, viewers[i]), &send->headers[i].msg_hdr, MSG_DONTWAIT | MSG_NOSIGNAL);
    }
    io_uring_submit_and_wait(&send->ring, count);
    struct io_uring_cqe *completion;
    for (uint32_t i = 0; i < count && io_uring_wait_cqe(&send->ring, &completion) == 0; i++) {
        send->refused += completion->res < 0;
        io_uring_cqe_seen(&send->ring, completion);
    }
}

static void flush_messages(struct send *send, const struct way *way, uint32_t count, const uint32_t *viewers) {
    if (way->call == CALL_URING) {
        flush_uring(send, way, count, viewers);
        return;
    }
    for (uint32_t i = 0; i < count;) {
        int sent = 1;
        if (way->call == CALL_SENDMMSG) sent = sendmmsg(send->fd, send->headers + i, count - i, MSG_DONTWAIT | MSG_NOSIGNAL);
        else if (sendmsg(fd_for(send, way, viewers[i]), &send->headers[i].msg_hdr, MSG_DONTWAIT | MSG_NOSIGNAL) < 0) sent = -1;
        send->refused += sent <= 0;
        i += sent > 0 ? (uint32_t)sent : 1;
    }
}

// Messages are written anew each time, as whoever sends real ones has to.
static uint64_t play(struct send *send, const struct way *way) {
    uint32_t viewers[AT_ONCE], staged = 0;
    uint64_t packets = 0;
    uint32_t messages_each = way->is_plain ? SEGMENTS : 1;
    size_t size = way->is_sound ? SOUND_SIZE : way->is_plain ? SEGMENT_SIZE : SEGMENTS * SEGMENT_SIZE;
    for (uint32_t viewer = 0; viewer < VIEWERS; viewer++) {
        for (uint32_t i = 0; i < messages_each; i++) {
            write_message(send, way, staged, viewer, size);
            viewers[staged++] = viewer;
            if (staged == AT_ONCE) {
                flush_messages(send, way, staged, viewers);
                staged = 0;
            }
        }
        packets += way->is_sound ? 1 : SEGMENTS;
    }
    flush_messages(send, way, staged, viewers);
    return packets;
}

static void time_way(struct send *send, int index) {
    uint64_t begin = ticks_of(CLOCK_PROCESS_CPUTIME_ID), begin_wall = ticks_now(), packets = 0;
    for (int pass = 0; pass < PASSES; pass++) packets += play(send, &ways[index]);
    rounds_add(&send->cpu[index], (double)(ticks_of(CLOCK_PROCESS_CPUTIME_ID) - begin) / 1e3 / (double)packets);
    rounds_add(&send->wall[index], (double)(ticks_now() - begin_wall) / 1e3 / (double)packets);
}

static void add_rows(struct bench *bench, const char *name, const struct send *send) {
    char text[64];
    for (int i = 0; i < WAYS; i++) {
        const struct rounds *cpu = &send->cpu[i];
        if (cpu->count == 0) continue; // no io_uring here
        bool has_reference = ways[i].reference >= 0;
        const struct rounds *reference = &send->cpu[has_reference ? ways[i].reference : i];
        table_add(bench->table, name, ways[i].what, rounds_median(cpu), "us/packet", has_reference ? rounds_median(reference) : 0,
                  has_reference ? rounds_ratio(cpu, reference) : 0);
    }
    for (int i = 0; i < WAYS; i++) {
        bool is_told = (i < 2 || ways[i].is_sound) && send->wall[i].count > 0 && !ways[i].has_source;
        if (!is_told) continue;
        snprintf(text, sizeof text, "wall %s", ways[i].what);
        table_add(bench->table, name, text, rounds_median(&send->wall[i]), "us/packet", 0, 0);
    }
    if (send->refused > 0) table_add(bench->table, name, "refused", (double)send->refused, "messages", 0, 0);
}

void shape_send(struct bench *bench, const char *name) {
    static struct send send; // too large for a stack
    if (open_all(&send)) {
        for (int round = bench->is_quick ? ROUNDS_QUICK : ROUNDS; round > 0; round--) {
            for (int i = 0; i < WAYS; i++) {
                if (ways[i].call != CALL_URING || send.has_ring) time_way(&send, i);
            }
        }
        add_rows(bench, name, &send);
    } else {
        bench_break(bench, name, "no sockets: 1,001 descriptors are needed");
    }
    close_all(&send);
}
