// The pictures that one viewer lacks packets of, as far as it says so. It asks for them again (NACK), and the last that it asked for of a
// picture was either sent again or not. A picture is incomplete when it was not, whether for a budget or because it is not kept any more, and
// when the viewer has not asked for any more of it for EG_GAP_TIMEOUT: it has given it up.
//
// Each is counted once for each viewer. A packet that was sent again and lost again, and not asked for once more, goes unnoticed.
#ifndef EG_GAPS_H
#define EG_GAPS_H

#include "base/base.h"
#include "base/limits.h"

struct eg_gap {
    bool is_there;
    bool is_open;       // something of the last request was not sent
    uint32_t timestamp; // of the picture, on the source's timeline
    eg_time asked_at;
};

struct eg_gaps {
    uint32_t count; // that are there
    struct eg_gap pictures[EG_GAPS_MAX];
};

// A packet of the picture with this timestamp was asked for, and was sent again or not. What was asked for at one time is one request. Gives how
// many pictures turn out incomplete with that: one at most, which makes room.
uint32_t eg__gaps_note(struct eg_gaps *gaps, eg_time now, uint32_t timestamp, bool is_sent);

// Gives how many pictures have turned out incomplete since the last call. At least every few seconds, before timestamps are used again.
uint32_t eg__gaps_settle(struct eg_gaps *gaps, eg_time now);

#endif
