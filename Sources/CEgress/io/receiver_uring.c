// One ring, and on it one multishot recvmsg per socket. The kernel picks a buffer for each datagram from a ring of buffers that all
// sockets share; what the caller has seen goes back to it. When there is none left the receive ends with ENOBUFS, its datagrams stay in
// the socket, and it is armed again: the completions in front of that one give their buffers back first.
//
// With DEFER_TASKRUN the kernel works only while this thread is in a system call of the ring, so arrivals interrupt nothing, and waits
// for one completion: a wait for more than one can sleep on although datagrams are there.
#include "base/memory.h"
#include "io/receiver_backend.h"
#include "io/receiver_backends.h"

#include <errno.h>
#include <liburing.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum {
    SUBMISSIONS = 256,
    COMPLETIONS = 4096,  // past these the kernel keeps them on a list of its own, at a price; none is lost
    BUFFERS = 1024,      // power of two: four IDRs of 250 packets, arriving at once
    BUFFER_GROUP = 0,
    // From Linux 6.13 on one call does 20 pieces of pending work and leaves the rest for the next. So about as many completions, each of
    // one socket, mean that there may be more; up to TURN_MAX are called for before the caller gets its turn.
    WORK_PER_CALL = 16,
    TURN_MAX = 256,
    CANCEL_CALLS_MAX = 1024,
    // What lies in one buffer: the kernel's header, name, control messages, payload.
    BUFFER_SIZE = sizeof(struct io_uring_recvmsg_out) + EG_RECEIVER_NAME_SIZE + EG_RECEIVER_CONTROL_SIZE + EG_DATAGRAM_SIZE_MAX,
};

// What a completion belongs to when to no socket: a socket's handle is never one of these.
#define USER_NONE UINT64_C(0)
#define USER_WAKE UINT64_MAX

struct uring_receiver {
    struct eg_receiver base;
    struct io_uring ring;
    struct io_uring_buf_ring *buffer_ring;
    uint8_t *buffers;
    struct msghdr shape;     // how the kernel is to lay out a buffer; read at each arming
    uint64_t wake_count;     // where the eventfd is read to
    bool is_enabled;
    uint16_t held;           // the buffer of the datagram handed out last
    bool is_holding;
};

static struct uring_receiver *self_of(struct eg_receiver *receiver) { return (struct uring_receiver *)receiver; }

static struct io_uring_sqe *next_submission(struct uring_receiver *self) {
    struct io_uring_sqe *submission;
    while ((submission = io_uring_get_sqe(&self->ring)) == NULL) {
        int submitted = io_uring_submit(&self->ring);
        // The kernel is short of memory for a moment. To give up would leave a socket deaf for good.
        EG_ASSERT(submitted >= 0 || submitted == -EAGAIN || submitted == -EBUSY || submitted == -EINTR || submitted == -ENOMEM);
    }
    return submission;
}

static void arm(struct uring_receiver *self, eg_handle handle, int fd) {
    struct io_uring_sqe *submission = next_submission(self);
    io_uring_prep_recvmsg_multishot(submission, fd, &self->shape, 0);
    submission->flags |= IOSQE_BUFFER_SELECT;
    submission->buf_group = BUFFER_GROUP;
    io_uring_sqe_set_data64(submission, handle);
}

static void arm_wake(struct uring_receiver *self) {
    struct io_uring_sqe *submission = next_submission(self);
    io_uring_prep_read(submission, self->base.wake_fd, &self->wake_count, sizeof self->wake_count, 0);
    io_uring_sqe_set_data64(submission, USER_WAKE);
}

static void attach_uring(struct eg_receiver *receiver) {
    struct uring_receiver *self = self_of(receiver);
    // By number: Debian 12's liburing declares io_uring_enable_rings but its shared object does not export it.
    EG_ASSERT(io_uring_register((unsigned)self->ring.ring_fd, IORING_REGISTER_ENABLE_RINGS, NULL, 0) == 0);
    self->is_enabled = true;
    arm_wake(self);
}

static bool add_uring(struct eg_receiver *receiver, eg_handle handle, int fd) {
    arm(self_of(receiver), handle, fd);
    return true;
}

static void give_back(struct uring_receiver *self, uint16_t buffer) {
    io_uring_buf_ring_add(self->buffer_ring, self->buffers + (size_t)buffer * BUFFER_SIZE, BUFFER_SIZE, buffer,
                          io_uring_buf_ring_mask(BUFFERS), 0);
    io_uring_buf_ring_advance(self->buffer_ring, 1);
}

static void give_back_held(struct uring_receiver *self) {
    if (self->is_holding) give_back(self, self->held);
    self->is_holding = false;
}

// Each arming ends in one completion that says so. Those before it were taken, so when one is there, nothing is under way for `user`.
static bool has_ended(struct uring_receiver *self, uint64_t user) {
    struct io_uring_cqe *completion;
    unsigned head;
    io_uring_for_each_cqe(&self->ring, head, completion) {
        if (completion->user_data == user && !(completion->flags & IORING_CQE_F_MORE)) return true;
    }
    return false;
}

// Ends the request that carries `user` before it returns, which releases its file: a descriptor that is closed after that is really closed.
// The completions stay where they are and find no socket later. When there are so many that the last one can't be seen, the end comes
// with them.
static void cancel(struct uring_receiver *self, uint64_t user) {
    struct io_uring_sqe *submission = next_submission(self);
    io_uring_prep_cancel64(submission, user, 0);
    io_uring_sqe_set_data64(submission, USER_NONE);
    for (uint32_t calls = 0; calls < CANCEL_CALLS_MAX; calls++) {
        io_uring_submit_and_get_events(&self->ring);
        if (has_ended(self, user)) return;
    }
}

static void remove_uring(struct eg_receiver *receiver, eg_handle handle, int fd) {
    (void)fd;
    struct uring_receiver *self = self_of(receiver);
    if (self->is_enabled) cancel(self, handle); // else no request ever began
}

// Every result is as good as "look what is there": a time-out, a signal, a lack of memory that will pass.
static void wait_for_one(struct uring_receiver *self, eg_time timeout_us) {
    if (timeout_us == EG_TIME_NEVER) {
        io_uring_submit_and_wait(&self->ring, 1);
        return;
    }
    struct io_uring_cqe *completion;
    struct __kernel_timespec timeout = {.tv_sec = (int64_t)(timeout_us / EG_SECOND), .tv_nsec = (int64_t)(timeout_us % EG_SECOND) * 1000};
    io_uring_submit_and_wait_timeout(&self->ring, &completion, 1, &timeout, NULL);
}

static void wait_uring(struct eg_receiver *receiver, eg_time timeout_us) {
    struct uring_receiver *self = self_of(receiver);
    give_back_held(self);
    uint32_t before = io_uring_cq_ready(&self->ring);
    if (timeout_us == 0 || before > 0) {
        io_uring_submit_and_get_events(&self->ring);
    } else {
        wait_for_one(self, timeout_us);
    }
    uint32_t ready = io_uring_cq_ready(&self->ring);
    while (ready >= before + WORK_PER_CALL && ready < TURN_MAX) {
        before = ready;
        io_uring_get_events(&self->ring);
        ready = io_uring_cq_ready(&self->ring);
    }
}

// Describes the datagram in a buffer of which the kernel filled `filled` bytes. False when it is not one that can be read.
static bool read_buffer(const struct uring_receiver *self, struct eg_receiver_socket *socket, uint16_t buffer, int filled,
                        struct eg_datagram *datagram) {
    uint8_t *bytes = self->buffers + (size_t)buffer * BUFFER_SIZE;
    struct msghdr shape = self->shape;
    struct io_uring_recvmsg_out *out = io_uring_recvmsg_validate(bytes, filled, &shape);
    if (out == NULL) return false;
    struct msghdr message = {.msg_name = io_uring_recvmsg_name(out), .msg_namelen = out->namelen,
                             .msg_control = io_uring_recvmsg_cmsg_firsthdr(out, &shape), .msg_controllen = out->controllen,
                             .msg_flags = (int)out->flags};
    eg__receiver_describe(socket, &message, datagram);
    datagram->arrival.bytes = io_uring_recvmsg_payload(out, &shape);
    datagram->arrival.size = io_uring_recvmsg_payload_length(out, filled, &shape);
    return true;
}

// Takes one completion. True when it is a datagram.
static bool take(struct uring_receiver *self, const struct io_uring_cqe *completion, struct eg_datagram *datagram) {
    if (completion->user_data == USER_WAKE) {
        arm_wake(self);
        return false;
    }
    struct eg_receiver_socket *socket = eg__pool_find(&self->base.sockets, completion->user_data);
    // Armed again at once, submitted with the next wait. Whatever ended it, an empty datagram or a lack of buffers, passes.
    if (socket != NULL && !(completion->flags & IORING_CQE_F_MORE)) arm(self, completion->user_data, socket->source.fd);
    if (!(completion->flags & IORING_CQE_F_BUFFER)) return false;
    self->held = (uint16_t)(completion->flags >> IORING_CQE_BUFFER_SHIFT);
    self->is_holding = true;
    return socket != NULL && completion->res >= 0 && read_buffer(self, socket, self->held, completion->res, datagram);
}

static bool next_uring(struct eg_receiver *receiver, struct eg_datagram *datagram) {
    struct uring_receiver *self = self_of(receiver);
    struct io_uring_cqe *completion;
    bool is_datagram = false;
    while (!is_datagram) {
        give_back_held(self);
        if (io_uring_peek_cqe(&self->ring, &completion) != 0) return false;
        is_datagram = take(self, completion, datagram);
        io_uring_cqe_seen(&self->ring, completion);
    }
    return true;
}

// The kernel takes a ring apart after its descriptor is closed, in its own time: nothing may be under way into memory that is freed.
static void detach_uring(struct eg_receiver *receiver) {
    cancel(self_of(receiver), USER_WAKE);
}

static void destroy_uring(struct eg_receiver *receiver) {
    struct uring_receiver *self = self_of(receiver);
    io_uring_queue_exit(&self->ring);
    munmap(self->buffer_ring, BUFFERS * sizeof(struct io_uring_buf));
    munmap(self->buffers, (size_t)BUFFERS * BUFFER_SIZE);
    eg__memory_release(self);
}

static const struct eg_receiver_backend uring_backend = {
    .attach = attach_uring,
    .detach = detach_uring,
    .destroy = destroy_uring,
    .add = add_uring,
    .remove = remove_uring,
    .wait = wait_uring,
    .next = next_uring,
};

static void *map(size_t size) {
    void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return memory == MAP_FAILED ? NULL : memory;
}

// Gives an errno, 0 when the kernel has the buffers.
static int register_buffers(struct uring_receiver *self) {
    struct io_uring_buf_reg registration = {.ring_addr = (uint64_t)(uintptr_t)self->buffer_ring, .ring_entries = BUFFERS,
                                            .bgid = BUFFER_GROUP};
    int result = io_uring_register_buf_ring(&self->ring, &registration, 0);
    if (result != 0) return -result;
    io_uring_buf_ring_init(self->buffer_ring);
    for (uint16_t i = 0; i < BUFFERS; i++) give_back(self, i);
    return 0;
}

// Gives an errno, 0 when the ring is ready. It starts disabled, so that the thread that enables it is the one it serves.
static int open_ring(struct uring_receiver *self) {
    struct io_uring_params parameters = {
        .flags = IORING_SETUP_SINGLE_ISSUER | IORING_SETUP_DEFER_TASKRUN | IORING_SETUP_R_DISABLED | IORING_SETUP_CQSIZE,
        .cq_entries = COMPLETIONS,
    };
    int result = io_uring_queue_init_params(SUBMISSIONS, &self->ring, &parameters);
    if (result != 0) return -result;
    int cause = register_buffers(self);
    if (cause != 0) io_uring_queue_exit(&self->ring);
    return cause;
}

struct eg_receiver *eg__receiver_create_uring(int *cause) {
    struct uring_receiver *self = eg__memory_take(1, sizeof *self);
    *cause = ENOMEM;
    if (self == NULL) return NULL;
    self->base.backend = &uring_backend;
    self->base.io = EG_IO_URING;
    self->shape = (struct msghdr){.msg_namelen = EG_RECEIVER_NAME_SIZE, .msg_controllen = EG_RECEIVER_CONTROL_SIZE};
    self->buffer_ring = map(BUFFERS * sizeof(struct io_uring_buf));
    self->buffers = map((size_t)BUFFERS * BUFFER_SIZE);
    if (self->buffer_ring != NULL && self->buffers != NULL) *cause = open_ring(self);
    if (*cause == 0) return &self->base;
    if (self->buffer_ring != NULL) munmap(self->buffer_ring, BUFFERS * sizeof(struct io_uring_buf));
    if (self->buffers != NULL) munmap(self->buffers, (size_t)BUFFERS * BUFFER_SIZE);
    eg__memory_release(self);
    return NULL;
}
