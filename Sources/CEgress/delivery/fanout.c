#include "delivery/fanout.h"

#include "delivery/adaptation.h"

static void count(struct eg_viewer *viewer, const struct eg_viewer_context *context, size_t size) {
    viewer->stats.packets++;
    viewer->stats.bytes += size;
    viewer->stream->packets_sent++;
    viewer->stream->bytes_sent += size;
    context->stats->packets_sent++;
    context->stats->bytes_sent += size;
}

// On a narrow link the next key picture comes before the last GOP is caught up with, and makes the rest of it needless.
static bool is_overtaken(const struct eg_viewer *viewer, const struct eg_track *track, const struct eg_source *source) {
    if (viewer->adaptation == NULL || track->state != EG_TRACK_CATCHING_UP || track->is_picture_open) return false;
    return source->store->gop_begin != EG_STORE_NO_GOP && source->store->gop_begin > track->burst.place;
}

// Sends places from the cursor on, as far as they are due. False when the batch is full.
static bool send_track(struct eg_viewer *viewer, const struct eg_viewer_context *context, eg_time now, enum eg_track_kind kind) {
    struct eg_track *track = &viewer->tracks[kind];
    const struct eg_source *source = eg__viewer_source(viewer, kind);
    uint32_t rate = source->clock->legs[source->index].rate;
    int32_t left = eg__track_pace(track, now, source);
    bool is_adapting = kind == EG_VIDEO && viewer->adaptation != NULL;
    while (track->cursor < source->ready_end) {
        if (is_adapting && is_overtaken(viewer, track, source)) {
            viewer->transmit_at = now; // it is placed anew
            return true;
        }
        const struct eg_packet *packet = eg__store_get(source->store, track->cursor);
        if (packet == NULL) {
            track->cursor++; // lost in front of us: the gap in the numbers stays
            continue;
        }
        eg_time due = eg__track_due(track, track->cursor, packet->timestamp, rate);
        if (due > now) {
            viewer->transmit_at = eg__time_min(viewer->transmit_at, due);
            return true;
        }
        if (left <= 0) {
            viewer->transmit_at = eg__time_min(viewer->transmit_at, eg__track_paced_until(track));
            return true;
        }
        eg_time held = is_adapting ? eg__adaptation_hold(viewer, now, packet->arrival) : 0;
        if (held > 0) {
            viewer->transmit_at = eg__time_min(viewer->transmit_at, held);
            return true;
        }
        uint8_t *out = eg__batch_reserve(context->batch, EG_TRACK_DATAGRAM_SIZE_MAX);
        if (out == NULL) return false;
        size_t size = eg__track_write(track, &viewer->srtp, track->cursor, packet, out);
        eg__batch_commit(context->batch, size);
        count(viewer, context, size);
        if (is_adapting) eg__adaptation_note_sent(viewer, now, (uint16_t)(track->transport_number - 1), size);
        track->cursor++;
        left = eg__track_take_pace(track, packet);
    }
    if (track->state == EG_TRACK_CATCHING_UP) track->state = EG_TRACK_LIVE;
    return true;
}

// One whose next packet is this old has lost touch with the live stream, which only happens when the engine can't keep up: what it has not
// got is given up, video until the next IDR. So an overload costs pictures, and is counted, instead of adding seconds to everybody's delay.
static void drop_backlog(struct eg_track *track, const struct eg_viewer_context *context, eg_time now, const struct eg_source *source) {
    const struct eg_packet *packet = eg__store_get(source->store, track->cursor);
    if (track->state != EG_TRACK_LIVE || packet == NULL || packet->arrival + EG_BACKLOG_MAX >= now) return;
    context->stats->dropped[EG_DROP_SLOW_VIEWER] += source->ready_end - track->cursor;
    eg__track_skip_to(track, source->ready_end);
    if (source->kind != EG_VIDEO) return;
    track->state = EG_TRACK_WAITING;
    track->refused_gop = source->store->gop_begin;
}

// A viewer that was too slow, or waits for its first picture, continues at the last IDR. So does one whose burst a new IDR has overtaken, which is
// no fault of anybody's.
static void place_track(struct eg_viewer *viewer, const struct eg_viewer_context *context, eg_time now, enum eg_track_kind kind) {
    struct eg_track *track = &viewer->tracks[kind];
    const struct eg_source *source = eg__viewer_source(viewer, kind);
    bool is_placed = track->state == EG_TRACK_LIVE || track->state == EG_TRACK_CATCHING_UP;
    if (is_placed && track->cursor < source->store->begin) {
        if (track->state == EG_TRACK_LIVE) context->stats->dropped[EG_DROP_SLOW_VIEWER] += source->store->begin - track->cursor;
        track->state = EG_TRACK_WAITING;
    }
    drop_backlog(track, context, now, source);
    if (is_overtaken(viewer, track, source)) track->state = EG_TRACK_WAITING;
    if (track->state != EG_TRACK_WAITING) return;
    bool is_adapting = kind == EG_VIDEO && viewer->adaptation != NULL;
    const struct eg_burst_limits limits = is_adapting ? eg__adaptation_burst_limits(viewer, context) : context->burst;
    eg__track_join(track, now, source, &limits);
}

static void write_reports(struct eg_viewer *viewer, eg_time now, struct eg_writer *writer) {
    const struct eg_media_clock *clock = &viewer->stream->clock;
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) {
        const struct eg_track *track = &viewer->tracks[kind];
        uint32_t timestamp;
        if (track->packets == 0 || !eg__clock_timestamp(clock, track->map.source, now, &timestamp)) continue;
        struct eg_sender_info info = {
            .ssrc = track->ssrc,
            .ntp = eg__clock_ntp(clock, now),
            .rtp_timestamp = timestamp + track->map.timestamp_offset,
            .packet_count = track->packets,
            .octet_count = track->octets,
        };
        eg__rtcp_write_sender_report(writer, &info);
        eg__rtcp_write_cname(writer, track->ssrc, viewer->cname);
    }
}

// A browser plays its tracks in step once it has two reports of each, so the first ones come close together.
static eg_time report_interval(const struct eg_viewer *viewer, eg_time now) {
    eg_time age = now - viewer->created_at;
    if (age < EG_SENDER_REPORT_INTERVAL_MIN) return EG_SENDER_REPORT_INTERVAL_MIN;
    return eg__time_min(age, EG_SENDER_REPORT_INTERVAL);
}

// Both tracks' sender reports in one datagram. They tell the clock of the source, not of what was sent last, so that a burst does not bend it.
static bool send_reports(struct eg_viewer *viewer, const struct eg_viewer_context *context, eg_time now) {
    if (now < viewer->next_report) return true;
    uint8_t *packet = eg__batch_reserve(context->batch, EG_DTLS_MTU);
    if (packet == NULL) return false;
    struct eg_writer writer = eg__writer(packet, EG_DTLS_MTU - EG_SRTCP_TRAILER_SIZE_MAX);
    write_reports(viewer, now, &writer);
    bool has_media = viewer->next_report > 0 || writer.at > 0;
    if (!has_media) return true; // the first report goes with the first media
    size_t size = writer.at > 0 && !writer.failed ? eg__srtcp_protect(&viewer->srtp, packet, writer.at) : 0;
    if (size > 0) eg__batch_commit(context->batch, size);
    viewer->next_report = now + report_interval(viewer, now);
    context->stats->pictures_incomplete += eg__gaps_settle(&viewer->gaps, now);
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) eg__track_settle(&viewer->tracks[kind], now, eg__viewer_source(viewer, kind)->store);
    return true;
}

// What is ready of one track, if the viewer has it.
static bool serve_track(struct eg_viewer *viewer, const struct eg_viewer_context *context, eg_time now, enum eg_track_kind kind) {
    if (viewer->tracks[kind].state == EG_TRACK_OFF) return true;
    if (kind == EG_VIDEO && viewer->adaptation != NULL) {
        eg__adaptation_advance(viewer, context, now);
        if (viewer->adaptation->is_paused) return true;
    }
    place_track(viewer, context, now, kind);
    return viewer->tracks[kind].state == EG_TRACK_WAITING || send_track(viewer, context, now, kind);
}

bool eg__fanout_viewer(struct eg_viewer *viewer, const struct eg_viewer_context *context, eg_time now) {
    EG_ASSERT(viewer->state == EG_VIEWER_CONNECTED && context->batch != NULL);
    viewer->transmit_at = EG_TIME_NEVER;
    eg__batch_start(context->batch, &viewer->ice.path);
    return serve_track(viewer, context, now, EG_AUDIO) && serve_track(viewer, context, now, EG_VIDEO) &&
           (viewer->adaptation == NULL || eg__adaptation_probe(viewer, context, now)) && send_reports(viewer, context, now);
}

static void begin_round(struct eg_stream *stream, struct eg_round *round) {
    round->end = stream->sources[round->source].ready_end;
    round->left = stream->viewer_count;
    round->first = stream->viewer_count > 0 ? (round->first + 1) % stream->viewer_count : 0;
}

static struct eg_viewer *next_of_round(const struct eg_stream *stream, const struct eg_round *round) {
    return stream->viewers[(round->first + stream->viewer_count - round->left) % stream->viewer_count];
}

// It has the source, or is about to.
static bool is_concerned(const struct eg_viewer *viewer, uint32_t source) {
    if (viewer->tracks[eg__kind_of_source(source)].map.source == source) return true;
    return source != EG_AUDIO && viewer->adaptation != NULL && eg__adaptation_awaits(viewer, source);
}

bool eg__fanout_round(struct eg_round *round, const struct eg_viewer_context *context, eg_time now) {
    EG_ASSERT(context->batch != NULL);
    struct eg_stream *stream = round->stream;
    enum eg_track_kind kind = eg__kind_of_source(round->source);
    while (round->left > 0 || eg__stream_is_ready(stream, round->source)) {
        if (round->left == 0) begin_round(stream, round);
        for (; round->left > 0; round->left--) {
            struct eg_viewer *viewer = next_of_round(stream, round);
            if (viewer->state != EG_VIEWER_CONNECTED || !is_concerned(viewer, round->source)) continue;
            eg__batch_start(context->batch, &viewer->ice.path);
            if (!serve_track(viewer, context, now, kind) || !send_reports(viewer, context, now)) return false;
            eg__viewer_schedule(viewer, context);
        }
    }
    return true;
}
