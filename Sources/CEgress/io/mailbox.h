// Commands from any thread to the one that carries them out. A command lives on its caller's stack: the caller posts it and waits until it
// is done, so nothing is allocated and nothing outlives anything.
//
//   caller:  post ──▶ wait ···························▶ status
//   worker:           take ──▶ run it ──▶ complete
#ifndef EG_MAILBOX_H
#define EG_MAILBOX_H

#include "base/limits.h"
#include "cegress.h"

#include <pthread.h>

struct eg_worker;

// The first member of a struct that holds what the command needs and gives.
struct eg_command {
    void (*run)(struct eg_worker *worker, struct eg_command *command); // on the worker's thread; sets status
    eg_status status;
    struct eg_command *next; // the worker's, between take and complete
    bool is_done;            // under the mailbox's lock
};

struct eg_mailbox {
    pthread_mutex_t lock; // of everything below
    pthread_cond_t room;  // a place became free, or it closed
    pthread_cond_t done;  // commands were completed
    bool is_closed;
    uint32_t head;        // the oldest
    uint32_t count;
    struct eg_command *commands[EG_MAILBOX_SIZE];
};

void eg__mailbox_init(struct eg_mailbox *mailbox);
void eg__mailbox_deinit(struct eg_mailbox *mailbox);

// Any thread. Puts a command in, waiting for room when there is none. True: wake the worker. False: there is nothing to wake it for, the
// mailbox was empty no longer and it knows, or it is closed and the command is already completed with EG_STATUS_NOT_FOUND.
bool eg__mailbox_post(struct eg_mailbox *mailbox, struct eg_command *command);

// Any thread, after post. Returns the command's status once it is completed; from then on nobody else touches it.
eg_status eg__mailbox_wait(struct eg_mailbox *mailbox, struct eg_command *command);

// Any thread. Whatever is posted from here on is completed with EG_STATUS_NOT_FOUND. What was posted before is still taken.
void eg__mailbox_close(struct eg_mailbox *mailbox);

// The worker. All commands that are in it, oldest first, linked by `next`; NULL when there are none. `*is_closed` tells whether it is
// closed, and then none comes after these.
struct eg_command *eg__mailbox_take(struct eg_mailbox *mailbox, bool *is_closed);

// The worker. Completes commands that are linked by `next`. They must not be touched afterwards.
void eg__mailbox_complete(struct eg_mailbox *mailbox, struct eg_command *commands);

#endif
