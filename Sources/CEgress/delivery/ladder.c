#include "delivery/ladder.h"

enum {
    PERCENT = 100,
    LOSS_WHOLE = 256,
    LOSS_FINE = 256, // parts of that, or the smoothed loss would never come to what is lost
    LOSS_SMOOTHING = 20, // intervals: as long as a GOP, since key pictures are what is lost
};

void eg__ladder_init(struct eg_ladder *ladder, eg_time now) {
    *ladder = (struct eg_ladder){
        .switched_at = now,
        .calm_since = EG_TIME_NEVER,
        .congested_since = EG_TIME_NEVER,
        .queued_since = EG_TIME_NEVER,
        .up_back_off = EG_LADDER_CALM,
        .resume_back_off = EG_LADDER_RESUME_FIRST,
        .probe.duration = EG_PROBE_DURATION,
    };
}

static uint32_t share(uint32_t bit_rate, uint32_t percent) { return (uint32_t)((uint64_t)bit_rate * percent / PERCENT); }

static uint32_t more(uint32_t bit_rate, uint32_t percent) {
    uint64_t sum = (uint64_t)bit_rate * percent / PERCENT;
    return sum < UINT32_MAX ? (uint32_t)sum : UINT32_MAX;
}

static bool is_highest(const struct eg_ladder_view *view, uint32_t rung) { return rung + 1 == view->count; }

static bool is_losing(const struct eg_ladder *ladder, const struct eg_ladder_view *view) {
    bool is_top = is_highest(view, view->rung);
    uint32_t sudden = is_top ? EG_LADDER_LOSS_SUDDEN_HIGHEST_PERCENT : EG_LADDER_LOSS_SUDDEN_PERCENT;
    uint32_t lasting = is_top ? EG_LADDER_LOSS_HIGHEST_PERCENT : EG_LADDER_LOSS_PERCENT;
    return view->link->lost_256 * 100 >= sudden * LOSS_WHOLE || ladder->lost_64k * 100 >= lasting * LOSS_WHOLE * LOSS_FINE;
}

// [bit/s] that its encoding has and that was sent: not always all of it, and with bursts more.
static uint32_t sent_bit_rate(const struct eg_ladder_view *view) {
    uint32_t own = view->bit_rates[view->rung];
    return view->link->sent_bit_rate < own ? view->link->sent_bit_rate : own;
}

static bool is_congested(const struct eg_ladder *ladder, const struct eg_ladder_view *view, eg_time now) {
    const struct eg_bandwidth *link = view->link;
    if (is_losing(ladder, view) || (ladder->is_broken && view->rung > 0)) return true;
    bool is_standing = ladder->queued_since != EG_TIME_NEVER && now - ladder->queued_since >= EG_LADDER_STANDING;
    if (is_standing && view->rung > 0) return true;
    if (link->rising_since == EG_TIME_NEVER) return false;
    eg_time limit = is_highest(view, view->rung) ? EG_LADDER_QUEUE_HIGHEST : EG_LADDER_QUEUE;
    if (link->queue > limit && now - link->rising_since >= EG_LADDER_RISING) return true;
    // Where hardly half of the pictures gets through, the queue in front of the link is full before the rest of that time is over.
    bool is_sudden = link->rising_bit_rate > 0 && link->rising_bit_rate < share(sent_bit_rate(view), EG_LADDER_SUDDEN_PERCENT);
    eg_time sudden = is_highest(view, view->rung) ? EG_LADDER_QUEUE_SUDDEN_HIGHEST : EG_LADDER_QUEUE_SUDDEN;
    return is_sudden && link->queue > sudden && now - link->rising_since >= EG_LADDER_RISING_SUDDEN;
}

static bool is_calm(const struct eg_ladder *ladder, const struct eg_ladder_view *view) {
    const struct eg_bandwidth *link = view->link;
    return link->told_at != EG_TIME_NEVER && link->queue < EG_LADDER_QUEUE_CALM && !is_losing(ladder, view);
}

// A few packets' luck is not a link's way.
static void smooth_loss(struct eg_ladder *ladder, eg_time now, const struct eg_bandwidth *link) {
    if (now - ladder->lost_at < EG_LADDER_LOSS_INTERVAL) return;
    ladder->lost_at = now;
    ladder->lost_64k = (ladder->lost_64k * (LOSS_SMOOTHING - 1) + link->lost_256 * LOSS_FINE) / LOSS_SMOOTHING;
}

// Nothing has been heard though pictures are sent. A stream that stood still has given it nothing to speak of.
static bool is_deaf(const struct eg_bandwidth *link, eg_time now) {
    return link->told_at != EG_TIME_NEVER && link->unanswered_since != EG_TIME_NEVER && now - link->unanswered_since > EG_LADDER_DEAF;
}

// The highest rung below that what arrives is enough for; the lowest one, if none is.
static uint32_t rung_for(const struct eg_ladder_view *view, uint32_t below, uint32_t bit_rate) {
    uint32_t rung = below;
    while (rung > 0 && view->bit_rates[--rung] > bit_rate) continue;
    return rung;
}

static void watch(struct eg_ladder *ladder, eg_time now, const struct eg_ladder_view *view) {
    const struct eg_bandwidth *link = view->link;
    smooth_loss(ladder, now, link);
    if (link->queue < EG_LADDER_QUEUE_HIGHEST) ladder->queued_since = EG_TIME_NEVER;
    else if (ladder->queued_since == EG_TIME_NEVER) ladder->queued_since = now;
    if (!is_congested(ladder, view, now)) ladder->congested_since = EG_TIME_NEVER;
    else if (ladder->congested_since == EG_TIME_NEVER) ladder->congested_since = now;
    if (!is_calm(ladder, view)) ladder->calm_since = EG_TIME_NEVER;
    else if (ladder->calm_since == EG_TIME_NEVER) ladder->calm_since = now;
    bool is_old = now - ladder->seen_at > EG_LADDER_SEEN;
    if (ladder->calm_since != EG_TIME_NEVER && (is_old || link->arrived_bit_rate >= ladder->seen_bit_rate)) {
        ladder->seen_bit_rate = link->arrived_bit_rate;
        ladder->seen_at = now;
    }
    if (ladder->trial_until != 0 && now >= ladder->trial_until) {
        ladder->trial_until = 0;
        ladder->up_back_off = EG_LADDER_CALM;
        ladder->resume_back_off = EG_LADDER_RESUME_FIRST;
        ladder->probe.duration = EG_PROBE_DURATION;
    }
}

static void back_off(struct eg_ladder *ladder, eg_time now, uint32_t rung, eg_time least) {
    ladder->up_rung = rung;
    eg_time twice = 2 * ladder->up_back_off;
    ladder->up_back_off = twice > least ? twice : least;
    if (ladder->up_back_off > EG_LADDER_BACK_OFF_MAX) ladder->up_back_off = EG_LADDER_BACK_OFF_MAX;
    ladder->up_at = now + ladder->up_back_off;
}

static struct eg_ladder_step stay(void) { return (struct eg_ladder_step){.action = EG_LADDER_STAY}; }

static void end_probe(struct eg_ladder *ladder, eg_time now, bool is_good) {
    ladder->probe.state = EG_PROBE_NONE;
    if (is_good) return;
    ladder->probes_failed++;
    ladder->probe.duration = eg__time_min(ladder->probe.duration * 3 / 2, EG_PROBE_DURATION_MAX);
    back_off(ladder, now, ladder->probe.rung, 0);
}

// Congestion, or silence, in the middle of it.
static void fail_probe(struct eg_ladder *ladder, eg_time now) {
    if (ladder->probe.state != EG_PROBE_NONE) end_probe(ladder, now, false);
}

static struct eg_ladder_step pause(struct eg_ladder *ladder, eg_time now, eg_switch_reason reason) {
    ladder->is_paused = true;
    ladder->switched_at = now;
    ladder->trial_until = 0;
    ladder->congested_since = EG_TIME_NEVER;
    ladder->up_at = now + ladder->resume_back_off;
    ladder->resume_back_off = eg__time_min(2 * ladder->resume_back_off, EG_LADDER_RESUME_MAX);
    return (struct eg_ladder_step){.action = EG_LADDER_PAUSE, .reason = reason};
}

// What goes down from a rung on trial has tried that in vain. To those below it says nothing: that the link got narrow just then may be chance.
static struct eg_ladder_step go_down(struct eg_ladder *ladder, eg_time now, const struct eg_ladder_view *view, struct eg_ladder_step step) {
    fail_probe(ladder, now);
    bool is_on_trial = ladder->trial_until != 0 && ladder->trial_until != EG_TIME_NEVER;
    if (is_on_trial && step.reason != EG_SWITCH_BOUND) back_off(ladder, now, view->rung, EG_LADDER_TRIAL_BACK_OFF);
    ladder->trial_until = 0;
    ladder->seen_bit_rate = 0;
    step.action = EG_LADDER_DOWN;
    return step;
}

static struct eg_ladder_step judge_congested(struct eg_ladder *ladder, eg_time now, const struct eg_ladder_view *view) {
    if (view->rung > 0) {
        if (now - ladder->switched_at < EG_LADDER_SETTLE && ladder->trial_until == 0) return stay();
        if (ladder->is_broken) return go_down(ladder, now, view, (struct eg_ladder_step){.rung = view->rung - 1, .reason = EG_SWITCH_CONGESTION});
        uint32_t rung = rung_for(view, view->rung, share(eg__bandwidth_capacity(view->link), EG_LADDER_USE_PERCENT));
        return go_down(ladder, now, view, (struct eg_ladder_step){.rung = rung, .reason = EG_SWITCH_CONGESTION});
    }
    fail_probe(ladder, now);
    eg_time since = now - (ladder->congested_since > ladder->switched_at ? ladder->congested_since : ladder->switched_at);
    bool is_enough = view->link->arrived_bit_rate >= share(sent_bit_rate(view), EG_LADDER_ENOUGH_PERCENT) &&
                     ladder->lost_64k * 100 < EG_LADDER_LOSS_HOPELESS_PERCENT * LOSS_WHOLE * LOSS_FINE;
    if (!is_enough && since >= EG_LADDER_PATIENCE) return pause(ladder, now, EG_SWITCH_CONGESTION);
    if (since < EG_LADDER_SKIP_AFTER || now - ladder->skipped_at < EG_LADDER_SKIP_INTERVAL) return stay();
    ladder->skipped_at = now;
    return (struct eg_ladder_step){.action = EG_LADDER_SKIP};
}

// It asks for less than it is sent. That it asks for no more than it is sent says nothing about its link.
static bool is_bound_below(const struct eg_ladder_view *view) {
    const struct eg_bandwidth *link = view->link;
    return link->bound > 0 && link->bound < share(view->bit_rates[view->rung], EG_LADDER_USE_PERCENT);
}

static eg_time probe_tolerance(const struct eg_ladder_view *view, uint32_t rung) {
    return is_highest(view, rung) ? EG_PROBE_QUEUE_HIGHEST : EG_PROBE_QUEUE;
}

static struct eg_ladder_step go_up(struct eg_ladder *ladder, eg_time now, uint32_t rung) {
    ladder->trial_until = EG_TIME_NEVER;
    ladder->up_at = now + EG_LADDER_CALM;
    ladder->up_rung = 0;
    return (struct eg_ladder_step){.action = EG_LADDER_UP, .rung = rung, .reason = EG_SWITCH_ROOM};
}

static struct eg_ladder_step judge_probe(struct eg_ladder *ladder, eg_time now, const struct eg_ladder_view *view) {
    const struct eg_bandwidth *link = view->link;
    if (link->arrived_bit_rate > ladder->probe.arrived) ladder->probe.arrived = link->arrived_bit_rate;
    bool is_too_much = link->queue > probe_tolerance(view, ladder->probe.rung) || is_losing(ladder, view);
    if (is_too_much || ladder->probe.rung > view->top || ladder->probe.rung != view->rung + 1) {
        end_probe(ladder, now, false);
        return stay();
    }
    bool is_told = view->is_coarse && ladder->probe.state == EG_PROBE_AWAITED && link->told_at > ladder->probe.ended_at + view->round_trip_us;
    if (now < ladder->probe.until && !is_told) return stay();
    if (ladder->probe.state == EG_PROBE_RUNNING) {
        ladder->probe.state = EG_PROBE_AWAITED;
        ladder->probe.ended_at = now;
        ladder->probe.until = now + (view->is_coarse ? EG_PROBE_RESULT_COARSE : EG_PROBE_RESULT) + view->round_trip_us;
        return stay();
    }
    bool has_arrived = view->is_coarse ? is_told : ladder->probe.arrived >= share(ladder->probe.bit_rate, EG_PROBE_ARRIVED_PERCENT);
    bool is_good = has_arrived && link->queue < EG_LADDER_QUEUE_CALM;
    end_probe(ladder, now, is_good);
    return is_good ? go_up(ladder, now, ladder->probe.rung) : stay();
}

// [bit/s] that a link must be seen to take before a viewer gets that rung.
static uint32_t needed_for(const struct eg_ladder_view *view, uint32_t rung) { return more(view->bit_rates[rung], EG_PROBE_PERCENT); }

// One that is told of once a second has to last for as long, to be seen in a round trip.
static void begin_probe(struct eg_ladder *ladder, eg_time now, const struct eg_ladder_view *view) {
    ladder->probe.state = EG_PROBE_RUNNING;
    ladder->probe.until = now + (view->is_coarse ? EG_PROBE_DURATION_MAX : ladder->probe.duration);
    ladder->probe.bit_rate = needed_for(view, view->rung + 1);
    ladder->probe.rung = view->rung + 1;
    ladder->probe.arrived = 0;
    ladder->probes_begun++;
}

static struct eg_ladder_step judge_calm(struct eg_ladder *ladder, eg_time now, const struct eg_ladder_view *view) {
    uint32_t next = view->rung + 1;
    if (view->rung >= view->top || !view->is_live || now - ladder->switched_at < EG_LADDER_CALM) return stay();
    if (next >= ladder->up_rung && now < ladder->up_at) return stay();
    if (ladder->calm_since == EG_TIME_NEVER || now - ladder->calm_since < EG_LADDER_CALM) return stay();
    if (next < ladder->up_rung) ladder->up_back_off = EG_LADDER_CALM;
    bool is_seen = now - ladder->seen_at <= EG_LADDER_SEEN && ladder->seen_bit_rate >= needed_for(view, next);
    if (is_seen || !view->can_probe) return go_up(ladder, now, next);
    if (!view->is_probe_time) return stay();
    begin_probe(ladder, now, view);
    return stay();
}

// A request that comes soon after another one, or after a switch, is about the same picture.
void eg__ladder_note_request(struct eg_ladder *ladder, eg_time now) {
    eg_time last = ladder->asked_at > ladder->switched_at ? ladder->asked_at : ladder->switched_at;
    if (now - last < EG_LADDER_REQUEST_APART) return;
    if (ladder->asked_at != 0 && now - ladder->asked_at <= EG_LADDER_REQUESTS) ladder->is_broken = true;
    ladder->asked_at = now;
}

struct eg_ladder_step eg__ladder_judge(struct eg_ladder *ladder, eg_time now, const struct eg_ladder_view *view) {
    EG_ASSERT(view->count > 0 && view->rung < view->count && view->top < view->count);
    if (ladder->is_paused) {
        if (now < ladder->up_at) return stay();
        ladder->trial_until = now + EG_LADDER_TRIAL;
        return (struct eg_ladder_step){.action = EG_LADDER_RESUME, .rung = 0, .reason = EG_SWITCH_ROOM};
    }
    watch(ladder, now, view);
    if (view->rung > view->top) return go_down(ladder, now, view, (struct eg_ladder_step){.rung = view->top, .reason = EG_SWITCH_BOUND});
    if (is_deaf(view->link, now)) {
        if (view->rung > 0) return go_down(ladder, now, view, (struct eg_ladder_step){.rung = 0, .reason = EG_SWITCH_NO_FEEDBACK});
        fail_probe(ladder, now);
        return stay();
    }
    if (ladder->congested_since != EG_TIME_NEVER) return judge_congested(ladder, now, view);
    if (view->rung > 0 && is_bound_below(view)) {
        uint32_t rung = rung_for(view, view->rung, view->link->bound);
        return go_down(ladder, now, view, (struct eg_ladder_step){.rung = rung, .reason = EG_SWITCH_BOUND});
    }
    return ladder->probe.state != EG_PROBE_NONE ? judge_probe(ladder, now, view) : judge_calm(ladder, now, view);
}

void eg__ladder_switched(struct eg_ladder *ladder, eg_time now) {
    ladder->is_paused = ladder->is_broken = false;
    ladder->asked_at = 0;
    if (ladder->trial_until != 0) ladder->trial_until = now + EG_LADDER_TRIAL;
    ladder->lost_64k = 0;
    ladder->switched_at = now;
    ladder->congested_since = ladder->queued_since = ladder->calm_since = EG_TIME_NEVER;
    ladder->probe.state = EG_PROBE_NONE;
}

uint32_t eg__ladder_probe_bit_rate(const struct eg_ladder *ladder, eg_time now) {
    return ladder->probe.state == EG_PROBE_RUNNING && now < ladder->probe.until ? ladder->probe.bit_rate : 0;
}
