#include "intake.h"

#include "io/clock.h"
#include "io/gather.h"
#include "io/random.h"
#include "io/receiver_choice.h"
#include "io/udp.h"
#include "ticks.h"

#include <semaphore.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { EVENTS_MAX = 256, MESSAGES_MAX = 64, SLOT_SIZE = 2048, TURN_DATAGRAMS_MAX = 256 };

struct intake {
    enum intake_way way;
    pthread_t thread;
    atomic_bool is_over;
    sem_t is_receiving;           // posted once by the thread
    _Atomic uint64_t packets;
    uint32_t socket_count;
    struct eg_udp_socket *sockets;
    int epoll_fd;                 // this and the next of the bare ways, else -1
    int wake_fd;
    struct eg_receiver *receiver; // of the engine's ways, which owns the sockets once the thread has begun
};

static void count(struct intake *intake, uint64_t packets) {
    atomic_store_explicit(&intake->packets, atomic_load_explicit(&intake->packets, memory_order_relaxed) + packets, memory_order_relaxed);
}

static bool watch(const struct intake *intake, int fd) {
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
    return epoll_ctl(intake->epoll_fd, EPOLL_CTL_ADD, fd, &event) == 0;
}

// No names, no control messages: what a program needs that trusts its sender.
static void run_bare(struct intake *intake) {
    static _Thread_local uint8_t slots[MESSAGES_MAX][SLOT_SIZE];
    struct mmsghdr messages[MESSAGES_MAX];
    struct iovec views[MESSAGES_MAX];
    for (int i = 0; i < MESSAGES_MAX; i++) {
        views[i] = (struct iovec){.iov_base = slots[i], .iov_len = SLOT_SIZE};
        messages[i] = (struct mmsghdr){.msg_hdr = {.msg_iov = &views[i], .msg_iovlen = 1}};
    }
    for (uint32_t i = 0; i < intake->socket_count; i++) watch(intake, intake->sockets[i].fd);
    sem_post(&intake->is_receiving);
    while (!atomic_load(&intake->is_over)) {
        struct epoll_event events[EVENTS_MAX];
        uint64_t begin = ticks_now();
        int ready = epoll_wait(intake->epoll_fd, events, EVENTS_MAX, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd == intake->wake_fd) continue;
            int taken = recvmmsg(events[i].data.fd, messages, MESSAGES_MAX, MSG_DONTWAIT, NULL);
            if (taken > 0) count(intake, (uint64_t)taken);
        }
        if (intake->way == INTAKE_BARE_TICK) ticks_sleep_until(begin + 1000000);
    }
}

static void hand_over_sockets(struct intake *intake) {
    for (uint32_t i = 0; i < intake->socket_count; i++) {
        struct eg_udp_socket *udp = &intake->sockets[i];
        struct eg_receiver_source source = {.fd = udp->fd, .local_port = udp->local.port, .owner = 1};
        if (eg__receiver_add(intake->receiver, &source) == 0) eg__udp_close(udp);
    }
    intake->socket_count = 0;
}

// The worker's loop without the worker: waiting, gathering and handing out are the engine's own functions.
static void run_receiver(struct intake *intake) {
    struct eg_gather gather = {0};
    struct eg_datagram datagram;
    bool has_more = false;
    eg__receiver_attach(intake->receiver);
    hand_over_sockets(intake);
    sem_post(&intake->is_receiving);
    while (!atomic_load(&intake->is_over)) {
        eg_time now = eg__clock_now(), until = eg__gather_until(&gather, now);
        if (!has_more && until > now) eg__clock_sleep_until(until);
        eg__receiver_wait(intake->receiver, has_more ? 0 : EG_TIME_NEVER);
        now = eg__clock_now();
        uint32_t taken = 0;
        while (taken < TURN_DATAGRAMS_MAX && eg__receiver_next(intake->receiver, &datagram)) taken++;
        eg__gather_count(&gather, now, !has_more, taken);
        has_more = taken == TURN_DATAGRAMS_MAX;
        count(intake, taken);
    }
    eg__receiver_detach(intake->receiver);
}

static void *run(void *context) {
    struct intake *intake = context;
    if (intake->receiver != NULL) run_receiver(intake);
    else run_bare(intake);
    return NULL;
}

static bool open_streams(struct intake *intake, uint32_t stream_count, struct feeder_target *targets) {
    struct eg_kernel_random random;
    eg__kernel_random_init(&random);
    bool is_open = true;
    for (uint32_t i = 0; i < stream_count && is_open; i++) {
        struct eg_udp_socket pair[MEDIA_KINDS];
        struct eg_error error;
        is_open = eg__udp_open_pair(&(struct eg_udp_range){.buffer_size = EG_UDP_SOURCE_BUFFER_SIZE}, &random.base, pair, &error) == EG_STATUS_OK;
        for (int kind = 0; is_open && kind < MEDIA_KINDS; kind++) {
            targets[i].ports[kind] = pair[kind].local.port;
            intake->sockets[intake->socket_count++] = pair[kind];
        }
    }
    eg__kernel_random_deinit(&random);
    return is_open;
}

static bool open_way(struct intake *intake, uint32_t stream_count) {
    intake->sockets = calloc(stream_count * MEDIA_KINDS, sizeof *intake->sockets);
    if (intake->sockets == NULL) return false;
    if (intake->way == INTAKE_URING || intake->way == INTAKE_EPOLL) {
        struct eg_receiver_choice choice;
        struct eg_error error;
        eg_io io = intake->way == INTAKE_URING ? EG_IO_URING : EG_IO_EPOLL;
        bool is_open = eg__receiver_create(io, stream_count * MEDIA_KINDS, &choice, &error) == EG_STATUS_OK;
        intake->receiver = choice.receiver;
        return is_open;
    }
    intake->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    intake->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    return intake->epoll_fd >= 0 && intake->wake_fd >= 0 && watch(intake, intake->wake_fd);
}

static void destroy(struct intake *intake) {
    if (intake->receiver != NULL) eg__receiver_destroy(intake->receiver);
    for (uint32_t i = 0; i < intake->socket_count; i++) eg__udp_close(&intake->sockets[i]);
    if (intake->epoll_fd >= 0) close(intake->epoll_fd);
    if (intake->wake_fd >= 0) close(intake->wake_fd);
    sem_destroy(&intake->is_receiving);
    free(intake->sockets);
    free(intake);
}

struct intake *intake_start(enum intake_way way, uint32_t stream_count, struct feeder_target *targets) {
    struct intake *intake = calloc(1, sizeof *intake);
    if (intake == NULL) return NULL;
    intake->way = way;
    intake->epoll_fd = intake->wake_fd = -1;
    sem_init(&intake->is_receiving, 0, 0);
    if (open_way(intake, stream_count) && open_streams(intake, stream_count, targets) &&
        pthread_create(&intake->thread, NULL, run, intake) == 0) {
        sem_wait(&intake->is_receiving);
        return intake;
    }
    destroy(intake);
    return NULL;
}

void intake_read(const struct intake *intake, uint64_t *packets, uint64_t *cpu_ns) {
    *packets = atomic_load_explicit(&intake->packets, memory_order_relaxed);
    *cpu_ns = ticks_cpu_of(intake->thread);
}

void intake_stop(struct intake *intake) {
    if (intake == NULL) return;
    atomic_store(&intake->is_over, true);
    uint64_t one = 1;
    if (intake->receiver != NULL) eg__receiver_wake(intake->receiver);
    else if (write(intake->wake_fd, &one, sizeof one) != sizeof one) abort();
    pthread_join(intake->thread, NULL);
    destroy(intake);
}
