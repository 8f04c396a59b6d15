// A heap of deadlines; the time is handed in. Nodes are embedded in what they wake, and know their places in the heap, so moving one is cheap.
#ifndef EG_DEADLINES_H
#define EG_DEADLINES_H

#include "base/base.h"

struct eg_deadline {
    eg_time at;        // EG_TIME_NEVER: not in the heap
    uint32_t place;    // in the heap, when it is in it
    eg_handle owner;   // what to wake, handed back by pop
};

struct eg_deadlines {
    struct eg_deadline **heap;
    uint32_t count;
    uint32_t capacity;
};

void eg__deadlines_init(struct eg_deadlines *deadlines);
void eg__deadlines_deinit(struct eg_deadlines *deadlines);

// Makes room for `count` nodes in all; false when memory is refused. It is called when an owner is made, so that `set` can't fail.
bool eg__deadlines_reserve(struct eg_deadlines *deadlines, uint32_t count);

// Initialises a node, which is in no heap yet.
void eg__deadline_init(struct eg_deadline *deadline, eg_handle owner);

// Moves a node to `at`; EG_TIME_NEVER takes it out.
void eg__deadlines_set(struct eg_deadlines *deadlines, struct eg_deadline *deadline, eg_time at);

// The earliest deadline, EG_TIME_NEVER when there is none.
eg_time eg__deadlines_next(const struct eg_deadlines *deadlines);

// Takes out the earliest node if it is due at `now`, else NULL.
struct eg_deadline *eg__deadlines_pop(struct eg_deadlines *deadlines, eg_time now);

#endif
