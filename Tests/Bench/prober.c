#include "prober.h"

#include "io/clock.h"
#include "peer.h"
#include "sink.h"
#include "ticks.h"
#include "wire/demux.h"
#include "wire/rtp.h"
#include "wire/stun.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    CHECK_EACH = 3 * EG_MILLISECOND,
    REPAIR_EACH = 5 * EG_MILLISECOND,
    JOIN_EACH = 25 * EG_MILLISECOND,
    PATIENCE = 1 * EG_SECOND,
    CONNECT_PATIENCE = 5 * EG_SECOND,
    RTX_PAYLOAD_TYPE = 103,
};

// Something asked for and not answered yet.
struct question {
    bool is_open;
    uint64_t asked; // [ns of CLOCK_REALTIME]
    eg_time next;   // when to ask again
};

struct prober {
    eg_engine *engine;
    eg_stream_id stream;
    pthread_t thread;
    atomic_bool is_over;
    struct eg_crypto *crypto;
    struct swarm_board *board;     // of its own: viewer 0 asks, viewer 1 is the newcomer
    struct peer asker;
    struct peer newcomer;
    bool has_newcomer;
    bool has_sequence;
    uint16_t sequence;             // of the last packet of video
    struct question questions[PROBER_KINDS];
    struct prober_report report;
};

static uint64_t wall(void) { return ticks_of(CLOCK_REALTIME); }

static void note(struct prober *prober, enum prober_kind kind, uint64_t ns) {
    size_t *count = &prober->report.counts[kind];
    if (*count < PROBER_VALUES_MAX) prober->report.values[kind][(*count)++] = (uint32_t)(ns / 1000);
}

static void answer(struct prober *prober, enum prober_kind kind, uint64_t arrival) {
    struct question *question = &prober->questions[kind];
    if (!question->is_open || arrival < question->asked) return;
    question->is_open = false;
    note(prober, kind, arrival - question->asked);
}

// True when it is time to ask.
static bool is_due(struct prober *prober, enum prober_kind kind, eg_time now, eg_time each) {
    struct question *question = &prober->questions[kind];
    if (question->is_open && now >= question->next - each + PATIENCE) {
        prober->report.unanswered[kind]++;
        question->is_open = false;
    }
    if (question->is_open || now < question->next) return false;
    *question = (struct question){true, wall(), now + each};
    return true;
}

static bool create_viewer(struct prober *prober, uint32_t index) {
    struct swarm_viewer *viewer = &prober->board->viewers[index];
    snprintf(viewer->ufrag, sizeof viewer->ufrag, "p%07u", index);
    snprintf(viewer->pwd, sizeof viewer->pwd, "passw0rd%016u", index);
    struct eg_fingerprint fingerprint;
    char text[EG_FINGERPRINT_TEXT_SIZE + 16] = "sha-256 ";
    eg_dtls_client_fingerprint(&fingerprint);
    for (int i = 0; i < 32; i++) sprintf(text + strlen(text), i > 0 ? ":%02X" : "%02X", fingerprint.bytes[i]);
    struct eg_viewer_config config = {.stream = prober->stream, .ice_ufrag = viewer->ufrag, .ice_pwd = viewer->pwd, .fingerprint = text,
                                      .has_video = true, .has_audio = true, .has_video_rtx = true,
                                      .video_payload_type = MEDIA_VIDEO_PAYLOAD_TYPE, .video_rtx_payload_type = RTX_PAYLOAD_TYPE,
                                      .audio_payload_type = MEDIA_AUDIO_PAYLOAD_TYPE};
    struct eg_viewer_info info;
    struct eg_error error;
    if (eg_viewer_create(prober->engine, &config, &info, &error) != EG_STATUS_OK) return false;
    memcpy(viewer->engine_ufrag, info.ice_ufrag, sizeof viewer->engine_ufrag);
    memcpy(viewer->engine_pwd, info.ice_pwd, sizeof viewer->engine_pwd);
    viewer->video_ssrc = info.video_ssrc;
    viewer->id = info.viewer;
    return true;
}

static void take(struct prober *prober, const uint8_t *bytes, size_t size, uint64_t arrival) {
    enum eg_datagram_kind kind = eg__demux(bytes, size);
    struct eg_stun stun;
    struct eg_rtp rtp;
    if (kind == EG_DATAGRAM_STUN && eg__stun_parse(&stun, bytes, size) && stun.type == EG_STUN_BINDING_SUCCESS) {
        uint64_t number;
        memcpy(&number, bytes + 8, sizeof number);
        if (number == prober->questions[PROBER_CHECK].asked) answer(prober, PROBER_CHECK, arrival);
    } else if (kind == EG_DATAGRAM_RTP && eg__rtp_parse(&rtp, bytes, size)) {
        if (rtp.payload_type == RTX_PAYLOAD_TYPE) answer(prober, PROBER_REPAIR, arrival);
        prober->has_sequence |= rtp.payload_type == MEDIA_VIDEO_PAYLOAD_TYPE;
        if (rtp.payload_type == MEDIA_VIDEO_PAYLOAD_TYPE) prober->sequence = rtp.sequence;
    }
}

static void read_answers(struct prober *prober) {
    uint8_t bytes[EG_DATAGRAM_SIZE_MAX];
    uint64_t arrival;
    ssize_t size;
    while ((size = sink_read(prober->asker.fd, bytes, sizeof bytes, &arrival)) >= 0) take(prober, bytes, (size_t)size, arrival);
}

static void ask(struct prober *prober, eg_time now) {
    if (is_due(prober, PROBER_CHECK, now, CHECK_EACH)) peer_check(&prober->asker, prober->questions[PROBER_CHECK].asked);
    if (prober->has_sequence && is_due(prober, PROBER_REPAIR, now, REPAIR_EACH)) peer_ask_again(&prober->asker, prober->sequence);
}

static void begin_join(struct prober *prober, eg_time now) {
    uint64_t begin = ticks_now();
    prober->has_newcomer = create_viewer(prober, 1);
    if (!prober->has_newcomer) return;
    note(prober, PROBER_CALL, ticks_now() - begin);
    prober->questions[PROBER_JOIN].asked = wall();
    peer_join(&prober->newcomer, now);
}

static void go_on_joining(struct prober *prober, eg_time now) {
    struct peer *newcomer = &prober->newcomer;
    if (!prober->has_newcomer) {
        if (is_due(prober, PROBER_JOIN, now, JOIN_EACH)) begin_join(prober, now);
        return;
    }
    peer_read(newcomer, prober->crypto, now);
    peer_tick(newcomer, prober->crypto, now);
    bool is_late = now >= prober->questions[PROBER_JOIN].next - JOIN_EACH + PATIENCE;
    if (newcomer->state != PEER_CONNECTED && newcomer->state != PEER_FAILED && !is_late) return;
    // The arrival of the last datagram, so that this thread's turn at the processor is not in it.
    if (newcomer->state == PEER_CONNECTED) answer(prober, PROBER_JOIN, newcomer->last_arrival);
    else prober->report.unanswered[PROBER_JOIN]++;
    prober->questions[PROBER_JOIN].is_open = prober->has_newcomer = false;
    eg_viewer_close(prober->engine, prober->board->viewers[1].id);
    peer_leave(newcomer);
}

static void *run(void *context) {
    struct prober *prober = context;
    while (!atomic_load(&prober->is_over)) {
        struct pollfd readable[] = {{.fd = prober->newcomer.fd, .events = prober->has_newcomer ? POLLIN : 0}};
        poll(readable, 1, 1); // media must wake nobody: the asker's arrivals carry their time
        eg_time now = eg__clock_now();
        read_answers(prober);
        ask(prober, now);
        go_on_joining(prober, now);
    }
    return NULL;
}

static bool connect_asker(struct prober *prober) {
    eg_time now = eg__clock_now(), until = now + CONNECT_PATIENCE;
    if (!create_viewer(prober, 0)) return false;
    peer_join(&prober->asker, now);
    while (prober->asker.state != PEER_CONNECTED && prober->asker.state != PEER_FAILED && (now = eg__clock_now()) < until) {
        struct pollfd readable = {.fd = prober->asker.fd, .events = POLLIN};
        poll(&readable, 1, 10);
        peer_read(&prober->asker, prober->crypto, now);
        if (prober->asker.state != PEER_CONNECTED) peer_tick(&prober->asker, prober->crypto, now);
    }
    return prober->asker.state == PEER_CONNECTED;
}

static void destroy(struct prober *prober) {
    struct peer *peers[] = {&prober->asker, &prober->newcomer};
    for (int i = 0; i < 2; i++) {
        if (peers[i]->board == NULL) continue;
        if (prober->board->viewers[i].id != 0) eg_viewer_close(prober->engine, prober->board->viewers[i].id);
        peer_leave(peers[i]);
        if (peers[i]->fd >= 0) close(peers[i]->fd);
    }
    if (prober->crypto != NULL) eg__crypto_destroy(prober->crypto);
    free(prober->board);
    free(prober);
}

struct prober *prober_start(eg_engine *engine, eg_stream_id stream) {
    struct prober *prober = calloc(1, sizeof *prober);
    if (prober == NULL) return NULL;
    *prober = (struct prober){.engine = engine, .stream = stream, .crypto = eg__crypto_create("openssl")};
    prober->board = calloc(1, sizeof *prober->board);
    if (prober->crypto != NULL && prober->board != NULL) {
        struct eg_engine_info info;
        eg_engine_info(engine, &info);
        prober->board->engine_port = info.udp_port;
        // Both as samples, whose datagrams carry the time of their arrival.
        if (peer_init(&prober->asker, prober->board, &prober->board->viewers[0], true) &&
            peer_init(&prober->newcomer, prober->board, &prober->board->viewers[1], true) && connect_asker(prober) &&
            pthread_create(&prober->thread, NULL, run, prober) == 0) {
            return prober;
        }
    }
    destroy(prober);
    return NULL;
}

void prober_stop(struct prober *prober, struct prober_report *report) {
    atomic_store(&prober->is_over, true);
    pthread_join(prober->thread, NULL);
    *report = prober->report;
    destroy(prober);
}
