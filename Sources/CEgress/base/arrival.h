// A datagram that has arrived: which way it came, when, and what it says. Made once, where it enters, and handed on whole.
#ifndef EG_ARRIVAL_H
#define EG_ARRIVAL_H

#include "base/addr.h"

struct eg_arrival {
    struct eg_path path;
    const uint8_t *bytes; // somebody else's: whoever keeps them copies them
    size_t size;          // [B]
    eg_time at;
};

#endif
