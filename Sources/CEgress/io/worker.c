#include "io/worker.h"

#include "base/bits.h"
#include "base/error.h"
#include "base/memory.h"
#include "base/pool.h"
#include "io/clock.h"
#include "io/gather.h"
#include "io/random.h"
#include "io/receiver_choice.h"
#include "io/sender.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <unistd.h>

enum {
    TURN_DATAGRAMS_MAX = 256,
    TURN_BATCHES_MAX = 4, // about 1 ms: what has arrived meanwhile waits no longer for a large picture to many viewers
    VIEWER_SOCKET = EG_SOURCES_MAX, // the kind of what arrives there; the other kinds are the sources of a stream
};

// The sockets of one stream.
struct source_sockets {
    eg_stream_id stream;
    uint32_t count;
    eg_handle sockets[EG_SOURCES_MAX]; // in the receiver
};

struct eg_worker {
    pthread_t thread;
    bool is_started;
    struct eg_worker *const *workers; // all of the engine's, itself too
    bool has_peers;
    atomic_bool is_asleep;            // it may be waiting: a thread that has something for it wakes it
    _Atomic uint32_t stream_count;    // as of the last turn, for other threads
    _Atomic uint32_t viewer_count;
    struct eg_mailbox mailbox;
    struct eg_hooks hooks;
    struct eg_core *core;
    struct eg_udp_socket udp; // its fd is -1 once the receiver has taken it over
    struct eg_receiver_choice choice;
    struct eg_receiver *receiver; // the one chosen
    struct eg_sender *sender;
    struct eg_batch batch;
    struct eg_pool sources; // struct source_sockets
    struct eg_gather gather;
    struct eg_kernel_random random;
    eg_time now;            // of this turn
    bool has_more;          // the last turn left something over
    uint64_t turns;
};

static void deliver_events(struct eg_worker *worker) {
    struct eg_event event;
    while (eg__core_poll_event(worker->core, &event)) {
        const struct eg_hooks *hooks = &worker->hooks;
        if (event.kind == EG_EVENT_VIEWER && hooks->viewer != NULL) hooks->viewer(hooks->context, &event.viewer);
        if (event.kind == EG_EVENT_STREAM && hooks->stream != NULL) hooks->stream(hooks->context, &event.stream);
        if (event.kind == EG_EVENT_SWITCH && hooks->encoding != NULL) hooks->encoding(hooks->context, &event.change);
    }
}

// The exchange is a barrier on both sides: either the other one sees what was written to it before it falls asleep, or it is seen asleep here.
static void wake_peers(struct eg_worker *worker) {
    uint32_t wakes = eg__core_take_wakes(worker->core);
    for (uint32_t i; eg__bits_take(&wakes, &i);) {
        struct eg_worker *peer = worker->workers[i];
        if (atomic_exchange_explicit(&peer->is_asleep, false, memory_order_acq_rel)) eg__receiver_wake(peer->receiver);
    }
}

static void flush(struct eg_worker *worker) {
    if (worker->batch.message_count > 0) {
        struct eg_sent sent = eg__sender_send(worker->sender, &worker->batch);
        eg__core_count_send(worker->core, &sent);
    }
    eg__batch_clear(&worker->batch);
}

static struct eg_batch *batch_with_reserve(struct eg_worker *worker) {
    if (!eg__batch_has_reserve(&worker->batch)) flush(worker);
    return &worker->batch;
}

static void receive_datagram(struct eg_worker *worker, struct eg_datagram *datagram) {
    datagram->arrival.at = worker->now;
    // One that was cut off is handed on like any other: from a viewer it does not pass verification, from a source it is too large.
    if (datagram->kind == VIEWER_SOCKET) {
        if (datagram->overflow > 0) eg__core_count_viewer_overflow(worker->core, datagram->overflow);
        eg__core_receive_viewer(worker->core, &datagram->arrival, batch_with_reserve(worker));
        return;
    }
    if (datagram->overflow > 0) eg__core_count_overflow(worker->core, datagram->owner, datagram->kind, datagram->overflow);
    eg__core_receive_source(worker->core, datagram->owner, datagram->kind, &datagram->arrival);
}

// True when there may be more.
static bool receive(struct eg_worker *worker) {
    struct eg_datagram datagram;
    uint32_t count = 0;
    while (count < TURN_DATAGRAMS_MAX && eg__receiver_next(worker->receiver, &datagram)) {
        receive_datagram(worker, &datagram);
        count++;
    }
    eg__gather_count(&worker->gather, worker->now, !worker->has_more, count);
    deliver_events(worker);
    return count == TURN_DATAGRAMS_MAX;
}

// True when there may be more.
static bool receive_peers(struct eg_worker *worker) {
    if (!worker->has_peers) return false;
    bool has_more = eg__core_receive_peers(worker->core, worker->now, batch_with_reserve(worker));
    deliver_events(worker);
    return has_more;
}

static void run_commands(struct eg_worker *worker, struct eg_command *commands) {
    for (struct eg_command *command = commands; command != NULL; command = command->next) {
        command->run(worker, command);
        deliver_events(worker);
    }
}

static void tick(struct eg_worker *worker) {
    if (eg__core_deadline(worker->core) > worker->now) return;
    eg__core_tick(worker->core, worker->now, batch_with_reserve(worker));
    deliver_events(worker);
}

// True when there is more.
static bool transmit(struct eg_worker *worker) {
    bool has_more = true;
    for (uint32_t batches = 0; has_more && batches < TURN_BATCHES_MAX; batches++) {
        has_more = eg__core_transmit(worker->core, worker->now, batch_with_reserve(worker));
        flush(worker);
    }
    deliver_events(worker);
    return has_more;
}

// True when there may be more, also to transmit.
static bool advance_handshakes(struct eg_worker *worker) {
    bool has_more = eg__core_advance_handshakes(worker->core, worker->now, batch_with_reserve(worker));
    flush(worker);
    deliver_events(worker);
    return has_more;
}

static eg_time time_to(eg_time deadline) {
    if (deadline == EG_TIME_NEVER) return EG_TIME_NEVER;
    eg_time now = eg__clock_now();
    return deadline > now ? deadline - now : 0;
}

static void wait_beside_peers(struct eg_worker *worker, eg_time deadline) {
    atomic_exchange_explicit(&worker->is_asleep, true, memory_order_acq_rel);
    eg__receiver_wait(worker->receiver, eg__core_has_from_peers(worker->core) ? 0 : time_to(deadline));
    atomic_store_explicit(&worker->is_asleep, false, memory_order_relaxed);
}

static void wait_for_work(struct eg_worker *worker) {
    if (worker->has_more) {
        eg__receiver_wait(worker->receiver, 0);
        return;
    }
    eg_time deadline = eg__core_deadline(worker->core);
    eg_time until = eg__time_min(eg__gather_until(&worker->gather, worker->now), deadline);
    if (until > worker->now) eg__clock_sleep_until(until);
    if (worker->has_peers) wait_beside_peers(worker, deadline);
    else eg__receiver_wait(worker->receiver, time_to(deadline));
}

static void publish_counts(struct eg_worker *worker) {
    uint32_t streams, viewers;
    eg__core_count(worker->core, &streams, &viewers);
    atomic_store_explicit(&worker->stream_count, streams, memory_order_relaxed);
    atomic_store_explicit(&worker->viewer_count, viewers, memory_order_relaxed);
}

// False when it was the last.
static bool turn(struct eg_worker *worker) {
    bool is_closed;
    worker->now = eg__clock_now();
    worker->turns++;
    bool has_more = receive(worker);
    // Taken first: what was said to this worker before a command was posted is heard before the command runs.
    struct eg_command *commands = eg__mailbox_take(&worker->mailbox, &is_closed);
    has_more |= receive_peers(worker);
    run_commands(worker, commands);
    tick(worker);
    wake_peers(worker);
    has_more |= transmit(worker);
    has_more |= advance_handshakes(worker);
    wake_peers(worker);
    publish_counts(worker);
    eg__mailbox_complete(&worker->mailbox, commands);
    worker->has_more = has_more;
    return !is_closed;
}

static void remove_sockets(struct eg_worker *worker, eg_handle source) {
    const struct source_sockets *sockets = eg__pool_find(&worker->sources, source);
    for (uint32_t i = 0; i < sockets->count; i++) {
        if (sockets->sockets[i] != 0) eg__receiver_remove(worker->receiver, sockets->sockets[i]);
    }
    eg__pool_release(&worker->sources, source);
}

// Every viewer watches a stream, so this reaches all of them.
static void say_goodbye(struct eg_worker *worker) {
    eg_handle source;
    const struct source_sockets *sockets;
    for (uint32_t i = 0; (sockets = eg__pool_next(&worker->sources, &i, &source)) != NULL;) {
        eg__core_remove_stream(worker->core, worker->now, sockets->stream);
        remove_sockets(worker, source);
    }
    eg__core_remove_mirrors(worker->core, worker->now);
    while (transmit(worker)) continue;
}

static void *run(void *context) {
    struct eg_worker *worker = context;
    pthread_setname_np(pthread_self(), "egress");
    eg__receiver_attach(worker->receiver);
    do wait_for_work(worker);
    while (turn(worker));
    say_goodbye(worker);
    eg__receiver_detach(worker->receiver);
    return NULL;
}

// The host's signal handlers never run on this thread. What a fault of the thread itself raises stays open: blocked, it would end the
// process without the host's crash report.
static int start_thread(struct eg_worker *worker) {
    sigset_t blocked, before;
    sigfillset(&blocked);
    static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS};
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) sigdelset(&blocked, faults[i]);
    // Blocked here too for the moment, because a thread begins with the mask of the one that made it.
    pthread_sigmask(SIG_BLOCK, &blocked, &before);
    int cause = pthread_create(&worker->thread, NULL, run, worker);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return cause;
}

static eg_status create_receiver(struct eg_worker *worker, const struct eg_worker_config *config, struct eg_error *error) {
    uint32_t sockets_max = EG_SOURCES_MAX * config->core.streams_max + 1;
    eg_status status = eg__receiver_create(config->io, sockets_max, &worker->choice, error);
    worker->receiver = worker->choice.receiver;
    if (status != EG_STATUS_OK) return status;
    struct eg_receiver_source source = {.fd = worker->udp.fd, .local_port = worker->udp.local.port, .kind = VIEWER_SOCKET};
    if (eg__receiver_add(worker->receiver, &source) == 0) return eg__fail(error, EG_STATUS_NO_MEMORY, 0, "no memory for a socket");
    worker->udp.fd = -1;
    return EG_STATUS_OK;
}

static eg_status create_sender(struct eg_worker *worker, const struct eg_worker_config *config, struct eg_error *error) {
    worker->sender = eg__sender_create(&config->udp, config->has_gso);
    if (worker->sender != NULL && eg__batch_init(&worker->batch)) return EG_STATUS_OK;
    return eg__fail(error, EG_STATUS_NO_MEMORY, 0, "no memory for send buffers");
}

static eg_status create_core(struct eg_worker *worker, const struct eg_worker_config *config, struct eg_error *error) {
    struct eg_error cause = {.status = EG_STATUS_SYSTEM};
    worker->core = eg__core_create(&config->core, &worker->random.base, &cause);
    if (worker->core != NULL) return EG_STATUS_OK;
    if (error != NULL) *error = cause;
    return cause.status;
}

static eg_status create_parts(struct eg_worker *worker, const struct eg_worker_config *config, struct eg_error *error) {
    eg_status status = create_receiver(worker, config, error);
    if (status == EG_STATUS_OK) status = create_sender(worker, config, error);
    return status == EG_STATUS_OK ? create_core(worker, config, error) : status;
}

eg_status eg__worker_create(const struct eg_worker_config *config, struct eg_worker **out, struct eg_error *error) {
    *out = NULL;
    struct eg_udp_socket udp = config->udp;
    struct eg_worker *worker = eg__memory_take(1, sizeof *worker);
    if (worker == NULL) {
        eg__udp_close(&udp);
        return eg__fail(error, EG_STATUS_NO_MEMORY, 0, "no memory for an engine");
    }
    worker->hooks = config->hooks;
    worker->udp = udp;
    worker->has_peers = config->core.exchange != NULL;
    eg__mailbox_init(&worker->mailbox);
    eg__kernel_random_init(&worker->random);
    eg__pool_init(&worker->sources, sizeof(struct source_sockets), config->core.streams_max);
    eg_status status = create_parts(worker, config, error);
    if (status == EG_STATUS_OK) *out = worker;
    else eg__worker_destroy(worker);
    return status;
}

eg_status eg__worker_start(struct eg_worker *worker, struct eg_worker *const *workers, struct eg_error *error) {
    worker->workers = workers;
    int cause = start_thread(worker);
    worker->is_started = cause == 0;
    return cause == 0 ? EG_STATUS_OK : eg__fail(error, EG_STATUS_SYSTEM, cause, "pthread_create");
}

void eg__worker_stop(struct eg_worker *worker) {
    eg__mailbox_close(&worker->mailbox);
    eg__receiver_wake(worker->receiver);
}

void eg__worker_join(struct eg_worker *worker) {
    if (worker->is_started) pthread_join(worker->thread, NULL);
    eg__core_clear(worker->core);
}

void eg__worker_destroy(struct eg_worker *worker) {
    if (worker->core != NULL) eg__core_destroy(worker->core);
    if (worker->receiver != NULL) eg__receiver_destroy(worker->receiver);
    if (worker->udp.fd >= 0) eg__udp_close(&worker->udp);
    if (worker->sender != NULL) eg__sender_destroy(worker->sender);
    eg__batch_deinit(&worker->batch);
    eg__pool_deinit(&worker->sources);
    eg__mailbox_deinit(&worker->mailbox);
    eg__kernel_random_deinit(&worker->random);
    eg__memory_release(worker);
}

eg_status eg__worker_call(struct eg_worker *worker, struct eg_command *command) {
    if (eg__mailbox_post(&worker->mailbox, command)) eg__receiver_wake(worker->receiver);
    return eg__mailbox_wait(&worker->mailbox, command);
}

bool eg__worker_is_current(const struct eg_worker *worker) { return pthread_equal(pthread_self(), worker->thread); }

uint32_t eg__worker_stream_count(const struct eg_worker *worker) {
    return atomic_load_explicit(&worker->stream_count, memory_order_relaxed);
}

uint32_t eg__worker_viewer_count(const struct eg_worker *worker) {
    return atomic_load_explicit(&worker->viewer_count, memory_order_relaxed);
}

eg_io eg__worker_io(const struct eg_worker *worker) { return eg__receiver_io(worker->receiver); }

const char *eg__worker_io_reason(const struct eg_worker *worker) { return worker->choice.reason; }

const char *eg__worker_crypto_name(const struct eg_worker *worker) { return eg__core_crypto_name(worker->core); }

struct eg_core *eg__worker_core(struct eg_worker *worker) { return worker->core; }

eg_time eg__worker_now(const struct eg_worker *worker) { return worker->now; }

// 0 when it fails, and then it is closed.
static eg_handle add_source(struct eg_worker *worker, eg_stream_id stream, uint32_t kind, const struct eg_udp_socket *udp) {
    struct eg_receiver_source source = {.fd = udp->fd, .local_port = udp->local.port, .owner = stream, .kind = kind};
    eg_handle handle = eg__receiver_add(worker->receiver, &source);
    if (handle == 0) close(udp->fd);
    return handle;
}

bool eg__worker_add_sockets(struct eg_worker *worker, eg_stream_id stream, const struct eg_udp_socket *udp, uint32_t count) {
    eg_handle handle;
    struct source_sockets *sockets = eg__pool_take(&worker->sources, &handle);
    if (sockets == NULL) {
        for (uint32_t i = 0; i < count; i++) close(udp[i].fd);
        return false;
    }
    sockets->stream = stream;
    sockets->count = count;
    bool is_complete = true;
    for (uint32_t i = 0; i < count; i++) {
        sockets->sockets[i] = add_source(worker, stream, i, &udp[i]);
        is_complete &= sockets->sockets[i] != 0;
    }
    if (!is_complete) remove_sockets(worker, handle);
    return is_complete;
}

void eg__worker_remove_sockets(struct eg_worker *worker, eg_stream_id stream) {
    eg_handle source;
    const struct source_sockets *sockets;
    for (uint32_t i = 0; (sockets = eg__pool_next(&worker->sources, &i, &source)) != NULL;) {
        if (sockets->stream != stream) continue;
        remove_sockets(worker, source);
        return;
    }
}

void eg__worker_stats(const struct eg_worker *worker, struct eg_engine_stats *stats) {
    stats->loop_turns = worker->turns;
    stats->thread_cpu_us = eg__clock_thread_cpu();
}
