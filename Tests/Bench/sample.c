#include "sample.h"

#include "sink.h"
#include "transport/crypto.h"
#include "transport/srtp.h"
#include "wire/demux.h"
#include "wire/rtp.h"

#include <string.h>

enum { LABEL_ENCRYPTION = 0, LABEL_SALT = 2, STAP_A = 24, NAL_TYPE_MASK = 0x1f };

bool sample_init(struct sample *sample, struct eg_aes *aes, const struct eg_srtp_keys *keys, uint64_t connected) {
    *sample = (struct sample){.aes = aes, .connected = connected};
    return keys->profile == EG_SRTP_AEAD_AES_128_GCM &&
           eg__srtp_derive(aes, &keys->remote, sizeof sample->salt, LABEL_ENCRYPTION, sample->key, sizeof sample->key) &&
           eg__srtp_derive(aes, &keys->remote, sizeof sample->salt, LABEL_SALT, sample->salt, sizeof sample->salt);
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

// 0 when the payload has no room for one.
static uint64_t read_stamp(const uint8_t *payload, size_t size, bool is_video) {
    if (size < MEDIA_STAMP_SIZE || (is_video && (payload[0] & NAL_TYPE_MASK) == STAP_A)) return 0;
    uint64_t stamp = 0;
    for (size_t i = size - MEDIA_STAMP_SIZE; i < size; i++) stamp = stamp << 8 | payload[i];
    return stamp;
}

static void count_latency(uint64_t sent, uint64_t arrival, int kind, struct swarm_board *board) {
    size_t *count = &board->report.latency_counts[kind];
    if (sent == 0 || arrival <= sent || *count == SWARM_LATENCIES_MAX) return;
    board->latencies[kind][(*count)++] = (uint32_t)((arrival - sent) / 100);
}

// Samples are read one after the other, so the picture may stand some way back.
static struct swarm_picture *find_picture(struct swarm_board *board, uint64_t sent) {
    for (size_t i = board->report.picture_count; i-- > 0;) {
        if (board->pictures[i].sent == sent) return &board->pictures[i];
    }
    return NULL;
}

static void count_picture(uint64_t sent, uint64_t arrival, uint32_t packets, struct swarm_board *board) {
    struct swarm_picture *picture = find_picture(board, sent);
    if (picture == NULL) {
        if (board->report.picture_count == SWARM_PICTURES_MAX) return;
        picture = &board->pictures[board->report.picture_count++];
        *picture = (struct swarm_picture){.sent = sent, .first = arrival, .packets = packets};
    }
    if (arrival < picture->first) picture->first = arrival;
    if (arrival > picture->last) picture->last = arrival;
    picture->samples++;
}

// Until its first video has come there is no start to tell of.
static void count_start(struct sample *sample, bool is_video, uint64_t arrival, struct swarm_board *board) {
    if (sample->has_begun || arrival < sample->connected) return;
    if (sample->first_any == 0) sample->first_any = arrival;
    if (!is_video) return;
    sample->has_begun = true;
    if (board->report.start_count == SWARM_VIEWERS_MAX) return;
    board->starts[board->report.start_count++] = (struct swarm_start){(uint32_t)((sample->first_any - sample->connected) / 1000),
                                                                      (uint32_t)((arrival - sample->connected) / 1000)};
}

static void take(struct sample *sample, const uint8_t *bytes, size_t size, uint64_t arrival, struct swarm_board *board) {
    struct eg_rtp rtp;
    if (eg__demux(bytes, size) != EG_DATAGRAM_RTP) return;
    struct swarm_report *report = &board->report;
    if (!eg__rtp_parse(&rtp, bytes, size)) {
        report->sample_refused++;
        return;
    }
    if (sample->arrivals != NULL) arrivals_note(sample->arrivals, &rtp, arrival, false);
    if (rtp.payload_type == MEDIA_RTX_PAYLOAD_TYPE) return; // it has that already: its link is probed
    bool is_video = rtp.payload_type == MEDIA_VIDEO_PAYLOAD_TYPE;
    struct sample_track *track = &sample->tracks[is_video ? MEDIA_VIDEO : MEDIA_AUDIO];
    uint64_t index = index_of(track, rtp.sequence);
    uint8_t nonce[EG_GCM_NONCE_SIZE], payload[EG_DATAGRAM_SIZE_MAX];
    write_nonce(sample, rtp.ssrc, index, nonce);
    size_t header_size = (size_t)(rtp.payload - bytes);
    const struct eg_crypto_job job = {
        .iv = nonce, .aad = bytes, .aad_size = header_size, .in = rtp.payload, .size = size - header_size, .out = payload};
    if (!eg__aes128_gcm_open(sample->aes, sample->key, &job)) {
        report->sample_refused++;
        return;
    }
    report->sample_packets++;
    report->delivered++;
    count_order(track, index, report);
    uint64_t sent = read_stamp(payload, size - header_size - EG_GCM_TAG_SIZE, is_video);
    count_start(sample, is_video, arrival, board);
    count_latency(sent, arrival, is_video ? MEDIA_VIDEO : MEDIA_AUDIO, board);
    if (!is_video) return;
    sample->picture_packets++;
    if (!rtp.marker) return;
    if (sent > 0) count_picture(sent, arrival, sample->picture_packets, board);
    sample->picture_packets = 0;
}

void sample_read(struct sample *sample, int fd, struct swarm_board *board) {
    uint8_t bytes[EG_DATAGRAM_SIZE_MAX];
    uint64_t arrival;
    ssize_t size;
    while ((size = sink_read(fd, bytes, sizeof bytes, &arrival)) >= 0) take(sample, bytes, (size_t)size, arrival, board);
}
