#include "peer.h"

#include "sink.h"
#include "wire/demux.h"
#include "wire/rtcp.h"
#include "wire/stun.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
    CHECK_REPEAT = 100 * EG_MILLISECOND, // [us] while there is no answer
    CHECK_INTERVAL = 5 * EG_SECOND,      // [us] of consent, RFC 7675 §5.1
    REPORT_INTERVAL = 1 * EG_SECOND,     // [us] what browsers do for video
    REQUEST_INTERVAL = 100 * EG_MILLISECOND, // [us] of one that begs
    LOOK_INTERVAL = 100 * EG_MILLISECOND, // [us] what browsers do for transport-wide feedback, or somewhat less
    FEEDBACK_SIZE_MAX = 1280,            // [B]
    PRIORITY = 126 << 24 | 65535 << 8 | 255, // of a host candidate, RFC 8445 §5.1.2
};

static void send_bytes(const struct peer *peer, const uint8_t *bytes, size_t size) {
    struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(peer->board->engine_port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    sendto(peer->fd, bytes, size, MSG_NOSIGNAL, (struct sockaddr *)&to, sizeof to);
}

static void send_datagram(struct eg_dtls_client_output *output, const uint8_t *bytes, size_t size) {
    send_bytes((struct peer *)output, bytes, size);
}

bool peer_init(struct peer *peer, const struct swarm_board *board, struct swarm_viewer *viewer, bool is_sample) {
    // A sample reads packet by packet, so it never takes GSO messages whole.
    int fd = sink_open(board->plan.takes_whole && !is_sample, &viewer->port);
    *peer = (struct peer){.output = {send_datagram}, .fd = fd, .board = board, .viewer = viewer, .is_sample = is_sample};
    return fd >= 0;
}

void peer_check(const struct peer *peer, uint64_t number) {
    const struct swarm_viewer *viewer = peer->viewer;
    uint8_t bytes[256], transaction_id[EG_STUN_TRANSACTION_ID_SIZE] = {0};
    memcpy(transaction_id, &number, sizeof number);
    struct eg_writer writer = eg__writer(bytes, sizeof bytes);
    eg__stun_begin(&writer, EG_STUN_BINDING_REQUEST, transaction_id);
    eg__stun_write_username(&writer, viewer->engine_ufrag, strlen(viewer->engine_ufrag), viewer->ufrag, strlen(viewer->ufrag));
    eg__stun_write_priority(&writer, PRIORITY);
    eg__stun_write_use_candidate(&writer);
    eg__stun_write_ice_controlling(&writer, viewer->port);
    send_bytes(peer, bytes, eg__stun_finish(&writer, viewer->engine_pwd, strlen(viewer->engine_pwd)));
}

void peer_join(struct peer *peer, eg_time now) {
    bool is_ready = peer->is_sample                  ? sink_sample(peer->fd, peer->board->engine_port)
                    : peer->board->plan.keeps_ends   ? sink_keep_ends(peer->fd, MEDIA_VIDEO_PAYLOAD_TYPE, MEDIA_RTX_PAYLOAD_TYPE)
                                                     : sink_drop_media(peer->fd);
    peer->state = is_ready ? PEER_CHECKING : PEER_FAILED;
    peer->next_check = now;
    peer_tick(peer, NULL, now);
}

static void drain(const struct peer *peer) {
    uint8_t bytes[EG_DATAGRAM_SIZE_MAX];
    while (recv(peer->fd, bytes, sizeof bytes, MSG_DONTWAIT) >= 0) continue;
}

void peer_leave(struct peer *peer) {
    if (peer->state == PEER_CONNECTED) eg__srtp_deinit(&peer->srtp);
    eg_dtls_client_destroy(peer->dtls);
    free(peer->context);
    free(peer->arrivals);
    drain(peer);
    *peer = (struct peer){.output = {send_datagram}, .fd = peer->fd, .board = peer->board, .viewer = peer->viewer, .is_sample = peer->is_sample};
}

void peer_stall(struct peer *peer, bool is_stalled) {
    peer->is_stalled = is_stalled && sink_keep_media(peer->fd);
    if (peer->is_stalled) return;
    sink_drop_media(peer->fd);
    drain(peer);
}

static void start_handshake(struct peer *peer, eg_time now) {
    static const struct eg_dtls_client_config config = {.profiles = EG_DTLS_CLIENT_PROFILES};
    peer->dtls = eg_dtls_client_create(&config, &peer->output);
    peer->state = peer->dtls != NULL ? PEER_SHAKING : PEER_FAILED;
    if (peer->dtls != NULL) eg_dtls_client_start(peer->dtls, now);
}

static bool watch_arrivals(struct peer *peer) {
    peer->arrivals = calloc(1, sizeof *peer->arrivals);
    if (peer->arrivals == NULL) return false;
    peer->arrivals->id = peer->board->plan.transport_id;
    peer->sample.arrivals = peer->arrivals;
    return true;
}

static bool take_keys(struct peer *peer, const struct eg_crypto *crypto) {
    struct eg_srtp_keys keys;
    peer->context = aligned_alloc(64, (eg__srtp_context_size(crypto) + 63) / 64 * 64);
    if (peer->context == NULL || !eg_dtls_client_export(peer->dtls, &keys)) return false;
    memset(peer->context, 0, eg__srtp_context_size(crypto));
    if (peer->is_sample && !sample_init(&peer->sample, crypto->aes, &keys, peer->last_arrival)) return false;
    if (peer->board->plan.transport_id != 0 && !watch_arrivals(peer)) return false;
    return eg__srtp_init(&peer->srtp, crypto, peer->context, &keys);
}

// Nothing follows over DTLS, so the client goes as soon as it has given its keys.
static void finish_handshake(struct peer *peer, const struct eg_crypto *crypto, eg_time now) {
    peer->state = peer->dtls->state == EG_DTLS_CONNECTED && take_keys(peer, crypto) ? PEER_CONNECTED : PEER_FAILED;
    eg_dtls_client_destroy(peer->dtls);
    peer->dtls = NULL;
    // Spread by port over the intervals: real viewers don't report all at once.
    peer->next_report = now + (eg_time)peer->viewer->port * 7919 % REPORT_INTERVAL;
    peer->next_check = now + (eg_time)peer->viewer->port * 7919 % CHECK_INTERVAL;
    peer->next_look = now + (eg_time)peer->viewer->port * 7919 % LOOK_INTERVAL;
}

// The end of a picture, or a packet that probes the link.
static void take_media(struct peer *peer, const uint8_t *bytes, size_t size) {
    struct eg_rtp rtp;
    peer->kept++;
    if (peer->arrivals != NULL && eg__rtp_parse(&rtp, bytes, size)) arrivals_note(peer->arrivals, &rtp, peer->last_arrival, true);
}

static void receive(struct peer *peer, const struct eg_crypto *crypto, eg_time now, const uint8_t *bytes, size_t size) {
    enum eg_datagram_kind kind = eg__demux(bytes, size);
    struct eg_stun stun;
    if (peer->state == PEER_CHECKING && kind == EG_DATAGRAM_STUN) {
        if (eg__stun_parse(&stun, bytes, size) && stun.type == EG_STUN_BINDING_SUCCESS) start_handshake(peer, now);
    } else if (peer->state == PEER_SHAKING && kind == EG_DATAGRAM_DTLS) {
        if (eg_dtls_client_receive(peer->dtls, now, bytes, size) != EG_DTLS_HANDSHAKING) finish_handshake(peer, crypto, now);
    } else if (peer->state == PEER_CONNECTED && kind == EG_DATAGRAM_RTP) {
        take_media(peer, bytes, size);
    }
}

void peer_read(struct peer *peer, const struct eg_crypto *crypto, eg_time now) {
    uint8_t bytes[EG_DATAGRAM_SIZE_MAX];
    ssize_t size;
    // A sample's media begins right behind its handshake, and is the sample's to read.
    while (!(peer->is_sample && peer->state == PEER_CONNECTED) && (size = sink_read(peer->fd, bytes, sizeof bytes, &peer->last_arrival)) >= 0) {
        receive(peer, crypto, now, bytes, (size_t)size);
    }
}

// Gives its size as it went.
static size_t send_rtcp(struct peer *peer, uint8_t *bytes, const struct eg_writer *writer) {
    size_t size = eg__srtcp_protect(&peer->srtp, bytes, writer->at);
    if (size > 0) send_bytes(peer, bytes, size);
    return size;
}

static void send_report(struct peer *peer) {
    uint8_t bytes[256];
    struct eg_writer writer = eg__writer(bytes, sizeof bytes - EG_SRTCP_TRAILER_SIZE_MAX);
    eg__write_u8(&writer, 2 << 6 | 1); // RFC 3550 §6.4.2: version 2, one report block
    eg__write_u8(&writer, 201);
    eg__write_u16(&writer, 7);         // [words] behind the first
    eg__write_u32(&writer, peer->viewer->port);
    eg__write_u32(&writer, peer->viewer->video_ssrc);
    for (int i = 0; i < 5; i++) eg__write_u32(&writer, 0); // nothing lost, no jitter, no report to answer
    eg__rtcp_write_cname(&writer, peer->viewer->port, "viewer");
    send_rtcp(peer, bytes, &writer);
}

// RFC 4585 §6.1, and 5506 for coming without a report.
static void write_feedback(struct eg_writer *writer, const struct peer *peer, uint8_t format, uint8_t type, uint16_t words) {
    eg__write_u8(writer, (uint8_t)(2 << 6 | format));
    eg__write_u8(writer, type);
    eg__write_u16(writer, words);
    eg__write_u32(writer, peer->viewer->port);
    eg__write_u32(writer, peer->viewer->video_ssrc);
}

static void ask_for_picture(struct peer *peer) {
    uint8_t bytes[64];
    struct eg_writer writer = eg__writer(bytes, sizeof bytes - EG_SRTCP_TRAILER_SIZE_MAX);
    write_feedback(&writer, peer, 1, 206, 2);
    send_rtcp(peer, bytes, &writer);
}

void peer_ask_again(struct peer *peer, uint16_t sequence) {
    uint8_t bytes[64];
    struct eg_writer writer = eg__writer(bytes, sizeof bytes - EG_SRTCP_TRAILER_SIZE_MAX);
    write_feedback(&writer, peer, 1, 205, 3);
    eg__write_u16(&writer, sequence);
    eg__write_u16(&writer, 0);
    send_rtcp(peer, bytes, &writer);
}

static void beg(struct peer *peer, eg_time now) {
    if (now < peer->next_request) return;
    peer->next_request = now + REQUEST_INTERVAL;
    ask_for_picture(peer);
}

static void tell_arrivals(struct peer *peer) {
    uint8_t bytes[FEEDBACK_SIZE_MAX];
    struct eg_writer writer = eg__writer(bytes, sizeof bytes - EG_SRTCP_TRAILER_SIZE_MAX);
    arrivals_write(peer->arrivals, &writer, peer->viewer->port, peer->viewer->video_ssrc);
    peer->feedback++;
    peer->feedback_bytes += (uint32_t)send_rtcp(peer, bytes, &writer);
}

static void look(struct peer *peer, const struct eg_crypto *crypto, eg_time now) {
    if (now < peer->next_look || !peer->board->plan.keeps_ends) return;
    peer->next_look = now + LOOK_INTERVAL;
    peer_read(peer, crypto, now);
    if (peer->arrivals != NULL && peer->arrivals->count > 0) tell_arrivals(peer);
}

static void report(struct peer *peer, const struct eg_crypto *crypto, eg_time now) {
    if (now < peer->next_report) return;
    peer->next_report = now + REPORT_INTERVAL;
    send_report(peer);
    if (!peer->is_stalled) peer_read(peer, crypto, now); // sender reports and answers to checks, which nobody else takes
}

void peer_tick(struct peer *peer, const struct eg_crypto *crypto, eg_time now) {
    if (peer->state == PEER_SHAKING) eg_dtls_client_tick(peer->dtls, now);
    if (peer->state == PEER_CONNECTED) report(peer, crypto, now);
    if (peer->state == PEER_CONNECTED) look(peer, crypto, now);
    if (peer->is_stalled) beg(peer, now);
    bool is_checking = peer->state == PEER_CHECKING || peer->state == PEER_CONNECTED;
    if (!is_checking || now < peer->next_check) return;
    peer->next_check = now + (peer->state == PEER_CHECKING ? CHECK_REPEAT : CHECK_INTERVAL);
    peer_check(peer, (uint64_t)now);
}
