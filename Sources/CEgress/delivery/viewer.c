#include "delivery/viewer.h"

#include "delivery/adaptation.h"

#include <string.h>

static size_t context_offset(void) { return (sizeof(struct eg_viewer) + 63) & ~(size_t)63; }

size_t eg__viewer_size(const struct eg_crypto *crypto) { return context_offset() + eg__srtp_context_size(crypto); }

static void set_state(struct eg_viewer *viewer, eg_viewer_state state) {
    EG_ASSERT(state > viewer->state);
    viewer->state = state;
}

void eg__viewer_close(struct eg_viewer *viewer, eg_close_reason reason) {
    if (viewer->state == EG_VIEWER_CLOSED) return;
    set_state(viewer, EG_VIEWER_CLOSED);
    viewer->close_reason = reason;
    eg__dtls_abandon(&viewer->dtls);
    eg__handshake_end(&viewer->handshake);
}

static void make_cname(struct eg_viewer *viewer, struct eg_random *random) {
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    uint8_t bytes[EG_CNAME_SIZE];
    random->fill(random, bytes, sizeof bytes);
    for (size_t i = 0; i < EG_CNAME_SIZE; i++) viewer->cname[i] = digits[bytes[i] & 63];
}

static void init_tracks(struct eg_viewer *viewer, struct eg_random *random, const struct eg_viewer_config *config) {
    if (config->has_video) {
        struct eg_track *video = &viewer->tracks[EG_VIDEO];
        eg__track_init(video, random, EG_VIDEO);
        video->map.source = (uint8_t)eg__source_of_encoding((uint32_t)config->encoding);
        video->payload_type = config->video_payload_type;
        video->has_rtx = config->has_video_rtx;
        video->transport_id = (uint8_t)config->transport_cc_id;
        video->rtx_payload_type = config->video_rtx_payload_type;
    }
    if (config->has_audio) {
        eg__track_init(&viewer->tracks[EG_AUDIO], random, EG_AUDIO);
        viewer->tracks[EG_AUDIO].map.source = EG_AUDIO;
        viewer->tracks[EG_AUDIO].payload_type = config->audio_payload_type;
    }
}

bool eg__viewer_init(struct eg_viewer *viewer, const struct eg_viewer_context *context, eg_time now, const struct eg_viewer_config *config,
                     const struct eg_fingerprint *fingerprint) {
    if (!eg__ice_init(&viewer->ice, context->random, config->ice_ufrag, config->ice_pwd)) return false;
    if (!eg__adaptation_init(viewer, now, config)) {
        eg__ice_deinit(&viewer->ice);
        return false;
    }
    if (config->local_ice_ufrag != NULL) eg__ice_use_local(&viewer->ice, config->local_ice_ufrag, config->local_ice_pwd);
    eg__dtls_init(&viewer->dtls, context->dtls, fingerprint, now);
    viewer->state = viewer->reported = EG_VIEWER_NEW;
    viewer->created_at = now;
    eg__budget_init(&viewer->repairs, now, EG_REPAIR_RATE, EG_REPAIR_BURST);
    viewer->transmit_at = viewer->congested_since = EG_TIME_NEVER;
    make_cname(viewer, context->random);
    init_tracks(viewer, context->random, config);
    return true;
}

void eg__viewer_deinit(struct eg_viewer *viewer) {
    if (viewer->srtp.crypto != NULL) eg__srtp_deinit(&viewer->srtp);
    eg__handshake_end(&viewer->handshake);
    eg__dtls_deinit(&viewer->dtls);
    eg__ice_deinit(&viewer->ice);
    eg__adaptation_deinit(viewer);
}

// A check has had its answer, which is no longer than itself; the rest of what may be sent for it is for the handshake.
static void allow_handshake(struct eg_viewer *viewer, const struct eg_arrival *check) {
    eg__dtls_allow(&viewer->dtls, &check->path, (EG_DTLS_AMPLIFICATION_MAX - 1) * check->size);
}

void eg__viewer_receive_stun(struct eg_viewer *viewer, const struct eg_viewer_context *context, const struct eg_arrival *arrival,
                             const struct eg_stun *stun) {
    EG_ASSERT(context->batch != NULL);
    switch (eg__ice_receive(&viewer->ice, arrival, stun, context->batch)) {
    case EG_ICE_REJECTED:
        context->stats->dropped[EG_DROP_STUN_REJECTED]++;
        return;
    case EG_ICE_PATH_SELECTED:
        allow_handshake(viewer, arrival);
        if (viewer->state != EG_VIEWER_NEW) return;
        set_state(viewer, EG_VIEWER_CONNECTING);
        eg__dtls_expect(&viewer->dtls, arrival->at);
        return;
    case EG_ICE_EXPIRED:
        eg__viewer_close(viewer, EG_CLOSE_CONSENT_EXPIRED);
        return;
    case EG_ICE_CHECKED:
        allow_handshake(viewer, arrival);
        return;
    case EG_ICE_NOTHING:
        return;
    }
}

static void connect(struct eg_viewer *viewer, const struct eg_viewer_context *context, eg_time now) {
    struct eg_srtp_keys keys;
    uint8_t *srtp_context = (uint8_t *)viewer + context_offset();
    if (!eg__dtls_export(&viewer->dtls, &keys) || !eg__srtp_init(&viewer->srtp, context->crypto, srtp_context, &keys)) {
        eg__viewer_close(viewer, EG_CLOSE_HANDSHAKE_FAILED);
        context->stats->handshakes_failed++;
        return;
    }
    memset(&keys, 0, sizeof keys);
    context->stats->handshakes_done++;
    eg__ice_pin(&viewer->ice);
    set_state(viewer, EG_VIEWER_CONNECTED);
    viewer->heard_at = now;
    viewer->transmit_at = now;
}

static eg_close_reason reason_of(enum eg_dtls_failure failure) {
    switch (failure) {
    case EG_DTLS_FAILURE_FINGERPRINT:
        return EG_CLOSE_FINGERPRINT;
    case EG_DTLS_FAILURE_TIMEOUT:
        return EG_CLOSE_HANDSHAKE_TIMEOUT;
    case EG_DTLS_FAILURE_SILENCE:
        return EG_CLOSE_NO_HANDSHAKE;
    case EG_DTLS_FAILURE_PROFILE:
        return EG_CLOSE_NO_SRTP_PROFILE;
    case EG_DTLS_NO_FAILURE:
    case EG_DTLS_FAILURE_PROTOCOL:
    case EG_DTLS_FAILURE_SIZE:
        break;
    }
    return EG_CLOSE_HANDSHAKE_FAILED;
}

static void follow_dtls(struct eg_viewer *viewer, const struct eg_viewer_context *context, eg_time now, enum eg_dtls_state state) {
    switch (state) {
    case EG_DTLS_HANDSHAKING:
        return;
    case EG_DTLS_CONNECTED:
        if (viewer->state == EG_VIEWER_CONNECTING) connect(viewer, context, now);
        return;
    case EG_DTLS_CLOSED:
        eg__viewer_close(viewer, EG_CLOSE_PEER);
        return;
    case EG_DTLS_FAILED:
        if (viewer->state == EG_VIEWER_CONNECTING) context->stats->handshakes_failed++;
        eg__viewer_close(viewer, reason_of(viewer->dtls.failure));
        return;
    }
}

// A viewer that makes room waits for another ClientHello, as before its first.
static bool begin_handshake(struct eg_viewer *viewer, const struct eg_viewer_context *context, const struct eg_arrival *arrival) {
    struct eg_handshake *evicted;
    bool is_begun = eg__handshakes_begin(context->handshakes, &viewer->handshake, arrival->at, &arrival->path.remote, &evicted);
    if (!is_begun || evicted != NULL) context->stats->dropped[EG_DROP_HANDSHAKE_LIMIT]++;
    if (evicted != NULL) {
        struct eg_viewer *other = EG_LIST_OWNER(evicted, struct eg_viewer, handshake);
        eg__dtls_abandon(&other->dtls);
        eg__viewer_schedule(other, context);
    }
    return is_begun;
}

void eg__viewer_receive_dtls(struct eg_viewer *viewer, const struct eg_viewer_context *context, const struct eg_arrival *arrival) {
    EG_ASSERT(context->batch != NULL);
    if (eg__dtls_would_begin(&viewer->dtls, arrival->bytes, arrival->size) && !begin_handshake(viewer, context, arrival)) return;
    follow_dtls(viewer, context, arrival->at, eg__dtls_receive(&viewer->dtls, arrival, context->batch));
    if (!eg__dtls_is_under_way(&viewer->dtls)) eg__handshake_end(&viewer->handshake);
}

void eg__viewer_tick(struct eg_viewer *viewer, const struct eg_viewer_context *context, eg_time now) {
    EG_ASSERT(context->batch != NULL);
    if (viewer->state == EG_VIEWER_NEW) {
        if (now >= viewer->created_at + EG_ICE_CONNECT_TIMEOUT)
            eg__viewer_close(viewer, viewer->ice.was_refused ? EG_CLOSE_WRONG_PASSWORD : EG_CLOSE_NO_CHECK);
        return;
    }
    if (now >= eg__ice_deadline(&viewer->ice) && eg__ice_tick(&viewer->ice, now, context->batch) == EG_ICE_EXPIRED) {
        eg__viewer_close(viewer, EG_CLOSE_CONSENT_EXPIRED);
        return;
    }
    if (now >= eg__dtls_deadline(&viewer->dtls))
        follow_dtls(viewer, context, now, eg__dtls_tick(&viewer->dtls, now, &viewer->ice.path, context->batch));
}

// When media or reports are due. Not while it waits in line for transmit: the line is served anyway.
static eg_time media_deadline(const struct eg_viewer *viewer) {
    if (eg__list_contains(&viewer->due)) return EG_TIME_NEVER;
    return eg__time_min(viewer->next_report > 0 ? viewer->next_report : EG_TIME_NEVER, viewer->transmit_at);
}

eg_time eg__viewer_deadline(const struct eg_viewer *viewer) {
    switch (viewer->state) {
    case EG_VIEWER_NEW:
        return viewer->created_at + EG_ICE_CONNECT_TIMEOUT;
    case EG_VIEWER_CONNECTING:
        return eg__time_min(eg__ice_deadline(&viewer->ice), eg__dtls_deadline(&viewer->dtls));
    case EG_VIEWER_CONNECTED:
        return eg__time_min(eg__time_min(eg__ice_deadline(&viewer->ice), eg__dtls_deadline(&viewer->dtls)), media_deadline(viewer));
    case EG_VIEWER_CLOSED:
        break;
    }
    return EG_TIME_NEVER;
}

bool eg__viewer_has_no_feedback(const struct eg_viewer *viewer, eg_time now) {
    return viewer->state == EG_VIEWER_CONNECTED && viewer->stats.packets > 0 && now - viewer->heard_at >= EG_NO_FEEDBACK;
}

void eg__viewer_schedule(struct eg_viewer *viewer, const struct eg_viewer_context *context) {
    eg_time at = eg__viewer_deadline(viewer);
    if (at != viewer->deadline.at) eg__deadlines_set(context->deadlines, &viewer->deadline, at);
}

void eg__viewer_write_goodbye(struct eg_viewer *viewer, struct eg_batch *batch) {
    // Without consent not even that may be sent, RFC 7675 §5.1.
    if (!viewer->ice.has_path || viewer->close_reason == EG_CLOSE_CONSENT_EXPIRED) return;
    if (viewer->srtp.crypto != NULL) {
        eg__batch_start(batch, &viewer->ice.path);
        uint8_t *packet = eg__batch_reserve(batch, EG_DTLS_MTU);
        struct eg_writer writer = eg__writer(packet, packet != NULL ? EG_DTLS_MTU - EG_SRTCP_TRAILER_SIZE_MAX : 0);
        for (int kind = 0; kind < EG_TRACK_COUNT; kind++) {
            const struct eg_track *track = &viewer->tracks[kind];
            if (track->state == EG_TRACK_OFF) continue;
            if (writer.at == 0) {
                eg__rtcp_write_receiver_report(&writer, track->ssrc);
                eg__rtcp_write_cname(&writer, track->ssrc, viewer->cname);
            }
            eg__rtcp_write_bye(&writer, track->ssrc);
        }
        size_t size = writer.at > 0 && !writer.failed ? eg__srtcp_protect(&viewer->srtp, packet, writer.at) : 0;
        if (size > 0) eg__batch_commit(batch, size);
    }
    eg__dtls_close(&viewer->dtls, &viewer->ice.path, batch);
}
