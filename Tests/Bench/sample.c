#include "sample.h"

#include "proto/crypto.h"
#include "proto/srtp.h"
#include "wire/demux.h"
#include "wire/rtp.h"

#include <string.h>
#include <sys/socket.h>
#include <time.h>

enum { LABEL_ENCRYPTION = 0, LABEL_SALT = 2, STAP_A = 24, NAL_TYPE_MASK = 0x1f };

bool sample_init(struct sample *sample, const struct eg_srtp_keys *keys) {
    *sample = (struct sample){0};
    return keys->profile == EG_SRTP_AEAD_AES_128_GCM &&
           eg__srtp_derive(&keys->remote, sizeof sample->salt, LABEL_ENCRYPTION, sample->key, sizeof sample->key) &&
           eg__srtp_derive(&keys->remote, sizeof sample->salt, LABEL_SALT, sample->salt, sizeof sample->salt);
}

// RFC 7714 §8.1.
static void write_nonce(const struct sample *sample, uint32_t ssrc, uint64_t index, uint8_t nonce[EG_GCM_NONCE_SIZE]) {
    memcpy(nonce, sample->salt, EG_GCM_NONCE_SIZE);
    for (int i = 0; i < 4; i++) nonce[2 + i] ^= (uint8_t)(ssrc >> (24 - 8 * i));
    for (int i = 0; i < 6; i++) nonce[6 + i] ^= (uint8_t)(index >> (40 - 8 * i));
}

// The index nearest to the last one (RFC 3711 §3.3.1); the first has a roll-over counter of 0.
static uint64_t index_of(const struct sample_track *track, uint16_t sequence) {
    if (!track->has_begun) return sequence;
    return track->index + (uint64_t)(int64_t)eg__sequence_distance((uint16_t)track->index, sequence);
}

static void count_order(struct sample_track *track, uint64_t index, struct swarm_report *report) {
    if (track->has_begun && index <= track->index) {
        report->sample_refused++;
        return;
    }
    if (track->has_begun) report->sample_lost += index - track->index - 1;
    track->has_begun = true;
    track->index = index;
}

static void count_latency(const uint8_t *payload, size_t size, bool is_video, uint64_t arrival, struct swarm_board *board) {
    if (size < MEDIA_STAMP_SIZE || (is_video && (payload[0] & NAL_TYPE_MASK) == STAP_A)) return;
    uint64_t sent = 0;
    for (size_t i = size - MEDIA_STAMP_SIZE; i < size; i++) sent = sent << 8 | payload[i];
    size_t *count = &board->report.latency_count;
    if (arrival <= sent || *count == SWARM_LATENCIES_MAX) return;
    board->latencies[(*count)++] = (uint32_t)((arrival - sent) / 100);
}

static void take(struct sample *sample, const uint8_t *bytes, size_t size, uint64_t arrival, struct swarm_board *board) {
    struct eg_rtp rtp;
    if (eg__demux(bytes, size) != EG_DATAGRAM_RTP) return;
    struct swarm_report *report = &board->report;
    if (!eg__rtp_parse(&rtp, bytes, size)) {
        report->sample_refused++;
        return;
    }
    bool is_video = rtp.payload_type == MEDIA_VIDEO_PAYLOAD_TYPE;
    struct sample_track *track = &sample->tracks[is_video ? MEDIA_VIDEO : MEDIA_AUDIO];
    uint64_t index = index_of(track, rtp.sequence);
    uint8_t nonce[EG_GCM_NONCE_SIZE], payload[EG_DATAGRAM_SIZE_MAX];
    write_nonce(sample, rtp.ssrc, index, nonce);
    size_t header_size = (size_t)(rtp.payload - bytes);
    if (!eg__aes128_gcm_open(sample->key, nonce, bytes, header_size, rtp.payload, size - header_size, payload)) {
        report->sample_refused++;
        return;
    }
    report->sample_packets++;
    report->delivered++;
    count_order(track, index, report);
    count_latency(payload, size - header_size - EG_GCM_TAG_SIZE, is_video, arrival, board);
}

static uint64_t arrival_of(struct msghdr *message) {
    for (struct cmsghdr *control = CMSG_FIRSTHDR(message); control != NULL; control = CMSG_NXTHDR(message, control)) {
        if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SO_TIMESTAMPNS) continue;
        struct timespec at;
        memcpy(&at, CMSG_DATA(control), sizeof at);
        return (uint64_t)at.tv_sec * 1000000000u + (uint64_t)at.tv_nsec;
    }
    return 0;
}

void sample_read(struct sample *sample, int fd, struct swarm_board *board) {
    for (;;) {
        uint8_t bytes[EG_DATAGRAM_SIZE_MAX];
        _Alignas(struct cmsghdr) uint8_t control[CMSG_SPACE(sizeof(struct timespec))];
        struct iovec view = {.iov_base = bytes, .iov_len = sizeof bytes};
        struct msghdr message = {.msg_iov = &view, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control};
        ssize_t size = recvmsg(fd, &message, MSG_DONTWAIT);
        if (size < 0) return;
        take(sample, bytes, (size_t)size, arrival_of(&message), board);
    }
}
