// Which back end a receiver gets, and why not the faster one.
#ifndef EG_RECEIVER_CHOICE_H
#define EG_RECEIVER_CHOICE_H

#include "io/receiver.h"

struct eg_receiver_choice {
    struct eg_receiver *receiver; // NULL when there is none
    char reason[160];             // why EG_IO_AUTO is not io_uring, in words; else empty
};

// A receiver of up to `sockets_max` sockets. With EG_IO_AUTO it is io_uring where that works, else epoll. EG_STATUS_UNSUPPORTED: EG_IO_URING
// was requested and is not available. EG_STATUS_NO_MEMORY, EG_STATUS_SYSTEM.
eg_status eg__receiver_create(eg_io io, uint32_t sockets_max, struct eg_receiver_choice *choice, struct eg_error *error);

// Tries whether io_uring works as it is used here. When not, `reason` says in words why, and what could be done.
bool eg__receiver_has_uring(char *reason, size_t reason_size);

#endif
