// The back ends of io/receiver.h that work here, for cases that hold on each of them.
#ifndef EG_TEST_BACK_ENDS_H
#define EG_TEST_BACK_ENDS_H

#include "cegress.h"

// Where io_uring is forbidden, its part of these cases has nothing to say.
static inline eg_io first_back_end(void) {
    static struct eg_probe probe;
    eg_probe(&probe);
    return probe.io_uring ? EG_IO_URING : EG_IO_EPOLL;
}

#define FOR_EACH_BACK_END(io) for (eg_io io = first_back_end(); io < EG_IO_COUNT; io++)

#endif
