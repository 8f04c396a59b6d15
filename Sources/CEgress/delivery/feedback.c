#include "delivery/feedback.h"

#include "delivery/adaptation.h"
#include "wire/transport_feedback.h"

enum {
    NACK_BITMASK_SIZE = 16,
    NEAR = 64, // places
};

static struct eg_track *find_track(struct eg_viewer *viewer, uint32_t ssrc, enum eg_track_kind *kind) {
    for (int i = 0; i < EG_TRACK_COUNT; i++) {
        if (viewer->tracks[i].state == EG_TRACK_OFF || viewer->tracks[i].ssrc != ssrc) continue;
        *kind = i;
        return &viewer->tracks[i];
    }
    return NULL;
}

// Closes one that has lost too much for too long (RFC 8083).
static void watch_congestion(struct eg_viewer *viewer, eg_time now, uint8_t fraction_lost) {
    if (fraction_lost < EG_CONGESTION_LOSS) viewer->congested_since = EG_TIME_NEVER;
    else if (viewer->congested_since == EG_TIME_NEVER) viewer->congested_since = now;
    else if (now - viewer->congested_since >= EG_CONGESTION_TIMEOUT) eg__viewer_close(viewer, EG_CLOSE_CONGESTION);
}

static bool has_sound_alone(const struct eg_viewer *viewer) {
    return viewer->tracks[EG_VIDEO].state == EG_TRACK_OFF || (viewer->adaptation != NULL && viewer->adaptation->is_paused);
}

static void receive_reports(struct eg_viewer *viewer, eg_time now, const struct eg_rtcp *block) {
    struct eg_report_block report;
    for (size_t i = 0; eg__rtcp_parse_report(&report, block, i); i++) {
        enum eg_track_kind kind;
        if (find_track(viewer, report.ssrc, &kind) == NULL) continue;
        viewer->heard_at = now;
        viewer->stats.lost[kind] = report.cumulative_lost > 0 ? (uint32_t)report.cumulative_lost : 0;
        uint32_t round_trip = eg__rtcp_round_trip(&report, eg__clock_ntp(&viewer->stream->clock, now));
        if (round_trip > 0) viewer->stats.round_trip_us = round_trip;
        bool is_main = kind == EG_VIDEO ? !has_sound_alone(viewer) : has_sound_alone(viewer);
        if (!is_main) continue;
        if (viewer->adaptation != NULL && kind == EG_VIDEO)
            eg__adaptation_receive_report(viewer, now, report.fraction_lost, round_trip);
        viewer->stats.jitter_us = (uint32_t)((uint64_t)report.jitter * EG_SECOND / viewer->stream->clock.legs[viewer->tracks[kind].map.source].rate);
        watch_congestion(viewer, now, report.fraction_lost);
    }
}

// As much as the stream's largest picture needs to arrive after all, within limits: a viewer that asks for everything is sent no more than that
// a second.
static void fit_repairs(struct eg_viewer *viewer) {
    uint64_t picture = eg__viewer_source(viewer, EG_VIDEO)->largest_picture;
    if (picture > EG_REPAIR_PICTURE_MAX) picture = EG_REPAIR_PICTURE_MAX;
    uint64_t rate = picture > EG_REPAIR_RATE ? picture : EG_REPAIR_RATE;
    uint64_t burst = picture > EG_REPAIR_BURST ? picture : EG_REPAIR_BURST;
    if (viewer->adaptation != NULL) {
        rate = eg__adaptation_repair_rate(viewer);
        burst = rate > EG_LADDER_REPAIR_BURST ? rate : EG_LADDER_REPAIR_BURST;
    }
    if (rate != viewer->repairs.rate || burst != viewer->repairs.left_max) eg__budget_resize(&viewer->repairs, rate, burst);
}

static bool may_repair(struct eg_viewer *viewer, struct eg_viewer_context *context, eg_time now) {
    if (eg__budget_take(&viewer->repairs, now, 1) && eg__budget_take(&context->repairs, now, 1)) return true;
    context->stats->repairs_refused++;
    return false;
}

// False when it is not sent.
static bool send_again(struct eg_viewer *viewer, struct eg_viewer_context *context, eg_time now, struct eg_track *track,
                       const struct eg_track_spot *spot, const struct eg_packet *packet) {
    uint8_t *out = eg__batch_reserve(context->batch, EG_TRACK_DATAGRAM_SIZE_MAX);
    if (out == NULL) {
        context->stats->dropped[EG_DROP_NO_ROOM]++;
        return false;
    }
    uint16_t number = track->transport_number;
    size_t size = eg__track_write_again(track, &viewer->srtp, spot, packet, out);
    eg__batch_commit(context->batch, size);
    if (viewer->adaptation != NULL && track->has_rtx) eg__adaptation_note_sent(viewer, now, number, size);
    viewer->stats.bytes += size;
    context->stats->bytes_sent += size;
    context->stats->repairs_sent++;
    return true;
}

// The packet that a request is about or, where that is not kept or never came, the first one behind it: nearly always of the same picture.
// NULL when there is none close by.
static const struct eg_packet *packet_near(const struct eg_store *store, uint64_t place) {
    if (place < store->begin) place = store->begin;
    for (uint64_t end = place + NEAR; place < end; place++) {
        const struct eg_packet *packet = eg__store_get(store, place);
        if (packet != NULL) return packet;
    }
    return NULL;
}

static void repair(struct eg_viewer *viewer, struct eg_viewer_context *context, eg_time now, enum eg_track_kind kind, uint16_t sequence) {
    struct eg_track *track = &viewer->tracks[kind];
    struct eg_track_spot spot;
    viewer->stats.nacks++;
    if (!eg__track_find(track, sequence, &spot)) return;
    const struct eg_store *store = viewer->stream->sources[spot.map->source].store;
    const struct eg_packet *packet = eg__store_get(store, spot.place);
    if (packet != NULL && spot.map == &track->map) eg__track_note_lost(track, spot.place);
    bool is_wanted = packet != NULL && (spot.map == &track->map || eg__adaptation_may_repair_old(viewer));
    bool is_sent = is_wanted && may_repair(viewer, context, now) && send_again(viewer, context, now, track, &spot, packet);
    if (kind != EG_VIDEO || (is_sent && viewer->gaps.count == 0)) return;
    if (packet == NULL) packet = packet_near(store, spot.place);
    if (packet != NULL) context->stats->pictures_incomplete += eg__gaps_note(&viewer->gaps, now, packet->timestamp, is_sent);
}

static struct eg_burst_limits burst_limits(const struct eg_viewer *viewer, const struct eg_viewer_context *context) {
    return viewer->adaptation != NULL ? eg__adaptation_burst_limits(viewer, context) : context->burst;
}

// A link that is too narrow for the burst loses packets. To continue, and to repair them too, would only keep it full.
static void watch_burst(struct eg_viewer *viewer, struct eg_viewer_context *context, eg_time now) {
    struct eg_track *track = &viewer->tracks[EG_VIDEO];
    if (!eg__track_is_burst_too_fast(track)) return;
    const struct eg_burst_limits limits = burst_limits(viewer, context);
    if (eg__track_begin_slower(track, now, eg__viewer_source(viewer, EG_VIDEO), &limits)) viewer->transmit_at = track->burst.began_at;
}

static void receive_nack(struct eg_viewer *viewer, struct eg_viewer_context *context, eg_time now, const struct eg_rtcp *block) {
    struct eg_rtcp_feedback feedback;
    enum eg_track_kind kind;
    if (!eg__rtcp_parse_feedback(&feedback, block)) return;
    if (find_track(viewer, feedback.media_ssrc, &kind) == NULL) return;
    fit_repairs(viewer);
    eg__batch_start(context->batch, &viewer->ice.path);
    struct eg_rtcp_nack nack;
    for (size_t i = 0; eg__rtcp_parse_nack(&nack, &feedback, i); i++) {
        repair(viewer, context, now, kind, nack.packet_id);
        for (int bit = 0; bit < NACK_BITMASK_SIZE; bit++)
            if (nack.bitmask >> bit & 1) repair(viewer, context, now, kind, (uint16_t)(nack.packet_id + 1 + bit));
    }
    if (kind == EG_VIDEO) watch_burst(viewer, context, now);
}

static void begin_again(struct eg_viewer *viewer, struct eg_viewer_context *context, eg_time now) {
    viewer->stats.plis++;
    if (viewer->adaptation != NULL) eg__ladder_note_request(&viewer->adaptation->rules, now);
    const struct eg_source *source = eg__viewer_source(viewer, EG_VIDEO);
    const struct eg_burst_limits limits = burst_limits(viewer, context);
    if (eg__track_begin_again(&viewer->tracks[EG_VIDEO], now, source, &limits)) viewer->transmit_at = now;
}

static void receive_picture_request(struct eg_viewer *viewer, struct eg_viewer_context *context, eg_time now,
                                    const struct eg_rtcp *block) {
    struct eg_rtcp_feedback feedback;
    if (!eg__rtcp_parse_feedback(&feedback, block)) return;
    if (block->count == EG_RTCP_FORMAT_PLI) {
        if (feedback.media_ssrc == viewer->tracks[EG_VIDEO].ssrc) begin_again(viewer, context, now);
        return;
    }
    struct eg_rtcp_fir fir;
    for (size_t i = 0; block->count == EG_RTCP_FORMAT_FIR && eg__rtcp_parse_fir(&fir, &feedback, i); i++)
        if (fir.ssrc == viewer->tracks[EG_VIDEO].ssrc) begin_again(viewer, context, now);
}

// What arrived of what it was sent, and when. Of a viewer that nothing was agreed on with it says nothing.
static void receive_transport_feedback(struct eg_viewer *viewer, struct eg_viewer_context *context, eg_time now, const struct eg_rtcp *block) {
    struct eg_rtcp_feedback feedback;
    bool is_about_sent = viewer->adaptation != NULL && eg__rtcp_parse_feedback(&feedback, block) &&
                         eg__adaptation_receive_feedback(viewer, now, &feedback);
    if (is_about_sent) viewer->heard_at = now;
    else context->stats->dropped[EG_DROP_FEEDBACK]++;
}

static void receive_bound(struct eg_viewer *viewer, eg_time now, const struct eg_rtcp *block) {
    struct eg_rtcp_feedback feedback;
    struct eg_remb remb;
    if (viewer->adaptation == NULL || !eg__rtcp_parse_feedback(&feedback, block) || !eg__remb_parse(&remb, &feedback)) return;
    eg__adaptation_receive_bound(viewer, now, remb.bit_rate);
}

bool eg__feedback_receive(struct eg_viewer *viewer, struct eg_viewer_context *context, const struct eg_arrival *arrival) {
    EG_ASSERT(viewer->state == EG_VIEWER_CONNECTED && context->batch != NULL);
    uint8_t plain[EG_DATAGRAM_SIZE_MAX];
    if (arrival->size > sizeof plain) return false;
    size_t plain_size = eg__srtcp_unprotect(&viewer->srtp, arrival->bytes, arrival->size, plain);
    if (plain_size == 0) return false;
    struct eg_rtcp_iterator iterator = eg__rtcp_iterator(plain, plain_size);
    struct eg_rtcp block;
    while (eg__rtcp_next(&iterator, &block)) {
        if (block.type == EG_RTCP_RR || block.type == EG_RTCP_SR) receive_reports(viewer, arrival->at, &block);
        else if (block.type == EG_RTCP_RTPFB && block.count == EG_RTCP_FORMAT_NACK) receive_nack(viewer, context, arrival->at, &block);
        else if (block.type == EG_RTCP_RTPFB && block.count == EG_RTCP_FORMAT_TRANSPORT_CC)
            receive_transport_feedback(viewer, context, arrival->at, &block);
        else if (block.type == EG_RTCP_PSFB && block.count == EG_RTCP_FORMAT_ALFB) receive_bound(viewer, arrival->at, &block);
        else if (block.type == EG_RTCP_PSFB) receive_picture_request(viewer, context, arrival->at, &block);
    }
    eg__crypto_finish(context->crypto); // of what was sent again
    return !iterator.malformed;
}
