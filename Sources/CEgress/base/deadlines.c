// A binary heap: no node is earlier than its parent, and heap[node->place] is the node.
#include "base/deadlines.h"

#include <stdlib.h>

void eg__deadlines_init(struct eg_deadlines *deadlines) { *deadlines = (struct eg_deadlines){0}; }

void eg__deadlines_deinit(struct eg_deadlines *deadlines) {
    free(deadlines->heap);
    *deadlines = (struct eg_deadlines){0};
}

bool eg__deadlines_reserve(struct eg_deadlines *deadlines, uint32_t count) {
    if (count <= deadlines->capacity) return true;
    uint32_t doubled = deadlines->capacity <= UINT32_MAX / 2 ? deadlines->capacity * 2 : UINT32_MAX;
    uint32_t capacity = count > doubled ? count : doubled;
    struct eg_deadline **heap = realloc(deadlines->heap, capacity * sizeof(struct eg_deadline *));
    if (heap == NULL) return false;
    deadlines->heap = heap;
    deadlines->capacity = capacity;
    return true;
}

void eg__deadline_init(struct eg_deadline *deadline, eg_handle owner) {
    *deadline = (struct eg_deadline){.at = EG_TIME_NEVER, .owner = owner};
}

static void put(struct eg_deadlines *deadlines, struct eg_deadline *deadline, uint32_t place) {
    deadlines->heap[place] = deadline;
    deadline->place = place;
}

// Both functions find the place for a node. The node's old place counts as empty: the nodes in its way move there.
static void sift_up(struct eg_deadlines *deadlines, struct eg_deadline *deadline, uint32_t place) {
    while (place > 0) {
        uint32_t parent = (place - 1) / 2;
        if (deadlines->heap[parent]->at <= deadline->at) break;
        put(deadlines, deadlines->heap[parent], place);
        place = parent;
    }
    put(deadlines, deadline, place);
}

static void sift_down(struct eg_deadlines *deadlines, struct eg_deadline *deadline, uint32_t place) {
    while (place < deadlines->count / 2) { // it has a child
        uint32_t child = 2 * place + 1;
        if (child + 1 < deadlines->count && deadlines->heap[child + 1]->at < deadlines->heap[child]->at) child++;
        if (deadline->at <= deadlines->heap[child]->at) break;
        put(deadlines, deadlines->heap[child], place);
        place = child;
    }
    put(deadlines, deadline, place);
}

// At most one of the two moves the node.
static void sift(struct eg_deadlines *deadlines, struct eg_deadline *deadline, uint32_t place) {
    sift_up(deadlines, deadline, place);
    sift_down(deadlines, deadline, deadline->place);
}

static void take_out(struct eg_deadlines *deadlines, struct eg_deadline *deadline) {
    struct eg_deadline *last = deadlines->heap[--deadlines->count];
    deadline->at = EG_TIME_NEVER;
    if (last != deadline) sift(deadlines, last, deadline->place);
}

void eg__deadlines_set(struct eg_deadlines *deadlines, struct eg_deadline *deadline, eg_time at) {
    if (deadline->at == at) return;
    if (deadline->at == EG_TIME_NEVER) {
        EG_ASSERT(deadlines->count < deadlines->capacity);
        deadline->at = at;
        sift_up(deadlines, deadline, deadlines->count++);
        return;
    }
    EG_ASSERT(deadline->place < deadlines->count);
    EG_ASSERT(deadlines->heap[deadline->place] == deadline);
    if (at == EG_TIME_NEVER) {
        take_out(deadlines, deadline);
        return;
    }
    deadline->at = at;
    sift(deadlines, deadline, deadline->place);
}

eg_time eg__deadlines_next(const struct eg_deadlines *deadlines) {
    return deadlines->count > 0 ? deadlines->heap[0]->at : EG_TIME_NEVER;
}

struct eg_deadline *eg__deadlines_pop(struct eg_deadlines *deadlines, eg_time now) {
    if (deadlines->count == 0 || deadlines->heap[0]->at > now) return NULL;
    struct eg_deadline *first = deadlines->heap[0];
    take_out(deadlines, first);
    return first;
}
