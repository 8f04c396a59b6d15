// A thread of the engine's: it owns a core, sockets and buffers, waits for what comes first of datagrams, commands, other workers and the core's
// deadline, and hands on what they bring. Nothing but its mailbox and the queues of the exchange is shared with other threads.
//
// One turn of its loop:
//
//   wait ─▶ receive (at most 256) ─▶ what other workers said ─▶ run commands ─▶ tick when due ─▶ transmit (at most 16 batches) ─▶ complete
//
// Other workers are woken before it transmits: their viewers get a picture at the same time as its own.
//
// What is left over after those limits is gone on with in the next turn, which doesn't wait. So a large fan-out starves neither the checks
// and acknowledgements of viewers nor the other sources, and a flood of datagrams does not starve the fan-out.
#ifndef EG_WORKER_H
#define EG_WORKER_H

#include "core/core.h"
#include "io/mailbox.h"
#include "io/udp.h"

struct eg_worker;

struct eg_worker_config {
    struct eg_core_config core;
    eg_io io;
    struct eg_hooks hooks;
    struct eg_udp_socket udp;   // the viewers'
    bool has_gso;
};

// Everything but the thread. The viewers' socket is the worker's from here on, and closed when this fails.
// EG_STATUS_UNSUPPORTED, EG_STATUS_NO_MEMORY, EG_STATUS_SYSTEM, or what eg__core_create says.
eg_status eg__worker_create(const struct eg_worker_config *config, struct eg_worker **worker, struct eg_error *error);

// Starts the thread, once all workers of the engine are made. `workers` are those, by their numbers; the array must outlive them.
eg_status eg__worker_start(struct eg_worker *worker, struct eg_worker *const *workers, struct eg_error *error);

// Tells the thread to remove all streams, say the goodbyes and end. Does not wait.
void eg__worker_stop(struct eg_worker *worker);

// Waits for the thread, if it was started, and releases what belongs to other workers.
void eg__worker_join(struct eg_worker *worker);

// Closes and frees everything. All workers of the engine have been joined.
void eg__worker_destroy(struct eg_worker *worker);

// Any thread. Has the command run and gives its status. Everything the command set off, packets and hooks, has left by then, as far as it
// fits into one turn. What other workers had said to this one before the call has been heard. Not from a worker's thread: two could wait for each
// other.
eg_status eg__worker_call(struct eg_worker *worker, struct eg_command *command);

// Any thread: whether it is this worker's, which is running a hook then.
bool eg__worker_is_current(const struct eg_worker *worker);

// Any thread: streams that have their home here, and viewers here, as of the last turn.
uint32_t eg__worker_stream_count(const struct eg_worker *worker);
uint32_t eg__worker_viewer_count(const struct eg_worker *worker);

// Any thread: what never changes.
eg_io eg__worker_io(const struct eg_worker *worker);
const char *eg__worker_io_reason(const struct eg_worker *worker); // as eg_receiver_choice's
const char *eg__worker_crypto_name(const struct eg_worker *worker);

// For commands, on the worker's thread.
struct eg_core *eg__worker_core(struct eg_worker *worker);
eg_time eg__worker_now(const struct eg_worker *worker);
// Receives for `stream` on one socket for each of its sources, in their order. They belong to the worker; when memory is refused (false) they are
// closed.
bool eg__worker_add_sockets(struct eg_worker *worker, eg_stream_id stream, const struct eg_udp_socket *udp, uint32_t count);
// Closes a stream's sockets; nothing happens when it has none.
void eg__worker_remove_sockets(struct eg_worker *worker, eg_stream_id stream);
// Fills in what is the loop's: turns and CPU time of the thread.
void eg__worker_stats(const struct eg_worker *worker, struct eg_engine_stats *stats);

#endif
