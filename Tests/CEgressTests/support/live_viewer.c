#include "support/live_viewer.h"

#include "io/clock.h"
#include "support/sockets.h"
#include "wire/demux.h"
#include "wire/rtcp.h"
#include "wire/rtp.h"
#include "wire/stun.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

enum {
    CHECK_INTERVAL = 100 * EG_MILLISECOND, // [us] until it is answered
    RTCP_SIZE_MAX = 256,
};

static const char own_ufrag[] = "live", own_pwd[] = "livelivelivelivelive22";

static void write_datagram(struct live_viewer *viewer, const uint8_t *bytes, size_t size) {
    ssize_t written = send(viewer->fd, bytes, size, 0);
    (void)written; // refused while the engine is going away: as on a network
}

static void take_from_dtls(struct eg_dtls_client_output *output, const uint8_t *bytes, size_t size) {
    write_datagram((struct live_viewer *)output, bytes, size);
}

static void write_fingerprint(char text[16 + EG_FINGERPRINT_TEXT_SIZE]) {
    struct eg_fingerprint fingerprint;
    eg_dtls_client_fingerprint(&fingerprint);
    size_t at = (size_t)sprintf(text, "sha-256 ");
    for (size_t i = 0; i < 32; i++) at += (size_t)sprintf(text + at, i < 31 ? "%02X:" : "%02X", fingerprint.bytes[i]);
}

static bool open_socket(struct live_viewer *viewer, eg_engine *engine) {
    struct eg_engine_info info;
    eg_engine_info(engine, &info);
    struct sockaddr_in to = loopback(info.udp_port);
    viewer->fd = open_peer();
    return viewer->fd >= 0 && connect(viewer->fd, (const struct sockaddr *)&to, sizeof to) == 0;
}

eg_status eg_live_viewer_open(struct live_viewer *viewer, eg_engine *engine, eg_stream_id stream) {
    return eg_live_viewer_open_encoding(viewer, engine, stream, 0);
}

eg_status eg_live_viewer_open_encoding(struct live_viewer *viewer, eg_engine *engine, eg_stream_id stream, uint32_t encoding) {
    *viewer = (struct live_viewer){.output.datagram = take_from_dtls, .fd = -1};
    char fingerprint[16 + EG_FINGERPRINT_TEXT_SIZE];
    write_fingerprint(fingerprint);
    struct eg_viewer_config config = {.stream = stream, .ice_ufrag = own_ufrag, .ice_pwd = own_pwd, .fingerprint = fingerprint,
                                      .has_video = true, .has_audio = true, .video_payload_type = 102, .audio_payload_type = 111,
                                      .encoding = encoding};
    eg_status status = eg_viewer_create(engine, &config, &viewer->info, NULL);
    if (status != EG_STATUS_OK) return status;
    struct eg_dtls_client_config client = {.profiles = EG_DTLS_CLIENT_PROFILES};
    viewer->dtls = eg_dtls_client_create(&client, &viewer->output);
    viewer->crypto = eg__crypto_create("openssl");
    EG_ASSERT(viewer->dtls != NULL && viewer->crypto != NULL && open_socket(viewer, engine));
    return EG_STATUS_OK;
}

void eg_live_viewer_close(struct live_viewer *viewer) {
    if (viewer->is_connected) eg_sim_srtp_deinit(&viewer->srtp);
    eg_dtls_client_destroy(viewer->dtls);
    eg__crypto_destroy(viewer->crypto);
    close(viewer->fd);
}

static void send_check(struct live_viewer *viewer, eg_time now) {
    uint8_t bytes[512], transaction_id[EG_STUN_TRANSACTION_ID_SIZE] = {0};
    memcpy(transaction_id, &now, sizeof now);
    struct eg_writer writer = eg__writer(bytes, sizeof bytes);
    eg__stun_begin(&writer, EG_STUN_BINDING_REQUEST, transaction_id);
    eg__stun_write_username(&writer, viewer->info.ice_ufrag, strlen(viewer->info.ice_ufrag), own_ufrag, strlen(own_ufrag));
    eg__stun_write_priority(&writer, 0x7e0000ff);
    eg__stun_write_ice_controlling(&writer, 1);
    eg__stun_write_use_candidate(&writer);
    write_datagram(viewer, bytes, eg__stun_finish(&writer, viewer->info.ice_pwd, strlen(viewer->info.ice_pwd)));
    viewer->check_at = now + CHECK_INTERVAL;
}

static void receive_stun(struct live_viewer *viewer, eg_time now, const uint8_t *bytes, size_t size) {
    struct eg_stun stun;
    if (!eg__stun_parse(&stun, bytes, size) || stun.type != EG_STUN_BINDING_SUCCESS || viewer->is_answered) return;
    viewer->is_answered = true;
    eg_dtls_client_start(viewer->dtls, now);
}

static void receive_dtls(struct live_viewer *viewer, eg_time now, const uint8_t *bytes, size_t size) {
    enum eg_dtls_state state = eg_dtls_client_receive(viewer->dtls, now, bytes, size);
    if (state == EG_DTLS_CLOSED || state == EG_DTLS_FAILED) viewer->is_closed = true;
    struct eg_srtp_keys keys;
    if (state != EG_DTLS_CONNECTED || viewer->is_connected || !eg_dtls_client_export(viewer->dtls, &keys)) return;
    viewer->is_connected = eg_sim_srtp_init(&viewer->srtp, viewer->crypto, &keys);
}

static bool is_for(const struct live_viewer *viewer, uint32_t ssrc) {
    const struct eg_viewer_info *info = &viewer->info;
    return ssrc == info->video_ssrc || ssrc == info->video_rtx_ssrc || ssrc == info->audio_ssrc;
}

// Numbers begin in the lower half, with a roll-over counter of 0. A viewer that is slow may see them go round once.
static bool is_authentic(struct live_viewer *viewer, const uint8_t *bytes, size_t size) {
    uint8_t payload[EG_DATAGRAM_SIZE_MAX];
    return eg_sim_srtp_open(&viewer->srtp, 0, bytes, size, payload) >= 0 || eg_sim_srtp_open(&viewer->srtp, 1, bytes, size, payload) >= 0;
}

static void receive_rtp(struct live_viewer *viewer, const uint8_t *bytes, size_t size) {
    struct eg_rtp rtp;
    if (!viewer->is_connected) return; // it overtook the end of the handshake
    bool is_rtp = eg__rtp_parse(&rtp, bytes, size);
    if (is_rtp && !is_for(viewer, rtp.ssrc)) return; // for one that had this port before, and left without a word
    if (!is_rtp || !is_authentic(viewer, bytes, size)) {
        viewer->broken++;
        return;
    }
    if (rtp.ssrc != viewer->info.video_ssrc) {
        viewer->audio++;
        return;
    }
    if (viewer->has_video && rtp.sequence == viewer->newest) {
        viewer->repaired++;
        return;
    }
    if (!viewer->has_video) viewer->first = rtp.sequence;
    else if (rtp.sequence != (uint16_t)(viewer->newest + 1)) viewer->out_of_order++;
    viewer->has_video = true;
    viewer->newest = rtp.sequence;
    viewer->video++;
}

static void receive(struct live_viewer *viewer, eg_time now, const uint8_t *bytes, size_t size) {
    switch (eg__demux(bytes, size)) {
    case EG_DATAGRAM_STUN:
        receive_stun(viewer, now, bytes, size);
        return;
    case EG_DATAGRAM_DTLS:
        receive_dtls(viewer, now, bytes, size);
        return;
    case EG_DATAGRAM_RTP:
        receive_rtp(viewer, bytes, size);
        return;
    case EG_DATAGRAM_RTCP:
    case EG_DATAGRAM_UNKNOWN:
        return;
    }
}

unsigned eg_live_viewer_read(struct live_viewer *viewer, int timeout_ms) {
    eg_time now = eg__clock_now();
    if (!viewer->is_answered && now >= viewer->check_at) send_check(viewer, now);
    if (viewer->is_answered && !viewer->is_connected) eg_dtls_client_tick(viewer->dtls, now);
    struct pollfd poll_fd = {.fd = viewer->fd, .events = POLLIN};
    unsigned count = 0;
    if (timeout_ms > 0 && poll(&poll_fd, 1, timeout_ms) <= 0) return 0;
    uint8_t bytes[EG_DATAGRAM_SIZE_MAX];
    for (ssize_t size; (size = recv(viewer->fd, bytes, sizeof bytes, MSG_DONTWAIT)) >= 0 || errno == ECONNREFUSED; count++)
        if (size > 0) receive(viewer, now, bytes, (size_t)size);
    return count;
}

bool eg_live_viewer_connect(struct live_viewer *viewer, eg_time timeout) {
    eg_time give_up_at = eg__clock_now() + timeout;
    while (!viewer->is_connected && !viewer->is_closed && eg__clock_now() < give_up_at) eg_live_viewer_read(viewer, 10);
    return viewer->is_connected;
}

void eg_live_viewer_ask_again(struct live_viewer *viewer) {
    if (!viewer->is_connected || !viewer->has_video) return;
    uint8_t bytes[RTCP_SIZE_MAX + EG_SRTCP_TRAILER_SIZE_MAX];
    struct eg_writer writer = eg__writer(bytes, RTCP_SIZE_MAX);
    eg__rtcp_write_receiver_report(&writer, 7);
    eg__rtcp_write_nack(&writer, 7, viewer->info.video_ssrc, &(struct eg_rtcp_nack){.packet_id = viewer->newest});
    write_datagram(viewer, bytes, eg__srtcp_protect(&viewer->srtp.rtcp, bytes, writer.at));
}

void eg_live_viewer_say_goodbye(struct live_viewer *viewer) {
    if (viewer->is_connected) eg_dtls_client_close_notify(viewer->dtls);
}
