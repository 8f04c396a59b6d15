// The engine's thread: it owns the core, the sockets and the buffers, waits for what comes first of datagrams, commands and the core's
// deadline, and hands on what they bring. Nothing but its mailbox is shared with other threads.
//
// One turn of its loop:
//
//   wait ─▶ receive (at most 256) ─▶ run commands ─▶ tick when due ─▶ transmit (at most 16 batches) ─▶ complete the commands
//
// What is left over after those limits is gone on with in the next turn, which doesn't wait. So a large fan-out starves neither the checks
// and acknowledgements of viewers nor the other sources, and a flood of datagrams does not starve the fan-out.
#ifndef EG_WORKER_H
#define EG_WORKER_H

#include "io/mailbox.h"
#include "io/udp.h"
#include "proto/core.h"

struct eg_worker;

struct eg_worker_config {
    struct eg_core_config core; // its ntp_origin is filled in by the worker
    eg_io io;
    struct eg_hooks hooks;
    struct eg_udp_socket udp;   // the viewers'
    bool has_gso;
};

// Starts the thread. The viewers' socket is the worker's from here on, and closed when this fails. `io_reason` as eg__receiver_create's.
// EG_STATUS_UNSUPPORTED, EG_STATUS_NO_MEMORY, EG_STATUS_SYSTEM, or what eg__core_create says.
eg_status eg__worker_create(const struct eg_worker_config *config, struct eg_worker **worker, char *io_reason, size_t io_reason_size,
                            struct eg_error *error);

// Removes all streams, sends the goodbyes, ends the thread and waits for it, closes and frees everything.
void eg__worker_destroy(struct eg_worker *worker);

// Any thread. Has the command run and gives its status. Everything the command set off, packets and hooks, has left by then, as far as it
// fits into one turn. From inside a hook it is refused with EG_STATUS_INVALID_ARGUMENT: it could only wait for itself.
eg_status eg__worker_call(struct eg_worker *worker, struct eg_command *command, struct eg_error *error);

// Any thread: what never changes.
eg_io eg__worker_io(const struct eg_worker *worker);
const char *eg__worker_fingerprint(const struct eg_worker *worker);
const char *eg__worker_crypto_name(const struct eg_worker *worker);

// For commands, on the worker's thread.
struct eg_core *eg__worker_core(struct eg_worker *worker);
eg_time eg__worker_now(const struct eg_worker *worker);
// Receives for `stream` on a pair of sockets, video first. They belong to the worker; when memory is refused (false) they are closed.
bool eg__worker_add_sockets(struct eg_worker *worker, eg_handle stream, const struct eg_udp_socket pair[EG_TRACK_COUNT]);
// Closes a stream's sockets; nothing happens when it has none.
void eg__worker_remove_sockets(struct eg_worker *worker, eg_handle stream);
// Fills in what is the loop's: turns and CPU time.
void eg__worker_stats(const struct eg_worker *worker, struct eg_engine_stats *stats);

#endif
