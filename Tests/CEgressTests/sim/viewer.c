#include "sim/world.h"

#include "wire/demux.h"
#include "wire/rtcp.h"
#include "wire/stun.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHECK_FIRST = 50 * EG_MILLISECOND,     // [us] between checks until one is answered
    CHECK_LATER = 2500 * EG_MILLISECOND,   // [us] and then
    DEAF_AFTER = 30 * EG_SECOND,           // [us] without an answer it gives up
    REPORT_INTERVAL = EG_SECOND,           // [us]
    NACK_INTERVAL = 60 * EG_MILLISECOND,   // [us] between two for one packet
    NACK_TRIES = 12,
    ORDER_PATIENCE = 8 * EG_MILLISECOND,   // [us] before a packet counts as missing: it may only be late
    RTCP_SIZE_MAX = 1200,
    RTP_HEADER_SIZE = EG_RTP_HEADER_SIZE,
    VIEWER_SSRC = 0x76000000,
    PICTURE_PATIENCE = 3 * EG_SECOND,      // [us] without a picture, after which one is asked for, as libwebrtc does
};

static void take_from_dtls(struct eg_dtls_client_output *output, const uint8_t *bytes, size_t size) {
    struct eg_sim_viewer *viewer = (struct eg_sim_viewer *)output;
    if (!viewer->is_gone) eg_sim_world_send(viewer->world, viewer, viewer->address, bytes, size);
}

struct eg_addr eg_sim_viewer_addr(const struct eg_sim_viewer *viewer, unsigned address) {
    return eg__addr_ipv4(198, 51, 100, (uint8_t)(1 + viewer->number), (uint16_t)(50000 + address));
}

static void make_text(struct eg_sim_viewer *viewer, char *text, size_t size) {
    for (size_t i = 0; i + 1 < size; i++) text[i] = (char)('a' + eg_sim_random_below(&viewer->random, 26));
}

struct eg_sim_viewer *eg_sim_viewer_create(struct eg_sim_world *world, unsigned number, const struct eg_sim_script *script) {
    struct eg_sim_viewer *viewer = calloc(1, sizeof *viewer);
    EG_ASSERT(viewer != NULL);
    viewer->output.datagram = take_from_dtls;
    viewer->world = world;
    viewer->number = number;
    viewer->script = *script;
    eg_sim_random_init(&viewer->random, eg_sim_mix(world->seed, 2, number));
    viewer->up = (struct eg_sim_link){.quality = script->up, .seed = eg_sim_mix(world->seed, 3, number), .dtls_at = EG_TIME_NEVER};
    viewer->down = (struct eg_sim_link){.quality = script->down, .seed = eg_sim_mix(world->seed, 4, number), .dtls_at = EG_TIME_NEVER};
    make_text(viewer, viewer->ufrag, sizeof viewer->ufrag);
    make_text(viewer, viewer->pwd, sizeof viewer->pwd);
    viewer->joined_at = viewer->check_at = viewer->heard_at = world->now;
    viewer->connected_at = viewer->first_media_at = viewer->live_at = viewer->closed_at = EG_TIME_NEVER;
    viewer->report_at = viewer->picture_at = EG_TIME_NEVER;
    viewer->switches = (struct eg_sim_switches){.encoding = (int32_t)script->encoding};
    if (script->bottleneck > 0) viewer->down.bottleneck = &world->bottlenecks[script->bottleneck - 1];
    eg_sim_screen_measure(&viewer->screen, world->now);
    struct eg_dtls_client_config config = {
        .profiles = script->has_cm_only ? "SRTP_AES128_CM_SHA1_80" : EG_DTLS_CLIENT_PROFILES,
        .mtu = script->mtu,
        .padding = script->padding,
    };
    viewer->dtls = eg_dtls_client_create(&config, &viewer->output);
    EG_ASSERT(viewer->dtls != NULL);
    return viewer;
}

void eg_sim_viewer_destroy(struct eg_sim_viewer *viewer) {
    for (struct eg_sim_pending *pending = viewer->pending_first; pending != NULL;) {
        struct eg_sim_pending *next = pending->next;
        free(pending);
        pending = next;
    }
    eg_dtls_client_destroy(viewer->dtls);
    eg_sim_srtp_deinit(&viewer->srtp);
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) eg_sim_ledger_deinit(&viewer->ledgers[kind]);
    free(viewer);
}

// --- checks ---

static void send_check(struct eg_sim_viewer *viewer) {
    uint8_t bytes[512], transaction_id[EG_STUN_TRANSACTION_ID_SIZE];
    struct eg_writer writer = eg__writer(bytes, sizeof bytes);
    viewer->random.random.fill(&viewer->random.random, transaction_id, sizeof transaction_id);
    eg__stun_begin(&writer, EG_STUN_BINDING_REQUEST, transaction_id);
    eg__stun_write_username(&writer, viewer->info.ice_ufrag, strlen(viewer->info.ice_ufrag), viewer->ufrag, strlen(viewer->ufrag));
    eg__stun_write_priority(&writer, 0x7e0000ff);
    eg__stun_write_ice_controlling(&writer, eg_sim_mix(viewer->world->seed, 5, viewer->number));
    eg__stun_write_use_candidate(&writer);
    const char *password = viewer->script.has_wrong_password ? "this is not the password" : viewer->info.ice_pwd;
    size_t size = eg__stun_finish(&writer, password, strlen(password));
    viewer->checks++;
    eg_sim_world_send(viewer->world, viewer, viewer->address, bytes, size);
}

// The engine checks an address that is new to it.
static void answer_check(struct eg_sim_viewer *viewer, const struct eg_stun *stun, const struct eg_sim_datagram *datagram) {
    if (!eg__stun_verify(stun, datagram->bytes, datagram->size, viewer->pwd, strlen(viewer->pwd))) {
        if (!datagram->is_corrupted) eg_sim_fail(viewer->world, "viewer %u: a check of the engine's is not authentic", viewer->number);
        return;
    }
    uint8_t bytes[256];
    struct eg_writer writer = eg__writer(bytes, sizeof bytes);
    eg__stun_begin(&writer, EG_STUN_BINDING_SUCCESS, stun->transaction_id);
    eg__stun_write_mapped_address(&writer, &datagram->path.local);
    eg_sim_world_send(viewer->world, viewer, viewer->address, bytes, eg__stun_finish(&writer, viewer->pwd, strlen(viewer->pwd)));
}

static void receive_stun(struct eg_sim_viewer *viewer, const struct eg_sim_datagram *datagram) {
    struct eg_stun stun;
    eg_time now = viewer->world->now;
    if (!eg__stun_parse(&stun, datagram->bytes, datagram->size)) {
        if (!datagram->is_corrupted) eg_sim_fail(viewer->world, "viewer %u: malformed STUN", viewer->number);
        return;
    }
    if (stun.type == EG_STUN_BINDING_REQUEST) {
        answer_check(viewer, &stun, datagram);
        return;
    }
    if (stun.type != EG_STUN_BINDING_SUCCESS) return;
    if (!eg__stun_verify(&stun, datagram->bytes, datagram->size, viewer->info.ice_pwd, strlen(viewer->info.ice_pwd))) return;
    viewer->heard_at = now;
    if (viewer->has_answer) return;
    viewer->has_answer = true;
    viewer->check_at = now + CHECK_LATER;
    if (!viewer->script.sends_no_hello) eg_dtls_client_start(viewer->dtls, now);
}

// --- media ---

static const char *open_new(struct eg_sim_viewer *viewer, struct eg_sim_ledger *ledger, uint64_t index, uint64_t newest,
                            const uint8_t *bytes, size_t size) {
    uint8_t payload[EG_DATAGRAM_SIZE_MAX];
    int payload_size = eg_sim_srtp_open(&viewer->srtp, (uint32_t)(index >> 16), bytes, size, payload);
    if (payload_size < 0) return "a packet of the engine's is not authentic";
    return eg_sim_ledger_open(ledger, index, newest, payload, (size_t)payload_size);
}

static const char *open_rtx(struct eg_sim_viewer *viewer, struct eg_sim_ledger *ledger, const struct eg_rtp *rtp, const uint8_t *bytes,
                            size_t size, uint64_t *index) {
    uint64_t rtx_index;
    uint8_t payload[EG_DATAGRAM_SIZE_MAX];
    const char *problem = eg_sim_ledger_send_rtx(ledger, rtp, &rtx_index);
    if (problem != NULL) return problem;
    int payload_size = eg_sim_srtp_open(&viewer->srtp, (uint32_t)(rtx_index >> 16), bytes, size, payload);
    if (payload_size < 0) return "an RTX packet is not authentic";
    return eg_sim_ledger_open_rtx(ledger, rtp, payload, (size_t)payload_size, index);
}

static void keep_pending(struct eg_sim_viewer *viewer, uint64_t newest, const uint8_t *bytes, size_t size) {
    struct eg_sim_pending *pending = malloc(sizeof *pending + size);
    EG_ASSERT(pending != NULL);
    *pending = (struct eg_sim_pending){.newest = newest, .size = size};
    memcpy(pending->bytes, bytes, size);
    if (viewer->pending_last != NULL) viewer->pending_last->next = pending;
    else viewer->pending_first = pending;
    viewer->pending_last = pending;
}

static struct eg_sim_ledger *find_ledger(struct eg_sim_viewer *viewer, uint32_t ssrc, int *track) {
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) {
        *track = kind;
        if (viewer->ledgers[kind].log != NULL && viewer->ledgers[kind].ssrc == ssrc) return &viewer->ledgers[kind];
    }
    *track = EG_TRACK_COUNT;
    struct eg_sim_ledger *video = &viewer->ledgers[EG_VIDEO];
    return video->log != NULL && video->rtx_ssrc != 0 && video->rtx_ssrc == ssrc ? video : NULL;
}

static void watch_live(struct eg_sim_viewer *viewer) {
    const struct eg_sim_ledger *video = &viewer->ledgers[EG_VIDEO];
    if (viewer->live_at == EG_TIME_NEVER && video->picture == video->log->pictures) viewer->live_at = viewer->world->now;
}

// Each new packet has the next number, each that is sent again the one that it had: it is the same bytes. Without RTX the numbers are those of the
// sequence, so that they need not be remembered.
static const char *watch_number(struct eg_sim_viewer *viewer, struct eg_sim_datagram *datagram, const struct eg_rtp *rtp, bool is_new) {
    const struct eg_sim_feedback_habits *habits = &viewer->script.feedback;
    datagram->has_number = eg__rtp_find_transport_number(rtp, EG_SIM_TRANSPORT_ID, &datagram->number);
    if (!habits->is_negotiated && rtp->extension != NULL) return "a header extension that was not agreed on";
    if (!datagram->has_number || !is_new) return NULL;
    uint16_t next = viewer->script.has_rtx ? (uint16_t)(viewer->number_sent + 1) : rtp->sequence;
    bool is_next = datagram->number == next || (viewer->script.has_rtx && !viewer->has_number);
    viewer->has_number = true;
    viewer->number_sent = datagram->number;
    return is_next ? NULL : "transport-wide numbers are not contiguous";
}

static const char *watch_rtp(struct eg_sim_viewer *viewer, struct eg_sim_datagram *datagram) {
    struct eg_rtp rtp;
    if (!eg__rtp_parse(&rtp, datagram->bytes, datagram->size)) return "malformed RTP";
    struct eg_sim_ledger *ledger = find_ledger(viewer, rtp.ssrc, &datagram->track);
    if (ledger == NULL) return "an SSRC that was not agreed on";
    if (datagram->track == EG_TRACK_COUNT) {
        const char *problem = watch_number(viewer, datagram, &rtp, true);
        return problem != NULL ? problem : open_rtx(viewer, ledger, &rtp, datagram->bytes, datagram->size, &datagram->index);
    }
    bool is_new;
    uint64_t newest = datagram->track == EG_VIDEO ? ledger->log->gop_begin : ledger->log->highest;
    const char *problem = eg_sim_ledger_send(ledger, &rtp, datagram->bytes, datagram->size, &datagram->index, &is_new);
    if (problem == NULL) problem = watch_number(viewer, datagram, &rtp, is_new);
    if (problem != NULL || !is_new) return problem;
    if (datagram->track == EG_VIDEO && viewer->first_media_at == EG_TIME_NEVER) viewer->first_media_at = viewer->world->now;
    if (!viewer->has_keys) {
        keep_pending(viewer, newest, datagram->bytes, datagram->size);
        return NULL;
    }
    problem = open_new(viewer, ledger, datagram->index, newest, datagram->bytes, datagram->size);
    if (problem == NULL && datagram->track == EG_VIDEO) watch_live(viewer);
    return problem;
}

// The index of a packet of ours is behind its payload: with the tag behind it, or before it.
static const char *watch_rtcp(struct eg_sim_viewer *viewer, const struct eg_sim_datagram *datagram) {
    if (!viewer->has_keys) return NULL;
    size_t from_end = viewer->srtp.profile == EG_SRTP_AEAD_AES_128_GCM ? 4 : 14;
    if (datagram->size < 8 + from_end) return "SRTCP that is too short";
    struct eg_reader reader = eg__reader(datagram->bytes + datagram->size - from_end, 4);
    uint32_t index = eg__read_u32(&reader) & 0x7fffffff;
    bool is_next = index >= viewer->rtcp_index;
    viewer->rtcp_index = index + 1;
    return is_next ? NULL : "an SRTCP index is used twice";
}

void eg_sim_viewer_watch(struct eg_sim_viewer *viewer, struct eg_sim_datagram *datagram) {
    const char *problem = NULL;
    datagram->track = -1;
    switch (eg__demux(datagram->bytes, datagram->size)) {
    case EG_DATAGRAM_RTP:
        problem = watch_rtp(viewer, datagram);
        break;
    case EG_DATAGRAM_RTCP:
        problem = watch_rtcp(viewer, datagram);
        break;
    case EG_DATAGRAM_UNKNOWN:
        problem = "it is sent what is neither STUN, DTLS, RTP nor RTCP";
        break;
    case EG_DATAGRAM_STUN:
    case EG_DATAGRAM_DTLS:
        break;
    }
    if (problem != NULL) eg_sim_fail(viewer->world, "viewer %u: %s", viewer->number, problem);
}

static void open_pending(struct eg_sim_viewer *viewer) {
    struct eg_sim_pending *pending;
    while ((pending = viewer->pending_first) != NULL) {
        struct eg_rtp rtp;
        int track;
        eg__rtp_parse(&rtp, pending->bytes, pending->size);
        struct eg_sim_ledger *ledger = find_ledger(viewer, rtp.ssrc, &track);
        uint64_t last = ledger->is_opened ? ledger->opened_index : ledger->first_index;
        uint64_t index = last + (uint64_t)(int64_t)eg__sequence_distance((uint16_t)last, rtp.sequence);
        const char *problem = open_new(viewer, ledger, index, pending->newest, pending->bytes, pending->size);
        if (problem != NULL) eg_sim_fail(viewer->world, "viewer %u: %s (sent before it had its keys)", viewer->number, problem);
        viewer->pending_first = pending->next;
        free(pending);
    }
    viewer->pending_last = NULL;
}

static void connect(struct eg_sim_viewer *viewer) {
    struct eg_srtp_keys keys;
    if (!eg_dtls_client_export(viewer->dtls, &keys) || !eg_sim_srtp_init(&viewer->srtp, viewer->world->crypto, &keys)) {
        eg_sim_fail(viewer->world, "viewer %u: no keys after a handshake", viewer->number);
        return;
    }
    viewer->has_keys = true;
    viewer->report_at = viewer->world->now + REPORT_INTERVAL;
    if (viewer->script.asks_for_pictures_every > 0) viewer->picture_at = viewer->world->now + viewer->script.asks_for_pictures_every;
    open_pending(viewer);
}

static void receive_dtls(struct eg_sim_viewer *viewer, const struct eg_sim_datagram *datagram) {
    if (viewer->script.ends_at_its_hello) return;
    enum eg_dtls_state state = eg_dtls_client_receive(viewer->dtls, viewer->world->now, datagram->bytes, datagram->size);
    if (state == EG_DTLS_CONNECTED && !viewer->has_keys) connect(viewer);
    if (state == EG_DTLS_CLOSED) viewer->has_close_notify = viewer->is_gone = true;
}

// --- what is missing ---

static void forget_missing(struct eg_sim_receiver *receiver, uint64_t index) {
    for (size_t i = 0; i < receiver->missing_count; i++) {
        if (receiver->missing[i].index != index) continue;
        receiver->missing[i] = receiver->missing[--receiver->missing_count];
        return;
    }
}

// What is older than what is shown is of no use any more.
static void forget_missing_before(struct eg_sim_receiver *receiver, uint64_t index) {
    for (size_t i = 0; i < receiver->missing_count;)
        if (receiver->missing[i].index < index) receiver->missing[i] = receiver->missing[--receiver->missing_count];
        else i++;
}

static void show(struct eg_sim_viewer *viewer, uint64_t index) {
    uint64_t begin;
    eg_time now = viewer->world->now;
    if (eg_sim_screen_receive(&viewer->screen, &viewer->ledgers[EG_VIDEO], now, index, &begin) == 0) return;
    forget_missing_before(&viewer->receivers[EG_VIDEO], begin);
    if (viewer->script.asks_for_pictures_every == 0) viewer->picture_at = now + PICTURE_PATIENCE;
}

static void receive_rtp(struct eg_sim_viewer *viewer, const struct eg_sim_datagram *datagram) {
    int kind = datagram->track == EG_TRACK_COUNT ? EG_VIDEO : datagram->track;
    if (kind < 0 || !viewer->has_keys) return;
    if (datagram->is_corrupted) return; // its tag is wrong: nothing is known of it
    struct eg_sim_receiver *receiver = &viewer->receivers[kind];
    receiver->bytes += datagram->size;
    struct eg_sim_sent *sent = eg_sim_ledger_find(&viewer->ledgers[kind], datagram->index);
    if (sent != NULL) sent->is_received = true;
    if (datagram->has_number) eg_sim_feedback_note(&viewer->feedback, viewer->world->now, datagram->number);
    if (!receiver->has_begun) {
        receiver->has_begun = true;
        receiver->first = receiver->highest = receiver->reported_highest = datagram->index;
    }
    // As libwebrtc counts them: what is repaired by RTX was lost.
    receiver->received += !viewer->script.has_ladder || datagram->track != EG_TRACK_COUNT;
    forget_missing(receiver, datagram->index);
    for (; receiver->highest < datagram->index; receiver->highest++) {
        if (receiver->highest + 1 == datagram->index || receiver->missing_count == EG_SIM_MISSING_MAX) continue;
        receiver->missing[receiver->missing_count++] =
            (struct eg_sim_missing){.index = receiver->highest + 1, .next_at = viewer->world->now + ORDER_PATIENCE};
    }
    if (kind == EG_AUDIO) eg_sim_screen_hear(&viewer->screen, viewer->world->now);
    else if (viewer->script.has_ladder) show(viewer, datagram->index);
}

static void receive_sender_report(struct eg_sim_viewer *viewer, const struct eg_rtcp *block) {
    struct eg_sender_info info;
    if (!eg__rtcp_parse_sender_info(&info, block)) return;
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++) {
        struct eg_sim_reports *reports = &viewer->reports[kind];
        if (viewer->ledgers[kind].log == NULL || viewer->ledgers[kind].ssrc != info.ssrc) continue;
        if (reports->count++ == 0) reports->first = info;
        reports->last = info;
        reports->last_at = viewer->world->now;
        return;
    }
    eg_sim_fail(viewer->world, "viewer %u: a report of a track that it does not have", viewer->number);
}

static void receive_rtcp(struct eg_sim_viewer *viewer, const struct eg_sim_datagram *datagram) {
    uint8_t plain[EG_DATAGRAM_SIZE_MAX];
    if (!viewer->has_keys) return;
    size_t size = eg__srtcp_unprotect(&viewer->srtp.rtcp, datagram->bytes, datagram->size, plain);
    struct eg_rtcp_iterator iterator = eg__rtcp_iterator(plain, size);
    struct eg_rtcp block;
    while (eg__rtcp_next(&iterator, &block)) {
        if (block.type == EG_RTCP_BYE) viewer->has_bye = true;
        if (block.type == EG_RTCP_SR) receive_sender_report(viewer, &block);
    }
}

// --- what it says ---

static void send_rtcp(struct eg_sim_viewer *viewer, struct eg_writer *writer) {
    size_t size = writer->failed ? 0 : eg__srtcp_protect(&viewer->srtp.rtcp, writer->bytes, writer->at);
    if (size > 0) eg_sim_world_send(viewer->world, viewer, viewer->address, writer->bytes, size);
}

// Not before the last one can have been answered.
static eg_time nack_interval(const struct eg_sim_viewer *viewer) {
    eg_time round_trip = viewer->up.quality.delay + viewer->down.quality.delay + NACK_INTERVAL / 2;
    return viewer->script.has_ladder && round_trip > NACK_INTERVAL ? round_trip : NACK_INTERVAL;
}

static void send_nacks(struct eg_sim_viewer *viewer, int kind) {
    struct eg_sim_receiver *receiver = &viewer->receivers[kind];
    uint8_t bytes[RTCP_SIZE_MAX + EG_SRTCP_TRAILER_SIZE_MAX];
    struct eg_writer writer = eg__writer(bytes, RTCP_SIZE_MAX);
    for (size_t i = 0; i < receiver->missing_count;) {
        struct eg_sim_missing *missing = &receiver->missing[i];
        if (missing->tries == NACK_TRIES) {
            *missing = receiver->missing[--receiver->missing_count];
            continue;
        }
        i++;
        if (missing->next_at > viewer->world->now || RTCP_SIZE_MAX - writer.at < 32) continue;
        if (writer.at == 0) eg__rtcp_write_receiver_report(&writer, VIEWER_SSRC | viewer->number);
        struct eg_rtcp_nack nack = {.packet_id = (uint16_t)missing->index};
        eg__rtcp_write_nack(&writer, VIEWER_SSRC | viewer->number, viewer->ledgers[kind].ssrc, &nack);
        missing->tries++;
        missing->next_at = viewer->world->now + nack_interval(viewer);
        viewer->nacks++;
    }
    if (writer.at > 0) send_rtcp(viewer, &writer);
}

// RFC 3550 A.3.
static struct eg_report_block report_on(struct eg_sim_viewer *viewer, int kind) {
    struct eg_sim_receiver *receiver = &viewer->receivers[kind];
    uint64_t expected = receiver->highest - receiver->reported_highest, received = receiver->received - receiver->reported_received;
    uint64_t all = receiver->highest - receiver->first + 1;
    struct eg_report_block report = {
        .ssrc = viewer->ledgers[kind].ssrc,
        .fraction_lost = (uint8_t)(expected > received ? (expected - received) * 256 / (expected + 1) : 0),
        .cumulative_lost = (int32_t)(all - receiver->received),
        .highest_sequence = (uint32_t)receiver->highest,
    };
    if (viewer->script.has_ladder && viewer->reports[kind].count > 0) {
        report.last_sr = (uint32_t)(viewer->reports[kind].last.ntp >> 16);
        report.delay_since_last_sr = (uint32_t)((viewer->world->now - viewer->reports[kind].last_at) * 65536 / EG_SECOND);
    }
    receiver->reported_highest = receiver->highest;
    receiver->reported_received = receiver->received;
    return report;
}

// RFC 5104 §4.3.1.
static void write_fir(struct eg_sim_viewer *viewer, struct eg_writer *writer) {
    enum { WORDS = 4 };
    eg__write_u8(writer, 2 << 6 | EG_RTCP_FORMAT_FIR);
    eg__write_u8(writer, EG_RTCP_PSFB);
    eg__write_u16(writer, WORDS);
    eg__write_u32(writer, VIEWER_SSRC | viewer->number);
    eg__write_u32(writer, 0); // the media is named below
    eg__write_u32(writer, viewer->ledgers[EG_VIDEO].ssrc);
    eg__write_u32(writer, (uint32_t)viewer->fir_sequence++ << 24);
}

static void send_report(struct eg_sim_viewer *viewer, bool asks_for_picture) {
    uint8_t bytes[RTCP_SIZE_MAX + EG_SRTCP_TRAILER_SIZE_MAX];
    struct eg_writer writer = eg__writer(bytes, RTCP_SIZE_MAX);
    struct eg_report_block report = report_on(viewer, EG_VIDEO);
    if (viewer->receivers[EG_VIDEO].has_begun) eg__rtcp_write_report(&writer, VIEWER_SSRC | viewer->number, &report);
    else eg__rtcp_write_receiver_report(&writer, VIEWER_SSRC | viewer->number);
    if (viewer->script.has_ladder && viewer->receivers[EG_AUDIO].has_begun) {
        report = report_on(viewer, EG_AUDIO);
        eg__rtcp_write_report(&writer, VIEWER_SSRC | viewer->number, &report);
    }
    if (asks_for_picture && viewer->script.asks_by_fir) write_fir(viewer, &writer);
    else if (asks_for_picture) eg__rtcp_write_pli(&writer, VIEWER_SSRC | viewer->number, viewer->ledgers[EG_VIDEO].ssrc);
    send_rtcp(viewer, &writer);
}

static bool is_silent(const struct eg_sim_viewer *viewer, bool in_all) {
    const struct eg_sim_feedback_habits *habits = &viewer->script.feedback;
    bool has_stopped = habits->stops_after > 0 && viewer->world->now >= viewer->joined_at + habits->stops_after;
    return has_stopped && (habits->stops_reports_too || !in_all);
}

static void send_feedback(struct eg_sim_viewer *viewer) {
    uint8_t bytes[EG_DATAGRAM_SIZE_MAX];
    struct eg_writer writer = eg__writer(bytes, sizeof bytes - EG_SRTCP_TRAILER_SIZE_MAX);
    struct eg_sim_feedback_names names = {.sender_ssrc = VIEWER_SSRC | viewer->number, .media_ssrc = viewer->ledgers[EG_VIDEO].ssrc};
    eg_sim_feedback_write(&viewer->feedback, viewer->world->now, &viewer->script.feedback, &names, &viewer->random, &writer);
    if (writer.at > 0) send_rtcp(viewer, &writer);
}

static eg_time feedback_at(const struct eg_sim_viewer *viewer) {
    const struct eg_sim_feedback_habits *habits = &viewer->script.feedback;
    if (!habits->is_negotiated || !viewer->has_keys || is_silent(viewer, false)) return EG_TIME_NEVER;
    return eg_sim_feedback_deadline(&viewer->feedback, habits);
}

static eg_time nack_at(const struct eg_sim_viewer *viewer, int kind) {
    eg_time at = EG_TIME_NEVER;
    if (viewer->script.asks_for_no_repair || is_silent(viewer, true)) return at;
    for (size_t i = 0; i < viewer->receivers[kind].missing_count; i++) at = eg__time_min(at, viewer->receivers[kind].missing[i].next_at);
    return at;
}

static eg_time leave_at(const struct eg_sim_viewer *viewer) {
    return viewer->script.farewell == EG_SIM_STAYS ? EG_TIME_NEVER : viewer->joined_at + viewer->script.leaves_after;
}

static eg_time move_at(const struct eg_sim_viewer *viewer) {
    return viewer->script.moves_after == 0 || viewer->has_moved ? EG_TIME_NEVER : viewer->joined_at + viewer->script.moves_after;
}

eg_time eg_sim_viewer_deadline(const struct eg_sim_viewer *viewer) {
    if (viewer->is_gone) return EG_TIME_NEVER;
    eg_time at = eg__time_min(leave_at(viewer), move_at(viewer));
    if (!viewer->script.sends_no_checks) at = eg__time_min(at, viewer->check_at);
    at = eg__time_min(at, eg_dtls_client_deadline(viewer->dtls));
    at = eg__time_min(at, eg__time_min(viewer->report_at, viewer->picture_at));
    at = eg__time_min(at, feedback_at(viewer));
    return eg__time_min(at, eg__time_min(nack_at(viewer, EG_VIDEO), nack_at(viewer, EG_AUDIO)));
}

static void leave(struct eg_sim_viewer *viewer) {
    struct eg_sim_world *world = viewer->world;
    if (viewer->script.farewell == EG_SIM_SAYS_GOODBYE && viewer->has_keys) eg_dtls_client_close_notify(viewer->dtls);
    if (viewer->script.farewell == EG_SIM_IS_CLOSED) {
        eg__core_close_viewer(eg_sim_core_of(world, viewer), world->now, viewer->info.viewer, EG_CLOSE_REQUESTED);
        viewer->script.farewell = EG_SIM_STAYS; // it hears of it from the engine
        viewer->was_closed = true;
        return;
    }
    viewer->is_gone = true;
}

// Before it has made a check, and from an address that it makes none from.
static void send_early_hello(struct eg_sim_viewer *viewer) {
    static const uint8_t hello[] = {22, 0xfe, 0xff, 0, 0, 0, 0, 0, 0, 0, 0, 0, 4, 1, 2, 3, 4};
    eg_sim_world_send(viewer->world, viewer, viewer->address, hello, sizeof hello);
    eg_sim_world_send(viewer->world, viewer, EG_SIM_ADDRESSES - 1, hello, sizeof hello);
}

void eg_sim_viewer_tick(struct eg_sim_viewer *viewer) {
    eg_time now = viewer->world->now;
    if (viewer->is_gone) return;
    if (now >= leave_at(viewer)) {
        leave(viewer);
        return;
    }
    if (now >= move_at(viewer)) {
        viewer->has_moved = true;
        viewer->address = 1;
        viewer->check_at = now;
    }
    if (!viewer->script.sends_no_checks && now >= viewer->check_at) {
        if (now > viewer->heard_at + DEAF_AFTER) {
            viewer->is_gone = true;
            return;
        }
        if (viewer->checks == 0 && viewer->script.sends_early_hello) send_early_hello(viewer);
        viewer->check_at = now + (viewer->has_answer ? CHECK_LATER : CHECK_FIRST);
        send_check(viewer);
    }
    eg_dtls_client_tick(viewer->dtls, now);
    for (int kind = 0; kind < EG_TRACK_COUNT; kind++)
        if (now >= nack_at(viewer, kind)) send_nacks(viewer, kind);
    if (now >= feedback_at(viewer)) send_feedback(viewer);
    if (now >= viewer->report_at) {
        viewer->report_at = now + REPORT_INTERVAL;
        if (!is_silent(viewer, true)) send_report(viewer, false);
    }
    if (now >= viewer->picture_at) {
        eg_time every = viewer->script.asks_for_pictures_every;
        viewer->picture_at = now + (every > 0 ? every : PICTURE_PATIENCE);
        if (!is_silent(viewer, true)) send_report(viewer, true);
    }
}

void eg_sim_viewer_receive(struct eg_sim_viewer *viewer, const struct eg_sim_datagram *datagram) {
    if (viewer->is_gone) return;
    switch (eg__demux(datagram->bytes, datagram->size)) {
    case EG_DATAGRAM_STUN:
        receive_stun(viewer, datagram);
        return;
    case EG_DATAGRAM_DTLS:
        receive_dtls(viewer, datagram);
        return;
    case EG_DATAGRAM_RTP:
        receive_rtp(viewer, datagram);
        return;
    case EG_DATAGRAM_RTCP:
        receive_rtcp(viewer, datagram);
        return;
    case EG_DATAGRAM_UNKNOWN:
        return;
    }
}

void eg_sim_viewer_count_lost(const struct eg_sim_viewer *viewer, uint64_t *sent, uint64_t *lost) {
    const struct eg_sim_receiver *receiver = &viewer->receivers[EG_VIDEO];
    *sent = *lost = 0;
    for (uint64_t index = receiver->first; receiver->has_begun && index <= receiver->highest; index++) {
        const struct eg_sim_sent *packet = eg_sim_ledger_find(&viewer->ledgers[EG_VIDEO], index);
        if (packet == NULL) continue; // the source's own loss
        ++*sent;
        *lost += !packet->is_received;
    }
}
