#include "delivery/headroom.h"

static uint32_t share(uint32_t bit_rate, uint32_t percent) {
    uint64_t part = (uint64_t)bit_rate * percent / 100;
    return part < UINT32_MAX ? (uint32_t)part : UINT32_MAX;
}

void eg__headroom_init(struct eg_headroom *headroom) { *headroom = (struct eg_headroom){.back_off = EG_HEADROOM_BACK_OFF}; }

// A queue may have come and gone between two reports.
static bool is_too_fast(const struct eg_headroom *headroom, const struct eg_bandwidth *link) {
    return link->rises != headroom->rises || link->rising_since != EG_TIME_NEVER || link->queue >= EG_HEADROOM_QUEUE ||
           link->lost_256 * 100 > EG_HEADROOM_LOSS_PERCENT * 256;
}

// The key picture went out at the present bit rate, and all of it is told of.
static bool is_tried(const struct eg_headroom *headroom, eg_time now, const struct eg_headroom_view *view) {
    eg_time told_at = view->link->told_at;
    bool is_told = told_at != EG_TIME_NEVER && told_at > view->key_at + EG_HEADROOM_AFTER_KEY;
    return is_told && view->key_at > headroom->changed_at && now >= headroom->again_at;
}

static void change(struct eg_headroom *headroom, eg_time now, uint32_t bit_rate) {
    headroom->bit_rate = bit_rate;
    headroom->changed_at = now;
}

static void fall_back(struct eg_headroom *headroom, eg_time now, uint32_t least) {
    if (headroom->bit_rate > least) {
        headroom->again_at = now + headroom->back_off;
        headroom->back_off = eg__time_min(2 * headroom->back_off, EG_HEADROOM_BACK_OFF_MAX);
    }
    change(headroom, now, least);
}

static void rise(struct eg_headroom *headroom, eg_time now, uint32_t most) {
    if (headroom->bit_rate == most) headroom->back_off = EG_HEADROOM_BACK_OFF;
    uint32_t more = share(headroom->bit_rate, EG_HEADROOM_STEP_PERCENT);
    change(headroom, now, more < most ? more : most);
}

void eg__headroom_judge(struct eg_headroom *headroom, eg_time now, const struct eg_headroom_view *view) {
    uint32_t least = share(view->own, EG_PACE_NARROW_PERCENT), most = share(view->own, EG_HEADROOM_PERCENT_MAX);
    if (is_too_fast(headroom, view->link)) fall_back(headroom, now, least);
    else if (headroom->bit_rate < least) change(headroom, now, least);
    else if (headroom->bit_rate > most) headroom->bit_rate = most;
    else if (is_tried(headroom, now, view)) rise(headroom, now, most);
    headroom->rises = view->link->rises;
}
