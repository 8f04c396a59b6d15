// Commands from any thread to the thread that carries them out. A command is on its caller's stack: the caller posts it and waits until it
// is done, so nothing is allocated and no command outlives its caller.
//
//   caller:  post ──▶ wait ···························▶ status
//   worker:           take ──▶ run it ──▶ complete
#ifndef EG_MAILBOX_H
#define EG_MAILBOX_H

#include "base/limits.h"
#include "cegress.h"

#include <pthread.h>

struct eg_worker;

// The first member of a struct that holds the command's arguments and results.
struct eg_command {
    void (*run)(struct eg_worker *worker, struct eg_command *command); // on the worker's thread; sets status
    eg_status status;
    struct eg_command *next; // used by the worker, between take and complete
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

// Any thread. Puts a command in, and waits for room when there is none. True: wake the worker. False: the worker need not be woken. Either the
// mailbox was not empty, so the worker knows, or it is closed and the command is already completed with EG_STATUS_NOT_FOUND.
bool eg__mailbox_post(struct eg_mailbox *mailbox, struct eg_command *command);

// Any thread, after post. Returns the command's status once it is completed; from then on nobody else touches it.
eg_status eg__mailbox_wait(struct eg_mailbox *mailbox, struct eg_command *command);

// Any thread. Commands posted from here on are completed with EG_STATUS_NOT_FOUND. Commands posted before are still taken.
void eg__mailbox_close(struct eg_mailbox *mailbox);

// The worker. Takes all commands, oldest first, linked by `next`; NULL when there are none. `*is_closed` says whether the mailbox is closed. Then
// no command comes after these.
struct eg_command *eg__mailbox_take(struct eg_mailbox *mailbox, bool *is_closed);

// The worker. Completes commands that are linked by `next`. Don't touch them afterwards.
void eg__mailbox_complete(struct eg_mailbox *mailbox, struct eg_command *commands);

#endif
