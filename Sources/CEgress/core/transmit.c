// What goes out: in which order, and how much of it at a time.
#include "core/parts.h"

#include "delivery/fanout.h"

static bool transmit_goodbyes(struct eg_core *core) {
    while (!eg__list_is_empty(&core->leaving)) {
        if (!eg__batch_has_reserve(core->context.batch)) return false;
        struct eg_viewer *viewer = EG_LIST_OWNER(core->leaving.next, struct eg_viewer, leaving);
        eg__viewer_write_goodbye(viewer, core->context.batch);
        eg__list_remove(&viewer->leaving);
    }
    return true;
}

static bool transmit_due(struct eg_core *core, eg_time now) {
    while (!eg__list_is_empty(&core->due)) {
        struct eg_viewer *viewer = EG_LIST_OWNER(core->due.next, struct eg_viewer, due);
        if (!eg__fanout_viewer(viewer, &core->context, now)) return false;
        eg__list_remove(&viewer->due);
        eg__viewer_schedule(viewer, &core->context);
    }
    return true;
}

// A round that fills the batch goes on behind those of the other streams: an IDR to thousands does not keep their pictures waiting.
static bool transmit_rounds(struct eg_core *core, eg_time now, enum eg_track_kind kind) {
    struct eg_list *rounds = &core->ready[kind];
    while (!eg__list_is_empty(rounds)) {
        struct eg_list *first = rounds->next;
        bool is_over = eg__fanout_round(EG_LIST_OWNER(first, struct eg_round, ready), &core->context, now);
        eg__list_remove(first);
        if (is_over) continue;
        eg__list_append(rounds, first);
        return false;
    }
    return true;
}

// Viewers with something of their own to send go first, unless it was they who filled the last batch: a large picture, which each of its viewers
// gets in steps of its own, and thousands who join keep nobody else's pictures waiting.
static bool transmit_pictures(struct eg_core *core, eg_time now) {
    if (core->rounds_go_first) {
        core->rounds_go_first = false;
        return transmit_rounds(core, now, EG_VIDEO) && transmit_due(core, now);
    }
    core->rounds_go_first = !transmit_due(core, now);
    return !core->rounds_go_first && transmit_rounds(core, now, EG_VIDEO);
}

// Sound first: it is little, and what hurts first when it comes late.
static bool transmit_all(struct eg_core *core, eg_time now) {
    return transmit_rounds(core, now, EG_AUDIO) && transmit_pictures(core, now) && transmit_goodbyes(core);
}

bool eg__core_transmit(struct eg_core *core, eg_time now, struct eg_batch *batch) {
    eg__core_lend(core, batch);
    bool is_all = transmit_all(core, now);
    eg__core_take_back(core);
    eg__crypto_finish(core->crypto);
    return !is_all;
}
