#include "delivery/adaptation.h"

#include "base/memory.h"

enum {
    SNAP_TICKS = 3,        // [RTP ticks] by which two encodings' timestamps of one picture may seem to differ
    SNAP_DEPTH = 256,      // places in which it is looked for
    PROBE_DEPTH = 256,     // places behind the newest one that a probe is taken from
};

// The encodings that may be had now, the one of the lowest bit rate first.
struct rungs {
    uint32_t count;
    uint8_t sources[EG_ENCODINGS_MAX];
    uint32_t bit_rates[EG_ENCODINGS_MAX]; // [bit/s]
};

// --- life ---

bool eg__adaptation_init(struct eg_viewer *viewer, eg_time now, const struct eg_viewer_config *config) {
    if ((config->ladder & (config->ladder - 1)) == 0) return true;
    struct eg_adaptation *adaptation = eg__memory_take(1, sizeof *adaptation);
    if (adaptation == NULL) return false;
    *adaptation = (struct eg_adaptation){.ladder = config->ladder, .pinned = EG_ENCODING_AUTO, .bit_rate_max = config->bit_rate_max,
                                         .lost = EG_SOURCES_MAX};
    eg__bandwidth_init(&adaptation->link, now);
    eg__ladder_init(&adaptation->rules, now);
    eg__headroom_init(&adaptation->headroom);
    viewer->adaptation = adaptation;
    return true;
}

void eg__adaptation_deinit(struct eg_viewer *viewer) {
    eg__memory_release(viewer->adaptation);
    viewer->adaptation = NULL;
}

// --- rungs ---

static uint32_t bit_rate_of(const struct eg_stream *stream, uint32_t source) {
    uint32_t nominal = stream->config.bit_rates[eg__encoding_of_source(source)], measured = stream->sources[source].typical_bit_rate;
    return nominal > measured ? nominal : measured;
}

static void insert_rung(struct rungs *rungs, uint8_t source, uint32_t bit_rate) {
    uint32_t at = rungs->count++;
    for (; at > 0 && rungs->bit_rates[at - 1] > bit_rate; at--) {
        rungs->sources[at] = rungs->sources[at - 1];
        rungs->bit_rates[at] = rungs->bit_rates[at - 1];
    }
    rungs->sources[at] = source;
    rungs->bit_rates[at] = bit_rate;
}

static bool is_in_ladder(const struct eg_adaptation *adaptation, uint32_t source) {
    return eg__kind_of_source(source) == EG_VIDEO && (adaptation->ladder >> eg__encoding_of_source(source) & 1) != 0;
}

// When pictures of its encodings came: the newest of all, and the oldest that is still kept.
struct span {
    eg_time oldest;
    eg_time newest;
};

static struct span find_span(const struct eg_adaptation *adaptation, const struct eg_stream *stream) {
    struct span span = {.oldest = EG_TIME_NEVER};
    for (uint32_t i = 0; i < stream->source_count; i++) {
        const struct eg_source *source = &stream->sources[i];
        if (!is_in_ladder(adaptation, i)) continue;
        const struct eg_packet *first = eg__store_get(source->store, source->store->begin);
        if (first != NULL) span.oldest = eg__time_min(span.oldest, first->arrival);
        if (source->picture_arrival > span.newest) span.newest = source->picture_arrival;
    }
    return span;
}

// One that has sent nothing yet has as long as one that has stopped.
static bool is_silent(const struct eg_source *source, const struct span *span) {
    if (span->newest == 0) return false;
    eg_time interval = (eg_time)source->picture_interval * EG_SECOND / source->clock->legs[source->index].rate;
    eg_time last = source->picture_arrival > 0 ? source->picture_arrival : eg__time_min(span->oldest, span->newest);
    return span->newest > last + EG_LADDER_SILENT + 2 * interval;
}

static void find_rungs(const struct eg_viewer *viewer, struct rungs *rungs) {
    const struct eg_stream *stream = viewer->stream;
    const struct span span = find_span(viewer->adaptation, stream);
    rungs->count = 0;
    for (uint32_t i = 0; i < stream->source_count; i++)
        if (is_in_ladder(viewer->adaptation, i) && !is_silent(&stream->sources[i], &span)) insert_rung(rungs, (uint8_t)i, bit_rate_of(stream, i));
}

// `rungs->count` when it is not among them.
static uint32_t rung_of(const struct rungs *rungs, uint32_t source) {
    uint32_t rung = 0;
    while (rung < rungs->count && rungs->sources[rung] != source) rung++;
    return rung;
}

// What a bound is held against: what an encoding is meant to have, where that is known. What it has swings about that, and a bound that names it
// would let it in and out.
static bool is_above_bound(const struct eg_viewer *viewer, uint32_t source) {
    uint32_t nominal = viewer->stream->config.bit_rates[eg__encoding_of_source(source)];
    uint64_t bound = viewer->adaptation->bit_rate_max;
    return bound != 0 && (nominal != 0 ? nominal : bit_rate_of(viewer->stream, source)) > bound;
}

// The highest that it may have; the lowest is always allowed.
static uint32_t top_of(const struct eg_viewer *viewer, const struct rungs *rungs) {
    uint32_t top = rungs->count - 1;
    while (top > 0 && is_above_bound(viewer, rungs->sources[top])) top--;
    return top;
}

// --- what the embedder says and is told ---

static bool is_allowed(const struct eg_viewer *viewer, uint32_t source) {
    const struct eg_adaptation *adaptation = viewer->adaptation;
    if (!is_above_bound(viewer, source)) return true;
    for (uint32_t i = 0; i < viewer->stream->source_count; i++)
        if (is_in_ladder(adaptation, i) && bit_rate_of(viewer->stream, i) < bit_rate_of(viewer->stream, source)) return false;
    return true;
}

const char *eg__adaptation_pin(struct eg_viewer *viewer, eg_time now, int32_t encoding) {
    struct eg_adaptation *adaptation = viewer->adaptation;
    if (encoding != EG_ENCODING_AUTO) {
        bool is_there = encoding >= 0 && encoding < EG_ENCODINGS_MAX && adaptation != NULL && (adaptation->ladder >> encoding & 1) != 0;
        if (!is_there) return "encoding: not one of the viewer's ladder";
        if (!is_allowed(viewer, eg__source_of_encoding((uint32_t)encoding))) return "encoding: above the viewer's bit_rate_max";
    }
    if (adaptation == NULL) return NULL;
    adaptation->pinned = encoding;
    adaptation->is_wanting = false;
    adaptation->has_news_of_link = true;
    if (viewer->state == EG_VIEWER_CONNECTED) viewer->transmit_at = eg__time_min(viewer->transmit_at, now);
    return NULL;
}

int32_t eg__adaptation_encoding(const struct eg_viewer *viewer) {
    return viewer->adaptation->is_paused ? EG_ENCODING_NONE : (int32_t)eg__encoding_of_source(viewer->tracks[EG_VIDEO].map.source);
}

void eg__adaptation_describe(const struct eg_viewer *viewer, eg_time now, struct eg_viewer_stats *stats) {
    const struct eg_adaptation *adaptation = viewer->adaptation;
    stats->pinned = EG_ENCODING_AUTO;
    if (adaptation == NULL) return;
    const struct eg_bandwidth *link = &adaptation->link;
    bool is_seen = now - adaptation->rules.seen_at <= EG_LADDER_SEEN && adaptation->rules.seen_bit_rate > link->arrived_bit_rate;
    stats->estimate_bit_rate = is_seen ? adaptation->rules.seen_bit_rate : link->arrived_bit_rate;
    stats->switches_up = adaptation->switches_up;
    stats->switches_down = adaptation->switches_down;
    stats->switch_reason = adaptation->reason;
    stats->pinned = adaptation->pinned;
    stats->is_paused = adaptation->is_paused;
    stats->paused_ms = (adaptation->paused + (adaptation->is_paused ? now - adaptation->paused_until_now : 0)) / EG_MILLISECOND;
}

static void tell(struct eg_viewer *viewer, const struct eg_viewer_context *context, eg_switch_reason reason) {
    viewer->adaptation->reason = reason;
    viewer->adaptation->has_event = true;
    if (!eg__list_contains(&viewer->event)) eg__list_append(context->events, &viewer->event);
}

// --- what the link says ---

void eg__adaptation_note_sent(struct eg_viewer *viewer, eg_time now, uint16_t transport_number, size_t size) {
    eg__bandwidth_sent(&viewer->adaptation->link, now, transport_number, size);
    viewer->adaptation->probe_sent += (uint32_t)size;
}

// A viewer is judged by what it says next time it is served, which is now.
static void note_news(struct eg_viewer *viewer, eg_time now) {
    viewer->adaptation->has_news_of_link = true;
    viewer->transmit_at = eg__time_min(viewer->transmit_at, now);
}

// A viewer that has what it may have, on a link on which nothing happens, is judged with its next picture: to serve everybody ten times a second
// more would cost 2 % of all.
static bool is_content(const struct eg_adaptation *adaptation) {
    const struct eg_bandwidth *link = &adaptation->link;
    return adaptation->is_at_top && !adaptation->is_paused && link->rising_since == EG_TIME_NEVER && link->lost_256 == 0;
}

bool eg__adaptation_receive_feedback(struct eg_viewer *viewer, eg_time now, const struct eg_rtcp_feedback *feedback) {
    if (viewer->tracks[EG_VIDEO].transport_id == 0) return false;
    struct eg_adaptation *adaptation = viewer->adaptation;
    if (!eg__bandwidth_feedback(&adaptation->link, now, feedback)) return false;
    if (is_content(adaptation)) adaptation->has_news_of_link = true;
    else note_news(viewer, now);
    return true;
}

void eg__adaptation_receive_report(struct eg_viewer *viewer, eg_time now, uint8_t fraction_lost, uint32_t round_trip_us) {
    if (viewer->tracks[EG_VIDEO].transport_id != 0) return;
    eg__bandwidth_report(&viewer->adaptation->link, now, fraction_lost, round_trip_us);
    note_news(viewer, now);
}

void eg__adaptation_receive_bound(struct eg_viewer *viewer, eg_time now, uint64_t bit_rate) {
    eg__bandwidth_note_bound(&viewer->adaptation->link, now, bit_rate);
    note_news(viewer, now);
}

// --- switching ---

// Looks among a source's newest pictures for one of nearly this time, which is the same picture, and gives by how much it is later.
static bool find_near(const struct eg_source *source, uint32_t timestamp, int32_t *later) {
    for (uint64_t place = source->ready_end, least = place > SNAP_DEPTH ? place - SNAP_DEPTH : 0; place-- > least;) {
        const struct eg_packet *packet = eg__store_get(source->store, place);
        if (packet == NULL) continue;
        *later = eg__timestamp_distance(timestamp, packet->timestamp);
        if (*later >= -SNAP_TICKS && *later <= SNAP_TICKS) return true;
    }
    return false;
}

// By how much the viewer's timeline is ahead of another source's. The reports say it to a tick or two; pictures that both have say it exactly.
static uint32_t offset_to(const struct eg_viewer *viewer, eg_time now, const struct eg_source *other) {
    const struct eg_track *track = &viewer->tracks[EG_VIDEO];
    const struct eg_source *present = eg__viewer_source(viewer, EG_VIDEO);
    uint32_t ahead = eg__clock_ahead(&viewer->stream->clock, present->index, other->index, now);
    int32_t error;
    if (find_near(other, present->picture_timestamp - ahead, &error)) ahead -= (uint32_t)error;
    else if (find_near(present, other->picture_timestamp + ahead, &error)) ahead += (uint32_t)error;
    return track->map.timestamp_offset + ahead;
}

static void count_switch(struct eg_viewer *viewer, const struct eg_viewer_context *context, bool is_up) {
    struct eg_adaptation *adaptation = viewer->adaptation;
    uint32_t *own = is_up ? &adaptation->switches_up : &adaptation->switches_down;
    uint64_t *streams = is_up ? &viewer->stream->switches_up : &viewer->stream->switches_down;
    uint64_t *engines = is_up ? &context->stats->switches_up : &context->stats->switches_down;
    (*own)++;
    (*streams)++;
    (*engines)++;
}

static void settle(struct eg_viewer *viewer, const struct eg_viewer_context *context, eg_time now, eg_switch_reason reason) {
    struct eg_adaptation *adaptation = viewer->adaptation;
    adaptation->is_wanting = false;
    adaptation->is_paused = false;
    adaptation->lost = EG_SOURCES_MAX;
    eg__ladder_switched(&adaptation->rules, now);
    eg__bandwidth_forget(&adaptation->link, now);
    viewer->transmit_at = eg__time_min(viewer->transmit_at, now);
    tell(viewer, context, reason);
}

// The newest key picture of a source, when it is whole.
static const struct eg_packet *key_of(const struct eg_source *source) {
    if (source->store->gop_begin == EG_STORE_NO_GOP || source->ready_end <= source->store->gop_begin) return NULL;
    return eg__store_get(source->store, source->store->gop_begin);
}

static bool is_up(const struct eg_viewer *viewer, uint32_t source) {
    return bit_rate_of(viewer->stream, source) > bit_rate_of(viewer->stream, viewer->tracks[EG_VIDEO].map.source);
}

// When the other source's key picture is there and comes next on the viewer's timeline. The rest of a picture, and a picture or two of the present
// source that are still on their way, are waited for, as long as it holds.
static bool is_time_to_switch(const struct eg_viewer *viewer, eg_time now, const struct eg_source *other, uint32_t offset) {
    const struct eg_track *track = &viewer->tracks[EG_VIDEO];
    const struct eg_packet *key = key_of(other);
    if (key == NULL) return false;
    if (track->packets == 0) return true;
    int32_t step = eg__timestamp_distance(track->last_timestamp, key->timestamp + offset);
    if (step <= 0) return false;
    uint32_t interval = eg__viewer_source(viewer, EG_VIDEO)->picture_interval;
    bool is_next = !track->is_picture_open && (interval == 0 || (uint32_t)step <= interval + interval / 2);
    return track->state == EG_TRACK_WAITING || is_next || now >= key->arrival + EG_LADDER_HOLD;
}

static void switch_at_key(struct eg_viewer *viewer, const struct eg_viewer_context *context, eg_time now) {
    struct eg_adaptation *adaptation = viewer->adaptation;
    struct eg_track *track = &viewer->tracks[EG_VIDEO];
    const struct eg_source *other = &viewer->stream->sources[adaptation->wanted];
    uint32_t offset = offset_to(viewer, now, other);
    if (!is_time_to_switch(viewer, now, other, offset)) return;
    if (other->index != track->map.source) count_switch(viewer, context, is_up(viewer, other->index));
    eg__track_switch(track, other->index, other->store->gop_begin, offset);
    settle(viewer, context, now, adaptation->wanted_for);
}

// What waits in front of the link arrives first anyway, so the GOP may as well wait here, where it overflows nothing. By now that is more than was
// told of last.
static eg_time drain_time(const struct eg_bandwidth *link) {
    eg_time drain = 2 * link->queue;
    return drain < EG_LADDER_DRAIN_MIN ? EG_LADDER_DRAIN_MIN : eg__time_min(drain, EG_LADDER_DRAIN_MAX);
}

// [bit/s] at which the GOP that a viewer steps down to is sent: what the link takes, or all that a join may take when the link is not the cause.
static struct eg_burst_plan plan_of(const struct eg_viewer *viewer, const struct eg_burst_limits *limits, eg_switch_reason reason) {
    const struct eg_bandwidth *link = &viewer->adaptation->link;
    bool is_narrow = reason == EG_SWITCH_CONGESTION || reason == EG_SWITCH_NO_FEEDBACK;
    uint32_t bit_rate = limits->bit_rate_max;
    uint32_t taken = (uint32_t)((uint64_t)eg__bandwidth_capacity(link) * EG_LADDER_CATCH_UP_PERCENT / 100);
    if (is_narrow && taken > 0 && link->arrived_bit_rate < bit_rate) bit_rate = taken;
    return (struct eg_burst_plan){.bit_rate = bit_rate, .pause = is_narrow ? drain_time(link) : 0, .limits = limits};
}

struct change {
    uint8_t source;
    eg_switch_reason reason;
};

// To what is there of the other encoding, at once.
static void switch_back(struct eg_viewer *viewer, const struct eg_viewer_context *context, eg_time now, const struct change *change) {
    uint32_t source = change->source;
    struct eg_track *track = &viewer->tracks[EG_VIDEO];
    const struct eg_source *other = &viewer->stream->sources[source];
    const struct eg_packet *key = key_of(other);
    uint32_t offset = offset_to(viewer, now, other);
    count_switch(viewer, context, is_up(viewer, source));
    bool is_ahead = key != NULL && track->packets > 0 && eg__timestamp_distance(track->last_timestamp, key->timestamp + offset) > 0;
    struct eg_burst_limits limits = context->burst;
    limits.speed_min_percent = EG_LADDER_SPEED_MIN_PERCENT;
    const struct eg_burst_plan plan = plan_of(viewer, &limits, change->reason);
    if (is_ahead) {
        eg__track_switch(track, source, other->store->gop_begin, offset);
    } else {
        eg__track_leave_for(track, source, offset);
        eg__track_catch_up(track, now, other, &plan);
    }
    settle(viewer, context, now, change->reason);
}

static void want(struct eg_viewer *viewer, uint32_t source, eg_switch_reason reason) {
    struct eg_adaptation *adaptation = viewer->adaptation;
    adaptation->is_wanting = source != viewer->tracks[EG_VIDEO].map.source || adaptation->is_paused;
    adaptation->wanted = (uint8_t)source;
    adaptation->wanted_for = reason;
}

// --- sound alone ---

static void count_pause(struct eg_viewer *viewer, const struct eg_viewer_context *context, eg_time now) {
    struct eg_adaptation *adaptation = viewer->adaptation;
    if (!adaptation->is_paused) return;
    eg_time before = adaptation->paused, since = now - adaptation->paused_until_now;
    adaptation->paused += since;
    adaptation->paused_until_now = now;
    viewer->stream->paused += since;
    context->stats->paused_ms += adaptation->paused / EG_MILLISECOND - before / EG_MILLISECOND;
}

static void pause(struct eg_viewer *viewer, const struct eg_viewer_context *context, eg_time now, eg_switch_reason reason) {
    struct eg_adaptation *adaptation = viewer->adaptation;
    struct eg_track *track = &viewer->tracks[EG_VIDEO];
    adaptation->is_paused = true;
    adaptation->is_wanting = false;
    adaptation->paused_until_now = now;
    track->state = EG_TRACK_WAITING;
    eg__track_skip_to(track, eg__viewer_source(viewer, EG_VIDEO)->ready_end);
    tell(viewer, context, reason);
}

// The next key picture is where its picture goes on.
static void skip_rest(struct eg_viewer *viewer) {
    struct eg_track *track = &viewer->tracks[EG_VIDEO];
    const struct eg_source *source = eg__viewer_source(viewer, EG_VIDEO);
    track->state = EG_TRACK_WAITING;
    track->refused_gop = source->store->gop_begin;
    eg__track_skip_to(track, source->ready_end);
}

// --- judging ---

static bool is_probe_time(const struct eg_viewer *viewer, eg_time now) {
    const struct eg_packet *key = key_of(eg__viewer_source(viewer, EG_VIDEO));
    return key != NULL && now >= key->arrival + EG_PROBE_AFTER_KEY && now <= key->arrival + EG_PROBE_AFTER_KEY_MAX;
}

static void follow_rules(struct eg_viewer *viewer, const struct eg_viewer_context *context, eg_time now, const struct rungs *rungs) {
    struct eg_adaptation *adaptation = viewer->adaptation;
    const struct eg_track *track = &viewer->tracks[EG_VIDEO];
    struct eg_ladder_view view = {
        .link = &adaptation->link,
        .count = rungs->count,
        .rung = rung_of(rungs, track->map.source),
        .top = top_of(viewer, rungs),
        .round_trip_us = viewer->stats.round_trip_us,
        .is_coarse = track->transport_id == 0,
        .can_probe = track->has_rtx,
        .is_probe_time = is_probe_time(viewer, now),
        .is_live = track->state == EG_TRACK_LIVE,
    };
    for (uint32_t i = 0; i < rungs->count; i++) view.bit_rates[i] = rungs->bit_rates[i];
    adaptation->is_at_top = view.rung >= view.top;
    uint64_t begun = adaptation->rules.probes_begun, failed = adaptation->rules.probes_failed;
    struct eg_ladder_step step = eg__ladder_judge(&adaptation->rules, now, &view);
    context->stats->probes_begun += adaptation->rules.probes_begun - begun;
    context->stats->probes_failed += adaptation->rules.probes_failed - failed;
    if (adaptation->rules.probes_begun != begun) {
        adaptation->probed_at = now;
        adaptation->probe_left = adaptation->probe_sent = 0;
        viewer->transmit_at = eg__time_min(viewer->transmit_at, now + EG_PROBE_INTERVAL);
    }
    switch (step.action) {
    case EG_LADDER_STAY:
        return;
    case EG_LADDER_DOWN:
        switch_back(viewer, context, now, &(struct change){rungs->sources[step.rung], step.reason});
        return;
    case EG_LADDER_UP:
    case EG_LADDER_RESUME:
        want(viewer, rungs->sources[step.rung], step.reason);
        return;
    case EG_LADDER_SKIP:
        skip_rest(viewer);
        return;
    case EG_LADDER_PAUSE:
        pause(viewer, context, now, step.reason);
        return;
    }
}

// The nearest encoding that is there: the next one down, else up.
static void leave_silent(struct eg_viewer *viewer, const struct eg_viewer_context *context, eg_time now, const struct rungs *rungs) {
    uint32_t present = bit_rate_of(viewer->stream, viewer->tracks[EG_VIDEO].map.source), rung = 0;
    while (rung + 1 < rungs->count && rungs->bit_rates[rung + 1] <= present) rung++;
    uint8_t lost = viewer->tracks[EG_VIDEO].map.source;
    switch_back(viewer, context, now, &(struct change){rungs->sources[rung], EG_SWITCH_ENCODING_LOST});
    viewer->adaptation->lost = lost;
}

static void judge(struct eg_viewer *viewer, const struct eg_viewer_context *context, eg_time now) {
    struct eg_adaptation *adaptation = viewer->adaptation;
    struct rungs rungs;
    find_rungs(viewer, &rungs);
    if (rungs.count == 0) return;
    if (rung_of(&rungs, adaptation->wanted) == rungs.count) adaptation->is_wanting = false; // it fell silent before its key picture came
    uint32_t source = viewer->tracks[EG_VIDEO].map.source;
    if (rung_of(&rungs, source) == rungs.count) {
        if (!adaptation->is_paused) leave_silent(viewer, context, now, &rungs);
        else want(viewer, rungs.sources[0], adaptation->reason);
        return;
    }
    uint32_t pinned = adaptation->pinned >= 0 ? eg__source_of_encoding((uint32_t)adaptation->pinned) : EG_SOURCES_MAX;
    if (adaptation->pinned < 0) {
        // What was taken from it through no fault of its link's it gets back. While it waits for a key picture its link may still get narrow.
        if (rung_of(&rungs, adaptation->lost) < rungs.count) want(viewer, adaptation->lost, EG_SWITCH_ROOM);
        follow_rules(viewer, context, now, &rungs);
    } else if (rung_of(&rungs, pinned) < rungs.count && (pinned != source || adaptation->is_paused)) {
        want(viewer, pinned, EG_SWITCH_PINNED);
    }
}

bool eg__adaptation_awaits(const struct eg_viewer *viewer, uint32_t source) {
    const struct eg_adaptation *adaptation = viewer->adaptation;
    if (adaptation->is_paused || (adaptation->is_wanting && adaptation->wanted == source)) return true;
    if (!is_in_ladder(adaptation, source)) return false;
    const struct eg_source *present = eg__viewer_source(viewer, EG_VIDEO);
    bool is_fresh = present->picture_arrival > 0 && viewer->stream->sources[source].picture_arrival <= present->picture_arrival + EG_LADDER_SILENT;
    if (is_fresh) return false; // as mostly, and asked for each picture of each encoding and viewer
    const struct span span = find_span(adaptation, viewer->stream);
    return is_silent(present, &span);
}

// [bit/s] so much of what its encoding has.
static uint32_t share_of_own(const struct eg_viewer *viewer, uint32_t percent) {
    uint64_t bit_rate = (uint64_t)bit_rate_of(viewer->stream, viewer->tracks[EG_VIDEO].map.source) * percent / 100;
    return bit_rate < UINT32_MAX ? (uint32_t)bit_rate : UINT32_MAX;
}

static uint32_t min_rate(uint32_t a, uint32_t b) { return a < b ? a : b; }

struct eg_burst_limits eg__adaptation_burst_limits(const struct eg_viewer *viewer, const struct eg_viewer_context *context) {
    struct eg_burst_limits limits = context->burst;
    const struct eg_bandwidth *link = &viewer->adaptation->link;
    uint32_t own = share_of_own(viewer, EG_LADDER_BURST_PERCENT);
    if (own > 0) limits.bit_rate_max = min_rate(own, limits.bit_rate_max); // 0: nothing is known of the encoding yet
    if (link->queue >= EG_LADDER_QUEUE_CALM && link->arrived_bit_rate > 0) {
        uint32_t room = (uint32_t)((uint64_t)eg__bandwidth_capacity(link) * EG_LADDER_CATCH_UP_PERCENT / 100);
        limits.bit_rate_max = min_rate(room, limits.bit_rate_max);
    }
    limits.speed_min_percent = EG_LADDER_SPEED_MIN_PERCENT;
    return limits;
}

uint64_t eg__adaptation_repair_rate(const struct eg_viewer *viewer) {
    eg_time queue = viewer->adaptation->link.queue;
    uint32_t percent = queue >= EG_LADDER_QUEUE        ? EG_LADDER_REPAIR_FULL_PERCENT
                       : queue >= EG_LADDER_QUEUE_CALM ? EG_LADDER_REPAIR_QUEUED_PERCENT
                                                       : EG_LADDER_REPAIR_PERCENT;
    return share_of_own(viewer, percent) / 8 / EG_LADDER_REPAIR_SIZE + 1;
}

bool eg__adaptation_may_repair_old(const struct eg_viewer *viewer) { return viewer->adaptation->link.queue < EG_LADDER_QUEUE_CALM; }

static void set_pace(struct eg_viewer *viewer, eg_time now) {
    struct eg_adaptation *adaptation = viewer->adaptation;
    struct eg_track *track = &viewer->tracks[EG_VIDEO];
    const struct eg_packet *key = key_of(eg__viewer_source(viewer, EG_VIDEO));
    bool is_told_of = key != NULL && track->transport_id != 0; // one report a second would miss the queue behind it
    const struct eg_headroom_view view = {
        .link = &adaptation->link, .own = bit_rate_of(viewer->stream, track->map.source), .key_at = is_told_of ? key->arrival : 0};
    eg__headroom_judge(&adaptation->headroom, now, &view);
    track->pace.bit_rate = adaptation->headroom.bit_rate;
}

void eg__adaptation_advance(struct eg_viewer *viewer, const struct eg_viewer_context *context, eg_time now) {
    struct eg_adaptation *adaptation = viewer->adaptation;
    count_pause(viewer, context, now);
    bool is_due = now >= adaptation->judged_at + (adaptation->has_news_of_link ? EG_LADDER_JUDGE_INTERVAL : 5 * EG_LADDER_JUDGE_INTERVAL);
    if (is_due) {
        set_pace(viewer, now);
        adaptation->judged_at = now;
        adaptation->has_news_of_link = false;
        judge(viewer, context, now);
    }
    if (adaptation->is_wanting) switch_at_key(viewer, context, now);
}

eg_time eg__adaptation_hold(const struct eg_viewer *viewer, eg_time now, eg_time arrival) {
    const struct eg_adaptation *adaptation = viewer->adaptation;
    if (!adaptation->is_wanting) return 0;
    const struct eg_source *present = eg__viewer_source(viewer, EG_VIDEO);
    bool is_key = viewer->tracks[EG_VIDEO].cursor == present->store->gop_begin;
    eg_time until = arrival + EG_LADDER_HOLD;
    return is_key && until > now ? until : 0;
}

// --- probing ---

// Goes back from the newest packet, and begins again when it has gone far enough: packets that the viewer has, as large as they get.
static const struct eg_packet *next_old_packet(struct eg_viewer *viewer, struct eg_track_spot *spot) {
    struct eg_adaptation *adaptation = viewer->adaptation;
    const struct eg_track *track = &viewer->tracks[EG_VIDEO];
    const struct eg_store *store = eg__viewer_source(viewer, EG_VIDEO)->store;
    uint64_t first = track->map.first_index - track->map.index_offset, oldest = store->begin > first ? store->begin : first;
    if (track->cursor > PROBE_DEPTH && oldest < track->cursor - PROBE_DEPTH) oldest = track->cursor - PROBE_DEPTH;
    for (uint32_t tries = 0; tries < PROBE_DEPTH; tries++) {
        if (adaptation->probe_cursor <= oldest || adaptation->probe_cursor > track->cursor) adaptation->probe_cursor = track->cursor;
        if (adaptation->probe_cursor <= oldest) return NULL;
        const struct eg_packet *packet = eg__store_get(store, --adaptation->probe_cursor);
        if (packet == NULL || packet->size == 0) continue;
        *spot = (struct eg_track_spot){.map = &track->map, .place = adaptation->probe_cursor};
        return packet;
    }
    return NULL;
}

// False when the batch is full.
static bool send_old_packet(struct eg_viewer *viewer, const struct eg_viewer_context *context, eg_time now) {
    struct eg_track *track = &viewer->tracks[EG_VIDEO];
    struct eg_track_spot spot;
    const struct eg_packet *packet = next_old_packet(viewer, &spot);
    if (packet == NULL) {
        viewer->adaptation->probe_left = 0;
        return true;
    }
    uint8_t *out = eg__batch_reserve(context->batch, EG_TRACK_DATAGRAM_SIZE_MAX);
    if (out == NULL) return false;
    uint16_t number = track->transport_number;
    size_t size = eg__track_write_again(track, &viewer->srtp, &spot, packet, out);
    eg__batch_commit(context->batch, size);
    eg__bandwidth_sent(&viewer->adaptation->link, now, number, size);
    viewer->stats.bytes += size;
    context->stats->bytes_sent += size;
    context->stats->probe_packets_sent++;
    viewer->adaptation->probe_left -= (int64_t)size;
    return true;
}

bool eg__adaptation_probe(struct eg_viewer *viewer, const struct eg_viewer_context *context, eg_time now) {
    struct eg_adaptation *adaptation = viewer->adaptation;
    const struct eg_track *track = &viewer->tracks[EG_VIDEO];
    uint32_t bit_rate = eg__ladder_probe_bit_rate(&adaptation->rules, now);
    if (bit_rate == 0 || track->state != EG_TRACK_LIVE) return true;
    eg_time since = now - adaptation->probed_at;
    if (since < EG_PROBE_INTERVAL) {
        viewer->transmit_at = eg__time_min(viewer->transmit_at, adaptation->probed_at + EG_PROBE_INTERVAL);
        return true;
    }
    uint64_t earned = (uint64_t)bit_rate / 8 * eg__time_min(since, 4 * EG_PROBE_INTERVAL) / EG_SECOND;
    if (eg__budget_take(context->burst.bytes, now, earned)) adaptation->probe_left += (int64_t)earned;
    adaptation->probe_left -= adaptation->probe_sent;
    adaptation->probe_sent = 0;
    adaptation->probed_at = now;
    for (uint32_t i = 0; adaptation->probe_left > 0 && i < EG_PROBE_PACKETS_MAX; i++)
        if (!send_old_packet(viewer, context, now)) return false;
    viewer->transmit_at = eg__time_min(viewer->transmit_at, now + EG_PROBE_INTERVAL);
    return true;
}
